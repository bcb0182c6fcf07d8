"""The namespace and session a client gets when it names none."""

import os
import re
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from zettel.tools.caller import USER_NAMESPACE

SLUG_LENGTH = 57
"""Characters, so that `-` and six hex digits fit into a namespace of 64."""


def git_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds `.git` (a folder, or a worktree's file)."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def project_namespace(start: Path, *, home: Path) -> str:
    """The namespace of the project at a working directory.

    Args:
        start: Working directory of the client.
        home: Home directory; a repository there (of dot files) is no project.

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
    """A session's name that sorts by time and is unique within a minute.

    Args:
        now: UTC, timezone-aware.
        salt: A few random hex digits.
    """
    return f"{now:%Y%m%d-%H%M}-{salt}"
