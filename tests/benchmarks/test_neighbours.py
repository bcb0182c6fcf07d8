"""How the neighbours' benchmark judges what it measured."""

import random

import pytest
from benchmarks.neighbours.abuses import ABUSES
from benchmarks.neighbours.calls import call_body
from benchmarks.neighbours.judge import Measured, bounds, write_report
from benchmarks.neighbours.measure import Waits
from benchmarks.neighbours.oracles import guess_rate

from zettel.server.engine.ipc.lines import MAX_MESSAGE

HELD = [True, False] * 100


def waits(
    name: str, recall: float, health: float, *, connections: int = 0, failed: int = 0
) -> Waits:
    return Waits(
        name=name,
        connections=connections,
        recall=[recall] * 20,
        health=[0.002] * 19 + [health],
        failed=failed,
    )


def measured(abused: Waits, *, after: int = 100, guesses: float = 0.5) -> Measured:
    return Measured(
        quiet=[waits("quiet", 0.02, 0.01), waits("quiet", 0.02, 0.03)],
        abused=[abused],
        memory={"before": 100, "most": 200, "after": after},
        guesses={"score": guesses},
    )


def broken(given: Measured) -> list[str]:
    """The first words of the bounds that are not kept."""
    return [bound.name.partition(":")[0] for bound in bounds(given) if not bound.kept]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (measured(waits("a", 0.06, 0.13)), []),
        (measured(waits("a", 0.061, 0.13)), ["recall p95"]),
        (measured(waits("a", 0.02, 0.131)), ["/health, slowest"]),
        (measured(waits("a", 0.02, 0.01, failed=1)), ["recall p95"]),
        (measured(waits("a", 0.02, 0.01), after=126), ["memory after it"]),
        (measured(waits("a", 0.02, 0.01), guesses=0.61), ["right guesses by score"]),
        (measured(waits("a", 0.02, 0.01), guesses=0.39), ["right guesses by score"]),
    ],
)
def test_each_bound_is_broken_by_what_exceeds_it(given: Measured, expected: list[str]) -> None:
    assert broken(given) == expected
    assert ("**no**" in write_report(given, command="run", machine="m")) is bool(expected)


def test_an_attacker_is_right_where_an_answer_tells_and_half_the_time_where_not() -> None:
    chance = random.Random(3)
    noise = [chance.random() for _ in HELD]
    telling = [3.0 * held + value for held, value in zip(HELD, noise, strict=True)]

    assert guess_rate(telling, HELD, chance) == 1.0
    assert 0.35 < guess_rate(noise, HELD, chance) < 0.65
    assert 0.35 < guess_rate([1.0] * len(HELD), HELD, chance) < 0.65


def test_every_abuse_is_a_request_that_the_server_reads() -> None:
    for calls in ABUSES.values():
        for tool, arguments in calls:
            assert len(call_body(tool, arguments)) <= MAX_MESSAGE
