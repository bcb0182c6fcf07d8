"""Telling and asking, against a fake server in memory."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from benchmarks.retrieval.ask import Outcome
from benchmarks.retrieval.data import Dataset, Document, namespaces
from benchmarks.retrieval.drive import CONTENT_LIMIT, Told, ask, tell
from benchmarks.retrieval.errors import ServerError
from benchmarks.retrieval.read import read_dataset
from benchmarks.retrieval.tools import Timed
from mcp import Client
from tests.benchmarks.fake_zettel import FakeMemory, build_server


def ticking() -> Callable[[], float]:
    """A clock that is a second later each time it is read."""
    seconds: Iterator[int] = count()
    return lambda: float(next(seconds))


def silent(_doing: str, _done: int, _total: int) -> None:
    pass


async def drive(dataset: Dataset, memory: FakeMemory) -> tuple[Told, list[Outcome]]:
    places = [*(d.place for d in dataset.documents), *(q.conversation for q in dataset.questions)]
    names = namespaces(places)
    async with Client(build_server(memory)) as client:
        timed = Timed(client=client, clock=ticking())
        told = await tell(timed, dataset, names, progress=silent)
        return told, await ask(timed, dataset, names, told, progress=silent)


async def test_a_document_is_remembered_with_who_when_and_where(chat_folder: Path) -> None:
    memory = FakeMemory()

    await drive(read_dataset(chat_folder), memory)

    assert memory.remembered[1] == {
        "content": "Look at this [photo: a red kite]",
        "context": "",
        "subject": "Bo",
        "tags": [],
        "kind": "episodic",
        "happened_at": "2024-01-01T10:00:01",
        "session": "s1",
        "links": [],
        "namespace": "bench-chat-1",
    }


async def test_a_question_is_asked_as_of_when_it_was_asked(chat_folder: Path) -> None:
    memory = FakeMemory()

    await drive(read_dataset(chat_folder), memory)

    assert memory.recalled[0] == {
        "query": "Who has bees?",
        "tags": [],
        "as_of": "2024-02-01T00:00:00",
        "limit": 50,
        "max_tokens": 32000,
        "detail": "index",
        "namespace": "bench-chat-1",
    }


async def test_a_note_stands_for_every_document_that_says_the_same(chat_folder: Path) -> None:
    told, outcomes = await drive(read_dataset(chat_folder), FakeMemory())

    assert told.already_known == 1
    assert told.documents_of["n0"] == ("a", "c")
    assert outcomes[0].ranked == ("a", "c")


async def test_a_recall_that_finds_nothing_has_an_empty_ranking(chat_folder: Path) -> None:
    _, outcomes = await drive(read_dataset(chat_folder), FakeMemory())

    assert outcomes[2].ranked == ()
    assert [outcome.verdict for outcome in outcomes] == ["found", "found", "nothing_relevant"]


async def test_each_call_is_timed_in_milliseconds(chat_folder: Path) -> None:
    told, outcomes = await drive(read_dataset(chat_folder), FakeMemory())

    assert told.milliseconds == (1000.0, 1000.0, 1000.0)
    assert [outcome.milliseconds for outcome in outcomes] == [(1000.0,)] * 3


async def test_scope_supersession_and_owner_keep_documents_out(belief_folder: Path) -> None:
    memory = FakeMemory()

    _, outcomes = await drive(read_dataset(belief_folder), memory)

    assert outcomes[0].ranked == ("new",)
    assert memory.remembered[2]["links"] == [{"to": "n1", "relation": "supersedes"}]
    assert memory.remembered[2]["kind"] == "core"
    assert memory.remembered[4]["namespace"] == "bench-me-eve"


async def test_a_blank_question_asks_for_what_its_scope_holds(belief_folder: Path) -> None:
    _, outcomes = await drive(read_dataset(belief_folder), FakeMemory())

    assert outcomes[1].ranked == ("garden",)


async def test_an_order_question_is_answered_by_the_times_of_its_two_passages(
    order_folder: Path,
) -> None:
    memory = FakeMemory()

    _, outcomes = await drive(read_dataset(order_folder), memory)

    assert [recall["query"] for recall in memory.recalled] == ["storm broke", "sailed at dawn"]
    assert [recall["detail"] for recall in memory.recalled] == ["notes", "notes"]
    assert outcomes[0].order == "B"
    assert outcomes[0].ranked == ("x2", "x1")
    assert len(outcomes[0].milliseconds) == 2


async def test_a_document_longer_than_a_note_is_told_in_pieces() -> None:
    long = Document(document_id="l", conversation="c", content="word " * CONTENT_LIMIT)
    memory = FakeMemory()

    told, _ = await drive(Dataset(name="d", documents=(long,), questions=()), memory)

    sizes = [len(str(call["content"])) for call in memory.remembered]
    assert len(sizes) > 1
    assert max(sizes) <= CONTENT_LIMIT
    assert set(told.documents_of.values()) == {("l",)}


async def test_a_refused_call_ends_the_run_and_says_which() -> None:
    refused = Document(document_id="r", conversation="c", content="refuse me")

    dataset = Dataset(name="d", documents=(refused,), questions=())

    async with Client(build_server(FakeMemory())) as client:
        timed = Timed(client=client, clock=ticking())
        with pytest.raises(ServerError) as caught:
            await tell(timed, dataset, namespaces(["c"]), progress=silent)

    assert caught.value.doing == "Calling remember(content='refuse me', namespace='bench-c')"
    assert "Say something else" in str(caught.value)
