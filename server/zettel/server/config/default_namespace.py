"""The namespace and session a client gets when it names none."""

import os
import re
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from zettel.server.config.repository import first_commit, git_folder, read_config, remote_of
from zettel.tools.namespace_names import FIRST_COMMIT, REMOTE, Project

SLUG_LENGTH = 57
"""Characters, so that `-` and six hex digits fit into a namespace of 64."""
IDENTITY_BYTES = 8
"""Of a repository's digest: two of a million repositories agree once in 37 million stores."""


def git_root(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds `.git` (a folder, or a worktree's file)."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def find_project(start: Path, *, home: Path) -> Project | None:
    """The project at a working directory.

    A repository in `home` (of dot files) is no project.

    Returns:
        None outside a project.
    """
    root = git_root(Path(os.path.realpath(start)))
    if root is None or root == Path(os.path.realpath(home)):
        return None
    former = f"{_slug(root.name)}-{_digest(os.fsencode(root), 3)}"
    folder = git_folder(root)
    if folder is None:
        return Project(slug=_slug(root.name), former=former)
    url = remote_of(read_config(folder))
    return Project(
        slug=_slug(url.rpartition("/")[2] or root.name),
        former=former,
        remote=_identity(REMOTE, url),
        first_commit=lambda: _identity(FIRST_COMMIT, first_commit(folder)),
    )


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.casefold()).strip("-._")[:SLUG_LENGTH]
    return slug or "project"


def _identity(kind: str, text: str) -> str:
    return f"{kind}{_digest(os.fsencode(text), IDENTITY_BYTES)}" if text else ""


def _digest(text: bytes, size: int) -> str:
    return blake2b(text, digest_size=size).hexdigest()


def new_session(now: datetime, *, salt: str) -> str:
    """A session's name that sorts by time and is unique within a minute.

    Args:
        now: UTC, timezone-aware.
        salt: A few random hex digits.
    """
    return f"{now:%Y%m%d-%H%M}-{salt}"
