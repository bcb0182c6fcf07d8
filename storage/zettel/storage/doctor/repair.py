"""Rows that contradict themselves, put right: what healing at every opening does not look for."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false
# (pyarrow ships no types, lancedb some; pyarrow.compute makes its functions when imported)

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby, pairwise

import pyarrow.compute as pc

from zettel.storage.lance.predicates import all_of, one_of
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.search import get_notes
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.lance.writes import as_table, write_notes
from zettel.storage.location import hold_or_refuse
from zettel.storage.notes import Note
from zettel.storage.revisions import NoteRow, with_fewer_links
from zettel.storage.store import Change

_AS_READ = "target.current = source.current AND target.stage = source.stage"
"""The row is as it was read, or another process has gone on with it meanwhile."""


async def single_keys(table: LanceTable) -> int:
    """Of the rows that share a key keep the one written first; returns how many went.

    Raises:
        StoreUnavailableError: The table cannot be written.
    """
    key = table.spec.key
    async with hold_or_refuse(table.place):
        rows = await table.select([key], addressed=True)
        first = rows.group_by(key).aggregate([("_rowid", "min")]).column("_rowid_min")
        surplus = rows.filter(pc.invert(pc.is_in(rows.column("_rowid"), value_set=first)))
        if surplus.num_rows:
            places = ", ".join(map(str, surplus.column("_rowid").to_pylist()))
            keys = one_of(key, surplus.column(key).to_pylist())
            where = all_of(f"_rowid IN ({places})", keys)
            async with table.writing():
                await table.commit(lambda handle: handle.delete(where))
    return surplus.num_rows


async def rewrite(
    tables: Tables, note_ids: Sequence[str], *, other_model: bool, now: datetime
) -> None:
    """Write the rows of some notes anew, as their own fields and their neighbours say they are.

    A revision ends where the next one begins, others find its links under the ids they lead to,
    and vectors that cannot be of the store's model go (the note then waits for new ones); links
    of a note to itself are taken out by a revision.

    Args:
        tables: The store's.
        note_ids: Of which notes.
        other_model: Whether vectors of other models go.
        now: When links are taken out.

    Raises:
        StoreUnavailableError: The table cannot be written; what is not done is as it was.
    """
    if not note_ids:
        return
    async with hold_or_refuse(tables.place):
        async with tables.notes.writing():
            rows = await read_rows(tables, one_of("note_id", note_ids))
            model = tables.model_id if other_model else None
            anew = as_table(tables, list(_straight(rows, model)))
            await tables.notes.merge(anew, replace_where=_AS_READ, insert=False)
            tables.resident.drop()
        notes = await get_notes(tables, list(note_ids))
        changes = [change for note in notes if (change := _without_self(note, now))]
        if changes:
            await write_notes(tables, new=(), changes=changes)


def _straight(rows: Iterable[NoteRow], model: str | None) -> Iterable[NoteRow]:
    """The rows with ends where the next begins, and without vectors of another model."""
    ordered = sorted(rows, key=lambda row: (row.note.note_id, row.note.rev))
    for _, group in groupby(ordered, key=lambda row: row.note.note_id):
        of_note = list(group)
        ends = {row.note.row_id: following.note.known_from for row, following in pairwise(of_note)}
        for row in of_note:
            note = replace(row.note, known_to=ends.get(row.note.row_id))
            foreign = model is not None and note.embed_model not in ("", model)
            if foreign or (row.vectors is None) == bool(note.embed_model):
                yield NoteRow(note=replace(note, embed_model=""), vectors=None)
            else:
                yield NoteRow(note=note, vectors=row.vectors)


def _without_self(note: Note, now: datetime) -> Change | None:
    links = [link for link in note.links if link.to != note.note_id]
    return with_fewer_links(note, links, "linked to itself", now)
