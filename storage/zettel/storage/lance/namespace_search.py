"""Full-text search in memory, with the word frequencies of some namespaces alone.

For scopes that are small enough, and for callers that may read a part of the store: LanceDB's own
scores count the words of all of it, and for each question it reads the rows that its index does not
hold yet.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from anyio import to_thread
from lancedb import AsyncTable
from lancedb.query import MatchQuery

from zettel.storage.lance.cache.text_index import (
    COUNTED_MAX_BYTES,
    Frequencies,
    NamespaceTerms,
    Scores,
)
from zettel.storage.lance.ledger_rows import follow_ledger
from zettel.storage.lance.predicates import all_of, equals, one_of, predicate
from zettel.storage.lance.reads import notes_version
from zettel.storage.lance.schema import EMBED_MODEL
from zettel.storage.lance.table import MAX_ROWS, Tables
from zettel.storage.notes import Hit, best_first
from zettel.storage.store import NoteFilter

READ_MAX_ROWS, READ_MAX_BYTES = 5_000, 4 * 2**20
"""Rows whose texts are read at once by their ids, and UTF-8 bytes of these: each batch is joined to
what was read before. 100,000 notes take 7.7 s, in batches of 500 rows 9.7."""
COUNTED_MAX_NAMES, COUNTED_MAX_ROWS = 8, 20_000
"""Namespaces of a question that are counted, as each that is unknown takes two reads, and their
revisions together: .6 s once a process, which `count_words` mostly spares."""
COUNTED_MAX_GROWTH = 1.25
"""How far written notes may take an index past `COUNTED_MAX_BYTES` before all is read again."""
CANDIDATE_MAX_ROWS = 400
"""Rows that are scored in a namespace too large to be indexed: LanceDB's best, at least twice as
many as recall takes of such a scope."""
LOOKED_AT_FIRST = 4
"""Times the wanted notes whose rows are looked at first, and by which these grow: replaced
revisions and notes that a filter leaves out are among them."""
PASSING_MAX_ROWS = 2_000
"""Rows that are asked for by their ids: 96, 400 and 1,600 take 6, 8 and 18 ms, all of 100,000 take
39 ms and as long again as objects."""


async def match_namespaces(
    tables: Tables, query: str, where: NoteFilter, namespaces: Sequence[str], *, limit: int
) -> list[Hit]:
    """Hits with BM25 scores in which only these namespaces' revisions count.

    The scores are LanceDB's for a table of nothing else. Of a namespace of more text than
    `COUNTED_MAX_BYTES`, the newest revisions give the frequencies, and LanceDB the rows to score.
    """
    terms = [await _terms(tables, name) for name in dict.fromkeys(namespaces)]
    if all(one.whole for one in terms):
        scores = await to_thread.run_sync(lambda: Frequencies(terms).score(query))
        found = await _best_passing(tables, where, scores, limit=limit)
    else:
        rows = await _candidates(tables, query, where, limit=max(CANDIDATE_MAX_ROWS, limit))
        texts = dict(zip(*(rows.column(c).to_pylist() for c in ("row_id", "text")), strict=True))
        names = dict(zip(*(rows.column(c).to_pylist() for c in ("row_id", "note_id")), strict=True))
        scores = await to_thread.run_sync(lambda: Frequencies(terms).score_texts(query, texts))
        found = [Hit(names[row_id], score) for row_id, score in scores.items()]
    return best_first(found)[:limit]


async def _terms(tables: Tables, namespace: str) -> NamespaceTerms:
    """The index of a namespace, with every row of the table's version."""
    texts = tables.texts
    async with texts.lock(namespace):
        version = await notes_version(tables)
        if known := texts.at(namespace, version):
            terms, pending = known
            if not pending:
                return terms
            terms = await to_thread.run_sync(terms.with_rows, pending)
            if terms.size <= COUNTED_MAX_GROWTH * COUNTED_MAX_BYTES:
                texts.keep(namespace, version, terms)
                return terms
        # What a view of an earlier version reads is kept by nobody: some of it may be erased.
        cleared = texts.cleared
        if version == await tables.notes.newest_version() and cleared == texts.cleared:
            texts.begin(namespace, version)
        terms = await _read(tables, namespace)
        texts.keep(namespace, version, terms)
        return terms


async def count_words(tables: Tables) -> None:
    """Count the words of the largest namespaces in memory before a question needs them.

    The smaller first. What others have erased since the last time is dropped before.
    """
    await follow_ledger(tables)
    tables.texts.follow_erasures(len(await to_thread.run_sync(tables.ledger.receipts)))
    version = await notes_version(tables)
    names = tables.resident.namespaces(version) if tables.place.optimises else ()
    rows = {name: tables.resident.rows_in(version, [name]) or 0 for name in names}
    order = sorted((n for n in rows if 0 < rows[n] <= COUNTED_MAX_ROWS), key=rows.__getitem__)
    for name in order[-COUNTED_MAX_NAMES:]:
        await _terms(tables, name)


def is_counted_whole(tables: Tables, namespace: str) -> bool:
    """Whether the words of a namespace are few enough to be counted, as far as is known."""
    known = tables.texts.outdated(namespace)
    return known is None or known.whole


async def _read(tables: Tables, namespace: str) -> NamespaceTerms:
    """The index from the table; rows counted before with as long a text are not read again.

    A row's text changes only when traces of erased notes are cut out of it.
    """
    where = equals("namespace", namespace)

    async def lengths(handle: AsyncTable) -> pa.Table:
        columns = {"row_id": "row_id", "size": "octet_length(text)"}
        return await handle.query().select(columns).where(where).limit(MAX_ROWS).to_arrow()

    table = await tables.notes.read(lengths)
    sizes = dict(zip(*(table.column(c).to_pylist() for c in ("row_id", "size")), strict=True))
    newest = sizes if sum(sizes.values()) <= COUNTED_MAX_BYTES else _newest(sizes)
    known = tables.texts.outdated(namespace) or NamespaceTerms(sizes={})
    terms = known.without([i for i, size in known.sizes.items() if newest.get(i) != size])
    if terms is not known:  # by an erasure, of which another process does not hear
        terms = await to_thread.run_sync(terms.purged)
    for new in _batches({i: size for i, size in newest.items() if i not in terms.sizes}):
        rows = await tables.notes.select(["row_id", "text"], where=one_of("row_id", new))
        texts = dict(zip(*(rows.column(c).to_pylist() for c in ("row_id", "text")), strict=True))
        terms = await to_thread.run_sync(terms.with_rows, texts)
    return replace(terms, whole=len(newest) == len(sizes))


def _batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Row ids, as many at once as are read; one that is larger alone."""
    batch, total = list[str](), 0
    for row_id, size in sizes.items():
        if batch and (len(batch) == READ_MAX_ROWS or total + size > READ_MAX_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(row_id)
        total += size
    if batch:
        yield batch


def _newest(sizes: Mapping[str, int]) -> dict[str, int]:
    newest, total = dict[str, int](), 0
    for row_id in sorted(sizes, reverse=True):
        total += sizes[row_id]
        if total > COUNTED_MAX_BYTES:
            break
        newest[row_id] = sizes[row_id]
    return newest


async def _best_passing(
    tables: Tables, where: NoteFilter, scores: Scores, *, limit: int
) -> list[Hit]:
    """At least the best `limit` notes that pass a filter, if as many do.

    Nearly every note shares a word with a question: the best are looked at first.
    """
    version, most = await notes_version(tables), LOOKED_AT_FIRST * limit
    while best := scores.best(most):
        passing = tables.resident.passing(version, where, best)
        if passing is None:
            passing = await _passing(tables, where, best)
        found = [Hit(passing[i], score) for i, score in best.items() if i in passing]
        if len(found) >= limit or most >= len(scores):
            return found
        most *= LOOKED_AT_FIRST
    return []


async def _passing(
    tables: Tables, where: NoteFilter, row_ids: Collection[str]
) -> Mapping[str, str]:
    """Row id -> note id, of those rows, and maybe others, that pass a filter, from the table."""
    passes = predicate(where, embed_model=tables.notes.spec.column(EMBED_MODEL))
    if len(row_ids) <= PASSING_MAX_ROWS:
        passes = all_of(passes, one_of("row_id", row_ids))
    table = await tables.notes.select(["row_id", "note_id"], where=passes)
    return dict(zip(*(table.column(c).to_pylist() for c in ("row_id", "note_id")), strict=True))


async def _candidates(tables: Tables, query: str, where: NoteFilter, *, limit: int) -> pa.Table:
    words = MatchQuery(query, "text")  # pyright: ignore[reportCallIssue] its defaults are pydantic's

    async def fetch(handle: AsyncTable) -> pa.Table:
        search = (
            handle.query()
            .nearest_to_text(words)
            .where(predicate(where, embed_model=tables.notes.spec.column(EMBED_MODEL)))
        )
        return (
            await search.select(["row_id", "note_id", "text"])
            .limit(min(limit, MAX_ROWS))
            .to_arrow()
        )

    return await tables.notes.read(fetch)


def texts_by_namespace(rows: pa.Table) -> dict[str, dict[str, str]]:
    """Namespace -> row id -> text, of rows of the `notes` table."""
    found = dict[str, dict[str, str]]()
    names: Iterable[list[str]] = (
        rows.column(column).to_pylist() for column in ("namespace", "row_id", "text")
    )
    for namespace, row_id, text in zip(*names, strict=True):
        found.setdefault(namespace, {})[row_id] = text
    return found
