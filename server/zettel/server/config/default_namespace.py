"""The namespace and session a client gets when it names none."""

import os
import re
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from zettel.tools.caller import USER_NAMESPACE

SLUG_LENGTH = 57
"""Characters: a namespace has at most 64, and `-` with six of hash come behind."""


def git_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds `.git` (a folder, or a worktree's file)."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def project_namespace(start: Path, *, home: Path) -> str:
    """Name the memory of the project somebody works in.

    Args:
        start: Working directory of the client.
        home: The person's home directory; a repository of dot files there is no project.

    Returns:
        The root folder's name and six hex digits of its real path, or `user` outside a project.
    """
    root = git_root(Path(os.path.realpath(start)))
    if root is None or root == Path(os.path.realpath(home)):
        return USER_NAMESPACE
    slug = re.sub(r"[^a-z0-9._-]+", "-", root.name.casefold()).strip("-._")[:SLUG_LENGTH]
    digest = blake2b(os.fsencode(root), digest_size=3).hexdigest()
    return f"{slug or 'project'}-{digest}"


def new_session(now: datetime, *, salt: str) -> str:
    """A session's name that sorts by time and tells two of one minute apart.

    Args:
        now: UTC, timezone-aware.
        salt: A few random hex digits.
    """
    return f"{now:%Y%m%d-%H%M}-{salt}"
