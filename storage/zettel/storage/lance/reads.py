"""Reads whole rows of the `notes` table; wide columns only for the rows that need them."""

from collections.abc import Sequence

import pyarrow as pa

from zettel.storage.lance.cache_loader import notes_version
from zettel.storage.lance.predicates import all_of, one_of
from zettel.storage.lance.rows import NOTE_COLUMNS, read_notes, read_vectors
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)


async def select_wide(
    table: LanceTable,
    columns: Sequence[str],
    *,
    where: str,
    order: Sequence[str] = (),
    descending: bool = False,
    limit: int = MAX_ROWS,
    offset: int = 0,
) -> pa.Table:
    """Read what `LanceTable.select` reads, in two steps.

    Of rows no index covers yet LanceDB 0.40 reads every column asked for before it looks at the
    predicate: with 50 commits since upkeep 35 columns take 35 ms, the keys first and then the rows
    by their address 13 ms (measured at 1,000 and 20,000 notes).

    Raises:
        StoreUnavailableError: The table cannot be read.
    """
    key, asked = table.spec.key, list(columns)
    if table.place.optimises:
        keys = await table.select(
            list(dict.fromkeys((key, *order))),
            where=where,
            order=order,
            descending=descending,
            limit=limit,
            offset=offset,
            addressed=True,
        )
        if not keys.num_rows:
            return table.spec.schema.empty_table().select(asked)
        names, addresses = (keys.column(c).to_pylist() for c in (key, "_rowid"))
        rows = await table.read(
            lambda handle: handle.take_row_ids(addresses).select([key, *asked]).to_arrow()
        )
        places = {name: place for place, name in enumerate(rows.column(key).to_pylist())}
        # A row changed or moved since is no more at its address; one that a foreign hand has
        # doubled must be seen twice.
        if len(places) == len(names) and places.keys() == set(names):
            return rows.take([places[name] for name in names]).select(asked)
    return await table.select(
        asked, where=where, order=order, descending=descending, limit=limit, offset=offset
    )


# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)


async def current_rows(tables: Tables, note_ids: Sequence[str]) -> dict[str, NoteRow]:
    """Note id -> current row, vectors included; ids that are not there are left out.

    An `update` needs the row of its note three times, 13 ms each: to look at it, to plan on it and
    to write its end. Asking whether anybody has committed since takes 0.2 ms.

    Raises:
        StoreUnavailableError: The table cannot be read.
    """
    if not note_ids:
        return {}
    version = await notes_version(tables)
    where = NoteFilter(note_ids=tuple(note_ids), states=(), derived=None)
    resident = tables.resident.rows_of(version, where)
    if resident is not None:
        return {row.note.note_id: row for row in resident}
    known = tables.recent.at(version)
    missing = [note_id for note_id in note_ids if note_id not in known]
    if missing:
        read = await read_rows(tables, all_of("current", one_of("note_id", missing)))
        tables.recent.keep(version, read)
        known |= {row.note.note_id: row for row in read}
    return {note_id: known[note_id] for note_id in note_ids if note_id in known}


async def read_rows(tables: Tables, where: str) -> list[NoteRow]:
    """Whole rows that match, vectors included, in no order.

    Raises:
        StoreUnavailableError: The table cannot be read.
    """
    table = await select_wide(tables.notes, [*NOTE_COLUMNS, "vectors"], where=where)
    pairs = zip(read_notes(table), read_vectors(table), strict=True)
    return [NoteRow(note=note, vectors=vectors) for note, vectors in pairs]
