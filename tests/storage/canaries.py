"""A store with a note that is easily recognised, for tests of erasure."""

# pyright: reportUnknownMemberType=false
# (lancedb is typed in part)

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
from tests.storage.samples import FULL, LATER, MODEL, NOW, make_note, recalled

from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Link, Note
from zettel.storage.store import Change, NewNote, Store, Vectors
from zettel.storage.verify.report import ErasureQuery, FileKind, MatchKind, VerifyReport, load_scan

DIM = 16
TEXTS = {
    "content": "the quick xylophone of Mr Brzęczyk jumps over nine lazy hedgehogs at dusk",
    "context": "what a canary sang of contexts",
    "subject": "Zyxwvut Qwertz",
    "source": "file:///a/canary/of/sources",
    "session": "canary-session-77",
    "summary": "a canary that was summed up in few words",
    "reason": "because a canary gave reasons",
    "change": "a canary that changed it",
    "changed_by": "canary-client-of-old",
}
LISTS = {
    "tags": ("canarytag", "two canary tags"),
    "keywords": ("canarykeyword",),
    "entities": ("Canarius the Third",),
    "questions": ("Who asked about the canary?",),
}
LINKED = "as the canary linked them"


def canary() -> Note:
    """A note with words of its own in every column of text."""
    note = replace(FULL, note_id=new_id(NOW), **TEXTS)
    note = replace(note, **LISTS)
    return replace(
        note, links=(*note.links, Link(to="z", relation="r", reason=LINKED, made_at=NOW))
    )


def vectors(seed: int, passages: int = 1) -> Vectors:
    """Some passages' vectors."""
    return unit_rows(np.random.default_rng(seed).standard_normal((passages, DIM)))


def wanted(note: Note) -> ErasureQuery:
    """All that there is of the note."""
    lists = (word for words in LISTS.values() for word in words)
    texts = (*TEXTS.values(), *lists, LINKED)
    return ErasureQuery(ids=[note.note_id], texts=texts, vectors=[vectors(0, 2), vectors(1, 2)])


async def tell_of_it(place: Path, *, others: int, upkeeps: int = 2) -> Note:
    """Make a store of some notes and the canary: changed twice, linked to, recalled."""
    store = await open_store(str(place), model_id=MODEL, dim=DIM)
    notes = [make_note(f"bee number {at} dances in the meadow by the mill") for at in range(others)]
    await store.write(
        new=[NewNote(note=note, vectors=vectors(2 + at)) for at, note in enumerate(notes)]
    )
    note = canary()
    await store.write(new=[NewNote(note=note, vectors=vectors(0, 2))])
    for rev, said in ((2, "It flew."), (3, "It flew away.")):
        when = LATER + timedelta(hours=rev)
        note = replace(note, rev=rev, known_from=when, content=f"{TEXTS['content']}. {said}")
        await store.write(changes=[Change(note=note, vectors=vectors(1, 2))])
    if notes:
        link = Link(to=note.note_id, relation="similar", made_at=NOW)
        pointing = replace(notes[0], rev=2, known_from=LATER, links=(link,))
        await store.write(changes=[Change(note=pointing)])
    await store.reinforce([recalled(note.note_id)])
    await tend(store, upkeeps)
    await store.close()
    return note


async def tend(store: Store, upkeeps: int) -> None:
    """Make indices cover what was written."""
    for _ in range(upkeeps):
        assert await store.upkeep()


async def delete_plainly(place: Path, note_id: str) -> None:
    """Delete as LanceDB's documentation says: not enough."""
    database = await lancedb.connect_async(str(place))
    for name in ("notes", "usage"):
        table = await database.open_table(name)
        await table.delete(f"note_id = '{note_id}'")
        await table.optimize(cleanup_older_than=timedelta(days=7))


def scan(place: Path, asked: ErasureQuery) -> VerifyReport:
    """Look for it."""
    return load_scan()(place, asked)


def found(report: VerifyReport) -> set[tuple[FileKind, MatchKind]]:
    """What was found in what sort of file."""
    return {(finding.kind, finding.what) for finding in report.findings}


def files(place: Path, pattern: str) -> Sequence[Path]:
    """Files of a store, the largest first."""
    matches = (path for path in place.glob(pattern) if path.is_file())
    return sorted(matches, key=os.path.getsize, reverse=True)
