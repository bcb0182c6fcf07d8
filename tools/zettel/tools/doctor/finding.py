"""One thing that is not as it should be, in words for the person who keeps the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zettel.storage.doctor.facts import StoreFacts

SHOWN = 5
"""Examples that a finding names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found; none of it is anybody's text."""

    name: str
    """The damage, in one word: stable, for programs."""
    count: int
    means: str
    """What it means for the notes or for who uses them."""
    fix: str = ""
    """What `--fix` does about it; empty if it can do nothing."""
    advice: str = ""
    """What a person can do, where `--fix` cannot or not alone."""
    examples: tuple[str, ...] = ()
    """Ids or names, a few."""
    is_damage: bool = True
    """False for what is only worth knowing."""


Check = Callable[[StoreFacts], Sequence[Finding]]


def few(names: Sequence[str]) -> tuple[str, ...]:
    """The first names of many."""
    return tuple(names[:SHOWN])


def found(
    name: str, ids: Sequence[str], means: str, *, fix: str = "", advice: str = ""
) -> list[Finding]:
    """A finding about these notes or things; none if there are none."""
    if not ids:
        return []
    shown = few(list(dict.fromkeys(ids)))
    return [Finding(name=name, count=len(ids), means=means, fix=fix, advice=advice, examples=shown)]
