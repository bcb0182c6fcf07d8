"""Finds the file of a model to which this process has no access."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from zettel.storage.errors import ModelUnavailableError

_MODEL_FILES = ("modules.json", "config.json")
"""Of which a model's folder has at least one."""
_EFFECTIVE = os.access in os.supports_effective_ids


def cannot_load(
    name: str,
    folder: Path,
    problem: str,
    remedy: str,
    error: BaseException | None = None,
    *,
    what: str = "embedding model",
) -> ModelUnavailableError:
    """The error of a model that cannot be used; for want of access, one that names the path.

    Args:
        name: Of the model.
        folder: Where its files are.
        problem: What is wrong, if access is not.
        remedy: The same.
        error: What was raised; its causes are looked at too. A library may not say that it was a
            matter of access, so the files are looked at as well.
        what: Kind of model.
    """
    denied = next(_denied(folder, error), None)
    if denied is None:
        return ModelUnavailableError(name, problem, remedy, what=what)
    path, deed = denied
    problem = f"cannot be loaded: user {_this_user()} may not {deed} {str(path)!r}{_whose(path)}"
    remedy = "Give that user access to it, with chmod or chown, then start Zettel again."
    return ModelUnavailableError(name, problem, remedy, what=what)


def _denied(folder: Path, error: BaseException | None) -> Iterator[tuple[Path, str]]:
    """Paths without access, and what may not be done with them."""
    while error is not None:
        if isinstance(error, PermissionError) and isinstance(error.filename, str):
            path = Path(error.filename)
            yield from _unread(path)
            yield _nearest(path), "write to"
        error = error.__cause__ or error.__context__
    yield from _unread(folder)
    if not any(os.path.lexists(folder / name) for name in _MODEL_FILES):
        return  # no model: what else lies there has nothing to do with it
    for place, _, files in os.walk(folder):
        for at in (Path(place), *(Path(place, file) for file in sorted(files))):
            yield from _unread(at)


def _unread(path: Path) -> Iterator[tuple[Path, str]]:
    """The first directory on the way to a path that is shut, else the path if it is."""
    for parent in reversed(path.parents):
        if os.path.lexists(parent) and not _may(parent, os.X_OK):
            yield parent, "open"
            return
    mode = os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK
    if os.path.lexists(path) and not _may(path, mode):
        yield path, "read"


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=_EFFECTIVE)


def _nearest(path: Path) -> Path:
    """The path, or the directory in which it would be made."""
    return next((at for at in (path, *path.parents) if os.path.lexists(at)), path)


def _this_user() -> str:
    if sys.platform == "win32":
        import getpass  # noqa: PLC0415  elsewhere it believes the environment

        return getpass.getuser()
    return _user(os.geteuid())


def _user(uid: int) -> str:
    if sys.platform == "win32":
        return str(uid)
    import pwd  # noqa: PLC0415  POSIX only

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container
        return str(uid)


def _whose(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    if sys.platform == "win32":
        return ""
    return f" (of user {_user(found.st_uid)}, mode {stat.S_IMODE(found.st_mode):04o})"
