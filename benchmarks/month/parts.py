"""What each part of recall is worth to a month: every question asked again without it."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.month.play import Asked
from benchmarks.month.report import figures
from zettel.tools.ranking import fusion
from zettel.tools.ranking.corpus import Corpus
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import OTHERWISE, weights_for
from zettel.tools.recall import modes
from zettel.tools.recall.search import Found
from zettel.tools.recall.steps import StepFirst


async def _same_found(_memory: object, _asked: object, found: Found) -> Found:
    return found


async def _same_order(*given: Any) -> tuple[Ranked, ...]:
    """The ranking as it is: the last argument but one."""
    return tuple(given[-2])


async def _no_step(
    _memory: object, _query: object, ranked: Sequence[Ranked], *_: object
) -> StepFirst:
    return StepFirst(ranking=tuple(ranked))


async def _no_key(*_: object) -> None:
    return None


_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "add_superseded": _same_found,
    "newest_first": _same_order,
    "told_later_first": _same_order,
    "step_first": _no_step,
    "key_first": _no_key,
}
"""Of `recall.modes`, and what takes their place."""
MOVES = tuple(_FUNCTIONS)
"""Functions that move notes."""
SIGNALS = tuple(name for name, weight in OTHERWISE.items() if weight)
"""Signals that count where people do not talk with each other."""


@contextmanager
def switched_off(part: str) -> Generator[None]:
    """Recall without one of `MOVES` or `SIGNALS`."""
    place, name = (modes, part) if part in _FUNCTIONS else (fusion, "weights_for")
    before = getattr(place, name)
    setattr(place, name, _FUNCTIONS[part] if part in _FUNCTIONS else _weights_without(part))
    try:
        yield
    finally:
        setattr(place, name, before)


def _weights_without(signal: str) -> Callable[[Corpus], Mapping[str, float]]:
    """Next to nothing instead of none: the verdict reads the shares of some."""
    return lambda corpus: {**weights_for(corpus), signal: 1e-9}


COUNTED = ("right first", "right in three", "stale above current")


def write_parts(asked: Sequence[Asked], without: Mapping[str, Sequence[Asked]]) -> str:
    """A row for each part: the figures with everything, and what changes without it.

    Args:
        asked: Every question of all months, with everything.
        without: Part -> the same questions, asked without it.
    """
    lines = [
        f"| without | {' | '.join(COUNTED)} | questions won | lost |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for part, again in (("nothing", asked), *without.items()):
        found = figures(again)
        first = [
            (one.first_gold == 0, other.first_gold == 0)
            for one, other in zip(asked, again, strict=True)
        ]
        won, lost = first.count((True, False)), first.count((False, True))
        cells = (*(f"{100 * found[name]:.1f}" for name in COUNTED), str(won), str(lost))
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(
        ["", "*won*: right first with the part alone; *lost*: without it alone.", "", *lines, ""]
    )
