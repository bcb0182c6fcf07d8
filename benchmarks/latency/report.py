"""Writes what was measured as Markdown, each verb beside its floor."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.latency.measure import CLIENTS, Series, Verb
from benchmarks.retrieval.score import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Both verbs at one size."""

    notes: int
    verbs: Mapping[str, Verb]


def write_report(sizes: Sequence[Measured], *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        sizes: The figures, a size each.
        command: How to repeat them.
        machine: Versions and hardware, one line.
    """
    blocks = [
        f"# Latency\n\n`{command}`\n\n{machine}",
        "In milliseconds, p50 and p95, all sides in turn in one run. The floor is encoding and"
        " LanceDB's own queries with the same filter one after the other, or `add`; ratios are of"
        " p50. At once: calls a second with"
        f" {CLIENTS} at once, without protocol.",
        _table(
            (
                *("notes", "verb", "calls", "in process", "floor", "ratio", "cpu over floor's"),
                *("attached", "ratio", "beside", "attached over it"),
                *("a second, at once", "floor's", "encoder's"),
            ),
            (_row(size.notes, verb, of) for size in sizes for verb, of in size.verbs.items()),
        ),
        "Parts that overlap are each counted whole.",
        *(_table(("part", *_heads(size)), _part_rows(size)) for size in sizes),
    ]
    return "\n\n".join(blocks) + "\n"


def _row(notes: int, name: str, verb: Verb) -> Sequence[str]:
    once = verb.at_once
    return (
        str(notes),
        f"`{name}`",
        str(len(verb.ours.wall)),
        _both(verb.ours.wall),
        _both(verb.floor.wall),
        _ratio(verb.ours, verb.floor),
        f"{percentile(verb.ours.cpu, 0.5) / percentile(verb.floor.cpu, 0.5):.2f}",
        _both(verb.attached.wall),
        _ratio(verb.attached, verb.floor),
        _both(verb.beside.wall) if verb.beside.wall else "",
        _ratio(verb.attached, verb.beside) if verb.beside.wall else "",
        f"{once.ours:.0f}",
        f"{once.floor:.0f}",
        f"{once.encoder:.0f}",
    )


def _heads(size: Measured) -> Iterator[str]:
    for name in size.verbs:
        yield f"`{name}`, {size.notes} notes"
        yield "mean"


def _part_rows(size: Measured) -> Iterator[Sequence[str]]:
    """Each part that any verb has, then the floor's."""
    sides = [
        {f"{prefix}{name}": times for name, times in _gathered(rounds).items()}
        for verb in size.verbs.values()
        for prefix, rounds in (
            ("", [call.parts.items() for call in verb.calls]),
            ("floor: ", verb.floor_parts),
        )
    ]
    names = dict.fromkeys(name for side in sides for name in side)
    columns = [sides[at] | sides[at + 1] for at in range(0, len(sides), 2)]
    for name in sorted(names, key=lambda name: name.startswith("floor")):
        cells = list[str]()
        for column in columns:
            times = column.get(name, [])
            cells += [_both(times), f"{fmean(times):.2f}"] if times else ["", ""]
        yield (name, *cells)


def _gathered(rounds: Iterable[Iterable[tuple[str, float]]]) -> dict[str, list[float]]:
    found = dict[str, list[float]]()
    for parts in rounds:
        for name, took in parts:
            found.setdefault(name, []).append(took)
    return found


def _both(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.95):.1f}"


def _ratio(one: Series, other: Series) -> str:
    return f"{percentile(one.wall, 0.5) / percentile(other.wall, 0.5):.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
