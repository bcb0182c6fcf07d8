"""Which notes an answer shows: each content once, and what contradicts a note beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from zettel.storage.notes import CONTRADICTS, OPEN_RELATIONS, Note
from zettel.tools.ranking.duplicates import told_alike
from zettel.tools.recall.as_of import read_ids, read_page
from zettel.tools.recall.note_details import Linked, linked
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

CHUNK = 11
"""Notes read at once, least: of a page of ten all, and the one behind."""
BESIDE = 3
"""Notes set beside one that they contradict, or may."""
NAMED = 5
"""Copies and contradicting notes named beside a note: more would crowd out the notes themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNote:
    """A note to show."""

    note: Note
    also: tuple[Note, ...] = ()
    """Notes that say the same, and are not shown."""
    links: tuple[Linked, ...] = ()
    """As far as the detail asked for shows them."""
    contradicts: tuple[str, ...] = ()
    """Ids of notes that stand as it does, and contradict it or are contradicted by it."""
    rivals: tuple[str, ...] = ()
    """Ids of notes that stand as it does, and of which a rule holds that only one may be true."""

    @property
    def beside(self) -> tuple[str, ...]:
        """Ids of the notes to set beside it."""
        return tuple(dict.fromkeys((*self.contradicts, *self.rivals)))[:BESIDE]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNotes:
    """What to show of a page, best first."""

    entries: tuple[PageNote, ...]
    ids: tuple[str, ...]
    """Of the page, those looked at, in its order."""
    there: frozenset[str]
    """Those of them that were there to be shown."""

    def done(self, shown: int) -> int:
        """How many of the ids need not be looked at again when the first entries were shown."""
        seen = {note.note_id for e in self.entries[:shown] for note in (e.note, *e.also)}
        left = (at for at, i in enumerate(self.ids) if i in self.there and i not in seen)
        return next(left, len(self.ids))


async def gather(
    memory: Memory, asked: RecallQuery, ids: Sequence[str], *, most: int, by_id: bool
) -> PageNotes:
    """Read the notes of a page.

    A note that contradicts one of them, or may, stands right behind it, though it ranks far below
    or not at all, if it matches the filters; it takes the place of the last one, which begins the
    next page. There it may come once more, at its own rank.

    Args:
        memory: Where.
        asked: The question.
        ids: In their order; as many are read as give `most` notes.
        most: Notes to show, 1 and up.
        by_id: Whether the ids were asked for: then each is shown, whatever its state, and no other.
    """
    if by_id:
        groups = [(note,) for note in await read_ids(memory, asked, ids)]
        looked = len(ids)
    else:
        groups, looked = await _distinct(memory, asked, ids, most)
    there = frozenset(note.note_id for group in groups for note in group)
    entries = await _entries(memory, asked, groups if by_id else groups[:most])
    if not by_id:
        entries = await _side_by_side(memory, asked, entries, most)
    return PageNotes(entries=tuple(entries), ids=tuple(ids[:looked]), there=there)


async def _distinct(
    memory: Memory, asked: RecallQuery, ids: Sequence[str], most: int
) -> tuple[list[tuple[Note, ...]], int]:
    """Groups of notes that say the same, more than so many, and how many ids they took.

    One more shows that the last of the others is whole: copies follow each other in a ranking.
    """
    groups, looked = dict[tuple[str, str], list[Note]](), 0
    while looked < len(ids) and len(groups) <= most:
        chunk = ids[looked : looked + max(most + 1, CHUNK)]
        for note in await read_page(memory, asked, chunk):
            groups.setdefault(told_alike(note), []).append(note)
        looked += len(chunk)
    return [tuple(group) for group in groups.values()], looked


async def _entries(
    memory: Memory, asked: RecallQuery, groups: Sequence[tuple[Note, ...]]
) -> list[PageNote]:
    only = CONTRADICTS if asked.detail == "index" else ""
    links = await linked(memory, asked, [group[0] for group in groups], only=only)
    return [
        PageNote(
            note=note,
            also=tuple(also),
            links=tuple(links[note.note_id]),
            contradicts=_standing(links[note.note_id], CONTRADICTS),
            rivals=_standing(links[note.note_id], *OPEN_RELATIONS),
        )
        for note, *also in groups
    ]


def _standing(links: Sequence[Linked], *relations: str) -> tuple[str, ...]:
    standing = (
        entry.other.note_id
        for entry in links
        if entry.link.relation in relations and not entry.state
    )
    return tuple(dict.fromkeys(standing))[:NAMED]


async def _side_by_side(
    memory: Memory, asked: RecallQuery, entries: Sequence[PageNote], most: int
) -> list[PageNote]:
    known = {note.note_id: entry for entry in entries for note in (entry.note, *entry.also)}
    away = {i for entry in entries for i in entry.beside if i not in known}
    if away and len(entries) + len(away) > 1:
        pulled = await _matching(memory, asked, sorted(away))
        more = await _entries(memory, asked, [(note,) for note in pulled])
        known |= {entry.note.note_id: entry for entry in more}
    ordered = dict[tuple[str, str], PageNote]()
    for entry in entries:
        for one in (entry, *(known[i] for i in entry.beside if i in known)):
            ordered.setdefault(told_alike(one.note), one)
    return list(ordered.values())[:most]


async def _matching(memory: Memory, asked: RecallQuery, ids: Sequence[str]) -> list[Note]:
    """Those of the notes that the question's filters let through and that are still there."""
    where = replace(asked.where, note_ids=tuple(ids))
    found = await memory.store.outlines(where, limit=len(ids))
    return await read_page(memory, asked, [outline.note_id for outline in found])
