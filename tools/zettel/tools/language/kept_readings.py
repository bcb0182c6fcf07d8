"""What was read of the last texts, kept for when it is asked for again; dropped at an erasure."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

from zettel.tools.language.languages import find_language_of_start
from zettel.tools.language.times import parse_moment

_P = ParamSpec("_P")
_T = TypeVar("_T")

_clear_each = [find_language_of_start.cache_clear, parse_moment.cache_clear]


def keep_last(most: int) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Make a function of texts keep its last results, as many as `most`."""

    def keep(read: Callable[_P, _T]) -> Callable[_P, _T]:
        kept = lru_cache(maxsize=most)(read)
        _clear_each.append(kept.cache_clear)
        return cast(Callable[_P, _T], kept)

    return keep


def clear_kept_readings() -> None:
    """Forget all texts: some may have been erased."""
    for clear in _clear_each:
        clear()
