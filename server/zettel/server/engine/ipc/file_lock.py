"""A lock between processes that ends with its holder, however that ends.

Part of the attachment: imports next to nothing. `flock`, as filelock does it on POSIX.
"""

import os
import sys

if sys.platform != "win32":
    import fcntl


def try_lock(path: str) -> int | None:
    """Take the lock, or see that somebody else has it.

    Returns:
        A descriptor: whoever closes it, or dies, lets go of the lock. None if it is held.

    Raises:
        OSError: The file cannot be made or locked.
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
        # Removed or replaced between the two calls: that lock would protect nothing.
        os.close(fd)


def is_locked(path: str) -> bool:
    """Whether some process holds the lock.

    Asks for a share of it, for an instant: whoever wants the lock has to try more than once.
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
    """Whether a path still names the file that was opened."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except OSError:
        return False


def _lock(fd: int, *, shared: bool = False) -> bool:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  there is no other platform that has it

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
