"""Backups and restores of small stores, and all that a store holds, to compare."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from tests.storage.samples import DIM, LATER, MODEL, NOW

from zettel.storage.backup.archive import BackupFile, checked
from zettel.storage.backup.create import BackupSummary, back_up, begin_record
from zettel.storage.backup.reader import SoundBackup, examined
from zettel.storage.backup.restore import IsErased, RestoreSummary, restore
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Note, Run, Usage

COPIES = ("backup", "export", "restore")
Everything = tuple[Mapping[str, tuple[Note, object]], Mapping[str, Usage], list[Run]]


def untold(step: str, done: int, total: int) -> None:
    """Nobody watches."""


async def backed_up(store: LanceStore, file: Path, *, force: bool = False) -> BackupSummary:
    """Back a store up at `NOW`."""
    return await back_up(
        store.tables,
        file,
        force=force,
        run=begin_record(file.name, "backup-1", "test", NOW),
        made_by="0",
        clock=lambda: LATER,
        tell=untold,
    )


def nothing_erased(note_id: str) -> bool:
    """An empty record of erasures."""
    return False


async def restored(
    store: LanceStore,
    file: Path,
    *,
    namespace: str | None = None,
    is_erased: IsErased = nothing_erased,
) -> RestoreSummary:
    """Check a backup and restore it."""
    return await restore(
        store.tables, sound(checked(file, untold)), namespace=namespace, is_erased=is_erased,
        tell=untold,
    )  # fmt: skip


def sound(backup: BackupFile) -> SoundBackup:
    """Examine a backup whose notes are as tests make them."""
    return examined(backup, problem_of=lambda _note: "", room=None, tell=untold)


async def fresh(folder: Path, *, model: str = MODEL, dim: int = DIM) -> LanceStore:
    """A new store."""
    return await open_store(str(folder), model_id=model, dim=dim)


async def everything(store: LanceStore) -> Everything:
    """All revisions with their vectors, all usage, all runs but those of copies."""
    rows = await read_rows(store.tables, "")
    notes = {
        row.note.row_id: (row.note, None if row.vectors is None else row.vectors.tolist())
        for row in rows
    }
    assert len(notes) == len(rows)
    usage = await store.usage_of(sorted({row.note.note_id for row in rows}))
    runs = [run for run in await store.runs(limit=999) if run.kind not in COPIES]
    return notes, usage, runs


def cosine_row(number: int) -> tuple[float, ...]:
    """A unit vector that no other number has."""
    angle = number / 100
    return (float(np.cos(angle)), float(np.sin(angle)), 0.0, 0.0)


def moment(hour: int) -> datetime:
    """An hour of a day."""
    return NOW.replace(hour=hour)
