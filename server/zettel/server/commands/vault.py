"""`zettel export` and `zettel import` with a folder of Markdown files, a note each."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from zettel.server.commands.here import caller_here
from zettel.server.commands.moving import all_names, check_known
from zettel.server.commands.output import (
    CLI_PRINCIPAL,
    UNRECORDED,
    Output,
    number_of,
    printable,
)
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import new_run_id
from zettel.storage.backup.create import EXPORT
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.location import read_place
from zettel.storage.notes import BEGUN, Origin, Run
from zettel.storage.progress import ReportProgress, no_progress
from zettel.tools.imports.drafts import IMPORT
from zettel.tools.state.memory import Memory
from zettel.tools.validation import check_namespace
from zettel.tools.vault.manifest import Vault, VaultError, VaultManifest
from zettel.tools.vault.read import (
    EditKind,
    NoteFileEdit,
    VaultChanges,
    apply_changes,
    counted,
    find_changes,
)
from zettel.tools.vault.write import WriteReport, write_vault

MARKDOWN = "markdown"
POLL_S = 1.0
"""Seconds between two looks at the folder and the store; a change is taken when a look later
there is no other."""
SHOWN_EDITS = 200
"""Lines of a report for people; `--json` has all."""
DONE_WORDS = {
    EditKind.UPDATE: "updated",
    EditKind.NEW: "remembered",
    EditKind.DELETED: "forgotten",
}
CHANGING = frozenset({EditKind.UPDATE, EditKind.NEW})
"""Edits that are done with every import; removed files only if it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultExport:
    """A folder that was written."""

    folder: Path
    report: WriteReport
    recorded: bool = True
    """Whether the store could note a new folder down; a full or read-only one cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultImport:
    """What was found in a folder, and whether it was done."""

    folder: Path
    changes: VaultChanges
    applied: bool
    run_id: str = ""
    """The run that its changes belong to; empty if there are none."""


async def export_vault(
    settings: Settings,
    folder: Path,
    namespaces: tuple[str, ...],
    force: bool,
    tell: ReportProgress,
) -> VaultExport:
    """Write notes into a folder, or bring a folder up to date.

    `folder` is new, empty, or written by an earlier export, whose namespaces are kept where none
    are named. With `force`, files that a person changed or removed are written as well.

    Raises:
        VaultError: The folder is none that may be written.
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        return await _export(memory, folder, namespaces, force, tell)


async def import_vault(
    settings: Settings, folder: Path, *, apply: bool, forget_deleted: bool, tell: ReportProgress
) -> VaultImport:
    """Find what a person changed in a folder, and do it to the notes if `apply` says so.

    Raises:
        VaultError: It is no folder of notes, or it is of another store.
        StoreError: The store cannot be used.
    """
    await _check_is_here(settings, folder)
    async with opened(settings) as memory:
        return await _import(
            memory, settings, folder, apply=apply, forget_deleted=forget_deleted, tell=tell
        )


async def watch_vault(settings: Settings, folder: Path, say: Callable[[Output], None]) -> None:
    """Take edits from a folder, and write changed notes into it, until cancelled.

    Raises:
        VaultError: It is no folder of notes, or it is of another store.
        StoreError: The store cannot be used.
    """
    await _check_is_here(settings, folder)
    async with opened(settings) as memory:
        previous = handled = None
        version = -1
        while True:
            stamps = await to_thread.run_sync(_stamps, folder)
            has_news = stamps != handled or version != await memory.store.version()
            # Only once nothing changes any more: an editor may write in pieces.
            if stamps == previous and has_news:
                found = await _import(
                    memory, settings, folder, apply=True, forget_deleted=False, tell=no_progress
                )
                version = await memory.store.version()
                written = await _export(memory, folder, (), False, no_progress)
                _say_news(found, written, say)
                after = await to_thread.run_sync(_stamps, folder)
                # What a person has changed since is not handled yet.
                own = {path: after[path] for path in written.report.written if path in after}
                handled = {path: stamp for path, stamp in stamps.items() if path in after} | own
            previous = stamps
            await anyio.sleep(POLL_S)


def _say_news(found: VaultImport, written: VaultExport, say: Callable[[Output], None]) -> None:
    if any(edit.done or edit.problem for edit in found.changes.edits):
        say(import_vault_output(found))
    if written.report.written or written.report.removed:
        say(export_vault_output(written))


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path: (found.st_mtime_ns, found.st_size) for path, found in Vault(folder).scan()}


async def _export(
    memory: Memory, folder: Path, namespaces: tuple[str, ...], force: bool, tell: ReportProgress
) -> VaultExport:
    vault, names = Vault(folder), tuple(dict.fromkeys(map(check_namespace, namespaces)))
    is_new = not await to_thread.run_sync(vault.exists)
    if is_new:
        await check_known(memory.admin, names)
        await to_thread.run_sync(_make, folder, memory.store.place)
        manifest = VaultManifest(store=memory.store.place, namespaces=names)
    else:
        manifest = await to_thread.run_sync(vault.read_manifest)
        if not force:
            _check_store(folder, manifest, memory.store.place)
        await check_known(memory.admin, set(names).difference(manifest.namespaces))
        manifest.store, manifest.namespaces = memory.store.place, names or manifest.namespaces
    manifest.namespaces = await all_names(memory.admin, manifest.namespaces)
    # The first export into a folder is a run, so that an erasure can name it.
    run_id = f"{new_run_id(utc_now(), kind=EXPORT)}-{folder.name}"
    run = _recorded(memory, run_id, EXPORT) if is_new else nullcontext(_Record())
    async with run as record:
        report = await write_vault(memory.store, vault, manifest, force=force, tell=tell)
        record.counts["notes"] = len(manifest.files)
    return VaultExport(folder=folder, report=report, recorded=record.written)


def _make(folder: Path, store: str) -> None:
    directory = read_place(store).directory
    if directory is not None and folder.resolve().is_relative_to(directory.resolve()):
        raise VaultError(folder, "would lie inside the store", "Name another folder.")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        others = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        problem = f"cannot be made: {error.strerror}"
        raise VaultError(folder, problem, "Name another folder.") from None
    if others:
        problem = f"has other files, such as {others[0]!r}, and was left as it is"
        raise VaultError(folder, problem, "Name a new or an empty folder.")


async def _check_is_here(settings: Settings, folder: Path) -> None:
    """Check before the store is opened, which may have no notes yet, as where its own is lost."""
    manifest = await to_thread.run_sync(Vault(folder).read_manifest)
    _check_store(folder, manifest, read_place(settings.store).uri)


def _check_store(folder: Path, manifest: VaultManifest, place: str) -> None:
    if manifest.store != place:
        problem = f"has notes of the store at {manifest.store!r}, not {place!r}"
        remedy = (
            "Pass that --store; if it was moved: zettel export DIR --format markdown --force; if it"
            " is lost: zettel import DIR/NAMESPACE --from markdown --namespace NAMESPACE."
        )
        raise VaultError(folder, problem, remedy)


@dataclass(slots=True, kw_only=True)
class _Record:
    """What is noted down of a run."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    written: bool = True
    """Whether the store could be written."""

    async def write(self, memory: Memory, run: Run) -> None:
        """Note it down; an export goes on without, since it changes nothing in the store."""
        try:
            await memory.admin.add_run(run)
        except StoreUnavailableError:
            if run.kind != EXPORT:
                raise
            self.written = False


@asynccontextmanager
async def _recorded(memory: Memory, run_id: str, kind: str) -> AsyncGenerator[_Record]:
    """Record a run before it begins, so that one that is killed is known, and how it ends."""
    record = _Record()
    run = Run(
        run_id=run_id,
        kind=kind,
        who=CLI_PRINCIPAL,
        started_at=utc_now(),
        ended_at=utc_now(),
        counts=record.counts,
        outcome=BEGUN,
    )
    await record.write(memory, run)
    outcome = "failed"
    try:
        yield record
        outcome = "done"
    except anyio.get_cancelled_exc_class():
        outcome = "cancelled"
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await record.write(memory, replace(run, ended_at=utc_now(), outcome=outcome))


async def _import(
    memory: Memory,
    settings: Settings,
    folder: Path,
    *,
    apply: bool,
    forget_deleted: bool,
    tell: ReportProgress,
) -> VaultImport:
    vault = Vault(folder)
    manifest = await to_thread.run_sync(vault.read_manifest)
    origin = Origin(client=CLI_PRINCIPAL, transport=CLI_PRINCIPAL)
    caller = await caller_here(memory, settings, origin)
    changes = await find_changes(memory, caller, vault, manifest, now=utc_now(), tell=tell)
    found = VaultImport(folder=folder, changes=changes, applied=apply)
    if not apply:
        return found
    change = partial(
        apply_changes,
        caller=caller,
        vault=vault,
        manifest=manifest,
        changes=changes,
        forget_deleted=forget_deleted,
        now=utc_now(),
        tell=tell,
    )
    kinds = counted(changes.edits).keys()
    if not kinds & CHANGING and not (forget_deleted and EditKind.DELETED in kinds):
        await change(memory)  # the manifest alone
        return found
    run_id = new_run_id(utc_now(), kind=IMPORT)
    async with _recorded(memory, run_id, IMPORT) as record:
        try:
            await change(replace(memory, run_id=run_id))
        finally:
            done = Counter(edit.kind for edit in changes.edits if edit.done)
            record.counts.update({DONE_WORDS[kind]: n for kind, n in done.items()})
    return replace(found, run_id=run_id if done else "")


def export_vault_output(done: VaultExport) -> Output:
    """The printed result of writing a folder."""
    report = done.report
    lines = [
        f"{done.folder}: {number_of(len(report.written), 'file')} written,"
        f" {report.unchanged} up to date, {report.removed} removed."
    ]
    for paths, what in ((report.edited, "changed here"), (report.deleted, "removed here")):
        if paths:
            left = number_of(len(paths), "file was", "files were")
            lines.append(
                f"{left} {what} and left so, such as {paths[0]}: zettel import"
                f" {done.folder} takes that over, --force undoes it."
            )
    if not done.recorded:
        lines.append(UNRECORDED)
    data = {
        "folder": str(done.folder),
        "recorded": done.recorded,
        "written": len(report.written),
        "unchanged": report.unchanged,
        "removed": report.removed,
        "edited": report.edited,
        "deleted": report.deleted,
    }
    return Output(data, "\n".join(map(printable, lines)))


def import_vault_output(found: VaultImport) -> Output:
    """The printed result of reading a folder."""
    edits = found.changes.edits
    lines = [_edit_line(edit, found.applied) for edit in edits[:SHOWN_EDITS]]
    if len(edits) > SHOWN_EDITS:
        lines.append(f"and {len(edits) - SHOWN_EDITS} more: --json lists all.")
    lines.append(_summary(found))
    data = {
        "folder": str(found.folder),
        "applied": found.applied,
        "run_id": found.run_id,
        "unchanged": found.changes.unchanged,
        "edits": [
            {
                "kind": edit.kind.value,
                "path": edit.path,
                "note_id": edit.note_id,
                "fields": edit.fields,
                "problem": edit.problem,
                "done": edit.done,
            }
            for edit in edits
        ],
    }
    return Output(data, "\n".join(map(printable, lines)))


def _edit_line(edit: NoteFileEdit, applied: bool) -> str:
    word = DONE_WORDS[edit.kind] if edit.done else edit.kind.value
    fields = f" ({', '.join(edit.fields)})" if edit.kind is EditKind.UPDATE else ""
    left = edit.kind is EditKind.DELETED and applied and not edit.done
    more = f": {edit.problem}" if edit.problem else ""
    return f"{word:<10}  {edit.path}{fields}{more}{': its note stays' if left else ''}"


def _summary(found: VaultImport) -> str:
    counts = counted(found.changes.edits)
    done = Counter(edit.kind for edit in found.changes.edits if edit.done)
    same = number_of(found.changes.unchanged, "file is as it was.", "files are as they were.")
    if found.applied:
        told = [f"{n} {DONE_WORDS[kind]}" for kind, n in done.items()]
        left = sum(counts.get(kind, 0) for kind in (EditKind.CONFLICT, EditKind.PROBLEM))
        back = f" To take it back: zettel undo {found.run_id}" if found.run_id else ""
        return f"{', '.join(told) or 'Nothing changed'}. {left} could not be taken. {same}{back}"
    told = [f"{n} {kind}" for kind, n in counts.items()]
    if not told:
        return f"Nothing to do. {same}"
    hint = "Nothing was done: --yes does it"
    if counts.get(EditKind.DELETED):
        hint += ", with --forget-deleted also forgets the notes of removed files"
    return f"{', '.join(told)}. {same} {hint}."
