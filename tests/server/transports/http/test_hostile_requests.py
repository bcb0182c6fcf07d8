"""Tokens that are none, text that would be SQL, and links that would hide: on a real port.

A note of a shared namespace does not go because of a note that its other readers cannot see.
"""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from tests.server.processes import INITIALIZE, PATIENCE_S, Launcher, serving
from tests.server.transports.http.test_access import JSON, Endpoint, bearing, client_of, made

from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.storage.lance.store import open_as_it_is

SECRET = "the quokka key is under the mat"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A server of two tenants, who both write `shared`."""
    store = tmp_path_factory.mktemp("hostile") / "store"
    with ExitStack() as running:
        zettel = Launcher(store=store, running=running)
        ana = made(zettel, "ana", "ana", "shared")
        ben = made(zettel, "ben", "ben", "shared")
        yield Endpoint(running.enter_context(serving(store)), zettel, ana, ben)


async def status(endpoint: Endpoint, token: str, *, query: str = "") -> int:
    """What opening a session is answered."""
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        url = f"{endpoint.served.url}/mcp{query}"
        headers = JSON | (bearing(token) if token else {})
        return (await http.post(url, json=INITIALIZE, headers=headers)).status_code


async def test_a_token_of_another_store_is_unknown(endpoint: Endpoint, tmp_path: Path) -> None:
    with ExitStack() as running:
        other = Launcher(store=tmp_path / "other", running=running)
        token = made(other, "ana", "ana")

    assert await status(endpoint, token) == 401
    assert await status(endpoint, endpoint.ana) == 200


async def test_a_token_that_has_expired_lets_nobody_in(endpoint: Endpoint) -> None:
    now = datetime.now(UTC)
    token, text = make_token("late", ["ana"], expires="1h", now=now)
    store = await open_as_it_is(str(endpoint.zettel.store))
    try:
        over = replace(token, expires_at=now - timedelta(seconds=1))
        await add_token(store, over)
        live, other = make_token("in-time", ["ana"], expires="1h", now=now)
        await add_token(store, live)
    finally:
        await store.close()

    assert [await status(endpoint, text), await status(endpoint, other)] == [401, 200]


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "Authorization"])
async def test_a_token_in_the_address_lets_nobody_in(endpoint: Endpoint, name: str) -> None:
    """Addresses are logged by proxies, and sent on in Referer."""
    assert await status(endpoint, "", query=f"?{name}={endpoint.ana}") == 401
    assert await status(endpoint, "", query=f"?{name}=Bearer%20{endpoint.ana}") == 401


STATEMENTS = (
    "' OR 1=1 --",
    "ben' OR namespace = 'ben",
    "x') OR (namespace = 'ben'",
    '" OR "1"="1',
    "\\' OR true /* ",
    "'; DELETE FROM notes; --",
    "\u2019 OR 1=1 \u2018",
    "\uff07 OR 1=1",
    "a\0' OR 1=1",
    "%",
)
FEW = (STATEMENTS[1],)
FILTERS = ("subject", "tags", "session", "query", "kind", "since", "until", "namespace")
ALSO_OF_RECALL = ("as_of", "known_at", "note_ids", "cursor", "detail")
RECALLED = (*FILTERS, *ALSO_OF_RECALL)


@pytest.mark.parametrize("statements", [FEW, pytest.param(STATEMENTS, marks=pytest.mark.slow)])
async def test_text_in_a_filter_is_never_a_part_of_a_statement(
    endpoint: Endpoint, statements: Sequence[str]
) -> None:
    url = endpoint.served.url
    async with (
        client_of(url, endpoint.ana, "http", "auto") as ana,
        client_of(url, endpoint.ben, "http", "auto") as ben,
    ):
        more = {"subject": "keys", "tags": ["keys"], "session": "s"}
        theirs = await ben.call_tool("remember", {"content": SECRET, **more})
        mine = await ana.call_tool("remember", {"content": "herons nest in May", **more})
        own, other = (m.structured_content["note_id"] for m in (mine, theirs))
        for statement in statements:
            for name in RECALLED:
                value = [statement] if name in ("tags", "note_ids") else statement
                told = await ana.call_tool("recall", {name: value, "limit": 100})
                said = str(told.content).replace(statement, "")
                assert SECRET not in said, (name, statement)
                assert other not in said, (name, statement)
                if name != "query":  # which ranks, and takes nothing out
                    assert own not in said, (name, statement)
            for name in FILTERS:
                value = [statement] if name == "tags" else statement
                preview = await ana.call_tool("forget", {name: value})
                said = str(preview.content).replace(statement, "")
                assert other not in said, (name, statement)
                assert own not in said or name == "query", (name, statement)
        left = await ben.call_tool("recall", {"note_ids": [other]})
        kept = await ana.call_tool("recall", {"note_ids": [own]})

    assert SECRET in str(left.structured_content)
    assert "herons" in str(kept.structured_content)


async def told(client: Client, content: str, **more: object) -> str:
    """Remember a note; its id."""
    answer = await client.call_tool("remember", {"content": content, **more})
    assert not answer.is_error, answer.content
    return answer.structured_content["note_id"]


async def profile(client: Client) -> str:
    """What a recall without arguments shows."""
    return str((await client.call_tool("recall", {"namespace": "shared"})).structured_content)


async def test_a_private_note_takes_no_shared_core_note_out_of_recall(endpoint: Endpoint) -> None:
    url = endpoint.served.url
    async with (
        client_of(url, endpoint.ana, "http", "auto") as ana,
        client_of(url, endpoint.ben, "http", "auto") as ben,
    ):
        core = await told(ana, "Never deploy on Fridays", kind="core", namespace="shared")
        superseding = [{"to": core, "relation": "supersedes"}]
        private = await told(ana, "nothing to see here")
        others = await told(ben, "nothing to see here either")
        refused = [
            await ana.call_tool("remember", {"content": "all days are fine", "links": superseding}),
            await ana.call_tool("update", {"note_id": private, "links": superseding}),
            await ben.call_tool("remember", {"content": "all days are fine", "links": superseding}),
            await ben.call_tool("update", {"note_id": others, "links": superseding}),
        ]
        left = await profile(ben)
        where = {"note_ids": [core], "detail": "full"}
        story = str((await ben.call_tool("recall", where)).structured_content)
        # With a note that every reader of it can see, it goes, and the reader is told why.
        newer = await told(ana, "Deploy on any day", namespace="shared", links=superseding)
        after = str((await ben.call_tool("recall", where)).structured_content)

    assert all(answer.is_error for answer in refused)
    assert all("namespace" in str(answer.content) for answer in refused[:2])
    assert "Never deploy on Fridays" in left
    assert "superseded" not in story
    assert f"superseded by {newer}" in after


async def test_a_private_note_archives_no_shared_working_note(endpoint: Endpoint) -> None:
    url = endpoint.served.url
    async with (
        client_of(url, endpoint.ana, "http", "auto") as ana,
        client_of(url, endpoint.ben, "http", "auto") as ben,
    ):
        working = await told(
            ana, "Migrating the database, step 2", kind="working", namespace="shared"
        )
        private = await told(ben, "my plan", kind="working")
        part = [{"to": private, "relation": "part_of"}]
        await ben.call_tool("update", {"note_id": working, "links": part})
        done = {"note_id": private, "content": "done", "kind": "episodic"}
        finished = await ben.call_tool("update", done)
        (note,) = (await ana.call_tool("recall", {"note_ids": [working]})).structured_content[
            "notes"
        ]

    assert not finished.is_error, finished.content
    assert "state" not in note
