"""Tokens that end, are revoked or never were, by a clock of ours."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.authentication import UnauthenticatedUser
from starlette.types import Message, Receive, Scope, Send
from tests.storage.in_memory.store import DictStore

from zettel.server.auth import static_tokens, token_store
from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.auth.token_store import add_token, read_tokens, revoke_token
from zettel.server.auth.tokens import make_token, recognized, revoked
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http import access as gates
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.state.memory import Memory

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class OpenRuntime(Runtime):
    """A runtime whose store is open."""

    def __init__(self) -> None:
        self.opened = Memory(store=DictStore(), embedder=HashEmbedder())

    async def memory(self) -> Memory:
        """The memory."""
        return self.opened


@dataclass
class Gate:
    """A gatekeeper before an application that answers for ever."""

    runtime: OpenRuntime = field(default_factory=OpenRuntime)
    now: datetime = NOW
    streams: OpenRequests = field(default_factory=OpenRequests)
    came_in: list[object] = field(default_factory=list[object])

    def __post_init__(self) -> None:
        self.keeper = TokenAccess(self.runtime, clock=lambda: self.now)
        self.app = partial(self.streams.handle, partial(self.keeper.handle, self._answer))

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.came_in.append(scope["user"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await anyio.sleep_forever()

    async def ask(self, token: str) -> list[Message]:
        """Everything that is answered, once it has ended."""
        told = list[Message]()

        async def send(message: Message) -> None:
            told.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {"type": "http", "path": "/sse", "method": "GET", "headers": headers}
        with anyio.fail_after(20):
            await self.app(scope, receive, send)
        return told


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """One that looks again at once."""
    for module in (gates, static_tokens):
        monkeypatch.setattr(module, "TOKENS_FRESH_S", 0)
    return Gate()


async def until(true: Callable[[], bool]) -> None:
    """Wait for something to become so."""
    with anyio.fail_after(20):
        while not true():
            await anyio.lowlevel.checkpoint()


async def test_a_token_that_ends_takes_its_open_responses_with_it(gate: Gate) -> None:
    token, text = make_token("ana", ["ana"], expires="1h", now=NOW)
    await add_token(gate.runtime.opened.store, token)
    told = list[Message]()

    async def ask() -> None:
        told.extend(await gate.ask(text))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gate.keeper.watch, gate.streams)
        tasks.start_soon(ask)
        await until(lambda: len(gate.came_in) == 1)
        gate.now += timedelta(minutes=59)
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        assert told == []
        gate.now += timedelta(minutes=1)
        await until(lambda: bool(told))
        tasks.cancel_scope.cancel()

    assert [message.get("status") for message in told] == [200, None]
    assert told[-1]["more_body"] is False
    assert (await gate.ask(text))[0]["status"] == 401


async def test_the_first_token_ends_what_was_open_without_one(gate: Gate) -> None:
    ended = anyio.Event()

    async def ask() -> None:
        await gate.ask("")
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gate.keeper.watch, gate.streams)
        tasks.start_soon(ask)
        await until(lambda: len(gate.came_in) == 1)
        assert isinstance(gate.came_in[0], UnauthenticatedUser)
        token, _ = make_token("ana", ["ana"], expires=None, now=NOW)
        await add_token(gate.runtime.opened.store, token)
        with anyio.fail_after(20):
            await ended.wait()
        tasks.cancel_scope.cancel()

    assert (await gate.ask(""))[0]["status"] == 401


async def test_revoking_the_last_token_lets_nobody_in(gate: Gate) -> None:
    token, text = make_token("ana", ["ana"], expires=None, now=NOW)
    await add_token(gate.runtime.opened.store, token)
    await revoke_token(gate.runtime.opened.store, "ana", partial(revoked, now=NOW))

    assert [(await gate.ask(presented))[0]["status"] for presented in ("", text)] == [401, 401]
    assert gate.came_in == []


@given(st.text())
def test_no_other_text_is_taken_for_a_token(text: str) -> None:
    token, real = make_token("ana", ["ana"], expires=None, now=NOW)

    assert recognized([token], real, NOW) is token
    for forged in (text, f"zettel_{token.token_id}_{text}", real + text, text + real):
        assert forged == real or recognized([token], forged, NOW) is None


def test_neither_the_token_nor_its_secret_is_kept() -> None:
    token, text = make_token("ana", ["ana"], expires=None, now=NOW)

    assert text.split("_", 2)[2] not in repr(token)
    assert recognized([revoked(token, NOW)], text, NOW) is None
    assert revoked(token, NOW).digest == ""


class SlowStore(DictStore):
    """Lets others do something between a read and a write."""

    async def get_meta(self, key: str) -> str | None:
        """A named value, a moment ago."""
        found = await super().get_meta(key)
        await anyio.lowlevel.checkpoint()
        return found


async def test_tokens_made_at_once_are_all_kept() -> None:
    store = SlowStore()
    names = [f"t{number}" for number in range(12)]

    async with anyio.create_task_group() as tasks:
        for name in names:
            token, _ = make_token(name, ["a"], expires=None, now=NOW)
            tasks.start_soon(add_token, store, token)
    gone = await revoke_token(store, "t7", partial(revoked, now=NOW))
    again, _ = make_token("t7", ["a"], expires=None, now=NOW)
    await add_token(store, again)

    kept = await read_tokens(store)
    assert sorted(t.name for t in kept if t.revoked_at is None) == sorted(names)
    assert [t.token_id for t in kept if t.revoked_at] == [gone.token_id]
    with pytest.raises(InvalidArgumentError, match="is revoked already"):
        await revoke_token(store, gone.token_id, partial(revoked, now=NOW))


async def test_an_expired_token_gives_up_its_name_and_is_still_listed() -> None:
    store = DictStore()
    [first, _], [other, _] = (make_token(n, ["a"], expires="1h", now=NOW) for n in ("ana", "ben"))
    for token in (first, other):
        await add_token(store, token)
    with pytest.raises(InvalidArgumentError, match="there is a token 'ana' already"):
        await add_token(store, make_token("ana", ["a"], expires=None, now=NOW)[0])
    again, text = make_token("ana", ["a"], expires=None, now=NOW + timedelta(hours=1))

    await add_token(store, again)

    kept = await read_tokens(store)
    assert [t.state(again.made_at) for t in kept] == ["revoked", "expired", "active"]
    assert kept[0].revoked_at == first.expires_at
    assert recognized(kept, text, again.made_at) == again
    gone = await revoke_token(store, "ana", partial(revoked, now=again.made_at))
    assert gone.token_id == again.token_id


async def test_expired_tokens_do_not_count_toward_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_store, "TOKENS_MAX", 2)
    store, later = DictStore(), NOW + timedelta(hours=1)
    for name in ("ana", "ben"):
        await add_token(store, make_token(name, ["a"], expires="1h", now=NOW)[0])
    with pytest.raises(InvalidArgumentError, match="there are 2 tokens already"):
        await add_token(store, make_token("cem", ["a"], expires=None, now=NOW)[0])

    for name in ("cem", "dana"):
        await add_token(store, make_token(name, ["a"], expires=None, now=later)[0])

    states = [token.state(later) for token in await read_tokens(store)]
    assert states == ["revoked", "revoked", "active", "active"]


@pytest.mark.parametrize("expires", ["0d", "yesterday", "2020", "soon", "", "-3d"])
def test_an_end_that_is_not_ahead_is_refused(expires: str) -> None:
    with pytest.raises(InvalidArgumentError):
        make_token("ana", ["ana"], expires=expires, now=NOW)


@pytest.mark.parametrize("namespaces", [[], ["A"], ["a:rw"], ["a:"], ["a", "a:ro"], [":ro"], [""]])
def test_namespaces_that_cannot_be_are_refused(namespaces: list[str]) -> None:
    with pytest.raises(InvalidArgumentError):
        make_token("ana", namespaces, expires=None, now=NOW)


async def test_a_token_is_known_as_soon_as_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_tokens, "UNKNOWN_TOKEN_READ_S", 0)
    gate = Gate()
    [first, _], [second, text] = (make_token(n, [n], expires=None, now=NOW) for n in ("ana", "ben"))
    await add_token(gate.runtime.opened.store, first)
    assert (await gate.ask("made up"))[0]["status"] == 401

    await add_token(gate.runtime.opened.store, second)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gate.ask, text)
        await until(lambda: len(gate.came_in) == 1)
        tasks.cancel_scope.cancel()
