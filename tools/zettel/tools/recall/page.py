"""Chooses the notes of a page, with their copies and the notes to show beside them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zettel.storage.errors import ExpiredTokenError
from zettel.storage.notes import (
    CONTRADICTS,
    MAY_SUPERSEDE,
    OPEN_RELATIONS,
    Note,
    Place,
    order_key,
    outline_of,
)
from zettel.tools.answers import About, Overview
from zettel.tools.concurrency import read_texts
from zettel.tools.ranking.cut import SHOWN_MAX_NOTES
from zettel.tools.ranking.ranked import CopyKey, copy_key
from zettel.tools.ranking.voices import OWN, voice_of
from zettel.tools.recall.as_of import read_ids, read_page
from zettel.tools.recall.note_details import (
    Linked,
    linked,
)
from zettel.tools.recall.whole import whole_text
from zettel.tools.recall_request import TRUE_THEN, RecallQuery
from zettel.tools.state.caches import CachedRanking
from zettel.tools.state.memory import Memory

PAGE_READ_MIN_NOTES = 11
"""Least notes read at once: a page of ten and the next note."""
BESIDE_MAX_NOTES = 3
"""Most notes placed behind one that they contradict or may contradict."""
BESIDE_MAX_IDS = 5
"""Most copies, and most contradicting notes, named beside a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a ranking or list."""

    ids: Sequence[str]
    """Ids from the start of this page on, at least as many as it shows."""
    total: int
    """Number of notes of all pages."""
    key: str
    most: int = 0
    """Most notes on this page; 0 for as many as there are ids."""
    chosen: bool = False
    """Whether `most` follows from the scores: what contradicts a note then comes in addition."""
    offset: int = 0
    known_at: datetime | None = None
    """The moment that the first page saw; None on a first page, which sees now."""
    found: CachedRanking = field(default_factory=CachedRanking)
    """The question's ranking, for later pages."""
    shown: frozenset[str] = frozenset()
    """Ids that an earlier page showed beside another note, and not at their own place."""
    earlier: frozenset[str] = frozenset()
    """Ids before this page; of a list only those ahead of its order by time."""
    last: Place | None = None
    """In a list by time, where the last note before this page stands."""
    after: str = ""
    """Id of the last note before this page, whatever the list."""
    happened: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """Id -> when it happened, of the notes of this page that are listed by time."""
    any_state: bool = False
    """Whether notes are shown in any state: the request names their ids."""
    overview: Overview | None = None
    notice: str = ""
    about: About | None = None
    """What is known of the one that is asked about, on a first page."""
    reason: str = ""
    degraded: str = ""

    def of(self, ids: Sequence[str]) -> "Page":
        """The page of a list of all ids."""
        at = self.offset
        return replace(self, ids=ids[at:], total=len(ids), earlier=frozenset(ids[:at]))

    def of_list(self, ids: Sequence[str]) -> "Page":
        """The page of a list of all ids in no order of time.

        It is kept for later pages. One whose list is not kept any more finds its place by the last
        note before it: what was erased since is missing in a list made anew.

        Raises:
            ExpiredTokenError: That note is not in it.
        """
        at = self.offset
        if not self.found.listed and self.after:
            if self.after not in ids:
                raise ExpiredTokenError("cursor", "Call recall with the filters again.")
            at = ids.index(self.after) + 1
        return replace(self, offset=at, found=CachedRanking(listed=tuple(ids))).of(ids)

    def left(self, done: int, ahead: frozenset[str]) -> int:
        """Number of notes to come after the first `done`, without those shown ahead."""
        # Of a list only some ids are read; what its pages show is in it.
        is_list = self.total > self.offset + len(self.ids)
        passed = ahead if is_list else ahead.intersection(self.ids[done:])
        return self.total - self.offset - done - len(passed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNote:
    """A note to show."""

    note: Note
    also: tuple[Note, ...] = ()
    """Its copies, which are not shown."""
    links: tuple[Linked, ...] = ()
    """The links that the detail shows."""
    contradicts: tuple[str, ...] = ()
    """Ids of valid notes that contradict it or are contradicted by it."""
    rivals: tuple[str, ...] = ()
    """Ids of valid notes that, by a rule, cannot be true together with it."""
    superseded_by: Note | None = None
    """The note that took its place; None if it is current."""

    @property
    def beside(self) -> tuple[str, ...]:
        """Ids of the notes to place behind it."""
        return tuple(dict.fromkeys((*self.contradicts, *self.rivals)))[:BESIDE_MAX_NOTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNotes:
    """The notes of a page, best first."""

    entries: tuple[PageNote, ...]
    ids: tuple[str, ...]
    """The ids of the page that were read, in order."""
    there: frozenset[str]
    """Those of them whose notes can be shown."""

    def done(self, shown: int) -> int:
        """How many of the ids are done once the first `shown` entries were shown."""
        first = self.entries[:shown]
        seen = {note.note_id for e in first for note in (e.note, *e.also, e.superseded_by) if note}
        left = (at for at, i in enumerate(self.ids) if i in self.there and i not in seen)
        return next(left, len(self.ids))

    def ahead(self, page: Page, shown: int) -> frozenset[str]:
        """Ids shown so far beside other notes, not at their place, once `shown` entries were."""
        first = (entry for entry in self.entries[:shown] if not entry.superseded_by)
        seen = page.shown.union(n.note_id for entry in first for n in (entry.note, *entry.also))
        return seen.difference(page.ids[: self.done(shown)])


async def gather(memory: Memory, asked: RecallQuery, page: Page) -> PageNotes:
    """Read the notes of a page.

    A note that contradicts one of them, or may, or that may have replaced it is placed right behind
    it if it matches the filters, whatever its rank, unless an earlier page showed it. Unless the
    page may grow, its last note moves to the next page. What is placed so is in no later page.
    """
    ids, most, by_id = page.ids, page.most or max(len(page.ids), 1), page.any_state
    if by_id:
        groups = [(note,) for note in await read_ids(memory, asked, ids)]
        if len(ids) == 1 and groups and asked.detail != "index":
            groups = [(await whole_text(memory, asked, note),) for (note,) in groups]
        looked = len(ids)
    else:
        groups, looked = await _distinct(memory, asked, page, most)
    there = frozenset(note.note_id for group in groups for note in group)
    entries = await _entries(memory, asked, groups if by_id else groups[:most])
    if not by_id:
        entries = await _side_by_side(memory, asked, entries, page, most)
        former, room = page.found.former, 0 if page.chosen else most
        first = page.found.former_first
        entries = await _with_former(memory, asked, entries, former, room, first=first)
    return PageNotes(entries=tuple(entries), ids=tuple(ids[:looked]), there=there)


async def _distinct(
    memory: Memory, asked: RecallQuery, page: Page, most: int
) -> tuple[list[tuple[Note, ...]], int]:
    """Groups of copies, more than `most` if there are, and how many ids were read.

    The extra group shows that the one before is complete: copies are adjacent in a ranking.
    """
    groups, looked, ids = dict[CopyKey, list[Note]](), 0, page.ids
    while looked < len(ids) and len(groups) <= most:
        chunk = ids[looked : looked + max(most + 1, PAGE_READ_MIN_NOTES)]
        notes = await read_page(memory, asked, [i for i in chunk if i not in page.shown])
        for note, key in zip(notes, await _copy_keys(notes), strict=True):
            groups.setdefault(key, []).append(note)
        looked += len(chunk)
    reader = memory.reader(asked.caller)
    # The most trusted of several copies speaks for them.
    return [
        tuple(sorted(group, key=reader.trust, reverse=True)) for group in groups.values()
    ], looked


async def _copy_keys(notes: Sequence[Note]) -> list[CopyKey]:
    return await read_texts(count_characters(notes), lambda: list(map(copy_key, notes)))


def count_characters(notes: Iterable[Note]) -> int:
    """Characters of the notes' texts."""
    return sum(len(note.content) for note in notes)


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
            rivals=_rivals(links[note.note_id]),
        )
        for note, *also in groups
    ]


def _standing(links: Sequence[Linked], *relations: str) -> tuple[str, ...]:
    standing = (
        entry.other.note_id
        for entry in links
        if entry.link.relation in relations and not entry.state
    )
    return tuple(dict.fromkeys(standing))[:BESIDE_MAX_IDS]


def _rivals(links: Sequence[Linked]) -> tuple[str, ...]:
    """The notes without which a note may mislead: not those that it may itself have replaced."""
    return _standing(
        [entry for entry in links if entry.link.relation != MAY_SUPERSEDE or entry.points_here],
        *OPEN_RELATIONS,
    )


async def _side_by_side(
    memory: Memory, asked: RecallQuery, entries: Sequence[PageNote], page: Page, most: int
) -> list[PageNote]:
    known = {note.note_id: entry for entry in entries for note in (entry.note, *entry.also)}
    away = {i for entry in entries for i in entry.beside if i not in known}
    away -= page.shown | page.earlier
    if away and len(entries) + len(away) > 1:
        pulled = await _matching(memory, asked, sorted(away), page.last)
        more = await _entries(memory, asked, [(note,) for note in pulled])
        known |= {entry.note.note_id: entry for entry in more}
    own = memory.reader(asked.caller).own_principals

    def beside(entry: PageNote) -> list[PageNote]:
        others = [known[note_id] for note_id in entry.beside if note_id in known]
        return [one for one in others if not _is_one_voice(entry.note, one.note, own)]

    placed = [one for entry in entries for one in (entry, *beside(entry))]
    keys = await _copy_keys([one.note for one in placed])
    ordered = dict[CopyKey, PageNote]()
    for key, one in zip(keys, placed, strict=True):
        ordered.setdefault(key, one)
    return list(ordered.values())[: max(most, SHOWN_MAX_NOTES) if page.chosen else most]


def _is_one_voice(note: Note, other: Note, own: Collection[str]) -> bool:
    """Whether somebody other than the reader tells both: what they say twice takes no places."""
    voice = voice_of(outline_of(note), own)
    return voice == voice_of(outline_of(other), own) != OWN


async def _with_former(
    memory: Memory,
    asked: RecallQuery,
    entries: Sequence[PageNote],
    former: Mapping[str, str],
    most: int,
    *,
    first: Collection[str],
) -> list[PageNote]:
    """The entries, some followed by a superseded note in the room of the last ones.

    `most` is 0 where the page may grow, so that such a note is shown behind its last one. It takes
    the last one's place where the page may not. It comes before the newer note of an id in `first`.
    """
    ids = [former[e.note.note_id] for e in entries if e.note.note_id in former]
    notes = [n for n in await memory.store.get(ids) if n.state in TRUE_THEN] if ids else []
    found = {one.note.note_id: one for one in await _entries(memory, asked, [(n,) for n in notes])}
    placed, least = list[PageNote](), 0
    for entry in entries:
        older = found.get(former.get(entry.note.note_id, ""))
        beside = [replace(older, superseded_by=entry.note)] if older else []
        if older is None or len(placed) + 1 != most:
            beside.insert(len(beside) if entry.note.note_id in first else 0, entry)
        placed += beside
        if older:
            least = len(placed)
    return placed[: most or max(len(entries), least)]


async def _matching(
    memory: Memory, asked: RecallQuery, ids: Sequence[str], last: Place | None
) -> list[Note]:
    """Those of the notes that match the request's filters and are listed after the last one."""
    where = replace(asked.where, note_ids=tuple(ids))
    found = await memory.store.outlines(where, limit=len(ids))
    later = [one.note_id for one in found if not last or order_key(one) < order_key(last)]
    return await read_page(memory, asked, later)
