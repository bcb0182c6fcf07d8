"""How many rows of the `notes` table pass a filter: counted once, then kept."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from zettel.storage.lance.cache.note_cache import CACHE_MAX_ROWS
from zettel.storage.lance.predicates import all_of, equals, one_of
from zettel.storage.lance.reads import version_of
from zettel.storage.lance.table import KeptCount, Tables
from zettel.storage.notes import EVOLUTION, Note
from zettel.storage.read_view import current_view
from zettel.storage.store import NoteFilter

COUNTS_MAX = 1_000
"""Filters whose counts are kept."""


async def rows_of_namespaces(tables: Tables, namespaces: Sequence[str]) -> int:
    """Revisions in these namespaces, or in all."""
    names = tuple(namespaces)
    where = one_of("namespace", names) if names else ""
    return await counted(tables, names, names, where, _always)


async def is_large(tables: Tables) -> bool:
    """Whether a store has too many revisions to be kept in memory."""
    return await rows_of_namespaces(tables, ()) > CACHE_MAX_ROWS


async def counted(
    tables: Tables,
    key: Hashable,
    namespaces: Sequence[str],
    where: str,
    passes: Callable[[Note], bool] | None = None,
) -> int:
    """Rows of some namespaces that pass, counted once until one of these is written.

    Args:
        tables: The store's.
        key: Stands for the predicate.
        namespaces: Those that it is limited to; empty for all.
        where: The predicate.
        passes: Whether a note of these namespaces that this process has just added passes it, so
            that not all are counted again after each; None if that is not known.
    """
    kept, version = tables.facts.counts, await version_of(tables, namespaces)
    count = kept.get(key)
    if count is None or count.version != version:
        rows = await tables.notes.count(where)
        if version != await version_of(tables, namespaces):
            # Counted without a view, and written meanwhile.
            return rows
        count = kept[key] = KeptCount(tuple(namespaces), version, rows, passes)
    kept.move_to_end(key)
    while len(kept) > COUNTS_MAX:
        kept.popitem(last=False)
    return count.rows


def follow_added(tables: Tables, version: int, notes: Sequence[Note]) -> None:
    """Have the kept counts follow notes that this process has added, before `changed` does."""
    changed = tables.changed
    if version != changed.followed + 1:
        return
    for count in tables.facts.counts.values():
        names = count.namespaces
        added = [note for note in notes if not names or note.namespace in names]
        if added and count.passes and count.version == changed.of(names):
            count.rows += sum(map(count.passes, added))
            count.version = version


async def without_idle(tables: Tables, where: NoteFilter) -> NoteFilter:
    """A filter of namespaces without the conditions that no note of these fails.

    LanceDB reads the columns of `unexpired_at` and `derived`, which have no index, of all notes for
    each query: at 100,000 notes half of the processor time of a full-text query.
    """
    # Without a view a note may come between counting and searching.
    if current_view() is None or where.known_at is not None or where.past:
        return where
    # What is counted of all namespaces would be counted again after each write.
    if tables.resident.is_whole or not (names := where.namespaces):
        return where
    if not await is_large(tables):
        return where
    scope, states = all_of("current", one_of("namespace", names)), where.states
    if where.derived is False:
        composed, key = all_of(scope, equals("origin.transport", EVOLUTION)), ("composed", names)
        if not await counted(tables, key, names, composed, lambda note: note.derived):
            where = replace(where, derived=None)
    if where.unexpired_at is not None and states:
        ending = all_of(scope, one_of("state", states), "valid_until IS NOT NULL")

        def ends(note: Note) -> bool:
            return note.state in states and note.valid_until is not None

        if not await counted(tables, ("ending", names, states), names, ending, ends):
            where = replace(where, unexpired_at=None)
    return where


def _always(_: Note) -> bool:
    return True
