"""What was read of the last texts, kept for when it is asked for again; dropped at an erasure."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_clear_each = list[Callable[[], None]]()
_count_each = list[Callable[[], int]]()


def keep_last(most: int) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Make a function of texts keep its last results, as many as `most`."""

    def keep(read: Callable[_P, _T]) -> Callable[_P, _T]:
        kept = lru_cache(maxsize=most)(read)
        _clear_each.append(kept.cache_clear)
        _count_each.append(lambda: kept.cache_info().currsize)
        return cast(Callable[_P, _T], kept)

    return keep


def count_kept_readings() -> int:
    """How many results are kept."""
    return sum(count() for count in _count_each)


def clear_kept_readings() -> None:
    """Forget all texts: some may have been erased."""
    for clear in _clear_each:
        clear()
