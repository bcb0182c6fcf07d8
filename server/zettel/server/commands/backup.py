"""`zettel backup` and `zettel restore`: a store's notes in one file, and back."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from anyio import to_thread

from zettel.server.commands.progress import Tell
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.version import VERSION
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import expanded, installed_parts
from zettel.server.runtime.leadership import new_run_id
from zettel.storage.backup.archive import BackupFile, checked
from zettel.storage.backup.create import BackupSummary, back_up, begin_record
from zettel.storage.backup.restore import RestoreSummary, carry_over, receipts_in, recorded, restore
from zettel.storage.lance.store import LanceStore, open_as_it_is, open_store
from zettel.storage.notes import Run
from zettel.tools.doctor.heal import heal
from zettel.tools.state.memory import Memory
from zettel.tools.validation import check_namespace

WHO = "cli"
RESTORE = "restore"
"""`Run.kind` of a restore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupResult:
    """A finished backup and where it is."""

    file: Path
    made: BackupSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """A finished restore."""

    backup: BackupFile
    store: str
    namespace: str | None
    run_id: str
    done: RestoreSummary
    model: str
    """The store's embedding model."""


async def back_up_once(settings: Settings, file: Path, force: bool, tell: Tell) -> BackupResult:
    """Write a store's backup; whoever serves the store goes on.

    Raises:
        BackupError: The file exists, or cannot be written.
        StoreError: The store cannot be read.
    """
    store = await open_as_it_is(settings.store, erasures=expanded(settings.erasures))
    try:
        now = utc_now()
        made = await back_up(
            store.tables,
            file,
            force=force,
            run=begin_record(file.name, new_run_id(now, kind="backup"), WHO, now),
            made_by=VERSION,
            clock=utc_now,
            tell=tell,
        )
    finally:
        await store.close()
    return BackupResult(file=file, made=made)


async def restore_once(
    settings: Settings, file: Path, namespace: str | None, tell: Tell
) -> RestoreResult:
    """Restore a backup; every byte of it is checked before anything is written.

    Args:
        settings: Into which store; its model is the settings', whatever made the backup's vectors.
        file: The backup, absolute.
        namespace: Where all notes go, beside what the store holds; None needs a store without any.
        tell: Told step, how much is done, how much there is.

    Raises:
        BackupError: The file is damaged, or the store has notes and no namespace is named.
        StoreError: The store or its model cannot be used.
    """
    if namespace is not None:
        check_namespace(namespace)
    backup = await to_thread.run_sync(checked, file, tell)
    receipts = await to_thread.run_sync(receipts_in, backup)
    embedder = await installed_parts(settings).make_embedder()
    store = await open_store(
        settings.store,
        model_id=embedder.model_id,
        dim=embedder.dim,
        durable=settings.durability == "power-loss",
        erasures=expanded(settings.erasures),
    )
    try:
        ledger = store.tables.ledger
        begun = utc_now()
        done = await restore(
            store.tables,
            backup,
            namespace=namespace,
            is_erased=recorded(ledger, receipts),
            tell=tell,
        )
        await to_thread.run_sync(carry_over, ledger, receipts)
        run = _record(file, begun, done)
        await _settle(store, Memory(store=store, embedder=embedder), run, tell)
    finally:
        await store.close()
    return RestoreResult(
        backup=backup,
        store=store.place,
        namespace=namespace,
        run_id=run.run_id,
        done=done,
        model=embedder.model_id,
    )


def _record(file: Path, begun: datetime, done: RestoreSummary) -> Run:
    return Run(
        run_id=f"{new_run_id(begun, kind=RESTORE)}-{file.name}",
        kind=RESTORE,
        who=WHO,
        started_at=begun,
        ended_at=begun,
        counts=asdict(done),
        outcome="done",
    )


async def _settle(store: LanceStore, memory: Memory, run: Run, tell: Tell) -> None:
    """Record the restore, set right what staying-out notes left half, and index what came."""
    tell("indexing", 0, 0)
    await store.add_run(replace(run, ended_at=utc_now()))
    await heal(memory, now=utc_now())
    await store.upkeep()


def backup_as_json(backup: BackupResult) -> str:
    """The backup as one JSON object."""
    made = backup.made
    return json.dumps(
        {
            "file": str(backup.file),
            "backup_id": made.backup_id,
            "bytes": made.bytes,
            "recorded": made.recorded,
            "made_at": made.manifest.made_at,
            "embed_model": made.manifest.embed_model,
            "counts": dict(made.manifest.counts),
        },
        ensure_ascii=False,
    )


def backup_as_text(backup: BackupResult) -> str:
    """The backup for a person."""
    made, counts = backup.made, backup.made.manifest.counts
    told = (
        f"{backup.file}: {counts['notes']} notes, {counts['revisions']} revisions,"
        f" {made.bytes:,} bytes. It holds their text; only you can read it."
    )
    if not made.recorded:
        told += (
            " The store could not note it down, so no later erasure will name it: keep that in"
            " mind."
        )
    return told


def restoration_as_json(restoration: RestoreResult) -> str:
    """The restore as one JSON object."""
    return json.dumps(
        {
            "file": str(restoration.backup.path),
            "backup_id": restoration.backup.manifest.backup_id,
            "store": restoration.store,
            "namespace": restoration.namespace,
            "run_id": restoration.run_id,
            "embed_model": restoration.model,
            "counts": asdict(restoration.done),
        },
        ensure_ascii=False,
    )


def restoration_as_text(restoration: RestoreResult) -> str:
    """The restore for a person."""
    done, made = restoration.done, restoration.backup.manifest
    into = f" into namespace {restoration.namespace!r}" if restoration.namespace else ""
    lines = [
        f"{restoration.store}: {done.notes} notes, {done.revisions} revisions came back{into}"
        f" from the backup of {made.made_at}."
    ]
    if done.there:
        lines.append(f"{done.there} notes were there already and were left as they are.")
    if done.renamed:
        lines.append(f"{done.renamed} notes got new ids: other notes of the store have theirs.")
    if done.erased:
        lines.append(
            f"{done.erased} notes stayed out, since they or their sources were erased; what"
            f" {done.cleaned} others held of them was taken out."
        )
    if done.unembedded:
        lines.append(
            f"The backup's vectors are of {made.embed_model}, the store's model is"
            f" {restoration.model}: {done.unembedded} notes are found by their words until"
            " evolution has embedded them (zettel evolve --once does it now)."
        )
    return "\n".join(lines)
