"""A note of a shared namespace does not go because of a note that its other readers cannot see."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from mcp import Client
from tests.server.processes import Launcher, serving
from tests.server.transports.http.test_access import Endpoint, client_of, made


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A server with two tokens that both write `shared`."""
    store = tmp_path_factory.mktemp("shared") / "store"
    with ExitStack() as running:
        zettel = Launcher(store=store, running=running)
        ana = made(zettel, "ana", "shared", "ana")
        ben = made(zettel, "ben", "ben", "shared")
        yield Endpoint(running.enter_context(serving(store)), zettel, ana, ben)


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
        core = await told(ana, "Never deploy on Fridays", kind="core")
        superseding = [{"to": core, "relation": "supersedes"}]
        private = await told(ben, "nothing to see here")
        refused = [
            await ben.call_tool("remember", {"content": "all days are fine", "links": superseding}),
            await ben.call_tool("update", {"note_id": private, "links": superseding}),
        ]
        left = await profile(ana)
        where = {"note_ids": [core], "detail": "full"}
        story = str((await ana.call_tool("recall", where)).structured_content)
        # With a note that every reader of it can see, it goes, and the reader is told why.
        newer = await told(ben, "Deploy on any day", namespace="shared", links=superseding)
        after = str((await ana.call_tool("recall", where)).structured_content)

    assert all(answer.is_error for answer in refused)
    assert all("namespace" in str(answer.content) for answer in refused)
    assert "Never deploy on Fridays" in left
    assert "superseded" not in story
    assert f"superseded by {newer}" in after


async def test_a_private_note_archives_no_shared_working_note(endpoint: Endpoint) -> None:
    url = endpoint.served.url
    async with (
        client_of(url, endpoint.ana, "http", "auto") as ana,
        client_of(url, endpoint.ben, "http", "auto") as ben,
    ):
        working = await told(ana, "Migrating the database, step 2 of 5", kind="working")
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
