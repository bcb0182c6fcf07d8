"""Adding, revising and embedding notes: one commit to the `notes` table each."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import anyio
import pyarrow as pa
from anyio import to_thread

from zettel.storage.erasure.ledger import admit
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.lance.counts import follow_added
from zettel.storage.lance.ledger_rows import follow_ledger
from zettel.storage.lance.namespace_search import texts_by_namespace
from zettel.storage.lance.predicates import all_of, is_unembedded, one_of
from zettel.storage.lance.reads import current_rows, read_rows
from zettel.storage.lance.rows import to_table
from zettel.storage.lance.schema import EMBED_MODEL
from zettel.storage.lance.table import Insertion, Merged, Tables
from zettel.storage.notes import Note
from zettel.storage.revisions import (
    NoteRow,
    check_vectors,
    check_write,
    first_revision,
    next_revision,
    next_vectors,
)
from zettel.storage.store import Change, NewNote, NoteFilter, Vectors, Written

_CLOSES = "target.current AND NOT source.current"
"""A row is replaced only to close it, so the second of two writers replaces nothing."""

_AS_READ = (
    "target.current = source.current AND target.stage = source.stage"
    " AND target.content = source.content"
)
"""The row is as it was read, so that writing all of it undoes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One change with both its rows."""

    closed: NoteRow
    following: NoteRow


async def write_notes(
    tables: Tables, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
) -> Written:
    """Implement `NoteStore.write`.

    Raises:
        InvalidArgumentError: Something in it cannot be stored.
    """
    check_write(new, changes, dim=tables.dim)
    written = (item.note.embed_model for item in (*new, *changes) if item.vectors is not None)
    _check_models(tables, written)
    # What other machines have erased is read first; a write that began is finished all the same.
    done = list[Written]()
    with anyio.CancelScope(shield=tables.ledger.is_shared):
        await follow_ledger(tables)
        done.append(await _write_admitted(tables, new, changes))
    return done[0]


async def _write_admitted(
    tables: Tables, new: Sequence[NewNote], changes: Sequence[Change]
) -> Written:
    admitted = admit(tables.ledger, new, changes)
    added = [
        NoteRow(note=first_revision(item, model_id=tables.model_id), vectors=item.vectors)
        for item in admitted.new
    ]
    steps, shared = list[_Step](), False
    if admitted.changes:
        async with tables.notes.writing():
            steps = await _plan(tables, admitted.changes)
            if steps:
                steps = await _merge(tables, added, steps)
            elif added:
                await _insert(tables, added)
    elif added:
        shared = await _insert_together(tables, added)
    stored = (*(row.note for row in added), *(step.following.note for step in steps))
    kept = {note.note_id for note in stored}
    asked = (item.note.note_id for item in (*new, *changes))
    lost = tuple(note_id for note_id in asked if note_id not in kept)
    return Written(stored=stored, lost=lost, shared=shared)


async def _insert_together(tables: Tables, added: Sequence[NoteRow]) -> bool:
    """Add rows in one commit with those of all calls that wait for the same writer.

    Returns:
        Whether there were others.

    Raises:
        StoreUnavailableError: The commit failed, for all of them.
    """
    mine = Insertion(added)
    tables.insertions.append(mine)
    async with tables.notes.writing():
        if mine in tables.insertions:
            group = tables.insertions.copy()
            tables.insertions.clear()
            await _commit_group(tables, group)
    if mine.error:
        raise mine.error
    return mine.shared


async def _commit_group(tables: Tables, group: Sequence[Insertion]) -> None:
    """Add the rows of several calls; each learns by its insertion how it went."""
    for insertion in group:
        insertion.shared = len(group) > 1
    try:
        await _insert(tables, [row for insertion in group for row in insertion.rows])
    except BaseException as error:
        for insertion in group:
            insertion.error = error
        raise


async def _insert(tables: Tables, added: Sequence[NoteRow]) -> None:
    rows = await to_thread.run_sync(as_table, tables, added)
    version = await tables.notes.insert(rows)
    tables.resident.advance(version, added)
    tables.texts.advance(version, texts_by_namespace(rows))
    notes = [row.note for row in added]
    follow_added(tables, version, notes)
    _follow_notes(tables, version, notes)


async def embed_notes(
    tables: Tables, vectors: Sequence[tuple[Note, Vectors]], *, model: str
) -> None:
    """Implement `NoteStore.embed`.

    Raises:
        InvalidArgumentError: A vector is not finite or not of unit length, or the model is not the
            store's.
    """
    _check_models(tables, [model])
    for _, array in vectors:
        check_vectors(array, dim=tables.dim)
    made = {note.row_id: (note.content, array) for note, array in vectors}
    if not made:
        return
    async with tables.notes.writing():
        column = tables.notes.spec.column(EMBED_MODEL)
        waiting = await read_rows(tables, all_of(is_unembedded(column), _keyed(made)))
        filled = [
            NoteRow(note=replace(row.note, embed_model=model), vectors=array)
            for row in waiting
            for content, array in (made[row.note.row_id],)
            if row.note.content == content
        ]
        if filled:
            rows = await to_thread.run_sync(as_table, tables, filled)
            waits = all_of(_AS_READ, is_unembedded(f"target.{column}"))
            merged = await tables.notes.merge(rows, replace_where=waits, insert=False)
            _follow(tables, merged, filled, rows, replaced=len(filled))


def _check_models(tables: Tables, models: Iterable[str]) -> None:
    """Refuse vectors of another model: of equal length they could not be told from the store's."""
    other = sorted(set(models) - {"", tables.model_id})
    if other:
        raise InvalidArgumentError(
            name="model",
            problem=f"the store's vectors are of {tables.model_id!r}, not {other[0]!r}",
            remedy="Run zettel reembed to make all of them with another model.",
        )


async def mark_notes(tables: Tables, notes: Sequence[Note], *, stage: int) -> None:
    """Implement `NoteStore.mark`."""
    if not notes:
        return
    row_ids = {note.row_id for note in notes}
    where = all_of("current", f"stage < {stage}", _keyed(sorted(row_ids)))
    async with tables.notes.writing():
        result = await tables.notes.commit(lambda t: t.update({"stage": stage}, where=where))
        ids = tuple(note.note_id for note in notes)
        asked = NoteFilter(note_ids=ids, states=(), stage_below=stage, derived=None)
        rows = tables.resident.rows_there(tables.resident.version, asked)
        marked = [replace(r, note=replace(r.note, stage=stage)) for r in rows]
        marked = [row for row in marked if row.note.row_id in row_ids]
        if tables.resident.is_whole and len(marked) != result.rows_updated:
            tables.resident.drop()
        else:
            tables.resident.advance(result.version, marked)
        tables.texts.advance(result.version, {})
        _follow_notes(tables, result.version, notes)


async def _plan(tables: Tables, changes: Sequence[Change]) -> list[_Step]:
    """Both rows of every change whose note is still at the planned revision."""
    if not changes:
        return []
    ids = [change.note.note_id for change in changes]
    current = await current_rows(tables, ids)
    steps: list[_Step] = []
    for change in changes:
        old = current.get(change.note.note_id)
        if old is None or old.note.rev != change.note.rev - 1:
            continue
        closed, following = next_revision(old.note, change, model_id=tables.model_id)
        steps.append(
            _Step(
                closed=NoteRow(note=closed, vectors=old.vectors),
                following=NoteRow(note=following, vectors=next_vectors(old.vectors, change)),
            )
        )
    return steps


async def _merge(tables: Tables, added: list[NoteRow], steps: list[_Step]) -> list[_Step]:
    """Commit everything at once and return the steps that took effect."""
    rows = [*added, *(step.closed for step in steps), *(step.following for step in steps)]
    table = await to_thread.run_sync(as_table, tables, rows)
    merged = await tables.notes.merge(table, replace_where=_CLOSES)
    if _follow(tables, merged, rows, table, replaced=len(steps)):
        return steps
    # A row erased meanwhile could not be replaced and was inserted again.
    await follow_ledger(tables)
    if gone := tables.ledger.erased(step.closed.note.note_id for step in steps):
        await tables.notes.commit(lambda handle: handle.delete(one_of("note_id", gone)))
    # Another process was first somewhere; the table shows where. A row that equals ours in every
    # field is ours, or as good.
    keys = [step.following.note.row_id for step in steps]
    standing = {row.note.row_id: row.note for row in await read_rows(tables, _keyed(keys))}
    return [s for s in steps if standing.get(s.following.note.row_id) == s.following.note]


def _follow(
    tables: Tables, merged: Merged, rows: Sequence[NoteRow], written: pa.Table, *, replaced: int
) -> bool:
    """Whether a merge did all its work; then the caches follow it, else they are read again."""
    did = (merged.replaced, merged.replaced + merged.inserted)
    whole = tables.place.exact_counts and did == (replaced, len(rows))
    if whole:
        tables.resident.advance(merged.version, rows)
        tables.texts.advance(merged.version, texts_by_namespace(written))
        _follow_notes(tables, merged.version, [row.note for row in rows])
    else:
        tables.resident.drop()
    return whole


def _follow_notes(tables: Tables, version: int, notes: Sequence[Note]) -> None:
    """Have what is kept of other notes and namespaces follow a commit."""
    tables.recent.advance(version, {note.note_id for note in notes})
    tables.changed.wrote(version, {note.namespace for note in notes})


def _keyed(row_ids: Iterable[str]) -> str:
    return one_of("row_id", row_ids)


def as_table(tables: Tables, rows: Sequence[NoteRow]) -> pa.Table:
    """Rows in the schema of the `notes` table."""
    return to_table(rows, schema=tables.notes.spec.schema, dim=tables.dim)
