"""Whole rows of the `notes` table, the current ones read once as long as nobody commits."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Sequence

from zettel.storage.lance_filters import all_of, one_of
from zettel.storage.lance_follow import notes_version
from zettel.storage.lance_rows import NOTE_COLUMNS, read_notes, read_vectors
from zettel.storage.lance_tables import Tables
from zettel.storage.lance_wide import select_wide
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter


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
