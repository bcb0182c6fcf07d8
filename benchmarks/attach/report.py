"""Writes what was measured as Markdown, each figure beside what it is compared with."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.attach.measure import Crowd, Times
from benchmarks.processes import Memory
from benchmarks.retrieval.score import percentile

MIB = 2**20
MB = 1_000_000

WARM_FACTOR, WARM_MS = 2.0, 50.0
"""Bound of a warm `initialize`: so often `python -c pass`, and so much more (issue 3)."""
COLD_FACTOR, COLD_MS = 1.5, 500.0
"""Bound of a cold one, against importing the SDK (issue 3)."""
MEMORY_MB = 6.0
"""An attachment's resident memory above a bare interpreter's (issue 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything one run measured."""

    warm: Times
    cold: Times
    attachment: Memory
    bare: Memory
    crowds: Sequence[Crowd]


def write_report(measured: Measured, *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        measured: The figures.
        command: How to repeat them.
        machine: Versions and hardware, one line.
    """
    blocks = [
        f"# Attachment\n\n`{command}`\n\n{machine}",
        "Taken in turn in one run: p50, and p95 in brackets.",
        _table(("", "zettel", "compared with", "ratio", "bound", "kept"), _bounds(measured)),
        "Memory of every process together, model loaded, one recall answered by each client. "
        "Proportional: what several processes share is divided among them.",
        _table(
            ("clients", "servers", "engines", "clients' processes", "resident", "proportional"),
            map(_crowd, measured.crowds),
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def kept_bounds(measured: Measured) -> bool:
    """Whether every bound of the issue holds."""
    return all(row[-1] == "yes" for row in _bounds(measured))


def _bounds(measured: Measured) -> Iterator[Sequence[str]]:
    yield _times(
        "`initialize`, engine running",
        measured.warm,
        "`python -c pass`",
        WARM_FACTOR,
        WARM_MS,
    )
    yield _times(
        "`initialize`, no engine",
        measured.cold,
        "`from mcp.server import MCPServer`",
        COLD_FACTOR,
        COLD_MS,
    )
    ours, bare = measured.attachment.resident / MB, measured.bare.resident / MB
    yield (
        "resident memory of an attachment",
        f"{ours:.1f} MB",
        f"bare interpreter {bare:.1f} MB",
        f"{ours / bare:.2f}",
        f"≤ {bare + MEMORY_MB:.1f} MB",
        _yes(ours <= bare + MEMORY_MB),
    )


def _times(name: str, times: Times, other: str, factor: float, more_ms: float) -> Sequence[str]:
    bound = factor * times.other_ms + more_ms
    return (
        f"{name} ({len(times.ours)} times)",
        _milliseconds(times.ours),
        f"{other} {_milliseconds(times.other)}",
        f"{times.ours_ms / times.other_ms:.2f}",
        f"≤ {bound:.0f} ms",
        _yes(times.ours_ms <= bound),
    )


def _milliseconds(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.0f} ms ({percentile(values, 0.95):.0f})"


def _yes(kept: bool) -> str:
    return "yes" if kept else "**no**"


def _crowd(crowd: Crowd) -> Sequence[str]:
    total = crowd.engine + crowd.servers
    return (
        str(crowd.clients),
        "one each (`--in-process`)" if crowd.in_process else "one engine",
        str(crowd.engines),
        f"{crowd.servers.resident / MIB:.0f} MiB",
        f"{total.resident / MIB:.0f} MiB",
        f"{total.proportional / MIB:.0f} MiB" if total.proportional else "not told",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
