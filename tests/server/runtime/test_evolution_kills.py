"""A run that is killed at any point is taken up by the next one, and comes to the same end."""

import os
import shutil
import signal
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
import pytest
from tests.scripted_llm import (
    Asked,
    Reply,
    ScriptedLlm,
    Shown,
    composed,
    judged,
    scripted_llm,
    worded,
)
from tests.server import evolve_worker
from tests.starting import start

from zettel.server.commands.evolve import evolve_once, print_runs, undo_once
from zettel.server.commands.output import Output
from zettel.server.config.settings import load_engine_settings
from zettel.server.config.trust import confirm
from zettel.server.runtime.factories import opened
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note, Origin, State
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL of POSIX")

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120.0
"""Bound of a wait for a process that imports lancedb on a busy machine."""
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
TOLD = (
    "Ana lives in Lyon",
    "We met Zebulon at the fair on the old bridge",
    "My flat is quiet now that Zebulon left for the coast",
    "The rent of the flat is due on every first Monday",
    "Ana has moved to Paris",
)
POINTS = {
    "before the notes are linked": ("step", "link"),
    "before what became of them is committed": ("commit", "before"),
    "right after the commit": ("commit", "after"),
    "while a neighbour is revised": ("asked", "new"),
    "while a pair is judged": ("asked", "younger"),
    "while a gist is composed": ("asked", "source"),
}


def describes(asked: Asked) -> Reply:
    return worded([{"id": note.note_id, "tags": ["life"]} for note in asked.notes])


def revises(asked: Asked) -> Reply:
    told = [{"id": n.note_id, "context": "seen anew"} for n in asked.notes if n.role != "new"]
    return worded(told)


def composes(asked: Asked) -> Reply:
    return composed(("what happened", [note.note_id for note in asked.notes]))


def judges(asked: Asked) -> Reply:
    [younger] = [note for note in asked.notes if note.role == "younger"]
    older = [note for note in asked.notes if note.role == "older"]
    return judged(*((n.note_id, "replaced", said(younger), said(n)) for n in older))


def said(note: Shown) -> str:
    return note.text.split("\n")[0].removeprefix("text: ")


@pytest.fixture(scope="module")
def llm() -> Generator[ScriptedLlm]:
    """A service that has something to say on everything, and always the same."""
    with scripted_llm() as service:
        service.describes, service.revises = describes, revises
        service.composes, service.judges = composes, judges
        yield service


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, llm: ScriptedLlm) -> Path:
    """A store whose notes nobody has evolved, with the LLM in its config.toml."""
    place = tmp_path_factory.mktemp("kills") / "store"
    anyio.run(_tell, place)
    told = f'model = "hash"\nllm_model = "m"\nllm_base_url = "{llm.url}"\nconsolidate = true\n'
    (place / "config.toml").write_text(told, encoding="utf-8")
    confirm(place / "config.toml")
    return place


async def _tell(place: Path) -> None:
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    memory, ana = Memory(store=store, embedder=embedder), Caller(origin=Origin(), namespace="home")
    for day, content in enumerate(TOLD):
        now = NOW - timedelta(days=5 - day)
        await remember(memory, ana, now=now, content=content, session="s")
    await store.close()


@pytest.fixture(scope="module")
def fixpoint(kept: Path, llm: ScriptedLlm) -> list[tuple[object, ...]]:
    """What a run that nobody killed leaves."""
    place = kept.parent / "reference"
    shutil.copytree(kept, place)
    confirm(place / "config.toml")
    end = anyio.run(partial(evolved, place))
    assert {note[4] for note in end if note[0] == "Ana lives in Lyon"} == {State.SUPERSEDED}
    assert {role for asked in llm.asked for role in {n.role for n in asked.notes}} >= {
        *("note", "new", "younger", "source"),
    }
    return end


async def evolved(place: Path) -> list[tuple[object, ...]]:
    """Evolve, evolve again, which changes nothing; everything that stands then."""
    settings = load_engine_settings(str(place))
    waited = list[str]()
    await evolve_once(settings, NOW, unwatched, lambda: waited.append("waited"))
    again = await evolve_once(settings, NOW, unwatched, lambda: None)
    assert (waited, again.changed, again.created, again.llm) == ([], 0, 0, {})
    async with opened(settings) as memory:
        every = NoteFilter(states=(), derived=None)
        return sorted((logical(n) for n in await memory.store.find(every, limit=99)), key=str)


def test_a_run_that_is_killed_after_a_commit_is_listed_and_can_be_undone(tmp_path: Path) -> None:
    place = tmp_path / "store"
    anyio.run(_tell, place)
    (place / "config.toml").write_text('model = "hash"\n', encoding="utf-8")
    confirm(place / "config.toml")
    settings = load_engine_settings(str(place))
    arguments = (evolve_worker.__name__, str(place), NOW.isoformat(), "commit", "after")
    process = start("-m", *arguments, cwd=ROOT, streams=(None, None, None))
    assert process.wait(PATIENCE_S) == -signal.SIGKILL

    listed = list[Output]()
    anyio.run(print_runs, settings, listed.append)

    assert "evolve  begun  killed, or not at its end" in listed[0].text
    run_id = listed[0].text.split()[0]
    undone = anyio.run(undo_once, settings, run_id, False, lambda: None).report
    assert len(undone.restored) == len(TOLD)


def test_an_undo_that_is_killed_after_its_commit_is_listed_and_can_be_undone(
    tmp_path: Path,
) -> None:
    place = tmp_path / "store"
    anyio.run(_tell, place)
    (place / "config.toml").write_text('model = "hash"\n', encoding="utf-8")
    confirm(place / "config.toml")
    settings = load_engine_settings(str(place))
    run_id = anyio.run(evolve_once, settings, NOW, unwatched, lambda: None).run_id
    arguments = (evolve_worker.__name__, str(place), NOW.isoformat(), "commit", "after", run_id)
    process = start("-m", *arguments, cwd=ROOT, streams=(None, None, None))
    assert process.wait(PATIENCE_S) == -signal.SIGKILL

    listed = list[Output]()
    anyio.run(print_runs, settings, listed.append)

    assert "undo    begun  killed, or not at its end" in listed[0].text
    undo_id = listed[0].text.split()[0]
    undone = anyio.run(undo_once, settings, undo_id, False, lambda: None).report
    assert len(undone.restored) == len(TOLD)


def unwatched(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def logical(note: Note) -> tuple[object, ...]:
    """What a note says; made at random are only the ids of a profile and of a summary."""
    links = sorted((k.to, k.relation, k.reason, k.made_by, k.valid_until) for k in note.links)
    return (
        *(note.content, note.context, note.tags, note.keywords, note.state, note.valid_until),
        *(sorted(note.derived_by.items()), str(links), note.stage, note.trust),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", POINTS)
def test_a_run_killed_at_any_point_is_taken_up_and_comes_to_the_same_end(
    name: str,
    kept: Path,
    llm: ScriptedLlm,
    fixpoint: list[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, point = POINTS[name]
    place = kept.parent / name.replace(" ", "-")
    shutil.copytree(kept, place)
    confirm(place / "config.toml")
    arguments = (evolve_worker.__name__, str(place), NOW.isoformat(), before, point)
    process = start("-m", *arguments, cwd=ROOT, streams=(None, None, None))

    def kill(asked: Asked) -> None:
        if before == "asked" and point in {note.role for note in asked.notes}:
            os.kill(process.pid, signal.SIGKILL)

    monkeypatch.setattr(llm, "before", kill)
    try:
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    finally:
        process.kill()
        monkeypatch.undo()

    # The lease of the dead is free at once: nobody waits for it.
    assert anyio.run(partial(evolved, place)) == fixpoint
