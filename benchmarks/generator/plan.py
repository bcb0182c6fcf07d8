"""Who has which slot for what: each category needs slots that no other category touches."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.generator.slots import CHANGING, DIET, LANGUAGE, PET, Slot

Fact = tuple[str, Slot]
"""A person and one of the slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of the personal slots of one conversation."""

    plain: tuple[Fact, ...]
    """Told once, of several people."""
    chained: tuple[Fact, ...]
    """Told, then changed once or several times."""
    conflicting: tuple[Fact, ...]
    """Told, then told otherwise."""
    rejected: tuple[Fact, ...]
    """Stated wrongly by somebody else, and rejected."""
    untold: Slot
    """Never told of anybody here."""
    lopsided: Slot
    """Told of everybody but the first."""


def plan(people: Sequence[str], rng: Random) -> Plan:
    """Deal the slots out; each person's plain ones are at least two."""
    changing = rng.sample(CHANGING, len(CHANGING))
    untold, lopsided, common = rng.sample((DIET, PET, LANGUAGE), 3)
    plain, chained, conflicting, rejected = list[Fact](), list[Fact](), list[Fact](), list[Fact]()
    for number, person in enumerate(people):
        turn = number // 2 % len(changing)
        first, second, third, last = (*changing[turn:], *changing[:turn])
        plain += [(person, common), (person, last)]
        if number % 2 == 0:
            chained.append((person, first))
            rejected.append((person, third))
            plain.append((person, second))
        else:
            conflicting.append((person, second))
            plain += [(person, first), (person, third)]
    return Plan(
        plain=tuple(plain),
        chained=tuple(chained),
        conflicting=tuple(conflicting),
        rejected=tuple(rejected),
        untold=untold,
        lopsided=lopsided,
    )
