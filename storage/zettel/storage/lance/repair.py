"""Repair of rows that no history can have.

`heal` runs at every opening in one narrow read; `single_keys` and `rewrite` on doctor's findings.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false
# (pyarrow ships no types, lancedb some; pyarrow.compute makes its functions when imported)

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby, pairwise

import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread

from zettel.storage.lance.files import remove_leftovers
from zettel.storage.lance.predicates import all_of, one_of
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.search import get_notes
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.lance.writes import as_table, write_notes
from zettel.storage.location import hold, hold_or_refuse
from zettel.storage.notes import NEEDS_REVIEW, SUPERSEDES, Note
from zettel.storage.revisions import NoteRow, one_current, with_fewer_links, without_links
from zettel.storage.store import Change

_TURNED = "target.current <> source.current"
"""The row's `current` is still as it was read."""


async def heal(tables: Tables, *, now: datetime) -> Mapping[str, int]:
    """Implement `StoreAdmin.heal`; a sound store costs one narrow read.

    35 ms at 20,000 notes, 25,000 rows and 40,000 links.
    """
    async with hold(tables.place, wait_s=0) as held:
        if not held:
            return {}
        healed = Counter(tables.healed)
        if tables.place.directory is not None:
            healed["leftovers"] += await to_thread.run_sync(
                remove_leftovers, tables.place.directory
            )
        rows = await _narrow(tables)
        if doubled := await _drop_doubled(tables.notes, rows):
            healed["doubled_rows"] += doubled
            rows = await _narrow(tables)
        healed.update(await _settle_current(tables, rows))
        healed["dangling_links"] += await _unlink(tables, rows, now=now)
        tables.healed.clear()
    return {kind: count for kind, count in healed.items() if count}


async def superseding(tables: Tables) -> list[Note]:
    """Implement `StoreAdmin.superseding`."""
    table = await tables.notes.select(["note_id", "links"], where="current")
    links = table.column("links").combine_chunks()
    each = pc.list_flatten(links)
    standing = pc.and_(
        pc.equal(pc.struct_field(each, "relation"), SUPERSEDES),
        pc.is_null(pc.struct_field(each, "valid_until")),
    )
    holders = pc.list_parent_indices(links).filter(standing)
    return await get_notes(tables, table.column("note_id").take(holders).unique().to_pylist())


async def _narrow(tables: Tables) -> pa.Table:
    """Every row of one version of the table, in the columns that show damage."""
    columns = ["row_id", "note_id", "rev", "current", "link_ids", "_rowid"]
    return await tables.notes.select(columns)


async def _drop_doubled(table: LanceTable, rows: pa.Table) -> int:
    """Delete all copies of a row except the first one written; returns how many were deleted.

    The rows are all that it has, with the key and `_rowid`.
    """
    key = table.spec.key
    first = rows.group_by(key).aggregate([("_rowid", "min")]).column("_rowid_min")
    surplus = rows.filter(pc.invert(pc.is_in(rows.column("_rowid"), value_set=first)))
    if surplus.num_rows:
        addresses = ", ".join(map(str, surplus.column("_rowid").to_pylist()))
        # Both: a row that another process rewrites meanwhile moves, and its address stays empty.
        keys = one_of(key, surplus.column(key).to_pylist())
        where = all_of(f"_rowid IN ({addresses})", keys)
        async with table.writing():
            await table.commit(lambda handle: handle.delete(where))
    return surplus.num_rows


async def _settle_current(tables: Tables, rows: pa.Table) -> Mapping[str, int]:
    """Make the highest revision of each note its only current one, in one commit."""
    ones = rows.set_column(
        rows.schema.get_field_index("current"), "current", rows.column("current").cast(pa.int64())
    )
    per_note = ones.group_by("note_id").aggregate([("current", "sum")])
    wrong = per_note.filter(pc.not_equal(per_note.column("current_sum"), 1))
    if not wrong.num_rows:
        return {}
    where = one_of("note_id", wrong.column("note_id").to_pylist())
    async with tables.notes.writing():
        mended = list(_mended(await read_rows(tables, where)))
        await tables.notes.merge(as_table(tables, mended), replace_where=_TURNED, insert=False)
    missing: int = pc.sum(pc.equal(wrong.column("current_sum"), 0)).as_py()
    return {"no_current": missing, "two_current": wrong.num_rows - missing}


def _mended(rows: list[NoteRow]) -> Iterator[NoteRow]:
    vectors = {row.note.row_id: row.vectors for row in rows}
    notes = defaultdict[str, list[NoteRow]](list)
    for row in rows:
        notes[row.note.note_id].append(row)
    for of_note in notes.values():
        for note in one_current([row.note for row in of_note]):
            yield NoteRow(note=note, vectors=vectors[note.row_id])


async def _unlink(tables: Tables, rows: pa.Table, *, now: datetime) -> int:
    """Remove links to missing notes from current notes; returns how many."""
    there = rows.column("note_id").unique()
    current = rows.filter(rows.column("current"))
    links = current.column("link_ids").combine_chunks()
    targets = pc.list_flatten(links)
    named = pc.or_(pc.is_in(targets, value_set=there), pc.equal(targets, NEEDS_REVIEW))
    lost = pc.invert(named)
    holders = pc.list_parent_indices(links).filter(lost)
    if not len(holders):
        return 0
    note_ids: list[str] = current.column("note_id").take(holders).unique().to_pylist()
    notes = {note.note_id: note for note in await get_notes(tables, note_ids)}
    known = set(there.to_pylist())
    changes = [
        change for note in notes.values() if (change := without_links(note, known, now)) is not None
    ]
    written = await write_notes(tables, new=(), changes=changes)
    return sum(len(notes[note.note_id].links) - len(note.links) for note in written.stored)


_UNCHANGED = "target.current = source.current AND target.stage = source.stage"
"""The row is as it was read, or another process has gone on with it meanwhile."""


async def single_keys(table: LanceTable) -> int:
    """Delete all but the first of the rows that share a key; returns how many were deleted."""
    async with hold_or_refuse(table.place):
        return await _drop_doubled(table, await table.select([table.spec.key], addressed=True))


async def rewrite(tables: Tables, note_ids: Sequence[str], *, now: datetime) -> None:
    """Rewrite the rows of some notes so that they agree with their own fields and neighbours.

    A revision ends where the next one begins, `link_ids` matches its links, and vectors that cannot
    be of the store's model are dropped (the note then waits for new ones). A revision removes links
    of a note to itself. If it fails, the remaining rows stay unchanged.
    """
    if not note_ids:
        return
    async with hold_or_refuse(tables.place):
        async with tables.notes.writing():
            rows = await read_rows(tables, one_of("note_id", note_ids))
            anew = as_table(tables, list(_straight(rows, tables.model_id)))
            await tables.notes.merge(anew, replace_where=_UNCHANGED, insert=False)
            tables.resident.drop()
        notes = await get_notes(tables, list(note_ids))
        changes = [change for note in notes if (change := _without_self(note, now))]
        if changes:
            await write_notes(tables, new=(), changes=changes)


def _straight(rows: Iterable[NoteRow], model: str) -> Iterable[NoteRow]:
    """The rows with corrected ends and without vectors of another model."""
    ordered = sorted(rows, key=lambda row: (row.note.note_id, row.note.rev))
    for _, group in groupby(ordered, key=lambda row: row.note.note_id):
        of_note = list(group)
        ends = {row.note.row_id: following.note.known_from for row, following in pairwise(of_note)}
        for row in of_note:
            note = replace(row.note, known_to=ends.get(row.note.row_id))
            foreign = note.embed_model not in ("", model)
            if foreign or (row.vectors is None) == bool(note.embed_model):
                yield NoteRow(note=replace(note, embed_model=""), vectors=None)
            else:
                yield NoteRow(note=note, vectors=row.vectors)


def _without_self(note: Note, now: datetime) -> Change | None:
    links = [link for link in note.links if link.to != note.note_id]
    return with_fewer_links(note, links, "linked to itself", now)
