"""Erasure on request: confirmed previews for agents, namespaces and stores for owners."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import anyio

from zettel.storage.erasable import PROVIDERS_FILES, Receipt
from zettel.storage.errors import NoteErasedError, NoteNotFoundError, StoreError
from zettel.storage.notes import SAME_AS, Note, fold_hash
from zettel.storage.store import NoteFilter, NoteStore, Store
from zettel.tools.answers import ForgetAnswer, Proof
from zettel.tools.caller import Caller
from zettel.tools.changes.merging import same_as
from zettel.tools.changes.preconditions import only_evolved
from zettel.tools.changes.previews import Preview, finish_preview, get_preview
from zettel.tools.concurrency import shielded
from zettel.tools.erasure.orders import NAMESPACE, NOTES, STORE, drain, order_erasure
from zettel.tools.language.times import iso
from zettel.tools.progress import report_progress
from zettel.tools.state.erased import erased_at
from zettel.tools.state.memory import Memory
from zettel.tools.state.names_cache import read_names

logger = logging.getLogger(__name__)

ERASE_WAIT_S = 20.0
"""How long a call waits for physical removal: 20,000 notes take 2 s, and clients wait 60."""
SAME_TEXT_MAX_NOTES = 20
"""Notes listed that contain the same text."""
COPY_KINDS, FAILED = ("backup", "export"), "failed"
"""`Run.kind` of a backup, whose run id ends with the file's name, and a failed `Run.outcome`."""
BACKUP_MAX_RUNS = 1_000_000


async def same_text(store: NoteStore, notes: Sequence[Note]) -> list[str]:
    """Ids of other notes, in any state, with the same text as one of these or merged with one."""
    own, found = {note.note_id: note for note in notes}, list[str]()
    for key in dict.fromkeys(fold_hash(note.content) for note in notes):
        where = NoteFilter(fold_hash=key, states=(), derived=None)
        found += [n.note_id for n in await store.find(where, limit=SAME_TEXT_MAX_NOTES + len(own))]
    targets = [note_id for note in notes for note_id in sorted(same_as(note))]
    merged = await store.linking_to([*own, *targets], relations=(SAME_AS,)) if own else []
    found += targets
    found += [note.note_id for note in merged if same_as(note) & {*own, *targets}]
    return [note_id for note_id in dict.fromkeys(found) if note_id not in own][:SAME_TEXT_MAX_NOTES]


async def erase_previewed(
    memory: Memory, caller: Caller, token: str, preview: Preview, now: datetime
) -> ForgetAnswer:
    """Erases the previewed notes, or reports the progress of their erasure.

    A note that an agent has changed after the preview stays, unless it was merely forgotten.
    """
    if not preview.receipt_id:
        there = await memory.store.get(list(preview.revs))
        meant = [
            note.note_id
            for note in there
            if await only_evolved(memory.store, note, preview.revs[note.note_id], but=("forget",))
        ]
        skipped = tuple(note.note_id for note in there if note.note_id not in meant)
        if not meant:
            done = await get_preview(memory.store, token, now=now)
            if done.receipt_id:  # another process was told the same just now
                return await _answer(memory, token, done)
            answer = ForgetAnswer(status="preview", notes=[], skipped=list(skipped))
            answer["next"] = "All of them have changed or are gone: look at them again."
            return answer
        memory.check_writes(note for note in there if note.note_id in meant)
        report_progress(f"erasing {len(meant)} notes")
        with shielded():
            preview = replace(
                preview,
                revs={},
                receipt_id=await order_erasure(
                    memory.whole, meant, scope=NOTES, who=caller.name, now=now
                ),
                skipped=skipped,
                elsewhere=tuple(i for i in preview.elsewhere if i not in meant),
            )
            await finish_preview(memory.store, token, preview, now=now)
    report_progress("removing what was erased from every file")
    await drain_soon(memory.whole, now=now)
    return await _answer(memory, token, preview)


async def drain_soon(memory: Memory, *, now: datetime) -> None:
    """Advances pending erasures for at most `ERASE_WAIT_S`; evolution does the rest."""
    try:
        with anyio.move_on_after(ERASE_WAIT_S):
            await drain(memory, now=now)
    except StoreError as error:
        # It stays pending; the answer says so.
        logger.warning("an erasure is not finished yet: %s", error)


async def _answer(memory: Memory, token: str, preview: Preview) -> ForgetAnswer:
    store = memory.admin
    receipt = next((r for r in await store.receipts() if r.receipt_id == preview.receipt_id), None)
    done = receipt is not None and receipt.physical_at is not None
    answer = ForgetAnswer(status="erased" if done else "erasing", notes=[])
    if receipt is not None:
        answer["matched"] = receipt.notes
        answer["proof"] = proof_of(receipt, await backups_before(memory, receipt))
    if preview.elsewhere:
        answer["elsewhere"] = list(preview.elsewhere)
    if preview.skipped:
        answer["skipped"] = list(preview.skipped)
    hints = [_unfinished(receipt, token)] if not done else []
    hints += [_ELSEWHERE] if preview.elsewhere else []
    hints += ["The skipped notes changed after the preview."] if preview.skipped else []
    if hints:
        answer["next"] = " ".join(hints)
    return answer


_ELSEWHERE = "elsewhere names notes with the same text, or merged with these."


def _unfinished(receipt: Receipt | None, token: str) -> str:
    if receipt is not None and PROVIDERS_FILES in receipt.verified:
        return f"No call finds them any more; {PROVIDERS_FILES}."
    seen = receipt is not None and receipt.invisible_at is not None
    now = "No call finds them any more; their files" if seen else "They"
    return (
        f"{now} are being removed, also after a restart."
        f' forget(confirm="{token}") tells whether it is done.'
    )


def proof_of(receipt: Receipt, backups: Sequence[str]) -> Proof:
    """The receipt as shown to clients: without text and note ids."""
    proof = Proof(
        receipt=receipt.receipt_id,
        notes=receipt.notes,
        revisions=receipt.rows,
        salt=receipt.salt,
        hashes=list(receipt.digests),
    )
    if receipt.composed:
        proof["composed"] = receipt.composed
    if receipt.scrubbed:
        proof["scrubbed"] = receipt.scrubbed
    if receipt.invisible_at:
        proof["invisible_at"] = iso(receipt.invisible_at)
    if receipt.physical_at:
        proof["physical_at"] = iso(receipt.physical_at)
    if receipt.physical_at or PROVIDERS_FILES in receipt.verified:
        proof["verified"] = list(receipt.verified)
    if backups:
        proof["backups"] = list(backups)
    return proof


async def backups_before(memory: Memory, receipt: Receipt) -> list[str]:
    """Known backups and exports made before the erasure, which may still contain the notes.

    A tenant gets their times, the owner their names as well.
    """
    runs = await memory.admin.runs(limit=BACKUP_MAX_RUNS)
    until = receipt.invisible_at or receipt.ordered_at
    made = [run for run in runs if run.kind in COPY_KINDS and run.outcome != FAILED]
    held = [run for run in made if run.started_at <= until]
    if memory.reach is not None:
        return [iso(run.started_at) for run in held]
    return [f"{run.run_id} ({iso(run.started_at)})" for run in held]


async def not_found(memory: Memory, note_id: str, given: str = "") -> NoteNotFoundError:
    """The error for a missing note; the owner gets `NoteErasedError` if it was erased.

    A tenant does not (see `erased_at`).

    `given` is the id as the caller spells it; empty for the same.
    """
    when = (await erased_at(memory, [note_id])).get(note_id)
    if when is None:
        return NoteNotFoundError(given or note_id)
    return NoteErasedError(given or note_id, when)


ERASE_MAX_NOTES = 10_000_000
"""Notes in one erasure."""


async def ids_in(store: Store, namespace: str | None) -> list[str]:
    """Ids of all notes of a namespace, or of the store for None; in any state, composed or not.

    A namespace is all its names: a recall by one of them finds the notes under each.
    """
    names = (await read_names(store)).group(namespace) if namespace else ()
    where = NoteFilter(namespaces=names, states=(), derived=None)
    return [outline.note_id for outline in await store.outlines(where, limit=ERASE_MAX_NOTES)]


async def erase_all(
    memory: Memory, *, namespace: str | None, who: str, now: datetime
) -> ForgetAnswer:
    """Erases every note of a namespace, or of the store for None; `who` is for the receipt."""
    ids = await ids_in(memory.admin, namespace)
    if not ids:
        return ForgetAnswer(status="erased", notes=[], matched=0, next="There was no note there.")
    scope = NAMESPACE if namespace else STORE
    receipt_id = await order_erasure(memory, ids, scope=scope, who=who, now=now)
    await drain_soon(memory, now=now)
    found = [r for r in await memory.admin.receipts() if r.receipt_id == receipt_id]
    done = any(receipt.physical_at for receipt in found)
    answer = ForgetAnswer(status="erased" if done else "erasing", notes=[], matched=len(ids))
    if any(PROVIDERS_FILES in receipt.verified for receipt in found):
        answer["next"] = f"No call finds them any more; {PROVIDERS_FILES}."
    elif not done:
        answer["next"] = "It goes on in the background; zettel evolve --once does it now."
    for receipt in found:
        answer["proof"] = proof_of(receipt, await backups_before(memory, receipt))
    return answer
