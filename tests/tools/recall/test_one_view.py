"""Every reading answers from one version of the store, however much is written meanwhile."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import anyio
import numpy as np
import pytest
from lancedb import AsyncTable
from tests.tools.conftest import START, Desk, opened_desk

from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.lance.table import LanceTable
from zettel.storage.notes import Note, State
from zettel.storage.read_view import current_view, outside_views
from zettel.storage.store import Change, NewNote, NoteFilter, NoteStore
from zettel.tools.caller import Caller
from zettel.tools.recall.resources import (
    complete,
    fingerprints_of,
    read_history,
    read_note,
    read_profile,
    read_stats,
)
from zettel.tools.state import caches
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.recall import recall
from zettel.tools.views.graph import read_graph
from zettel.tools.views.listing import read_list, read_stored
from zettel.tools.views.notes import (
    read_namespaces,
    read_search,
    read_timeline,
    read_whole_note,
)
from zettel.tools.views.review import read_review

_T = TypeVar("_T")
CALLER = Caller(namespace="proj")
LATER = START + timedelta(hours=1)
"""When everything is read."""

MEDDLED_READS = 8
"""Reads of one answer after which something is committed, twice for each kind of change. What a
view has fixed is then no longer the newest, and each commit makes all later reads slower.
"""

MADE_ANEW = ("confirm", "next", "cursor", "tokens")
"""What differs between two answers of one version."""

Reading = Callable[[Memory, Sequence[str]], Awaitable[object]]


def asks(**asked: object) -> Reading:
    return lambda memory, _: recall(memory, CALLER, now=LATER, **asked)  # pyright: ignore[reportArgumentType]


READINGS: Mapping[str, Reading] = {
    "a question": asks(query="Where do the bees live?", detail="full"),
    "a question in two steps": asks(query="When was Ana's manager born?"),
    "a question as of a moment": asks(query="Where do the bees live?", as_of="2026-11-20"),
    "a question as it was known": asks(query="Where do the bees live?", known_at="2026-11-20"),
    "filters": asks(subject="Ana", limit=3),
    "the overview": asks(),
    "a name nobody has": asks(subject="Anna"),
    "ids": lambda memory, ids: recall(memory, CALLER, now=LATER, note_ids=ids[:5], detail="full"),
    "a preview of forgetting": lambda memory, _: forget(memory, CALLER, now=LATER, query="bees"),
    "a preview by subject": lambda memory, _: forget(memory, CALLER, now=LATER, subject="Ana"),
    "a note": lambda memory, ids: read_note(memory, CALLER, now=LATER, note_id=ids[0]),
    "a history": lambda memory, ids: read_history(memory, CALLER, now=LATER, note_id=ids[0]),
    "a whole note": lambda memory, ids: read_whole_note(memory, CALLER, now=LATER, note_id=ids[0]),
    "a stored note": lambda memory, ids: read_stored(memory, CALLER, now=LATER, note_id=ids[0]),
    "fingerprints": lambda memory, ids: fingerprints_of(
        memory, CALLER, now=LATER, note_ids=ids, links=True
    ),
    "the profile": lambda memory, _: read_profile(memory, CALLER, now=LATER),
    "counts": lambda memory, _: read_stats(memory, CALLER, now=LATER),
    "completions": lambda memory, _: complete(memory, CALLER, now=LATER, name="id", begun=""),
    "a search": lambda memory, _: read_search(memory, CALLER, now=LATER, query="bees"),
    "a list": lambda memory, _: read_list(memory, CALLER, now=LATER),
    "a timeline": lambda memory, _: read_timeline(memory, CALLER, now=LATER),
    "namespaces": lambda memory, _: read_namespaces(memory, CALLER, now=LATER),
    "the review": lambda memory, _: read_review(memory, CALLER, now=LATER),
    "a graph": lambda memory, _: read_graph(
        memory, CALLER, now=LATER, around="query", name="Where do the bees live?"
    ),
}


@dataclass
class Meddler:
    """Changes the store between the first reads of an answer."""

    store: NoteStore
    """Its own connection, or the one that is read by."""
    ids: Sequence[str]
    commits: int = 0
    """In the answer that is being made."""
    turns: Iterator[int] = field(default_factory=count)

    async def meddle(self) -> None:
        """Commit a new note, a new wording, an end, and a forgotten note in turn."""
        if self.commits == MEDDLED_READS:
            return
        self.commits += 1  # before it is made: an answer reads several things at once
        turn = next(self.turns)
        if turn % 4 == 0:
            at = START + timedelta(minutes=30, seconds=turn)
            note = Note(
                note_id=new_id(at),
                namespace="proj",
                content=f"The bees live in hive {turn}, Ana says",
                subject="Ana",
                happened_at=at,
                valid_from=at,
                known_from=at,
                embed_model=HashEmbedder().model_id,
            )
            (vectors,) = await HashEmbedder().embed_notes([note.content])
            await self.store.write(new=[NewNote(note=note, vectors=vectors)])
        else:
            (old,) = await self.store.get([self.ids[turn % len(self.ids)]])
            await self.store.write(changes=[_changed(old, turn)])


def _changed(old: Note, turn: int) -> Change:
    at = old.known_from + timedelta(seconds=1)
    given: Mapping[int, Mapping[str, Any]] = {
        1: {"content": f"Nobody knows of anything, {turn}"},
        2: {"valid_until": START},
        3: {"state": State.FORGOTTEN},
    }
    note = replace(old, rev=old.rev + 1, known_from=at, change="update", **given[turn % 4])
    return Change(note=note, vectors=unit_rows(np.ones((1, HashEmbedder().dim))))


@asynccontextmanager
async def reading(place: Path) -> AsyncGenerator[Memory]:
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    try:
        yield Memory(store=store, embedder=embedder)
    finally:
        await store.close()


async def fill(memory: Memory) -> list[str]:
    async with opened_desk(memory) as desk:
        ids = [await desk.told(f"The bees live in hive {n}", session="s") for n in range(4)]
        ids += [await _told_of_people(desk, n) for n in range(4)]
        link = {"to": ids[0], "relation": "supersedes"}
        await desk("remember", content="The bees live at Otto's now", links=[link])
        await desk.told("I live in Rome", kind="core", subject="Ana")
        await desk("update", note_id=ids[1], content="The bees live in hive 1, by the pond")
        await desk.evolve()
        await desk.told("The bees live in hive 2 no more", subject="Ana", tags=["bees"])
    return ids


async def _told_of_people(desk: Desk, number: int) -> str:
    texts = ("Ana's manager is Priya Raman", "Priya Raman was born on 4 May 1980")
    return await desk.told(
        f"{texts[number % 2]}, says {number}", subject=("Ana", "Priya")[number % 2]
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store, to be copied, and the ids of some of its notes."""
    place = tmp_path_factory.mktemp("filled") / "store"

    async def made() -> list[str]:
        async with reading(place) as memory:
            return await fill(memory)

    return place, anyio.run(made)


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("own", [False, True], ids=["others write", "it writes itself"])
async def test_no_reading_answers_from_two_versions(
    filled: tuple[Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    *,
    own: bool,
) -> None:
    place, ids = filled
    still, written = tmp_path / "still", tmp_path / "written"
    shutil.copytree(place, written)
    if own:
        # Of the notes found as of a scope too large to be read whole.
        monkeypatch.setattr(caches, "CORPUS_MAX_NOTES", 3)
        # Its statistics may be of an earlier version; a store opened anew has none.
        monkeypatch.setattr(caches, "STATISTICS_MAX_DRIFT", -1)
    plain, plain_version = LanceTable.read, LanceTable.version
    async with reading(written) as memory, reading(written) as other:
        meddler = Meddler(memory.store if own else other.store, ids)

        async def meddle(table: LanceTable) -> None:
            read = table.place.directory == written and table.spec.name == "notes"
            if read and current_view() is not None:
                with outside_views():
                    await meddler.meddle()

        async def meddled(table: LanceTable, fetch: Callable[[AsyncTable], Awaitable[_T]]) -> _T:
            found = await plain(table, fetch)
            await meddle(table)
            return found

        async def meddled_in_memory(table: LanceTable) -> int:
            found = await plain_version(table)
            await meddle(table)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(LanceTable, "read", meddled)
            patch.setattr(LanceTable, "version", meddled_in_memory)
            # The first reads everything from the files, the second from memory.
            for in_memory in (False, True):
                shutil.copytree(written, still)
                async with reading(still) as undisturbed:
                    for read in (undisturbed, memory) if in_memory else ():
                        await read.admin.read_ahead()
                    expected = await _answer(undisturbed, READINGS[name], ids)
                shutil.rmtree(still)
                meddler.commits = 0
                answer = await _answer(memory, READINGS[name], ids)
                assert meddler.commits
                assert answer == expected


async def _answer(memory: Memory, read: Reading, ids: Sequence[str]) -> object:
    return _lasting(await read(memory.unnoticed, ids))


def _lasting(answer: object) -> object:
    """An answer without the names that each one makes anew."""
    match answer:
        case dict():
            pairs = ((name, _lasting(answer[name])) for name in answer)
            return {name: part for name, part in pairs if name not in MADE_ANEW}
        case list() | tuple():
            return list(map(_lasting, answer))
        case _:
            return answer


async def test_the_next_answer_sees_what_was_written_during_the_last(tmp_path: Path) -> None:
    async with reading(tmp_path) as memory:
        await fill(memory)
        before = await memory.store.count(NoteFilter())
        (vectors,) = await memory.embedder.embed_notes(["The wasps live in the shed"])
        note = Note(
            note_id=new_id(START),
            namespace="proj",
            content="The wasps live in the shed",
            happened_at=START,
            valid_from=START,
            known_from=START,
            embed_model=memory.embedder.model_id,
        )
        await memory.store.write(new=[NewNote(note=note, vectors=vectors)])

        found = await recall(memory, CALLER, now=LATER, query="Where do the wasps live?")

        assert await memory.store.count(NoteFilter()) == before + 1
        assert found["notes"][0]["note_id"] == note.note_id
