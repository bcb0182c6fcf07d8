"""Erasing notes: their rows and their traces in other rows first, then the bytes in the files.

LanceDB's deletion is only a mark. This module knows Lance's directory layout (lancedb 0.40, lance
13): a deleted row keeps its bytes until its fragment has no live row, a version keeps its files
until it is dropped, an index its entries until it is rebuilt, and no version names the files of a
killed writer. `test_purge_files.py` fails if a newer LanceDB differs.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath
from typing import NamedTuple

import anyio
import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.erasable import PROVIDERS_FILES, Order, Purge, Receipt, digest_of
from zettel.storage.erasure.traces import MergedWords, ids_in, merged_words, redact, without_traces
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_conflict
from zettel.storage.lance.ledger_rows import follow_ledger, share_receipt
from zettel.storage.lance.maintenance import mark_upkeep
from zettel.storage.lance.predicates import all_of, one_of, text_literal
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.schema import EMBED_MODEL
from zettel.storage.lance.snapshot import remove_unused
from zettel.storage.lance.store_files import (
    StoreFiles,
    files_holding,
    files_of,
    marked_fragments,
    unnamed_files,
)
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.lance.vector_index import renew_vector_index
from zettel.storage.lance.writes import as_table
from zettel.storage.location import hold
from zettel.storage.merges import merged_id, merged_into
from zettel.storage.notes import EVOLUTION, NEEDS_REVIEW, Note
from zettel.storage.revisions import NoteRow

IDS_PER_COMMIT = 500
"""Ids in one predicate, and notes in one commit."""
ERASE_ATTEMPTS = 8
"""Tries against racing writers."""

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
    merged: frozenset[str]
    """Those of the others that took over words from them, also in turn."""
    siblings: frozenset[str]
    """Other notes that an erased composed note cites."""


async def erase_rows(
    tables: Tables, orders: Sequence[Order], *, clock: Callable[[], datetime]
) -> list[Receipt]:
    """Implement `StoreAdmin.erase_rows`: some 30 ms an order and two narrow reads.

    Orders that only wait for their files are checked together in one read and skipped if no writer
    has brought any note back, so repeated passes stay cheap.
    """
    await follow_ledger(tables)
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
        tables.texts.clear()
        scrubbed = await _scrub(tables, found)
        await _delete(tables.usage, found.gone)
        tables.resident.drop()
        tables.texts.clear()
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


async def put_receipt(tables: Tables, receipt: Receipt, *, goes_on: bool = True) -> None:
    """Record an erasure, or its progress."""
    await to_thread.run_sync(lambda: tables.ledger.put(receipt, goes_on=goes_on))
    await share_receipt(tables, receipt)


async def relapsed(tables: Tables) -> tuple[str, ...]:
    """Implement `StoreAdmin.relapsed`; 60 ms for 20,000 notes."""
    await follow_ledger(tables)
    if not await to_thread.run_sync(tables.ledger.receipts):
        return ()
    rows = await tables.notes.select(["note_id", "link_ids"])
    used = await tables.usage.select(["note_id"])
    names = [rows.column("note_id"), pc.list_flatten(rows.column("link_ids").combine_chunks())]  # pyright: ignore[reportAttributeAccessIssue]: made when imported
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
    composed = pc.equal(pc.struct_field(rows.column("origin"), "transport"), EVOLUTION)  # pyright: ignore[reportAttributeAccessIssue]: made when imported
    is_composed = composed.fill_null(False).to_pylist()
    merged = merged_into(zip(note_ids, reasons, strict=True), ids)
    gone, before = set(ids), 0
    linking = set[int]()
    while len(gone) != before:
        before = len(gone)
        # What was composed of a note that took over words may have them.
        linking = _linking(links, gone | merged)
        gone |= {note_ids[place] for place in linking if is_composed[place]}
    named = {at for at, reason in enumerate(reasons) if reason and gone & set(ids_in(reason))}
    marked = {note_ids[place] for place in linking | named} | merged
    own = [place for place, note_id in enumerate(note_ids) if note_id in gone]
    of_composed = [place for place in own if is_composed[place]]
    siblings = set(pc.list_flatten(links.take(of_composed)).to_pylist()) if of_composed else set()  # pyright: ignore[reportAttributeAccessIssue]: made when imported
    return _Found(
        gone=frozenset(gone),
        rows=len(own),
        marked=frozenset(marked - gone),
        merged=merged - gone,
        siblings=frozenset(siblings - gone - {NEEDS_REVIEW}),
    )


def _linking(links: pa.Array, gone: Set[str]) -> set[int]:
    """Positions of the rows that link to any of the notes."""
    wanted = pa.array(sorted(gone), pa.string())
    there = pc.is_in(pc.list_flatten(links), value_set=wanted)  # pyright: ignore[reportAttributeAccessIssue]: made when imported
    return set(pc.list_parent_indices(links).filter(there).to_pylist())  # pyright: ignore[reportAttributeAccessIssue]: made when imported


async def _delete(table: LanceTable, gone: Set[str]) -> int:
    before = await table.count()
    for part in _parts(sorted(gone)):
        where = one_of("note_id", part)
        async with table.writing():
            await table.commit(lambda handle, these=where: handle.delete(these))
    return max(0, before - await table.count())


async def _scrub(tables: Tables, found: _Found) -> int:
    """Rewrite in place other notes' revisions that hold a trace; returns how many.

    A revision that took over words is the trail to all others that have them: it is rewritten in a
    pass that finds none of these any more, so that a racing writer's is not missed.
    """
    words, scrubbed = await _words_of(tables, found), 0
    for part in _parts(sorted(found.marked)):
        async with tables.notes.writing():
            rows = await read_rows(tables, one_of("note_id", part))
            clean = await to_thread.run_sync(_clean, rows, found.gone, words)
            if rest := [row for row in clean if not row.trail]:
                clean = rest
            for these, where in (
                ([row for row in clean if not row.reworded], _as_read(tables)),
                # Vectors of words that are gone go, whoever has made them since.
                ([row for row in clean if row.reworded], _SAME_STATE),
            ):
                if these:
                    await tables.notes.merge(
                        as_table(tables, [row.row for row in these]),
                        replace_where=where,
                        insert=False,
                    )
        scrubbed += len(clean)
    return scrubbed


async def _words_of(tables: Tables, found: _Found) -> MergedWords:
    """What notes have of erased ones that were merged into them."""
    notes = defaultdict[str, list[Note]](list)
    for part in _parts(sorted(found.merged)):
        for row in await read_rows(tables, one_of("note_id", part)):
            notes[row.note.note_id].append(row.note)
    of_notes = [sorted(of_note, key=lambda note: note.rev) for of_note in notes.values()]
    return merged_words(found.merged, of_notes, found.gone)


_SAME_STATE = "target.current = source.current"
"""Nobody has closed the row since it was read."""


def _as_read(tables: Tables) -> str:
    """Nobody has closed or embedded the row since it was read."""
    column = tables.notes.spec.column(EMBED_MODEL)
    same = f"target.{column} = source.{column}"
    none = f"target.{column} IS NULL AND source.{column} = ''"
    return f"{_SAME_STATE} AND ({same} OR ({none}))"


class _Cleaned(NamedTuple):
    row: NoteRow
    reworded: bool
    """Whether words of its content went."""
    trail: bool
    """Whether it says of whom the note took over words."""


def _clean(rows: Sequence[NoteRow], gone: frozenset[str], words: MergedWords) -> list[_Cleaned]:
    """The changed rows."""
    notes = defaultdict[str, list[NoteRow]](list)
    for row in sorted(rows, key=lambda row: row.note.rev):
        notes[row.note.note_id].append(row)
    clean = list[_Cleaned]()
    for of_note in notes.values():
        after: list[Note] = without_traces([row.note for row in of_note], gone, words)
        for row, note in zip(of_note, after, strict=True):
            reworded = note.content != row.note.content
            vectors = None if reworded else row.vectors
            if note != row.note:
                trail = merged_id(row.note.reason) in gone
                clean.append(_Cleaned(NoteRow(note=note, vectors=vectors), reworded, trail))
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


PURGE_LOCK_WAIT_S = 20.0
"""How long to wait for another maintaining process; 100,000 notes take it 10 s."""
DROPPED_VERSION_AGE = timedelta(milliseconds=1)
"""Drops all versions but the newest; with 0, LanceDB 0.40 warns at every call."""
FRAGMENTS_PER_COMMIT = 200
"""Fragments in one predicate."""
MOVED_ROWS_PER_COMMIT = 20_000
"""Rows of these fragments, unless one has more: some 100 MB."""
_TENDED = "another process tends the store"
SETTLE_S = (0.05, 0.2, 0.8)
"""Pauses in which a writer can finish its commit."""
SEARCHED_MAX_IDS = 64
"""Ids searched in every byte of the store."""

ABANDONED_FILE_AGE_S = 60.0
"""Age in seconds from which no commit can still name a file. Commits without the store's lock take
milliseconds, a bulk write of 50,000 notes seconds; a file removed too early is lost for good."""

_FRAGMENT_BITS = 32
"""A row's address is its fragment's number, then its position (without stable row ids)."""


async def purge(tables: Tables, note_ids: Sequence[str], *, meta: bool) -> Purge:
    """Implement `StoreAdmin.purge`; its time grows with the notes that share a fragment.

    It can be killed and repeated at any point; every step leaves a whole table.
    """
    chosen = (tables.meta,) if meta else (tables.notes, tables.usage)
    return await _purge(tables, chosen, note_ids, everything=False)


async def remove_old_data(tables: Tables) -> Purge:
    """Remove from the files of `notes` what no row has any more: dropped columns, too.

    Like `purge`, but every row is rewritten. If only files of unfinished writes are left, then
    `remove_abandoned` is enough from then on.
    """
    return await _purge(tables, (tables.notes,), (), everything=True)


async def remove_abandoned(tables: Tables, *, before: float) -> Purge:
    """Remove files of `notes` that no version names.

    Files younger than `before`, in seconds since the epoch, are left.
    """
    async with hold(tables.place, wait_s=PURGE_LOCK_WAIT_S) as held:
        if not held:
            return Purge(done=False, why=_TENDED)
        return await _verified(tables, (tables.notes,), (), (), before)


async def _purge(
    tables: Tables, chosen: Sequence[LanceTable], note_ids: Sequence[str], *, everything: bool
) -> Purge:
    if not tables.place.optimises:
        return Purge(done=False, why=PROVIDERS_FILES, out_of_reach=True)
    async with hold(tables.place, wait_s=PURGE_LOCK_WAIT_S) as held:
        if not held:
            return Purge(done=False, why=_TENDED)
        if await _copies_in_use(tables):
            return Purge(done=False, why="a dry run holds a copy of the store's files")
        # By the clock of what holds the files: it may be another machine's.
        began = await to_thread.run_sync(files_of(tables.place).now)
        try:
            for table in chosen:
                await _rewrite(table, tables, everything=everything)
        except StoreUnavailableError as error:
            if error.__cause__ is not None and is_conflict(error.__cause__):
                return Purge(done=False, why="others write without a pause")
            raise
        await mark_upkeep(tables.all())
        # Orders and previews in `meta` name the ids until that table is cleaned, as the last one.
        places = _files((None,) if tables.meta in chosen else chosen, tables)
        return await _verified(tables, chosen, places, note_ids, began)


async def _rewrite(table: LanceTable, tables: Tables, *, everything: bool) -> None:
    """Move every row, or those that share a fragment with a deleted one, then drop all else."""
    # Setting a value to itself writes the row elsewhere and marks the old one.
    same = {table.spec.schema.names[1]: table.spec.schema.names[1]}
    # Never cancelled: a cancelled commit leaves a file that verification waits a minute for.
    for where in await (_all_fragments(table) if everything else _shared(table)):
        async with table.writing():
            await table.commit(lambda t, w=where: t.update(updates_sql=same, where=w))
    async with table.writing():
        await table.commit(_drop_old)
    # Beyond a million rows compaction leaves fragments, and index parts over several, as they are.
    await table.build_indices()
    if table is tables.notes:
        await renew_vector_index(tables)
    async with table.writing():
        # The newest transaction must not name deleted rows.
        await table.commit(lambda handle: handle.delete("false"))
        await table.commit(_drop_old)


async def _drop_old(handle: AsyncTable) -> None:
    await handle.optimize(cleanup_older_than=DROPPED_VERSION_AGE)


async def _shared(table: LanceTable) -> list[str]:
    """Predicates for the rows to move: of fragments that have a file of deletions."""
    files = files_of(table.place, table.spec.name)
    numbers = await to_thread.run_sync(marked_fragments, files)
    return [
        _in_fragments(numbers[start : start + FRAGMENTS_PER_COMMIT])
        for start in range(0, len(numbers), FRAGMENTS_PER_COMMIT)
    ]


def _in_fragments(numbers: Iterable[int]) -> str:
    return " OR ".join(
        f"(_rowid >= {n << _FRAGMENT_BITS} AND _rowid < {(n + 1) << _FRAGMENT_BITS})"
        for n in numbers
    )


async def _all_fragments(table: LanceTable) -> list[str]:
    """Predicates that together select every row."""
    rows = await table.select([table.spec.key], addressed=True)
    counts = Counter(address >> _FRAGMENT_BITS for address in rows.column("_rowid").to_pylist())
    groups, taken = list[list[int]](), MOVED_ROWS_PER_COMMIT
    for number, count in sorted(counts.items()):
        if taken + count > MOVED_ROWS_PER_COMMIT or len(groups[-1]) == FRAGMENTS_PER_COMMIT:
            groups.append([])
            taken = 0
        groups[-1].append(number)
        taken += count
    return [_in_fragments(numbers) for numbers in groups]


async def _copies_in_use(tables: Tables) -> bool:
    directory = tables.place.directory
    return directory is not None and await to_thread.run_sync(remove_unused, directory)


def _files(chosen: Iterable[LanceTable | None], tables: Tables) -> list[StoreFiles]:
    """Those of each table; of the whole store for None."""
    return [files_of(tables.place, table.spec.name if table else "") for table in chosen]


async def _verified(
    tables: Tables,
    chosen: Iterable[LanceTable],
    places: Sequence[StoreFiles],
    note_ids: Sequence[str],
    began: float,
) -> Purge:
    """Check the files that are left.

    Args:
        tables: Of the store.
        chosen: Tables without files of unfinished writes.
        places: Where no file may name a note.
        note_ids: The notes.
        began: Start of the pass: what was written later holds nothing that was gone by then.
    """
    for table in chosen:
        left = await _left_over(files_of(table.place, table.spec.name), began)
        if left:
            why = f"{len(left)} files of an unfinished write are too young"
            return Purge(done=False, why=why, rewritten=True)
    sought = note_ids[:: max(1, len(note_ids) // SEARCHED_MAX_IDS)][:SEARCHED_MAX_IDS]
    held = await _holding(places, sought)
    quoted = await _quoted(tables, sought) if held else frozenset[str]()
    if quoted:
        sought = [note_id for note_id in sought if note_id not in quoted]
        held = await _holding(places, sought)
    if held:
        return Purge(done=False, why=f"an id still stands in {PurePosixPath(held).name}")
    return Purge(
        done=True,
        verified=(
            "no row, link or reason names them",
            "every row that shared a fragment was rewritten, every index made anew, every older"
            " version dropped, no file is left that no version names",
            *([f"{len(sought)} of {len(note_ids)} ids searched byte by byte"] if sought else []),
            *([f"{len(quoted)} of them left out, as other notes quote them"] if quoted else []),
        ),
    )


async def _holding(places: Sequence[StoreFiles], note_ids: Sequence[str]) -> str:
    """The path of a file that names one of the notes; empty if none does."""
    for place in places:
        if held := await to_thread.run_sync(files_holding, place, note_ids):
            return held[0]
    return ""


_QUOTING = ("content", "context", "subject", "source", "session", "array_to_string(tags, ' ')")
"""Columns in which agents may write the id of another note."""


async def _quoted(tables: Tables, note_ids: Sequence[str]) -> frozenset[str]:
    """Those of the erased notes whose ids other notes hold in their words, which stay."""
    found = set[str]()
    for note_id in note_ids:
        quoting = " OR ".join(f"contains({column}, {text_literal(note_id)})" for column in _QUOTING)
        if await tables.notes.count(quoting):
            found.add(note_id)
    return frozenset(found)


async def _left_over(files: StoreFiles, began: float) -> Sequence[str]:
    """Remove what killed or beaten writers have left; returns what may still be committed.

    A writer that is at it has some seconds of running time to name its files, and who was stopped
    for longer amid a commit of milliseconds is taken to have died.
    """
    left = await to_thread.run_sync(_suspects, files, began)
    for pause_s in SETTLE_S:
        if not left:
            return ()
        await anyio.sleep(pause_s)
        left = await to_thread.run_sync(_suspects, files, began)
    before = await to_thread.run_sync(files.now) - ABANDONED_FILE_AGE_S
    old = [path for path, written in left.items() if written < before]
    await to_thread.run_sync(files.remove, old)
    return [path for path in left if path not in old]


def _suspects(files: StoreFiles, began: float) -> dict[str, float]:
    """Files of no version, as old as the pass: younger ones hold nothing that was gone by then."""
    return {path: at for path, at in unnamed_files(files).items() if at <= began}
