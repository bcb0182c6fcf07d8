"""A small disk of its own for a store: filled up, freed and made read-only while it is used."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE_BYTES = 4096
"""What a file in memory grows by."""
BUSY, BUSY_TRIES, BUSY_PAUSE_S = 32, 100, 0.1
"""Exit status of mount(8) when it fails, and how it is tried again: who writes is another process,
and no event tells of its last file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """A file system in memory."""

    path: Path

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self, left_kib: int = 0) -> None:
        """Leave so much space and no more."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * PAGE_BYTES)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() - left_kib * 1024))

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink()

    def remount(self, option: str) -> None:
        """Change the mount, such as to read-only; while a file is being written it is busy."""
        command = ["mount", "-o", f"remount,{option}", str(self.path)]
        for _ in range(BUSY_TRIES):
            if subprocess.run(command, check=False).returncode != BUSY:
                break
            time.sleep(BUSY_PAUSE_S)
        subprocess.run(command, check=True)


@contextmanager
def small_disk(path: Path, size_mib: int) -> Generator[SmallDisk]:
    """Mount one at an empty folder; skips the test where mounting is not allowed."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root on Linux: run the suite with sudo")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mount refused: run where CAP_SYS_ADMIN is allowed (docker run --privileged)")
    try:
        yield SmallDisk(path=path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
