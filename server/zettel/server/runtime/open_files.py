"""How many files, sockets among them, a server may have open."""

import sys

if sys.platform != "win32":
    import resource

OPEN_FILES = 8192
"""Of one process. A client takes two, a table some dozens while it is read; macOS allows 10,240."""


def raise_open_files() -> None:
    """Raise the process's limit as far as it may itself: by default macOS allows 256 files."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
