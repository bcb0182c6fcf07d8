"""Permissions of a directory store: what other users of the machine can reach of it.

Zettel makes the directory with mode 0700 and leaves the mode of one that was there: a group may be
meant to have its backups read it. So it warns, and only `zettel doctor --fix` changes modes.
"""

import shlex
import stat
import sys
from pathlib import Path

from zettel.server.engine.ipc.store_path import is_directory, one_spelling

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""All permissions of users other than the owner."""


def mode_of(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def private_paths(directory: Path) -> list[Path]:
    """The top-most private paths: the store, and the files beside its tables."""
    beside = [directory / "config.toml", directory / ".engine", directory / "erasures.jsonl"]
    return [path for path in (directory, *beside) if path.exists() and not path.is_symlink()]


def open_paths(directory: Path) -> list[Path]:
    """The private paths of a store that have permissions of other users."""
    return [path for path in private_paths(directory) if mode_of(path) & OTHERS]


def permission_warnings(store: str) -> list[str]:
    """A warning if other users can enter or read the store's directory; else they reach nothing."""
    # There, modes say nothing about other users.
    if sys.platform == "win32" or not is_directory(store):
        return []
    directory = Path(one_spelling(store))
    try:
        found = open_paths(directory)
    except OSError:  # opening the store fails with a better error
        return []
    if directory not in found:
        return []
    shown = ", ".join(f"{path.name} {mode_of(path):04o}" for path in found)
    return [
        f"Other users of this machine can get at the notes in {directory} ({shown}):"
        f" chmod 700 {shlex.quote(str(directory))}"
    ]
