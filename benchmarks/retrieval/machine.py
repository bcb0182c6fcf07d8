"""What the run costs and what it ran on: memory, disk, versions, cores."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

STORE_VARIABLE = "ZETTEL_STORE"
"""The setting that tells a Zettel process where its notes live."""


def resident_bytes(store: Path) -> int:
    """Resident memory of every process that serves a store.

    They are told by the store's path in their environment, so a server that detached itself, or
    runs in several processes, is counted whole. Memory they share is counted once for each.
    """
    return sum(_resident(process, str(store)) for process in psutil.process_iter())


def _resident(process: psutil.Process, store: str) -> int:
    try:
        if process.environ().get(STORE_VARIABLE) == store:
            return process.memory_info().rss
    except (psutil.Error, OSError):
        # Somebody else's process, or one that has just ended.
        return 0
    return 0


def disk_bytes(store: Path) -> int:
    """Sum of the sizes of all files of a store."""
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())


def describe_machine() -> str:
    """Versions of what answers, and the machine's cores and memory, in one line."""
    packages = {"zettel": "zettel-mcp", "lancedb": "lancedb", "mcp": "mcp"}
    parts = [f"{name} {version(package)}" for name, package in packages.items()]
    parts.append(f"Python {platform.python_version()}")
    parts.append(f"{platform.system()} {platform.machine()}")
    parts.append(f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB")
    return " · ".join(parts)
