"""`zettel recall`: an answer for people's eyes, with the reasons."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anyio import to_thread

from zettel.server.commands.recall import RecallOptions, recall_once, recall_output
from zettel.server.config.settings import Settings
from zettel.server.main import main
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.lance.store import open_store
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TOLD = ("Ana keeps bees in Ulm", "Ben keeps hens", "The tram is late", "Ana\x1b[31m sings\nat dawn")
ASKED = RecallOptions(question="Where does Ana keep bees?", limit=3)


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


async def test_the_best_note_comes_first_one_a_line(farm: Settings) -> None:
    answer = await recall_once(farm, replace(ASKED, limit=2))
    lines = recall_output(answer).text.splitlines()

    assert lines[0] == "found"
    assert lines[1].startswith("  1  ")
    assert lines[1].endswith("2026-11-20  Ana keeps bees in Ulm")
    assert lines[2].startswith("  2  ")
    assert lines[3:] == ["", "1 more: raise --limit."]
    assert not any("\x1b" in line for line in lines)


async def test_explain_adds_a_table_whose_rows_add_up_to_the_scores(farm: Settings) -> None:
    answer = await recall_once(farm, replace(ASKED, explain=True))
    told = recall_output(answer).text.splitlines()

    at = told.index("")
    names = told[at + 1].split()
    assert names[0] == "score"
    assert {"text", "meaning", "subject"} <= set(names)
    for rank, row in enumerate(told[at + 2 : at + 5], 1):
        number, score, *parts = row.split()
        assert int(number) == rank
        assert float(score) == pytest.approx(sum(map(float, parts)), abs=0.005)


async def test_as_json_it_is_the_tools_own_answer(farm: Settings) -> None:
    answer = json.loads(recall_output(await recall_once(farm, ASKED)).render(as_json=True))

    assert answer["verdict"] == "found"
    assert answer["notes"][0]["content"] == TOLD[0]


async def test_filters_and_moments_are_those_of_the_tool(farm: Settings) -> None:
    by_subject = await recall_once(farm, RecallOptions(question="", limit=9, subject="Ben"))
    before = await recall_once(farm, replace(ASKED, known_at="2026-11-19"))
    more = await recall_once(farm, replace(ASKED, limit=1))

    assert [note.get("content") for note in by_subject["notes"]] == [TOLD[1]]
    assert before["notes"] == []
    assert recall_output(before).text.startswith("nothing_relevant: ")
    assert recall_output(more).text.endswith("more: raise --limit.")
    with pytest.raises(InvalidArgumentError, match="since"):
        await recall_once(farm, replace(ASKED, since="soonish"))


async def test_looking_strengthens_nothing_and_a_missing_reranker_is_told(farm: Settings) -> None:
    without = farm.model_copy(update={"reranker": "/not/there!"})

    answer = await recall_once(without, ASKED)

    assert "/not/there!" in answer.get("degraded", "")
    assert answer["notes"]
    store = await open_store(farm.store, model_id=HashEmbedder().model_id, dim=HashEmbedder().dim)
    assert await store.usage_of([note["note_id"] for note in answer["notes"]]) == {}
    await store.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--limit", "0"), "limit: 0"), (("--since", "soonish"), "since: 'soonish'")],
)
async def test_a_question_that_cannot_be_asked_exits_with_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    farm: Settings,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.setattr(
        sys,
        "argv",
        ["zettel", "--store", farm.store, "--model", "hash", "recall", "bees", *arguments],
    )
    with pytest.raises(SystemExit) as caught:
        await to_thread.run_sync(main)  # it runs a loop of its own

    assert caught.value.code == 2
    assert words in capsys.readouterr().err
