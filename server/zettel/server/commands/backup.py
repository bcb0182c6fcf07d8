"""`zettel backup` and `zettel restore`: a store's notes in one file, and back."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from anyio import to_thread

from zettel.server.commands.output import CLI_PRINCIPAL, Output, printable
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.version import VERSION
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import expanded, installed_factories
from zettel.server.runtime.leadership import new_run_id
from zettel.storage.backup.archive import BackupFile, checked
from zettel.storage.backup.create import BackupSummary, back_up, begin_record
from zettel.storage.backup.restore import RestoreSummary, carry_over, receipts_in, recorded, restore
from zettel.storage.lance.store import LanceStore, open_as_it_is, open_store
from zettel.storage.notes import Run
from zettel.storage.progress import ReportProgress
from zettel.tools.doctor.heal import heal
from zettel.tools.state.memory import Memory
from zettel.tools.validation import check_namespace

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


async def back_up_once(
    settings: Settings, file: Path, force: bool, tell: ReportProgress
) -> BackupResult:
    """Write a backup of a store, while other processes may use it.

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
            run=begin_record(file.name, new_run_id(now, kind="backup"), CLI_PRINCIPAL, now),
            made_by=VERSION,
            clock=utc_now,
            tell=tell,
        )
    finally:
        await store.close()
    return BackupResult(file=file, made=made)


async def restore_once(
    settings: Settings, file: Path, namespace: str | None, tell: ReportProgress
) -> RestoreResult:
    """Restore a backup; every byte of it is checked before anything is written.

    Args:
        settings: Name the store and its model, which may differ from the backup's.
        file: The backup, absolute.
        namespace: Takes all notes, in a store that may hold others; None needs an empty store.
        tell: Called with the progress.

    Raises:
        BackupError: The file is damaged, or the store has notes and no namespace is named.
        StoreError: The store or its model cannot be used.
    """
    if namespace is not None:
        check_namespace(namespace)
    backup = await to_thread.run_sync(checked, file, tell)
    receipts = await to_thread.run_sync(receipts_in, backup)
    embedder = await installed_factories(settings).make_embedder()
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
        who=CLI_PRINCIPAL,
        started_at=begun,
        ended_at=begun,
        counts=asdict(done),
        outcome="done",
    )


async def _settle(store: LanceStore, memory: Memory, run: Run, tell: ReportProgress) -> None:
    """Record the restore, repair links to notes that were left out, and index the new notes."""
    tell("indexing", 0, 0)
    await store.add_run(replace(run, ended_at=utc_now()))
    await heal(memory, now=utc_now())
    await store.upkeep()


def backup_output(backup: BackupResult) -> Output:
    """The printed result of a backup."""
    made, counts = backup.made, backup.made.manifest.counts
    text = (
        f"{backup.file}: {counts['notes']} notes, {counts['revisions']} revisions,"
        f" {made.bytes:,} bytes. It holds their text; only you can read it."
    )
    if not made.recorded:
        text += (
            " The store could not note it down, so no later erasure will name it: keep that in"
            " mind."
        )
    data = {
        "file": str(backup.file),
        "backup_id": made.backup_id,
        "bytes": made.bytes,
        "recorded": made.recorded,
        "made_at": made.manifest.made_at,
        "embed_model": made.manifest.embed_model,
        "counts": dict(counts),
    }
    return Output(data, text)


def restore_output(restored: RestoreResult) -> Output:
    """The printed result of a restore."""
    done, made = restored.done, restored.backup.manifest
    into = f" into namespace {restored.namespace!r}" if restored.namespace else ""
    lines = [
        f"{restored.store}: {done.notes} notes, {done.revisions} revisions came back{into}"
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
            f" {restored.model}: {done.unembedded} notes are found by their words until"
            " evolution has embedded them (zettel evolve --once does it now)."
        )
    data = {
        "file": str(restored.backup.path),
        "backup_id": made.backup_id,
        "store": restored.store,
        "namespace": restored.namespace,
        "run_id": restored.run_id,
        "embed_model": restored.model,
        "counts": asdict(done),
    }
    return Output(data, "\n".join(map(printable, lines)))
