"""Removing erased notes from every read: their rows, and their traces in other notes' rows."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false
# (pyarrow ships no types, lancedb some; pyarrow.compute makes its functions when imported)

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread

from zettel.storage.erasable import Order, Receipt, digest_of
from zettel.storage.erasure.traces import ids_in, redact, without_traces
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.predicates import all_of, one_of
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.lance.writes import as_table
from zettel.storage.notes import EVOLUTION, NEEDS_REVIEW, Note
from zettel.storage.revisions import NoteRow

IDS_PER_COMMIT = 500
"""Ids in one predicate, and notes in one commit."""
ERASE_ATTEMPTS = 8
"""Tries against racing writers."""

_AS_READ = "target.current = source.current AND target.embed_model = source.embed_model"
"""Nobody has closed or embedded the row since it was read."""
_WORDS = ("content", "context", "subject", "summary", "source", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Where erased notes still are."""

    gone: frozenset[str]
    """Their ids, and those of notes composed of them."""
    rows: int
    """Number of their revisions."""
    marked: frozenset[str]
    """Other notes with a trace of them."""
    siblings: frozenset[str]
    """Other notes that an erased composed note cites."""


async def erase_rows(
    tables: Tables, orders: Sequence[Order], *, clock: Callable[[], datetime]
) -> list[Receipt]:
    """Implement `StoreAdmin.erase_rows`: some 30 ms an order and two narrow reads.

    Orders that only wait for their files are checked together in one read and skipped if no writer
    has brought any note back, so repeated passes stay cheap.
    """
    receipts = [_receipt(tables, order) for order in orders]
    ids = {i for o, r in zip(orders, receipts, strict=True) if r.invisible_at for i in o.note_ids}
    rest = bool(ids) and await _are_gone(tables, frozenset(ids))
    return [
        receipt if rest and receipt.invisible_at else await _erase(tables, order, receipt, clock)
        for order, receipt in zip(orders, receipts, strict=True)
    ]


async def _are_gone(tables: Tables, ids: frozenset[str]) -> bool:
    """Whether erased notes are still gone; then the logs are searched again."""
    found = await _find(tables, ids)
    used = [
        await tables.usage.count(one_of("note_id", part)) for part in _parts(sorted(found.gone))
    ]
    if found.rows or found.marked or any(used):
        return False
    await _redact(tables, found.gone)
    return True


async def _erase(
    tables: Tables, order: Order, receipt: Receipt, clock: Callable[[], datetime]
) -> Receipt:
    found = await _find(tables, frozenset(order.note_ids))
    for _ in range(ERASE_ATTEMPTS):
        receipt = _with(receipt, found.gone, order)
        # First, so that every later read and write can see that these are erased.
        await put_receipt(tables, receipt, goes_on=False)
        await _redact(tables, found.gone)
        await _lower_stage(tables, found.siblings, order.waits)
        rows = await _delete(tables.notes, found.gone)
        scrubbed = await _scrub(tables, found)
        await _delete(tables.usage, found.gone)
        tables.resident.drop()
        receipt = replace(receipt, rows=receipt.rows + rows, scrubbed=receipt.scrubbed + scrubbed)
        found = await _find(tables, found.gone)
        if not found.rows and not found.marked:
            receipt = replace(receipt, invisible_at=receipt.invisible_at or clock())
            await put_receipt(tables, receipt, goes_on=True)
            return receipt
    raise StoreUnavailableError(
        tables.place.uri,
        "is written by others too often for notes to be erased yet",
        "Zettel tries again by itself; zettel evolve --once does it now.",
    )


async def put_receipt(tables: Tables, receipt: Receipt, *, goes_on: bool) -> None:
    """Record an erasure, or its progress."""
    await to_thread.run_sync(lambda: tables.ledger.put(receipt, goes_on=goes_on))


async def relapsed(tables: Tables) -> tuple[str, ...]:
    """Implement `StoreAdmin.relapsed`; 60 ms for 20,000 notes."""
    if not await to_thread.run_sync(tables.ledger.receipts):
        return ()
    rows = await tables.notes.select(["note_id", "link_ids"])
    used = await tables.usage.select(["note_id"])
    names = [rows.column("note_id"), pc.list_flatten(rows.column("link_ids").combine_chunks())]
    ids = {i for name in (*names, used.column("note_id")) for i in name.unique().to_pylist()}
    return tuple(sorted(await to_thread.run_sync(tables.ledger.erased, ids)))


def _receipt(tables: Tables, order: Order) -> Receipt:
    """The receipt so far, if an earlier attempt was interrupted."""
    return tables.ledger.receipt(order.receipt_id) or Receipt(
        receipt_id=order.receipt_id,
        scope=order.scope,
        who=order.who,
        ordered_at=order.ordered_at,
        salt=tables.ledger.salt,
        digests=(),
        notes=len(order.note_ids),
    )


def _with(receipt: Receipt, gone: Iterable[str], order: Order) -> Receipt:
    """The receipt with the hashes of all these notes, those ordered first."""
    composed = sorted(set(gone) - set(order.note_ids))
    found = (digest_of(note_id, receipt.salt) for note_id in (*order.note_ids, *composed))
    digests = tuple(dict.fromkeys((*receipt.digests, *found)))
    return replace(receipt, digests=digests, composed=len(digests) - receipt.notes)


async def _find(tables: Tables, ids: frozenset[str]) -> _Found:
    rows = await tables.notes.select(["note_id", "link_ids", "reason", "origin"])
    return await to_thread.run_sync(_look, rows, ids)


def _look(rows: pa.Table, ids: frozenset[str]) -> _Found:
    note_ids, reasons = (rows.column(name).to_pylist() for name in ("note_id", "reason"))
    links = rows.column("link_ids").combine_chunks()
    composed = pc.equal(pc.struct_field(rows.column("origin"), "transport"), EVOLUTION)
    is_composed = composed.fill_null(False).to_pylist()
    gone, before = set(ids), 0
    linking = set[int]()
    while len(gone) != before:
        before = len(gone)
        linking = _linking(links, gone)
        gone |= {note_ids[place] for place in linking if is_composed[place]}
    named = {at for at, reason in enumerate(reasons) if reason and gone & set(ids_in(reason))}
    marked = {note_ids[place] for place in linking | named} - gone
    own = [place for place, note_id in enumerate(note_ids) if note_id in gone]
    of_composed = [place for place in own if is_composed[place]]
    siblings = set(pc.list_flatten(links.take(of_composed)).to_pylist()) if of_composed else set()
    return _Found(
        gone=frozenset(gone),
        rows=len(own),
        marked=frozenset(marked),
        siblings=frozenset(siblings - gone - {NEEDS_REVIEW}),
    )


def _linking(links: pa.Array, gone: Set[str]) -> set[int]:
    """Positions of the rows that link to any of the notes."""
    wanted = pa.array(sorted(gone), pa.string())
    there = pc.is_in(pc.list_flatten(links), value_set=wanted)
    return set(pc.list_parent_indices(links).filter(there).to_pylist())


async def _delete(table: LanceTable, gone: Set[str]) -> int:
    before = await table.count()
    for part in _parts(sorted(gone)):
        where = one_of("note_id", part)
        async with table.writing():
            await table.commit(lambda handle, these=where: handle.delete(these))
    return max(0, before - await table.count())


async def _scrub(tables: Tables, found: _Found) -> int:
    """Rewrite in place other notes' revisions that hold a trace; returns how many."""
    scrubbed = 0
    for part in _parts(sorted(found.marked)):
        async with tables.notes.writing():
            rows = await read_rows(tables, one_of("note_id", part))
            clean = await to_thread.run_sync(_clean, rows, found.gone)
            if clean:
                await tables.notes.merge(
                    as_table(tables, clean), replace_where=_AS_READ, insert=False
                )
        scrubbed += len(clean)
    return scrubbed


def _clean(rows: Sequence[NoteRow], gone: frozenset[str]) -> list[NoteRow]:
    """The changed rows."""
    notes = defaultdict[str, list[NoteRow]](list)
    for row in sorted(rows, key=lambda row: row.note.rev):
        notes[row.note.note_id].append(row)
    clean = list[NoteRow]()
    for of_note in notes.values():
        after: list[Note] = without_traces([row.note for row in of_note], gone)
        pairs = zip(of_note, after, strict=True)
        clean += [replace(row, note=note) for row, note in pairs if note != row.note]
    return clean


async def _lower_stage(tables: Tables, note_ids: Set[str], stage: int) -> None:
    for part in _parts(sorted(note_ids)):
        where = all_of("current", f"stage > {stage}", one_of("note_id", part))
        async with tables.notes.writing():
            await tables.notes.commit(lambda t, w=where: t.update({"stage": stage}, where=w))


async def _redact(tables: Tables, gone: Set[str]) -> None:
    """Remove their words from the engine's logs, which should not contain them."""
    if tables.place.directory is None:
        return
    words = set[str](gone)
    for part in _parts(sorted(gone)):
        rows = await tables.notes.select(_WORDS, where=one_of("note_id", part))
        words |= {text for name in _WORDS for text in rows.column(name).to_pylist()}
    await to_thread.run_sync(redact, tables.place.directory, words)


def _parts(ids: Sequence[str]) -> Iterable[list[str]]:
    left = iter(ids)
    while part := list(islice(left, IDS_PER_COMMIT)):
        yield part
