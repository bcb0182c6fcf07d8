"""The bounds on subscriptions."""

from collections.abc import Mapping

import pytest

from zettel.server.protocol import subscriptions as feeds
from zettel.server.protocol.limit_errors import TooManySubscriptionsError
from zettel.server.protocol.schemas import Arguments, StatsReading
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.storage.access import Access
from zettel.storage.notes import Origin
from zettel.tools.caller import Caller


async def answer(_arguments: Arguments, _caller: Caller) -> Mapping[str, object]:
    """Something that can be watched."""
    return {"notes": 1}


def nothing() -> None:
    """A change that nobody waits for."""


def bearer(name: str) -> Caller:
    """One who came with an access token."""
    return Caller(origin=Origin(principal=name), reach=Access(reads=frozenset({name})))


async def test_subscriptions_of_one_token_are_bounded_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "TOKEN_MAX_SUBSCRIPTIONS", 2)
    feed = ChangeFeed(answer)
    end, _ = [await feed.watch(bearer("ana"), StatsReading(), nothing) for _ in range(2)]

    with pytest.raises(TooManySubscriptionsError):
        await feed.watch(bearer("ana"), StatsReading(), nothing)
    await feed.watch(bearer("ben"), StatsReading(), nothing)
    for _ in range(3):
        # The local user has no token, and no bound but that of all.
        await feed.watch(Caller(), StatsReading(), nothing)
    end()
    await feed.watch(bearer("ana"), StatsReading(), nothing)

    assert feed.watching == 6


async def test_all_subscriptions_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "PROCESS_MAX_SUBSCRIPTIONS", 2)
    feed = ChangeFeed(answer)
    for name in ("ana", "ben"):
        await feed.watch(bearer(name), StatsReading(), nothing)

    for caller in (bearer("cleo"), Caller()):
        with pytest.raises(TooManySubscriptionsError):
            await feed.watch(caller, StatsReading(), nothing)
