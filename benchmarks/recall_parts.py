"""Parts of recall that a benchmark switches off, to say what each is worth."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from zettel.tools.ranking import fusion
from zettel.tools.ranking.corpus import Corpus
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import OTHERWISE, TALK, weights_for
from zettel.tools.recall import modes, search
from zettel.tools.recall.search import Found
from zettel.tools.recall.steps import StepFirst


async def _same_found(_memory: object, _asked: object, found: Found) -> Found:
    return found


async def _same_order(*given: Any) -> tuple[Ranked, ...]:
    """The ranking as it is: the last argument but one."""
    return tuple(given[-2])


async def _same_ranked(*given: Any) -> tuple[Ranked, ...]:
    """The ranking as it is: the last argument."""
    return tuple(given[-1])


async def _no_look(_looks: object, first: object, *_: object) -> object:
    return first


async def _no_step(
    _memory: object, _query: object, ranked: Sequence[Ranked], *_: object
) -> StepFirst:
    return StepFirst(ranking=tuple(ranked))


async def _no_key(*_: object) -> None:
    return None


_FUNCTIONS: Mapping[str, tuple[ModuleType, str, Callable[..., object]]] = {
    "add_superseded": (modes, "add_superseded", _same_found),
    "newest_first": (modes, "newest_first", _same_ranked),
    "told_later_first": (modes, "told_later_first", _same_order),
    "step_first": (modes, "step_first", _no_step),
    "key_first": (modes, "key_first", _no_key),
    "stating_first": (search, "_stating_first", _same_order),
    "second look for a name": (search, "_steps", _no_look),
    "second look for an event": (search, "_beside", _no_look),
}
"""Part -> where the function is called, its name, and what takes its place."""
MOVES = tuple(_FUNCTIONS)
"""Functions that move notes."""
SIGNALS = tuple(name for name in TALK if TALK[name] or OTHERWISE[name])
"""Signals of the ranking."""


@contextmanager
def switched_off(part: str) -> Generator[None]:
    """Recall without one of `MOVES` or `SIGNALS`."""
    place, name, instead = _FUNCTIONS.get(part, (fusion, "weights_for", _weights_without(part)))
    before = getattr(place, name)
    setattr(place, name, instead)
    try:
        yield
    finally:
        setattr(place, name, before)


def _weights_without(signal: str) -> Callable[[Corpus], Mapping[str, float]]:
    """Next to nothing instead of none: the verdict reads the shares of some."""
    return lambda corpus: {**weights_for(corpus), signal: 1e-9}
