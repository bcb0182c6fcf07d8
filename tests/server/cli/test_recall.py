"""`zettel recall`: an answer for people's eyes, with the reasons."""

import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread
from tests.server.calls import with_calls

from zettel.server.commands.output import Output
from zettel.server.commands.recall import recall_output
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.handshake import Json
from zettel.server.main import main
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.lance.store import open_store
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
LONG = " ".join(f"Cem reads page {page} of book {page * 7}." for page in range(120))
TOLD = (
    "Ana keeps bees in Ulm",
    "Ben keeps hens",
    "The tram is late",
    "Ana\x1b[31m sings\nat dawn",
    LONG,
)
QUESTION = "Where does Ana keep bees?"


@pytest.fixture
async def farm(tmp_path: Path) -> Settings:
    """The settings of a store with some notes."""
    embedder, place = HashEmbedder(), str(tmp_path / "store")
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    for content in TOLD:
        await remember(
            memory, Caller(namespace="farm"), now=NOW, content=content, subject=content.split()[0]
        )
    await store.close()
    return Settings(store=place, model="hash", namespace="farm")


async def asked(
    farm: Settings, *, query: str = QUESTION, limit: int = 3, explain: bool = False, **more: Json
) -> Output:
    """The printed answer."""
    ask = partial(recall_output, explain=explain, query=query, limit=limit, **more)
    return await with_calls(farm, ask)


def lines(output: Output) -> list[str]:
    """What is printed without `--json`."""
    return output.render(as_json=False).split("\n")


async def test_the_best_note_comes_first_and_more_are_counted(farm: Settings) -> None:
    told = lines(await asked(farm, limit=2))

    assert told[0] == "found"
    assert told[1].startswith("  1  ")
    assert told[1].endswith("2026-11-20  Ana keeps bees in Ulm")
    assert told[2].startswith("  2  ")
    assert told[-2:] == ["", "1 more: raise --limit."] or "more: raise --limit." in told[-1]
    assert not any("\x1b" in line for line in told)


async def test_a_long_note_is_printed_whole(farm: Settings) -> None:
    output = await asked(farm, query="Who reads book 91?", limit=1)

    assert LONG in output.render(as_json=False)


async def test_explain_adds_a_table_whose_rows_add_up_to_the_scores(farm: Settings) -> None:
    told = lines(await asked(farm, explain=True))

    at = told.index("")
    names = told[at + 1].split()
    assert names[0] == "score"
    assert {"text", "meaning", "subject"} <= set(names)
    for rank, row in enumerate(told[at + 2 : at + 5], 1):
        number, score, *parts = row.split()
        assert int(number) == rank
        assert float(score) == pytest.approx(sum(map(float, parts)), abs=0.005)


async def test_as_json_it_is_the_tools_own_answer(farm: Settings) -> None:
    answer = json.loads((await asked(farm)).render(as_json=True))

    assert answer["verdict"] == "found"
    assert answer["notes"][0]["content"] == TOLD[0]


async def test_filters_and_moments_are_those_of_the_tool(farm: Settings) -> None:
    by_subject = await asked(farm, query="", limit=9, subject="Ben")
    before = await asked(farm, known_at="2026-11-19")

    assert TOLD[1] in lines(by_subject)[1]
    assert len(lines(by_subject)) == 2
    assert lines(before)[0].startswith("nothing relevant: ")
    with pytest.raises(InvalidArgumentError, match="since"):
        await asked(farm, since="soonish")


async def test_looking_strengthens_nothing_and_a_missing_reranker_is_told(farm: Settings) -> None:
    without = farm.model_copy(update={"reranker": "/not/there!"})

    answer = json.loads((await asked(without)).render(as_json=True))

    assert "/not/there!" in answer["degraded"]
    assert answer["notes"]
    store = await open_store(farm.store, model_id=HashEmbedder().model_id, dim=HashEmbedder().dim)
    assert await store.usage_of([note["note_id"] for note in answer["notes"]]) == {}
    await store.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--limit", "0"), "'--limit'"), (("--since", "soonish"), "--since: 'soonish'")],
)
async def test_a_question_that_cannot_be_asked_exits_with_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    farm: Settings,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    given = ["--in-process", "--store", farm.store, "--model", "hash", "recall", "bees"]
    monkeypatch.setattr(sys, "argv", ["zettel", *given, *arguments])
    with pytest.raises(SystemExit) as caught:
        await to_thread.run_sync(main)  # it runs a loop of its own

    assert caught.value.code == 2
    assert words in capsys.readouterr().err
