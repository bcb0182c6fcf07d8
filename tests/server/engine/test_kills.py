"""The engine dies under its clients, in every way and at every moment, and no call notices.

`make torture` does the same a hundred times, at random.
"""

import random
import secrets
import sys
from pathlib import Path

import pytest
from benchmarks.torture.arena import Arena
from benchmarks.torture.blows import AT_WORK, KILLS, OTHER_ENDS, Fight, Round
from benchmarks.torture.fights import Outcome, clients_of, fight_on
from tests.server.engine_homes import home_at
from tests.server.processes import ZETTEL, tool_call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


async def fought(folder: Path, rounds: dict[str, Round], blows: int, ipc: str = "unix") -> Outcome:
    """One store's fight until so many blows have fallen, and every kind of round was fought."""
    arena = Arena(ZETTEL, folder, secrets.token_hex(8), ipc)

    def goes_on(fight: Fight) -> bool:
        return fight.blows < blows

    async with clients_of(arena, random.Random(blows)) as fight:
        return await fight_on(fight, rounds, goes_on, progress=lambda name: None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rounds", "blows"),
    [({name: act for name, act in KILLS.items() if name not in AT_WORK}, 11), (AT_WORK, 4)],
    ids=["amid calls", "amid evolution"],
)
async def test_no_call_is_lost_doubled_or_hung_by_kill_9(
    tmp_path: Path, rounds: dict[str, Round], blows: int
) -> None:
    outcome = await fought(tmp_path, rounds, blows)

    assert outcome.blows >= blows
    assert all(tally.blows >= 2 for tally in outcome.tallies.values())
    assert outcome.flawless, outcome
    # Only two deaths under one call are for its client to know.
    assert not [n for n, tally in outcome.tallies.items() if tally.sent_again and n != "spawn"]


def test_a_client_that_has_said_its_last_word_gets_its_answers_from_the_next_engine(
    tmp_path: Path,
) -> None:
    with home_at(tmp_path / "store") as home:
        client = home.attach()
        client.say(*(tool_call(n, "remember", content=f"note {n}") for n in range(2, 34)))
        client.stdin.close()
        home.engine().kill()
        answers = [client.hear() for _ in range(32)]

        assert all("result" in answer for answer in answers)
        assert client.end() == 0
        assert len(home.run("list", "--json").stdout.splitlines()) == 32


@pytest.mark.slow
@pytest.mark.parametrize("way", OTHER_ENDS)
async def test_no_call_is_lost_doubled_or_hung_by_the_ends_that_are_asked_for(
    tmp_path: Path, way: str
) -> None:
    outcome = await fought(tmp_path, {way: OTHER_ENDS[way]}, 1, "tcp")

    assert outcome.blows
    assert outcome.flawless, outcome
