"""A lock between processes that the system releases when its holder dies (`flock`).

Standard library only.
"""

import errno
import os
import sys

if sys.platform != "win32":
    import fcntl

PASSING_ERRORS = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EIO, errno.ENOSPC, errno.EDQUOT)
)
"""Numbers of errors that say nothing of a file: the system has no descriptor, memory or space."""


def try_lock(path: str) -> int | None:
    """Take the lock if it is free.

    Returns:
        A descriptor, whose closing releases the lock; None if another process holds it.

    Raises:
        OSError: The file cannot be created or locked.
    """
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(fd):
                os.close(fd)
                return None
            if is_still(path, fd):
                return fd
        except OSError:
            os.close(fd)
            raise
        # The file was removed or replaced between the two calls: open the new one.
        os.close(fd)


def is_locked(path: str) -> bool:
    """Whether some process holds the lock.

    Takes a shared lock for an instant, so `try_lock` elsewhere may fail once.
    """
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(fd, shared=True)
    except OSError:
        return False
    finally:
        os.close(fd)


def is_still(path: str, fd: int) -> bool:
    """Whether a path still names the opened file; also true while the system cannot look."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except OSError as error:
        return error.errno in PASSING_ERRORS


def _lock(fd: int, *, shared: bool = False) -> bool:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  Windows only

        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
