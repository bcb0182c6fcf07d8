"""`/health`: lives, is ready, and tells no more than who asks may know."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
import httpx2
import pytest
from tests.server.doors import House

from zettel.server.auth import static_tokens
from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.server.config.settings import Settings
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.app import allowed, create_app
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import ModelUnavailableError, StoreUnavailableError
from zettel.storage.store import Store

PLACE = "/home/ana/notes"
CLOSED = {"status": "ok"}


class NeverReady(HashEmbedder):
    """A model that cannot be loaded."""

    @property
    def ready(self) -> bool:
        """Never."""
        return False

    async def load(self) -> None:
        """Fail.

        Raises:
            ModelUnavailableError: Always.
        """
        raise ModelUnavailableError("m", "is not there", "Install it.")


class WordsOnly(House):
    """Without meaning."""

    async def _embedder(self) -> Embedder:
        return NeverReady()


class Shut(House):
    """A store that does not open."""

    async def _open(self, _embedder: Embedder) -> Store:
        raise StoreUnavailableError(PLACE, "is a file", "Move it.")


@asynccontextmanager
async def asking(
    house: House, *, always: bool = False
) -> AsyncGenerator[tuple[Runtime, httpx2.AsyncClient]]:
    """A server, and somebody without a token."""
    runtime = Runtime(PLACE, house.factories())
    app = create_app(
        runtime,
        TokenAccess(runtime, always=always),
        namespace="proj",
        security=allowed(Settings()),
        streams=OpenRequests(),
    )
    way = httpx2.ASGITransport(app)
    async with (
        runtime.running(),
        httpx2.AsyncClient(transport=way, base_url="http://127.0.0.1:1") as http,
    ):
        await runtime.settled()
        yield runtime, http


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_where_everybody_may_come_in_it_says_where_the_store_is(path: str) -> None:
    async with asking(House()) as (_, http):
        answer = await http.get(path)

    assert answer.status_code == 200
    told = json.loads(answer.text)
    assert told.items() >= {"status": "ok", "store": PLACE, "model_ready": True}.items()


async def test_from_the_first_token_on_it_says_no_more_than_that_it_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(static_tokens, "TOKENS_FRESH_S", 0)
    house = House()
    async with asking(house) as (_, http):
        token, _ = make_token("ana", ["ana"], expires=None, now=datetime(2026, 1, 1, tzinfo=UTC))
        await add_token(house.store, token)
        answer = await http.get("/health")

    assert (answer.status_code, json.loads(answer.text)) == (200, CLOSED)


async def test_where_others_can_reach_it_it_says_no_more_than_that_it_is_ready() -> None:
    async with asking(House(), always=True) as (_, http):
        answer = await http.get("/health/ready")

    assert (answer.status_code, json.loads(answer.text)) == (200, CLOSED)


@pytest.mark.parametrize("always", [True, False])
async def test_a_store_that_does_not_open_is_not_ready_and_not_described(always: bool) -> None:
    async with asking(Shut(), always=always) as (_, http):
        answers = {path: await http.get(path) for path in ("/health", "/health/ready")}
        alive = await http.get("/health/live")

    assert {answer.status_code for answer in answers.values()} == {503}
    assert {answer.text for answer in answers.values()} == {'{"status":"failed"}'}
    assert (alive.status_code, json.loads(alive.text)) == (200, {"status": "alive"})


async def test_without_a_model_it_is_ready_and_says_what_is_missing() -> None:
    async with asking(WordsOnly(), always=True) as (_, http):
        answer = await http.get("/health/ready")

    assert answer.status_code == 200
    assert "meaning is not searched" in json.loads(answer.text)["degraded"]


async def test_a_server_that_is_to_end_lives_and_takes_nobody_new() -> None:
    async with asking(House()) as (runtime, http):
        runtime.leaving = True
        ready, alive = await http.get("/health/ready"), await http.get("/health/live")

    assert (ready.status_code, alive.status_code) == (503, 200)


async def test_a_store_that_cannot_be_read_any_more_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(static_tokens, "TOKENS_FRESH_S", 0)
    house = House()

    async def fails(_key: str) -> str | None:
        raise StoreUnavailableError(PLACE, "is gone", "Bring it back.")

    async with asking(house) as (_, http):
        before = await http.get("/health/ready")
        monkeypatch.setattr(house.store, "get_meta", fails)
        after = await http.get("/health/ready")

    assert (before.status_code, after.status_code) == (200, 503)


async def test_a_store_that_does_not_answer_is_not_ready_and_refuses_requests_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(static_tokens, "TOKENS_FRESH_S", 0)
    monkeypatch.setattr(static_tokens, "TOKENS_READ_MAX_S", 0.05)
    house, asked = House(), list[str]()

    async def hangs(key: str) -> None:
        asked.append(key)
        await anyio.sleep_forever()

    async with asking(house) as (_, http):
        monkeypatch.setattr(house.store, "get_meta", hangs)
        ready, refused = await http.get("/health/ready"), await http.post("/mcp")

    assert (ready.status_code, refused.status_code, len(asked)) == (503, 503, 2)
    assert "does not answer" in refused.text
