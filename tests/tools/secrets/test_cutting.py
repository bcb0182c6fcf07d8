"""What agents tell is kept without its secrets: in no field, file, vector, log or prompt."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.scripted_llm import ScriptedLlm
from tests.secret_corpus import FORMS, keys, made
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, Refused, notes, opened_desk
from tests.tools.llm_desk import asking_memory, describe_all

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.store import NoteFilter
from zettel.tools.secrets import scanner
from zettel.tools.state.memory import Memory

KEY = made("GitHub", FORMS["GitHub"][0], Random(22)).text
SHORT_KEY = made("AWS", FORMS["AWS"][0], Random(22)).text
MARKER = "[cut: GitHub token]"
FIELDS: dict[str, Callable[[str], object]] = {
    "content": lambda text: text,
    "context": lambda text: text,
    "subject": lambda text: text,
    "tags": lambda text: ["farm", text],
    "session": lambda text: text,
    "source": lambda text: f"https://example.org/{text}",
}


async def test_a_key_is_cut_and_the_answer_says_what_was_cut(desk: Desk) -> None:
    answer = await desk("remember", content=f"The farm's key is {KEY}, and {SHORT_KEY} the old one")

    [note] = notes(await desk("recall", query="the farm's key"))
    assert (
        note["content"] == f"The farm's key is {MARKER}, and [cut: AWS access key id] the old one"
    )
    assert answer["cut"] == {"GitHub token": 1, "AWS access key id": 1}


async def test_an_answer_without_cuts_has_no_such_key(desk: Desk) -> None:
    answer = await desk("remember", content="commit b4d5c67f2a1e9c0d3b5a7f8e9d0c1b2a3f4e5d6c")

    assert "cut" not in answer


@pytest.mark.parametrize("field", FIELDS)
async def test_no_field_of_a_new_or_changed_note_keeps_a_key(desk: Desk, field: str) -> None:
    told = {"content": "The barn is red", field: FIELDS[field](KEY)}
    answer = await desk("remember", **told)
    assert answer["cut"] == {"GitHub token": 1}
    if field not in ("session", "source"):
        other = await desk.told("The stable is blue")
        changed = await desk("update", note_id=other, **{field: FIELDS[field](KEY)})
        assert changed["cut"] == {"GitHub token": 1}

    kept = await desk.memory.admin.find(NoteFilter(states=()), limit=10)
    assert KEY not in repr(kept)
    assert MARKER.casefold() in repr(kept).casefold()


async def test_the_reason_of_a_change_keeps_no_key(desk: Desk) -> None:
    note_id = await desk.told("The barn is red")

    answer = await desk("update", note_id=note_id, content="The barn is blue", reason=f"saw {KEY}")

    assert answer["cut"] == {"GitHub token": 1}
    assert KEY not in repr(await desk.memory.admin.revisions(note_id))


async def test_a_repeat_of_a_text_with_its_key_is_the_note_that_was_kept_without(
    desk: Desk,
) -> None:
    text = f"The farm's key is {KEY}"
    first = await desk("remember", content=text)

    again = await desk("remember", content=text)

    assert (again["note_id"], again["status"]) == (first["note_id"], "already_known")


@pytest.mark.parametrize("field", FIELDS)
async def test_a_call_with_a_key_can_be_refused_as_a_whole(field: str) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), secrets="refuse")
    async with opened_desk(memory) as desk:
        with pytest.raises(Refused) as refused:
            await desk("remember", **{"content": "The barn is red", field: FIELDS[field](KEY)})

        assert field in str(refused.value)
        assert "1 GitHub token" in str(refused.value)
        assert KEY not in str(refused.value)
        assert await memory.admin.count(NoteFilter(states=())) == 0
        await desk.told("The barn is red")


async def test_a_store_that_is_to_keep_keys_keeps_them() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), secrets="keep")
    async with opened_desk(memory) as desk:
        answer = await desk("remember", content=f"The farm's key is {KEY}")

        [note] = notes(await desk("recall", query="the farm's key"))
        assert KEY in str(note["content"])
        assert "cut" not in answer


async def test_without_the_rules_a_text_that_may_hold_a_key_is_not_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "load_scanner", scanner.load_scanner.__wrapped__)
    monkeypatch.setitem(sys.modules, "kingfisher_sdk", None)

    with pytest.raises(Refused, match="secrets = keep"):
        await desk("remember", content=f"The farm's key is {KEY}")

    await desk.told("The barn is red")
    assert await desk.memory.admin.count(NoteFilter(states=())) == 1


async def test_ids_do_not_load_the_rules(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "load_scanner", scanner.load_scanner.__wrapped__)
    monkeypatch.setitem(sys.modules, "kingfisher_sdk", None)
    older = await desk.told("The barn is red")
    newer = await desk.told("The barn is green")

    link = {"to": older, "relation": "supersedes"}
    await desk("update", note_id=newer, links=[link])
    await desk.told("The shed, too", links=[link])


@pytest.mark.slow
async def test_no_file_of_a_store_and_no_log_line_holds_a_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made_up = keys(120, Random(22))[::20]
    embedder = HashEmbedder()
    store = await open_store(
        str(tmp_path), model_id=embedder.model_id, dim=embedder.dim, create=True
    )
    try:
        async with opened_desk(Memory(store=store, embedder=embedder)) as desk:
            for key in made_up:
                await desk("remember", content=f"It is {key.text} now", tags=[key.text[:200]])
                await desk("recall", query=f"Is it {key.text}?"[:4_000])
            await desk.evolve()
            with pytest.raises(Refused):
                await desk("remember", content="The barn is red", namespace=KEY)
            with pytest.raises(Refused):
                await desk("forget", note_ids=[KEY])
    finally:
        await store.close()

    written = _bytes_below(tmp_path)
    logged = caplog.text.encode()
    assert written
    assert [key.form for key in made_up if key.secret[:16].encode() in written + logged] == []
    assert KEY.encode() not in written + logged


def _bytes_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_no_llm_is_shown_a_key(llm: ScriptedLlm) -> None:
    llm.describes = describe_all
    async with opened_desk(asking_memory(llm)) as desk:
        await desk("remember", content=f"The farm's key is {KEY}", context=f"of {KEY}")
        await desk.evolve()

    assert llm.asked
    assert KEY not in repr(llm.asked)


async def test_the_setting_is_a_tenants_too(desk: Desk) -> None:
    assert replace(desk.memory, secrets="refuse").within(None).secrets == "refuse"
