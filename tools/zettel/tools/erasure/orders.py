"""Pending erasures: stored in `meta` until done, and finished by any process.

ordered -> invisible (`erase_rows`) -> purged (`wiped`) -> recorded in `runs`. Every step can be
repeated after a crash.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio
from pydantic import TypeAdapter

from zettel.storage.erasable import Order, Purge, Receipt
from zettel.storage.ids import new_id
from zettel.storage.meta import update_meta
from zettel.storage.notes import Run
from zettel.storage.store import NoteStore, Store
from zettel.tools.changes.merging import give_again, merge_targets, part_erased
from zettel.tools.changes.previews import withdraw_previews
from zettel.tools.changes.stages import COMPARED
from zettel.tools.changes.supersession import reconcile_superseded, supersedes
from zettel.tools.llm.unanswered import drop_erased_unanswered
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

ERASE = "erase"
"""`Run.kind` of an erasure; its run's id is its receipt's."""
NOTES, NAMESPACE, STORE, RETENTION, RELAPSE = "notes", "namespace", "store", "retention", "relapse"
"""`Receipt.scope`; a relapse is an erased note restored by a racing writer or a copied file."""
_KEY = "erasing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An erasure in progress."""

    order: Order
    targets: tuple[str, ...] = ()
    """Notes superseded by the erased ones: they become active again."""
    merged_into: tuple[str, ...] = ()
    """Notes that lose the erased ones' words, and take again what others merged into them tell."""
    wiped: bool = False
    """Whether only the `meta` table is left to purge; no note is named any more."""


_PENDING = TypeAdapter(dict[str, Pending])
_Change = Callable[[dict[str, Pending]], None]


async def order_erasure(
    memory: Memory, note_ids: Sequence[str], *, scope: str, who: str, now: datetime
) -> str:
    """Records that these notes are to be erased; returns the id of the receipt to come."""
    notes = await memory.store.get(note_ids)
    targets = frozenset[str]().union(*map(supersedes, notes)) - set(note_ids)
    order = Order(
        receipt_id=f"{ERASE}-{new_id(now).lower()}",
        scope=scope,
        who=who,
        ordered_at=now,
        note_ids=tuple(note_ids),
        waits=COMPARED + 1,
    )
    merged = frozenset[str]().union(*map(merge_targets, notes)) - set(note_ids)
    entry = Pending(order=order, targets=tuple(sorted(targets)), merged_into=tuple(sorted(merged)))

    def add(pending: dict[str, Pending]) -> None:
        pending[order.receipt_id] = entry

    await _change(memory.store, add)
    memory.on_write()
    return order.receipt_id


async def pending_erasures(store: NoteStore) -> int:
    """Number of erasures in progress."""
    return len(await ordered_erasures(store))


async def ordered_erasures(store: NoteStore) -> frozenset[str]:
    """Ids of the receipts of the erasures in progress."""
    return frozenset(_read(await store.get_meta(_KEY)))


async def relapsed(store: Store) -> list[str]:
    """Ids of erased notes that are present again and not being erased."""
    pending = _read(await store.get_meta(_KEY)).values()
    ordered = {note_id for entry in pending for note_id in entry.order.note_ids}
    return sorted(set(await store.relapsed()) - ordered)


def _tell_nobody(_why: str) -> None:
    pass


async def drain(
    memory: Memory, *, now: datetime, unfinished: Callable[[str], None] = _tell_nobody
) -> int:
    """Advances every pending erasure, together, as far as it goes.

    An erasure that cannot be finished now stays pending, its notes invisible; `unfinished` is told
    why.

    Returns:
        Number of finished erasures.

    Raises:
        StoreUnavailableError: The store fails.
    """
    store, began = memory.admin, anyio.current_time()
    async with memory.writing.hold(ERASE):
        pending = _read(await store.get_meta(_KEY))
        if not pending:
            return 0
        ids = sorted({i for entry in pending.values() for i in entry.order.note_ids})
        if at_large := [entry for entry in pending.values() if not entry.wiped]:
            await _make_invisible(memory, at_large, now, began)
            purged = await _purge(store, ids)
            if purged.out_of_reach:
                await _record_verified(store, pending, (purged.why,))
                return await _finish(store, pending, _since(now, began), physical=False)
            if not purged.done:
                unfinished(purged.why)
                return 0
            await _record_verified(store, pending, purged.verified)
            await _change(store, lambda current: _wipe(current, pending))
        purged = await _purge(store, ids, meta=True)
        if not purged.done:
            unfinished(f"the notes are gone, their ids are not: {purged.why}")
            return 0
        return await _finish(store, pending, _since(now, began))


async def _purge(store: Store, ids: Sequence[str], *, meta: bool = False) -> Purge:
    purged = await store.purge(ids, meta=meta)
    if not purged.done:
        logger.info("an erasure is not finished yet: %s", purged.why)
    return purged


async def _make_invisible(
    memory: Memory, entries: Sequence[Pending], now: datetime, began: float
) -> None:
    orders = [entry.order for entry in entries]
    ids = [note_id for order in orders for note_id in order.note_ids]
    merged_into = frozenset[str]().union(*(entry.merged_into for entry in entries)) - {*ids}
    await part_erased(memory, merged_into, ids, by=entries[0].order.who, now=now)
    receipts = await memory.admin.erase_rows(orders, clock=lambda: _since(now, began))
    memory.drop_cached(ids)
    await withdraw_previews(memory.admin, ids, now=now)
    await drop_erased_unanswered(memory.admin, ids)
    for entry in entries:
        await reconcile_superseded(memory, entry.targets, by=entry.order.who, now=now)
        await give_again(memory, entry.merged_into, by=entry.order.who, now=now)
    memory.on_write()
    for receipt in receipts:
        logger.info("erasure=%s rows=%d is invisible", receipt.receipt_id, receipt.rows)


def _since(now: datetime, began: float) -> datetime:
    return now + timedelta(seconds=anyio.current_time() - began)


async def _record_verified(
    store: Store, pending: Mapping[str, Pending], verified: tuple[str, ...]
) -> None:
    receipts = {receipt.receipt_id: receipt for receipt in await store.receipts()}
    for receipt_id, entry in pending.items():
        if not entry.wiped and receipt_id in receipts:
            await store.put_receipt(replace(receipts[receipt_id], verified=verified))


def _wipe(pending: dict[str, Pending], done: Mapping[str, Pending]) -> None:
    """Removes the ids from the records: the rest of the work needs none."""
    for receipt_id in done.keys() & pending.keys():
        entry = pending[receipt_id]
        pending[receipt_id] = Pending(order=replace(entry.order, note_ids=()), wiped=True)


async def _finish(
    store: Store, pending: Mapping[str, Pending], ended: datetime, *, physical: bool = True
) -> int:
    """Completes the receipts, then removes the orders; the process that removes one records it.

    Without `physical` the receipts do not say that the bytes are gone.
    """
    receipts = {r.receipt_id: r for r in await store.receipts() if r.receipt_id in pending}
    removed = set[str]()

    def remove(current: dict[str, Pending]) -> None:
        removed.clear()
        removed.update(pending.keys() & current.keys())
        for receipt_id in removed:
            del current[receipt_id]

    for receipt in receipts.values() if physical else ():
        await store.put_receipt(replace(receipt, physical_at=ended))
    await _change(store, remove)
    recorded = sorted(removed & receipts.keys())
    for receipt_id in recorded:
        await store.add_run(_record(receipts[receipt_id], ended))
    return len(recorded)


def _record(receipt: Receipt, ended: datetime) -> Run:
    return Run(
        run_id=receipt.receipt_id,
        kind=ERASE,
        who=receipt.who,
        started_at=receipt.ordered_at,
        ended_at=ended,
        counts={
            "notes": receipt.notes,
            "composed": receipt.composed,
            "revisions": receipt.rows,
            "scrubbed": receipt.scrubbed,
        },
        outcome="done",
    )


async def _change(store: NoteStore, change: _Change) -> None:
    def changed(raw: str | None) -> str | None:
        pending = _read(raw)
        change(pending)
        return _PENDING.dump_json(pending).decode() if pending else None

    await update_meta(store, _KEY, changed)


def _read(raw: str | None) -> dict[str, Pending]:
    return _PENDING.validate_json(raw) if raw else {}
