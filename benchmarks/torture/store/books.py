"""Every revision a store holds, read past any server when all of them are gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.torture.store.deeds import Account
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Note, Run
from zettel.storage.store import NoteFilter

READERS = 8
"""Histories read at once."""

EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a store holds."""

    histories: Mapping[str, Sequence[Note]]
    """Note id -> all its revisions, oldest first."""
    rows: int
    """Revisions in all; more than the histories have belong to notes without a current one."""
    runs: Sequence[Run]


async def read_books(place: Path, account: Account) -> Books:
    """Read a store whole."""
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim, create=False)
    try:
        current = await store.find(NoteFilter(states=()), limit=EVERYTHING)
        ids = {note.note_id for note in current} | {card.note_id for card in account.known()}
        histories = await _histories(store, sorted(ids))
        rows = (await store.stats()).revisions
        return Books(histories=histories, rows=rows, runs=await store.runs(limit=EVERYTHING))
    finally:
        await store.close()


async def _histories(store: LanceStore, note_ids: Sequence[str]) -> dict[str, Sequence[Note]]:
    read, limit = dict[str, Sequence[Note]](), anyio.CapacityLimiter(READERS)

    async def read_one(note_id: str) -> None:
        async with limit:
            read[note_id] = await store.revisions(note_id)

    async with anyio.create_task_group() as tasks:
        for note_id in note_ids:
            tasks.start_soon(read_one, note_id)
    return read
