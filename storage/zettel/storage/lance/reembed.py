"""Making all vectors of a store anew with another model while it serves.

A second set of vectors, two columns beside the first, is filled batch by batch; one commit to
`meta` puts it in the place of the first; then the first is removed from the table and its files.
`meta` records which step is next, and every step can be killed and repeated. A process reads and
writes the columns of the set it opened the store with, by their names, so it never compares vectors
of two models; once they are gone, its calls fail until it opens the store again. A row that it
wrote meanwhile is there without vectors of the other set, and waits for them like a new note.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from random import Random
from time import time

import pyarrow as pa
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.embedding.embedder import Embedder
from zettel.storage.erasable import Purge
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.erase import remove_abandoned, remove_old_data
from zettel.storage.lance.open import (
    DIM_KEY,
    MODEL_KEY,
    SCHEMA_KEY,
    SET_KEY,
    VectorsInUse,
    read_vectors_in_use,
)
from zettel.storage.lance.predicates import is_unembedded, one_of
from zettel.storage.lance.rows import to_vectors_column
from zettel.storage.lance.schema import (
    EMBED_MODEL,
    FIRST_VECTOR_SET,
    REEMBEDDED_SCHEMA_VERSION,
    VECTORS,
    TableSpec,
    notes_table,
    vectors_type,
)
from zettel.storage.lance.side_tables import get_meta, put_meta, swap_meta
from zettel.storage.lance.table import MAX_ROWS, Tables
from zettel.storage.lance.vector_index import index_vectors
from zettel.storage.location import hold_or_refuse
from zettel.storage.meta import REEMBEDDING_KEY
from zettel.storage.progress import Pause, ReportProgress
from zettel.storage.revisions import check_vectors
from zettel.storage.store import Vectors

COMMIT_ROWS = 512
"""Revisions of one commit, which takes 1 s beside 20,000 rows, and whose work is lost at a kill."""
EMBEDDED_TOGETHER = 32
"""Revisions handed to the model at once: 1 s of a core, after which calls get their turn."""
CHECKED = (
    "every row and every index was written anew, every older version dropped, and no file is left"
    " that no version names",
)
"""Facts verified when `clean_up` is done."""
SAMPLE_ROWS = 64
"""Revisions embedded to estimate the time of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reembedding:
    """The record of a re-embedding."""

    number: int
    """Of the new set of vectors."""
    model_id: str
    dim: int
    switched: bool = False
    """Whether the new set is in use; then only the old one has to be removed."""
    rewritten_at: float = 0.0
    """When no version of the table had the old one any more, in seconds since the epoch; 0 before.
    Then only files of unfinished writes may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembeddingCost:
    """The work left of a re-embedding."""

    old_model: str
    new_model: str
    notes: int
    """Of the store, in any state."""
    revisions: int
    """Of the store: all get new vectors."""
    waiting: int
    """Revisions without new vectors."""
    characters: int
    """Of their contents."""


async def read_record(tables: Tables) -> Reembedding | None:
    """The re-embedding in progress; None if there is none.

    Raises:
        StoreUnavailableError: The store cannot be read, or the record is none that Zettel wrote.
    """
    return _parsed(tables, await get_meta(tables.meta, REEMBEDDING_KEY))


def _parsed(tables: Tables, text: str | None) -> Reembedding | None:
    if text is None:
        return None
    try:
        return Reembedding(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise StoreUnavailableError(
            tables.place.uri,
            f"has a record of a re-embedding that cannot be read: {error}",
            "Another program wrote it; restore a backup.",
        ) from error


async def is_outdated(tables: Tables) -> bool:
    """Whether another set of vectors is in use than when these tables were opened."""
    return (await read_vectors_in_use(tables.meta)).number != tables.vector_set


async def cost(tables: Tables, embedder: Embedder) -> ReembeddingCost:
    """The work left to embed the store with the embedder's model; changes nothing."""
    in_use = await read_vectors_in_use(tables.meta)
    record = await read_record(tables)
    revisions = await tables.notes.count()
    waiting, characters = revisions, -1
    if in_use.model_id == embedder.model_id:
        waiting = 0
    elif record and _is_of(record, embedder) and await _has_columns(tables, record):
        waits = is_unembedded(_spec(record).column(EMBED_MODEL))
        waiting = await tables.notes.count(waits)
        characters = await _characters(tables, waits)
    return ReembeddingCost(
        old_model=in_use.model_id,
        new_model=embedder.model_id,
        notes=await tables.notes.count("current"),
        revisions=revisions,
        waiting=waiting,
        characters=await _characters(tables, "") if characters < 0 else characters,
    )


async def sample(tables: Tables) -> list[str]:
    """Contents of some revisions, chosen at random, the same ones each time."""
    keys = sorted((await tables.notes.select(["row_id"])).column("row_id").to_pylist())
    if not keys:
        return []
    chosen = Random(0).sample(keys, min(SAMPLE_ROWS, len(keys)))
    rows = await tables.notes.select(["content"], where=one_of("row_id", chosen))
    return rows.column("content").to_pylist()


async def _characters(tables: Tables, where: str) -> int:
    async def lengths(handle: AsyncTable) -> list[int]:
        query = handle.query().select({"length": "character_length(content)"}).limit(MAX_ROWS)
        found = await (query.where(where) if where else query).to_arrow()
        return found.column("length").to_pylist()

    return sum(await tables.notes.read(lengths))


async def fill(tables: Tables, embedder: Embedder, *, tell: ReportProgress, pause: Pause) -> bool:
    """Make the new vectors of every revision, then put them in the place of the old ones.

    Continues where it was interrupted, and begins anew if that was for another model.

    `pause` is awaited before each piece of work.

    Returns:
        Whether the new vectors came into use; False if they were in use already, or if the store
        was opened with vectors that are not in use any more.

    Raises:
        ModelUnavailableError: The new model cannot be used.
        StoreUnavailableError: The store failed; what was made is kept. Or it is in LanceDB Cloud.
    """
    if tables.place.is_cloud:
        raise StoreUnavailableError(
            tables.place.uri,
            "is in LanceDB Cloud, where vectors cannot be made anew in place",
            "zettel backup it, then zettel restore that into a store with the other model: its"
            " notes are embedded anew there.",
        )
    if await is_outdated(tables):
        return False
    await embedder.load()
    record = await _begin(tables, embedder)
    if record is None:
        return False
    await _fill_all(tables, record, embedder, tell=tell, pause=pause)
    await index_vectors(tables, _spec(record))
    # What was written while the index was built.
    await _fill_all(tables, record, embedder, tell=tell, pause=pause)
    async with _settled(tables, record):
        await put_meta(
            tables.meta,
            {
                MODEL_KEY: record.model_id,
                DIM_KEY: str(record.dim),
                SET_KEY: str(record.number),
                REEMBEDDING_KEY: json.dumps(asdict(replace(record, switched=True))),
            },
        )
    return True


async def clean_up(
    tables: Tables, embedder: Embedder, *, tell: ReportProgress, pause: Pause
) -> Purge:
    """Remove the vectors that are not in use from the table and its files.

    Before that, rows that processes with the old vectors wrote since get new ones.

    `pause` is awaited before each piece of work.

    Returns:
        Whether they are gone, and what was checked; otherwise call it again.
    """
    record = await read_record(tables)
    if record is None:
        return Purge(done=True)
    if not record.switched or await is_outdated(tables):
        return Purge(done=False, why="the new vectors are not in use yet")
    text, began = json.dumps(asdict(record)), time()
    if record.rewritten_at:
        purged = await remove_abandoned(tables, before=record.rewritten_at)
    else:
        await _fill_all(tables, record, embedder, tell=tell, pause=pause)
        tell("removing the old vectors", 0, 0)
        await _drop_other_sets(tables, {record.number})
        purged = await remove_old_data(tables)
    if purged.done or purged.out_of_reach:
        await swap_meta(tables.meta, REEMBEDDING_KEY, expected=text, value=None)
    elif purged.rewritten and not record.rewritten_at:
        later = json.dumps(asdict(replace(record, rewritten_at=began)))
        await swap_meta(tables.meta, REEMBEDDING_KEY, expected=text, value=later)
    return replace(purged, verified=CHECKED if purged.done else ())


async def give_up_unless(tables: Tables, embedder: Embedder) -> bool:
    """Give up what was begun with another model, if the embedder's is in use; whether it was.

    `clean_up` then removes it from the table and its files.
    """
    record, in_use = await read_record(tables), await read_vectors_in_use(tables.meta)
    if record is None or record.switched or in_use.model_id != embedder.model_id:
        return False
    kept = Reembedding(**asdict(in_use), switched=True)
    async with _settled(tables, record):
        await put_meta(tables.meta, {REEMBEDDING_KEY: json.dumps(asdict(kept))})
    return True


async def _begin(tables: Tables, embedder: Embedder) -> Reembedding | None:
    """The record to continue with, its columns being there; None if nothing is to be done."""
    async with hold_or_refuse(tables.place):
        in_use, record = await read_vectors_in_use(tables.meta), await read_record(tables)
        if in_use.model_id == embedder.model_id:
            return None
        if record is None or record.switched or not _is_of(record, embedder):
            record = await _new_record(tables, in_use, record, embedder)
            # Before the columns: an older Zettel must not open a store that has them.
            await put_meta(
                tables.meta,
                {
                    SCHEMA_KEY: str(REEMBEDDED_SCHEMA_VERSION),
                    REEMBEDDING_KEY: json.dumps(asdict(record)),
                },
            )
        # Also sets that an earlier re-embedding left: they would be filled in vain.
        await _drop_other_sets(tables, {in_use.number, record.number})
        if not await _has_columns(tables, record):
            await _add_columns(tables, record)
        await _let_be_null(tables)
    return record


async def _new_record(
    tables: Tables, in_use: VectorsInUse, record: Reembedding | None, embedder: Embedder
) -> Reembedding:
    """A number that no set had: a process that still fills a given-up set must find it gone."""
    numbers = [in_use.number, *(await _sets(tables)), *([record.number] if record else [])]
    return Reembedding(number=max(numbers) + 1, model_id=embedder.model_id, dim=embedder.dim)


def _is_of(record: Reembedding, embedder: Embedder) -> bool:
    return (record.model_id, record.dim) == (embedder.model_id, embedder.dim)


def _spec(record: Reembedding) -> TableSpec:
    return notes_table(record.dim, record.number)


async def _columns(tables: Tables) -> list[str]:
    async def names(handle: AsyncTable) -> list[str]:
        return (await handle.schema()).names

    return await tables.notes.read(names)


async def _sets(tables: Tables) -> dict[int, list[str]]:
    """Number of each set of vectors that the table has -> its columns."""
    found = dict[int, list[str]]()
    for name in await _columns(tables):
        for column in (VECTORS, EMBED_MODEL):
            number = name.removeprefix(f"{column}_")
            if name == column:
                found.setdefault(FIRST_VECTOR_SET, []).append(name)
            elif name != number and number.isdecimal():
                found.setdefault(int(number), []).append(name)
    return found


async def _has_columns(tables: Tables, record: Reembedding) -> bool:
    return len((await _sets(tables)).get(record.number, ())) == len((VECTORS, EMBED_MODEL))


async def _add_columns(tables: Tables, record: Reembedding) -> None:
    spec = _spec(record)
    # Nullable: processes that do not know them go on adding rows.
    fields = [
        pa.field(spec.column(VECTORS), vectors_type(record.dim)),
        pa.field(spec.column(EMBED_MODEL), pa.string()),
    ]
    async with tables.notes.writing():
        await tables.notes.commit(lambda handle: handle.add_columns(fields))


async def _let_be_null(tables: Tables) -> None:
    """Let the first set's column be null, so that processes with the new set need not fill it."""

    async def is_required(handle: AsyncTable) -> bool:
        schema = await handle.schema()
        return EMBED_MODEL in schema.names and not schema.field(EMBED_MODEL).nullable

    if await tables.notes.read(is_required):
        change = {"path": EMBED_MODEL, "nullable": True}
        async with tables.notes.writing():
            await tables.notes.commit(lambda t: t.alter_columns(change))  # pyright: ignore[reportArgumentType] its type is wrong


async def _drop_other_sets(tables: Tables, kept: set[int]) -> None:
    gone = [name for number, names in (await _sets(tables)).items() if number not in kept
            for name in names]  # fmt: skip
    if gone:
        async with tables.notes.writing():
            await tables.notes.commit(lambda handle: handle.drop_columns(gone))


async def _fill_all(
    tables: Tables,
    record: Reembedding,
    embedder: Embedder,
    *,
    tell: ReportProgress,
    pause: Pause,
) -> None:
    """Fill until a last, partial batch has been stored.

    What is written during that batch is left: waiting for it too, beside a client that never stops
    writing, would have no end.
    """
    waits = is_unembedded(_spec(record).column(EMBED_MODEL))
    found = COMMIT_ROWS
    while found == COMMIT_ROWS:
        waiting = await tables.notes.select(["row_id", "content"], where=waits, limit=COMMIT_ROWS)
        found = waiting.num_rows
        if not found:
            return
        total, left = await tables.notes.count(), await tables.notes.count(waits)
        tell("embedding", total - left, total)
        keys, contents = (waiting.column(name).to_pylist() for name in ("row_id", "content"))
        vectors = list[Vectors]()
        for start in range(0, len(contents), EMBEDDED_TOGETHER):
            await pause()
            vectors += await embedder.embed_notes(contents[start : start + EMBEDDED_TOGETHER])
            tell("embedding", total - left + len(vectors), total)
        await _put(tables, record, keys, vectors)


async def _put(
    tables: Tables, record: Reembedding, keys: Sequence[str], vectors: Sequence[Vectors]
) -> None:
    """Store the vectors of rows in one commit that touches no other column of theirs.

    A content never changes under its row's key, so the vectors are right whatever was written to
    the row meanwhile; a row that was erased meanwhile is not there to take them.
    """
    for array in vectors:
        check_vectors(array, dim=record.dim)
    spec = _spec(record)
    names = (spec.key, spec.column(VECTORS), spec.column(EMBED_MODEL))
    made = await to_thread.run_sync(to_vectors_column, vectors, record.dim)
    models = pa.array([record.model_id] * len(keys), pa.string())
    fields = [spec.schema.field(spec.key), *map(pa.field, names[1:], (made.type, models.type))]
    rows = pa.table([pa.array(keys, pa.string()), made, models], schema=pa.schema(fields))
    waits = is_unembedded(f"target.{names[-1]}")
    async with tables.notes.writing():
        merged = await tables.notes.merge(rows, replace_where=waits, insert=False)
        if record.number == tables.vector_set:
            tables.resident.drop()
        elif tables.resident.version == merged.version - 1:
            tables.resident.advance_unchanged(merged.version)
        tables.texts.advance(merged.version, {})


@asynccontextmanager
async def _settled(tables: Tables, record: Reembedding) -> AsyncGenerator[None]:
    """Hold the store's lock while the record is as it was read.

    Raises:
        StoreUnavailableError: Another process has changed it.
    """
    async with hold_or_refuse(tables.place):
        if await read_record(tables) != record:
            raise StoreUnavailableError(
                tables.place.uri,
                "is being embedded anew by another process, with another model",
                "Run zettel reembed with one model at a time.",
            )
        yield
