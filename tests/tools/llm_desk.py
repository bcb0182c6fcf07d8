"""What tests of evolution with an LLM share: desks that ask it, and what it says by default."""

from collections.abc import Mapping
from dataclasses import replace

from tests.scripted_llm import Asked, Reply, ScriptedLlm, Shown, worded
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.changes.undo import undo_run
from zettel.tools.llm.llm import LlmLimits
from zettel.tools.state.memory import Memory

NEW_WORDS: Mapping[str, object] = {
    "context": "now part of the quincunx affair",
    "keywords": ["quincunx"],
    "tags": ["affairs"],
}
EVERY = NoteFilter(states=())


def asking_memory(llm: ScriptedLlm, limits: LlmLimits | None = None, **given: object) -> Memory:
    """A new in-memory store that asks this service, with other fields of `Memory` as given."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), mind=llm.mind(limits))
    return replace(memory, **given)  # pyright: ignore[reportArgumentType]: fields by name


def describe_all(asked: Asked) -> Reply:
    """Say something true of every note."""
    return worded([{"id": note.note_id, **words_of(note)} for note in asked.notes])


def words_of(note: Shown) -> Mapping[str, object]:
    """Words that fit any note."""
    return {
        "context": "about everyday life",
        "keywords": ["everyday"],
        "tags": ["life"],
        "questions": ["what happened?"],
    }


def words_in(note: Shown) -> str:
    """The first line of a note's text, as the model is shown it."""
    return note.text.split("\n")[0].removeprefix("text: ")


def revise_all(asked: Asked) -> Reply:
    """Revise every neighbour."""
    revised = [{"id": n.note_id, **NEW_WORDS} for n in asked.notes if n.role == "neighbour"]
    return worded(revised)


async def told_apart(desk: Desk, *contents: str, **given: object) -> list[str]:
    """Remember each on a day of its own; the ids."""
    ids = list[str]()
    for content in contents:
        ids.append(await desk.told(content, **given))
        desk.later(days=1)
    return ids


async def undo(desk: Desk, run_id: str) -> None:
    """Undo a run."""
    await undo_run(desk.memory, run_id, now=desk.now, undo_id=f"u-{run_id}", who="t", partial=False)


async def stored(desk: Desk, note_id: str) -> Note:
    """A note as it stands."""
    [note] = await desk.memory.store.get([note_id])
    return note


async def everything(desk: Desk) -> dict[str, Note]:
    """Every note as it stands, composed ones too, in any state."""
    where = NoteFilter(states=(), derived=None)
    return {n.note_id: n for n in await desk.memory.store.find(where, limit=1_000)}


async def composed_notes(desk: Desk, sort: str) -> list[Note]:
    """Active notes of a sort that evolution has composed."""
    found = await desk.memory.store.find(NoteFilter(derived=True), limit=1_000)
    return [n for n in found if n.origin.principal == sort and n.state is State.ACTIVE]


def logical(note: Note) -> Note:
    """A note without what tells its revisions apart."""
    return replace(
        note, rev=1, known_from=START, changed_by="", change="", reason="", run_id="", stage=0
    )


async def neighbours(desk: Desk) -> tuple[str, str]:
    """Two notes of which the second is linked to the first."""
    older = await desk.told("We met Zebulon at the market by the harbour")
    younger = await desk.told("The market by the harbour is quiet now that Zebulon left")
    return older, younger
