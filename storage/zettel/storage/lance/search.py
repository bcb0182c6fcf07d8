"""Search arms over the `notes` table except vectors, and the size of a namespace."""

from collections.abc import Sequence

import pyarrow as pa
from lancedb import AsyncTable
from lancedb.query import MatchQuery

from zettel.storage.lance.cache.recent_rows import KEPT
from zettel.storage.lance.cache_loader import notes_version
from zettel.storage.lance.predicates import all_of, equals, one_of, predicate, text_literal
from zettel.storage.lance.reads import current_rows, select_wide
from zettel.storage.lance.rows import NOTE_COLUMNS, OUTLINE_COLUMNS, read_notes, read_outlines
from zettel.storage.lance.table import MAX_ROWS, Tables
from zettel.storage.notes import Facets, Hit, Note, Outline, order_key
from zettel.storage.store import WRITTEN, NamespaceSize, NoteFilter
from zettel.storage.text.substrings import held, pieces

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)


_SESSION_ORDER = ("happened_at", "note_id")


async def get_notes(tables: Tables, note_ids: Sequence[str]) -> list[Note]:
    """Do what `NoteStore.get` promises."""
    if not note_ids:
        return []
    if len(note_ids) <= KEPT or tables.resident.version == await notes_version(tables):
        rows = await current_rows(tables, note_ids)
        found = {note_id: row.note for note_id, row in rows.items()}
    else:
        where = all_of("current", one_of("note_id", note_ids))
        table = await select_wide(tables.notes, NOTE_COLUMNS, where=where)
        found = {note.note_id: note for note in read_notes(table)}
    return [found[note_id] for note_id in note_ids if note_id in found]


async def find_notes(tables: Tables, where: NoteFilter, *, limit: int, offset: int) -> list[Note]:
    """Do what `NoteStore.find` promises."""
    known = tables.resident.rows_of(await notes_version(tables), where)
    if known is not None:
        notes = sorted((row.note for row in known), key=order_key, reverse=True)
        return notes[offset : offset + max(0, limit)]
    table = await select_wide(
        tables.notes,
        NOTE_COLUMNS,
        where=predicate(where),
        order=_SESSION_ORDER,
        descending=True,
        limit=limit,
        offset=offset,
    )
    return read_notes(table)


async def count_notes(tables: Tables, where: NoteFilter) -> int:
    """Do what `NoteStore.count` promises."""
    known = tables.resident.count(await notes_version(tables), where)
    return await tables.notes.count(predicate(where)) if known is None else known


async def match_text(tables: Tables, query: str, where: NoteFilter, *, limit: int) -> list[Hit]:
    """Do what `NoteStore.match_text` promises; the query is words, never an operator."""
    if limit <= 0 or not query.strip():
        return []

    words = MatchQuery(query, "text")  # pyright: ignore[reportCallIssue] its defaults are pydantic's

    async def fetch(handle: AsyncTable) -> pa.Table:
        search = handle.query().nearest_to_text(words)
        search = search.where(predicate(where)).select(["note_id", "_score"])
        return await search.limit(min(limit, MAX_ROWS)).to_arrow()

    table = await tables.notes.read(fetch)
    hits = as_hits(table, table.column("_score").to_pylist())
    return hits or await _verbatim(tables, query, where, limit=limit)


async def _verbatim(tables: Tables, query: str, where: NoteFilter, *, limit: int) -> list[Hit]:
    """Notes that hold parts of the query to the letter: a scan, of the filter's notes only."""
    parts = pieces(query)
    if not parts:
        return []
    holding = " OR ".join(f"contains(lower(text), {text_literal(part)})" for part in parts)
    table = await tables.notes.select(["note_id", "text"], where=all_of(predicate(where), holding))
    return as_hits(table, [held(text, parts) for text in table.column("text").to_pylist()])[:limit]


async def outlines(tables: Tables, where: NoteFilter, *, limit: int) -> list[Outline]:
    """Do what `NoteStore.outlines` promises."""
    known = tables.resident.outlines(await notes_version(tables), where)
    if known is not None:
        return known[: max(0, limit)]
    table = await tables.notes.select(
        OUTLINE_COLUMNS, where=predicate(where), order=_SESSION_ORDER, limit=limit
    )
    return read_outlines(table)


async def facets(tables: Tables, where: NoteFilter) -> Facets:
    """Do what `NoteStore.facets` promises."""
    table = await tables.notes.select(["subject", "tags", "namespace"], where=predicate(where))
    subjects = _counts(table.column("subject"))
    subjects.pop("", None)
    return Facets(
        subjects=subjects,
        tags=_counts(table.column("tags").combine_chunks().flatten()),
        namespaces=_counts(table.column("namespace")),
    )


def _counts(values: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()}


def as_hits(table: pa.Table, scores: list[float]) -> list[Hit]:
    """The notes of a table with their scores, best first."""
    ids: list[str] = table.column("note_id").to_pylist()
    hits = [Hit(note_id, score) for note_id, score in zip(ids, scores, strict=True)]
    # Equal scores come in any order; the id settles it, so that equal calls get equal answers.
    return sorted(hits, key=lambda hit: (-hit.score, hit.note_id))


# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)


_TEXTS = ("content", "context", "subject", "source", "array_to_string(tags, '')")
_LENGTH = " + ".join(f"octet_length({text})" for text in _TEXTS)


async def size_of(tables: Tables, namespace: str) -> NamespaceSize:
    """Do what `StoreAdmin.size_of` promises.

    Raises:
        StoreUnavailableError: The table cannot be read.
    """
    where = all_of(equals("namespace", namespace), one_of("change", sorted(WRITTEN)))

    async def lengths(handle: AsyncTable) -> list[int]:
        query = handle.query().select({"length": _LENGTH}).where(where).limit(MAX_ROWS)
        return (await query.to_arrow()).column("length").to_pylist()

    told = NoteFilter(namespaces=(namespace,), states=(), derived=False)
    return NamespaceSize(
        notes=await count_notes(tables, told), text_bytes=sum(await tables.notes.read(lengths))
    )
