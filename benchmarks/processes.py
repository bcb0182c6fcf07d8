"""Tells the processes of one run from all others, attachments from engines, and measures them."""

import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

MARK = "BENCHMARK_RUN"
"""Variable every process of a run inherits: neither a client nor Zettel knows it."""

HANDED_ON = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""What MCP clients hand to a server they start (the SDK's `client/stdio.py`), and no more."""

GONE_S = 0.05
"""Seconds between two looks at whether a process has ended: some systems are slow to bury it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What some processes take together, in bytes."""

    resident: int
    """Pages shared by several processes are counted once for each."""
    proportional: int
    """Shared pages are divided among those who share them: what the machine really spends.
    0 where the system does not tell."""

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(
            resident=self.resident + other.resident,
            proportional=self.proportional + other.proportional,
        )


NOTHING = Memory(resident=0, proportional=0)


def client_environment(mark: str, **settings: str) -> dict[str, str]:
    """The environment of a server that an MCP client starts, with these settings named."""
    kept = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    return kept | {MARK: mark} | settings


def marked(mark: str) -> Iterator[psutil.Process]:
    """Every living process that was started, directly or not, with this mark."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):
            # Somebody else's process, or one that has just ended.
            continue


def engines(mark: str, starters: Collection[int] = ()) -> list[psutil.Process]:
    """The engines among them: whatever else runs was started by this very process.

    Not counted: who has just given birth to an engine, in order to detach it, and is leaving.

    Args:
        mark: Of the run.
        starters: Process ids of others that start processes for this one.
    """
    parents = {process: _parent(process) for process in marked(mark)}
    found = [
        process for process, parent in parents.items() if parent not in (os.getpid(), 0, *starters)
    ]
    giving_birth = {parents[process] for process in found}
    return [process for process in found if process.pid not in giving_birth]


def _parent(process: psutil.Process) -> int:
    """0 for one that has just ended."""
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def memory_of(process: psutil.Process) -> Memory:
    """The memory of one process; nothing if it has ended."""
    try:
        resident = process.memory_info().rss
        # Not every system knows the proportional size, so the type does not promise it.
        full: Mapping[str, int] = process.memory_full_info()._asdict()
    except psutil.Error:
        return NOTHING
    return Memory(resident=resident, proportional=full.get("pss", 0))


def has_ended(process: psutil.Process, within_s: float) -> bool:
    """Wait until a process has ended, whoever started it.

    Args:
        process: Anybody's.
        within_s: How long to wait, in seconds.

    Returns:
        False if it lives on.
    """
    until = time.monotonic() + within_s
    while process in psutil.wait_procs([process], timeout=GONE_S)[1]:
        with suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        if time.monotonic() > until:
            return False
    return True


def kill_all(mark: str) -> None:
    """Leave nothing of a run behind, however it ended."""
    # What is killed first may have been about to start another one.
    while left := list(marked(mark)):
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=GONE_S)
