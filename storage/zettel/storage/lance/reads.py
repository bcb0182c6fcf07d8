"""Reads whole rows of the `notes` table and keeps them in memory."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Sequence
from itertools import islice

import pyarrow as pa
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.ids import told_ms
from zettel.storage.lance.cache.columns import OPEN_END, RevisionFacts
from zettel.storage.lance.cache.note_cache import CACHE_MAX_ROWS, LoadedRows
from zettel.storage.lance.cache.resident import NAMESPACE_MAX_ROWS
from zettel.storage.lance.cache.versions import rearranges
from zettel.storage.lance.predicates import all_of, equals, one_of
from zettel.storage.lance.rows import (
    NOTE_COLUMNS,
    read_notes,
    read_outlines,
    read_passages,
    read_vectors,
)
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables
from zettel.storage.notes import EVOLUTION, Note, Outline
from zettel.storage.read_view import outside_views
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter

FOLLOWED_MAX_VERSIONS = 16
"""Versions followed at once: maintenance makes three, a new vector index two more."""


async def notes_version(tables: Tables) -> int:
    """The version of the `notes` table; the cache follows commits that leave rows unchanged.

    Otherwise each maintenance would make recall read all notes again: 0.5 s for 20,000.
    """
    version, resident = await tables.notes.version(), tables.resident
    known = resident.version
    if await _is_rearranged(tables, known, version) and resident.version == known:
        resident.advance_unchanged(version)
        tables.texts.advance_unchanged(known, version)
    return version


async def _is_rearranged(tables: Tables, known: int, version: int) -> bool:
    """Whether rows are at a version as they were at an earlier one; False if unknown."""
    directory, name = tables.place.directory, tables.notes.spec.name
    behind = range(known + 1, version + 1)
    if directory is None or known < 0 or not 0 < len(behind) <= FOLLOWED_MAX_VERSIONS:
        return False
    return await to_thread.run_sync(
        lambda: all(rearranges(directory, name, number) for number in behind)
    )


async def version_of(tables: Tables, namespaces: Sequence[str]) -> int:
    """Implement `NoteStore.version` for some namespaces."""
    version, changed = await notes_version(tables), tables.changed
    known = changed.followed
    if version > known:
        if await _is_rearranged(tables, known, version):
            changed.rearranged(version)
        elif tables.notes.busy:
            # Perhaps its own commit, of which it learns in a moment.
            return version
        else:
            changed.changed(version)
    last = changed.of(namespaces)
    # A view of an earlier version: its own number stands for what was there then.
    return min(last, version)


CACHE_MAX_BYTES = 256 * 1024 * 1024
"""Size of the cached rows without vectors: 50,000 long notes."""

_LOADED = (*NOTE_COLUMNS, "row_id", "fold_hash", "vectors")
_FACTS = ("known_from", "known_to", "valid_from", "valid_until", "happened_at")


class TableRows:
    """Rows of an Arrow table with `NOTE_COLUMNS`, by position."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def notes(self, places: Sequence[int]) -> list[Note]:
        """Whole notes."""
        return read_notes(self._table.take(places))

    def outlines(self, places: Sequence[int]) -> list[Outline]:
        """Their outlines."""
        return read_outlines(self._table.take(places))


async def keep_resident(tables: Tables) -> None:
    """Read the newest notes into memory unless they are there or are too many.

    Writers of this process wait: 20,000 notes take a second and 130 MB.
    """
    with outside_views():
        async with tables.notes.tending():
            await _keep(tables)


async def resident_version(tables: Tables, namespaces: Sequence[str]) -> int:
    """The version of the `notes` table, loaded into memory if a second read asks for it.

    After writes of other processes nothing is cached; the second query loads the table, or of one
    that is too large the namespaces that it looks in. Commits of this process in between do not
    start the count again: every `remember` queries once and commits.
    """
    version = await notes_version(tables)
    if tables.notes.busy or version < tables.resident.version:
        return version
    await version_of(tables, namespaces)
    others = tables.changed.by_others
    if tables.resident.is_missed_again(version, others):
        await keep_resident(tables)
    for name in () if tables.resident.is_whole else namespaces:
        if tables.resident.missed_again(name, others):
            with outside_views():
                await _keep_namespace(tables, name)
    return version


async def _keep_namespace(tables: Tables, namespace: str) -> None:
    """Read the notes of a namespace into memory unless they are too many."""
    notes, where = tables.notes, equals("namespace", namespace)
    async with notes.tending():
        version = await notes_version(tables)
        if not tables.place.optimises or await notes.count(where) > NAMESPACE_MAX_ROWS:
            return
        read = await notes.select(_LOADED, where=where)
        loaded = await to_thread.run_sync(_loaded, read, tables.dim)
        too_many = loaded is None or len(loaded.passages) > NAMESPACE_MAX_ROWS
        # Another process may have committed meanwhile.
        if loaded and not too_many and await notes.newest_version() == version:
            tables.resident.keep_namespace(version, namespace, loaded)


async def _keep(tables: Tables) -> None:
    notes, version = tables.notes, await notes_version(tables)
    if version == tables.resident.version and not tables.resident.worn:
        return
    tables.resident.drop()
    if not tables.place.optimises or await notes.count() > CACHE_MAX_ROWS:
        return
    loaded = await to_thread.run_sync(_loaded, await notes.select(_LOADED), tables.dim)
    # Another process may have committed meanwhile.
    if loaded and await notes.newest_version() == version:
        tables.resident.keep(version, loaded)


def _loaded(table: pa.Table, dim: int) -> LoadedRows | None:
    counts, passages = read_passages(table, dim)
    table = table.drop_columns(["vectors"]).combine_chunks()
    if table.nbytes > CACHE_MAX_BYTES:
        return None
    names = [table.column(name).to_pylist() for name in ("namespace", "state", "current")]
    names.append([_is_composed(origin) for origin in table.column("origin").to_pylist()])
    names.append([bool(model) for model in table.column("embed_model").to_pylist()])
    names.append(table.column("stage").to_pylist())
    times = (_microseconds(table.column(name)) for name in _FACTS)
    words = (table.column(name).to_pylist() for name in ("kind", "subject"))
    note_ids = table.column("note_id").to_pylist()
    times = (*times, map(told_ms, note_ids))
    return LoadedRows(
        rows=TableRows(table.select(list(NOTE_COLUMNS))),
        note_ids=note_ids,
        row_ids=table.column("row_id").to_pylist(),
        fold_hashes=table.column("fold_hash").to_pylist(),
        sessions=table.column("session").to_pylist(),
        links=_links(table.column("links")),
        facts=[RevisionFacts(*fact) for fact in zip(*names, *times, *words, strict=True)],
        counts=counts,
        passages=passages,
    )


def _links(column: pa.ChunkedArray) -> list[list[tuple[str, str]]]:
    """Id and relation of each row's links."""
    rows = column.combine_chunks()
    values = rows.flatten()
    told = iter(zip(*(values.field(name).to_pylist() for name in ("to", "relation")), strict=True))
    return [list(islice(told, length)) for length in rows.value_lengths().fill_null(0).to_pylist()]


def _is_composed(origin: dict[str, str] | None) -> bool:
    return origin is not None and origin["transport"] == EVOLUTION


def _microseconds(column: pa.ChunkedArray) -> list[int]:
    return column.cast(pa.int64()).fill_null(OPEN_END).to_pylist()


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
    """`LanceTable.select` in two steps: keys first, then the rows by address.

    LanceDB 0.40 reads all requested columns of unindexed rows before it applies the predicate: with
    50 commits since maintenance 35 columns take 35 ms, two steps 13 ms.
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
        rows = await take_rows(table, addresses, (key, *asked))
        places = {name: place for place, name in enumerate(rows.column(key).to_pylist())}
        # A row changed or moved since has left its address; a doubled row must appear twice.
        if len(places) == len(names) and places.keys() == set(names):
            return rows.take([places[name] for name in names]).select(asked)
    return await table.select(
        asked, where=where, order=order, descending=descending, limit=limit, offset=offset
    )


async def take_rows(
    table: LanceTable,
    addresses: Sequence[int],
    columns: Sequence[str],
    *,
    addressed: bool = False,
) -> pa.Table:
    """Rows by address, ascending, without those that have left theirs.

    `addressed` adds `_rowid`.
    """
    stored = [table.spec.column(name) for name in columns]

    async def fetch(handle: AsyncTable) -> pa.Table:
        query = handle.take_row_ids(list(addresses)).select(stored)
        return await (query.with_row_id() if addressed else query).to_arrow()

    return table.spec.as_named(await table.read(fetch))


async def current_rows(tables: Tables, note_ids: Sequence[str]) -> dict[str, NoteRow]:
    """Note id -> current row with vectors, without missing ids.

    Rows read last are kept: an `update` reads its note three times, 13 ms each.
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
    """Matching rows with vectors, in no order."""
    table = await select_wide(tables.notes, [*NOTE_COLUMNS, "vectors"], where=where)
    pairs = zip(read_notes(table), read_vectors(table), strict=True)
    return [NoteRow(note=note, vectors=vectors) for note, vectors in pairs]
