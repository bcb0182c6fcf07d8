"""One store, some erasures in it, and how long each took."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
from anyio import to_thread

from benchmarks.retrieval.machine import disk_bytes
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.ids import new_id
from zettel.storage.lance import vector_index
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.storage.store import Change, NewNote, Store
from zettel.storage.verify.report import ErasureQuery, load_scan
from zettel.tools.erasure.orders import drain, order_erasure
from zettel.tools.state.memory import Memory

BATCH = 2_000
WORDS = 40
"""Words of a note, of 5,000: about 1.7 kB a row with its vectors."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

LOOKED_FOR = 64
"""Erased notes whose ids, texts and vectors the files are looked through for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One erasure."""

    notes: int
    """In the store."""
    erased: int
    indexed: bool
    """Whether the store has a vector index."""
    invisible_s: float
    """Until no read finds them."""
    physical_s: float
    """Until their last byte is gone and that was looked at; the first included."""
    held_before: int
    held_after: int
    """Files that hold anything of `LOOKED_FOR` of them, and after: or that cannot be decoded."""
    looking_s: float
    """The look after: every file decoded."""
    disk_bytes: int


async def _held(directory: Path, wanted: ErasureQuery) -> int:
    """How many files hold an id, text or vector, or might: they cannot be decoded."""
    report = await to_thread.run_sync(load_scan(), directory, wanted)
    return len({found.path for found in (*report.findings, *report.unread)})


async def measure(place: Path, *, notes: int, erased: int, indexed: bool) -> Taken:
    """Fill a store, change and erase some of its notes.

    Args:
        place: A directory that is not there yet.
        notes: How many the store has.
        erased: How many of them are erased at once, each changed twice before.
        indexed: Whether the vectors have an index.
    """
    vector_index.VECTOR_INDEX_MIN_ROWS = 1 if indexed else notes * 10
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    told = await _fill(store, embedder, notes)
    chosen = told[:: max(1, notes // erased)][:erased]
    await _change(store, chosen)
    await store.upkeep()
    ids = [note.note_id for note in chosen]
    wanted = await _wanted(chosen[:LOOKED_FOR], embedder)
    before, now = await _held(place, wanted), datetime.now(UTC)
    began = perf_counter()
    receipt_id = await order_erasure(memory, ids, scope="notes", who="benchmark", now=now)
    finished = await drain(memory, now=now)
    physical_s = perf_counter() - began
    assert finished == 1
    [receipt] = [r for r in await store.receipts() if r.receipt_id == receipt_id]
    assert receipt.invisible_at is not None
    looking = perf_counter()
    after = await _held(place, wanted)
    taken = Taken(
        notes=notes,
        erased=erased,
        indexed=indexed,
        invisible_s=(receipt.invisible_at - now) / timedelta(seconds=1),
        physical_s=physical_s,
        held_before=before,
        held_after=after,
        looking_s=perf_counter() - looking,
        disk_bytes=disk_bytes(place),
    )
    await store.close()
    return taken


async def _wanted(notes: list[Note], embedder: HashEmbedder) -> ErasureQuery:
    """All that the files may hold of notes, each of which was changed twice."""
    texts = [text for n in notes for text in (n.content, f"{n.content} 2", f"{n.content} 2 3")]
    vectors = await embedder.embed_notes(texts)
    return ErasureQuery(ids=[note.note_id for note in notes], texts=texts, vectors=vectors)


async def _fill(store: Store, embedder: HashEmbedder, notes: int) -> list[Note]:
    random = np.random.default_rng(7)
    words = ["".join(random.choice(list("abcdefghijklmnop"), 6)) for _ in range(5_000)]
    told = list[Note]()
    for start in range(0, notes, BATCH):
        texts = [" ".join(random.choice(words, WORDS)) for _ in range(min(BATCH, notes - start))]
        vectors = await embedder.embed_notes(texts)
        made = [_note(text, start + at) for at, text in enumerate(texts)]
        await store.write(
            new=[NewNote(note=n, vectors=v) for n, v in zip(made, vectors, strict=True)]
        )
        told += made
    await store.upkeep()
    return told


def _note(text: str, at: int) -> Note:
    now = BEGAN + timedelta(seconds=at)
    return Note(
        note_id=new_id(now),
        namespace="bench",
        content=text,
        session=f"s{at // 50}",
        happened_at=now,
        valid_from=now,
        known_from=now,
    )


async def _change(store: Store, notes: list[Note]) -> None:
    for rev in (2, 3):
        for start in range(0, len(notes), BATCH):
            ids = [note.note_id for note in notes[start : start + BATCH]]
            changes = [Change(note=_revised(n, rev)) for n in await store.get(ids)]
            await store.write(changes=changes)


def _revised(note: Note, rev: int) -> Note:
    known = note.known_from + timedelta(hours=1)
    return replace(note, rev=rev, content=f"{note.content} {rev}", known_from=known)
