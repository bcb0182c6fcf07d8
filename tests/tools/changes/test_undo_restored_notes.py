"""Restored revisions: the fields that return, and those that the note keeps."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import FULL, LATER, NOW, X, Y, make_note, unit

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Note, Origin, State
from zettel.storage.store import Change, NewNote
from zettel.tools.changes.undo import RestoreCause, restored_note, restoring_changes
from zettel.tools.state.memory import Memory

KEPT = {
    *("note_id", "rev", "namespace", "current", "known_from", "known_to", "ended_at", "corrected"),
    *("changed_by", "change", "reason", "run_id", "embed_model"),
}
"""Fields of the current revision that are always kept."""
SETTLED = {"state", "valid_until", "stage"}
"""Fields for which it depends."""
STAMP = RestoreCause(now=LATER, by="me", change="undo", reason="why", run_id="undo-1")

standing = replace(
    make_note("other words"),
    note_id=FULL.note_id,
    rev=7,
    known_from=LATER,
    origin=Origin(client="other"),
    changed_by="other",
    change="update",
    reason="other",
    run_id="other",
    embed_model="other",
    stage=1,
)


def test_all_that_was_said_returns_and_what_identifies_the_note_stays() -> None:
    back = restored_note(standing, FULL, whole=False)

    for field in fields(Note):
        if field.name not in SETTLED:
            origin = standing if field.name in KEPT else FULL
            assert getattr(back, field.name) == getattr(origin, field.name), field.name


def test_an_undo_brings_state_and_end_back_and_nothing_is_looked_at_again() -> None:
    back = restored_note(standing, FULL, whole=True)

    assert (back.state, back.valid_until, back.stage) == (FULL.state, FULL.valid_until, 1)


def test_an_agents_return_keeps_the_state_and_has_other_words_looked_at_again() -> None:
    back = restored_note(standing, FULL, whole=False)

    assert (back.state, back.valid_until, back.stage) == (State.ACTIVE, FULL.valid_until, 0)
    same_words = replace(standing, content=FULL.content, subject=FULL.subject)
    same_words = replace(same_words, happened_at=FULL.happened_at)
    assert restored_note(same_words, FULL, whole=False).stage == 1


@pytest.mark.parametrize("superseded", ["standing", "earlier"])
def test_an_agents_return_leaves_the_end_of_a_superseded_note_alone(superseded: str) -> None:
    now = replace(standing, valid_until=LATER)
    then = replace(FULL, state=State.ACTIVE)
    if superseded == "standing":
        now = replace(now, state=State.SUPERSEDED)
    else:
        then = replace(then, state=State.SUPERSEDED)

    assert restored_note(now, then, whole=False).valid_until == LATER


async def test_words_return_with_their_vectors_and_correct_what_they_replace() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    model = memory.embedder.model_id
    first = replace(make_note("first"), embed_model=model)
    await memory.store.write(new=[NewNote(note=first, vectors=unit(X))])
    second = replace(first, rev=2, content="second", known_from=NOW + timedelta(minutes=1))
    await memory.store.write(changes=[Change(note=second, vectors=unit(Y))])
    now, then = (await memory.store.get([first.note_id]))[0], first

    [change] = await restoring_changes(memory, [(now, then)], STAMP, whole=False)
    await memory.store.write(changes=[change])

    _, replaced, note = await memory.store.revisions(first.note_id)
    assert (replaced.corrected, replaced.ended_at) == (True, None)
    assert (note.content, note.rev, note.known_from) == ("first", 3, LATER)
    assert (note.changed_by, note.change, note.reason, note.run_id) == (
        "me",
        "undo",
        "why",
        "undo-1",
    )
    assert note.embed_model == model
    passages = await memory.store.passages_of([first.note_id])
    assert passages[first.note_id].tolist() == unit(X).tolist()


async def test_words_whose_vectors_come_from_another_model_wait_for_embedding() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    first = replace(make_note("first"), embed_model="an old model")
    await memory.store.write(new=[NewNote(note=first, vectors=unit(X))])
    await memory.store.write(changes=[Change(note=replace(first, rev=2, content="second"))])
    [now] = await memory.store.get([first.note_id])

    [change] = await restoring_changes(memory, [(now, first)], STAMP, whole=False)
    await memory.store.write(changes=[change])

    assert (await memory.store.get([first.note_id]))[0].embed_model == ""
    assert await memory.store.passages_of([first.note_id]) == {}


async def test_the_same_words_keep_their_vectors_and_no_difference_makes_no_change() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    first = make_note("first")
    await memory.store.write(new=[NewNote(note=first, vectors=unit(X))])
    [then] = await memory.store.get([first.note_id])
    await memory.store.write(changes=[Change(note=replace(then, rev=2, tags=("t",)))])
    [now] = await memory.store.get([first.note_id])

    [change] = await restoring_changes(memory, [(now, then)], STAMP, whole=True)
    assert change.keep_vectors
    await memory.store.write(changes=[change])

    [back] = await memory.store.get([first.note_id])
    assert (back.tags, back.embed_model) == ((), then.embed_model)
    assert await restoring_changes(memory, [(back, then)], STAMP, whole=True) == []
