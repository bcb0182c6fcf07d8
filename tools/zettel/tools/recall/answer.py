"""Builds a recall's answer: the page's notes, links and reasons within the token budget.

Whole notes first, then passages, then fewer notes; links take only the room that is left.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice

from zettel.storage.notes import (
    ANSWERS,
    CONTRADICTS,
    MAY_SUPERSEDE,
    OPEN_RELATIONS,
    Note,
    State,
    fold,
    order_key,
    outline_of,
)
from zettel.tools.answers import About, LinkLine, Omitted, Overview, RecallAnswer, RecalledNote
from zettel.tools.changes.parts import is_part_link
from zettel.tools.concurrency import check_cancelled, read_texts
from zettel.tools.language.names import find_names
from zettel.tools.language.times import iso
from zettel.tools.language.transcripts import without_cue_times
from zettel.tools.note_marks import marks_of_views, texts_of
from zettel.tools.ranking.cut import SHOWN_MAX_NOTES
from zettel.tools.ranking.excerpt import Passages, excerpt_step, rank_passages
from zettel.tools.ranking.fusion import speaks_for_itself
from zettel.tools.ranking.ranked import copy_key
from zettel.tools.ranking.voices import OWN, voice_of
from zettel.tools.ranking.weights import STEP_SIGNAL, why
from zettel.tools.recall.about import within_budget
from zettel.tools.recall.as_of import read_ids, read_page
from zettel.tools.recall.note_details import (
    DETAIL_MAX_LINKS,
    SUPERSEDED_BY,
    Linked,
    in_session,
    link_line,
    linked,
    superseded_line,
    whole_story,
)
from zettel.tools.recall.offers import settle_offer
from zettel.tools.recall.premises import lost_premises
from zettel.tools.recall.whole import beside_turn, whole_text
from zettel.tools.recall_request import DEFAULT_MAX_TOKENS, TRUE_THEN, RecallQuery
from zettel.tools.render import (
    QUOTED_MAX_CHARACTERS,
    copy_line,
    count_tokens,
    index_view,
    note_view,
    quoted_view,
    times_to_show,
    to_json,
)
from zettel.tools.state.caches import CachedRanking, Cursor, new_cursor_key
from zettel.tools.state.memory import Memory
from zettel.tools.state.served_log import FoldedView, read_view
from zettel.tools.tracing import start_part

DROP_ORDER = (
    *("history", "signals", "usage", "origin", "derived_by", "told_at", "also", "times"),
    *("questions", "entities", "keywords", "summary", "why", "score", "context", "tags", "source"),
    *("session", "rev", "kind", "state", "subject", "namespace", "valid_until", "happened_at"),
    *("contradicts", "by", "trust", "marks", "premise", "settle"),
)
"""Keys that the first note loses, in this order, before its content is cut."""

Excerpt = Callable[[RecalledNote, int], RecalledNote]
"""A note with its content cut to about so many characters."""


def fit(
    notes: Sequence[RecalledNote], *, budget: int, reserve: int, excerpt: Excerpt
) -> list[RecalledNote]:
    """The first notes that fit, long ones as passages if not all fit whole.

    Args:
        notes: Best first.
        budget: Tokens of the whole answer.
        reserve: Tokens of the answer without its notes.
        excerpt: Cuts a note.

    Returns:
        At least the first note, shrunk as far as needed; never more than the budget. If not all fit
        with their links, the notes and contents are those that fit without any link.
    """
    room = budget - reserve
    if not notes or count_tokens(notes) <= room:
        return list(notes)
    return _with_links(_bare(list(map(_without_links, notes)), room, excerpt), notes, room)


def _without_links(note: RecalledNote) -> RecalledNote:
    bare = note.copy()
    bare.pop("links", None)
    return bare


def _with_links(
    fitted: list[RecalledNote], notes: Sequence[RecalledNote], room: int
) -> list[RecalledNote]:
    """Add back the links that fit, the first note's first."""
    spare = room * 4 - len(to_json(fitted).encode())
    for view, note in zip(fitted, notes, strict=False):
        lines = list(note.get("links", ()))
        while lines and _size(lines) > spare:
            lines.pop()
        if lines:
            view["links"] = lines
            spare -= _size(lines)
    return fitted


def _size(lines: Sequence[LinkLine]) -> int:
    """Bytes that links add to their note."""
    return len(to_json(lines).encode()) + len(',"links":')


def _bare(notes: Sequence[RecalledNote], room: int, excerpt: Excerpt) -> list[RecalledNote]:
    if count_tokens(notes) <= room:
        return list(notes)
    share, all_fit = room // len(notes), sum(map(count_tokens, notes)) <= room
    fitted, used = list[RecalledNote](), 0
    for note in notes:
        view, left = note, room - used
        if count_tokens(view) > max(share, 1) and (count_tokens(view) > left or not all_fit):
            view = _cut(view, max(share, min(left, share * 2)), excerpt)
        if count_tokens(view) > left:
            if fitted:
                break
            view = shrink(view, left, excerpt)
        fitted.append(view)
        used += count_tokens(view) + 1
    return fitted


def _cut(note: RecalledNote, room: int, excerpt: Excerpt) -> RecalledNote:
    content = note.get("content", "")
    spare = len(to_json(note).encode()) - room * 4
    if spare <= 0 or not content:
        return note
    per_character = len(content.encode()) / len(content)
    keep = len(content) - int(spare / per_character) - 16  # 16: the `excerpt` key itself
    return excerpt(note, keep) if keep >= 80 else note


def shrink(note: RecalledNote, room: int, excerpt: Excerpt) -> RecalledNote:
    """Make one note fit: drop keys, then cut its content, to nothing if needed."""
    view = note
    for key in DROP_ORDER:
        if count_tokens(view) <= room:
            return view
        view = _cut(view, room, excerpt)
        if count_tokens(view) > room and key in view:
            view = view.copy()
            view.pop(key)  # pyright: ignore[reportArgumentType]
    keep = len(view.get("content") or view.get("line", ""))
    while count_tokens(view) > room and keep > 0:
        keep = keep * 3 // 4
        view = view.copy()
        if "line" in view:
            view["line"] = view["line"][:keep]
        else:
            view["content"] = view.get("content", "")[:keep]
            view["excerpt"] = True
    return view


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
    last: Note | None = None
    """In a list, the last note before this page."""
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
    groups, looked, ids = dict[tuple[str, str], list[Note]](), 0, page.ids
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


async def _copy_keys(notes: Sequence[Note]) -> list[tuple[str, str]]:
    return await read_texts(_characters(notes), lambda: list(map(copy_key, notes)))


def _characters(notes: Iterable[Note]) -> int:
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
    ordered = dict[tuple[str, str], PageNote]()
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
    first: bool,
) -> list[PageNote]:
    """The entries, some followed by a superseded note in the room of the last ones.

    `most` is 0 where the page may grow, so that such a note is shown behind its last one. It takes
    the last one's place where the page may not. With `first` it comes before the newer note.
    """
    ids = [former[e.note.note_id] for e in entries if e.note.note_id in former]
    notes = [n for n in await memory.store.get(ids) if n.state in TRUE_THEN] if ids else []
    found = {one.note.note_id: one for one in await _entries(memory, asked, [(n,) for n in notes])}
    placed, least = list[PageNote](), 0
    for entry in entries:
        older = found.get(former.get(entry.note.note_id, ""))
        beside = [replace(older, superseded_by=entry.note)] if older else []
        if older is None or len(placed) + 1 != most:
            beside.insert(len(beside) if first else 0, entry)
        placed += beside
        if older:
            least = len(placed)
    return placed[: most or max(len(entries), least)]


async def _matching(
    memory: Memory, asked: RecallQuery, ids: Sequence[str], last: Note | None
) -> list[Note]:
    """Those of the notes that match the request's filters and are listed after the last one."""
    where = replace(asked.where, note_ids=tuple(ids))
    found = await memory.store.outlines(where, limit=len(ids))
    later = [one.note_id for one in found if not last or order_key(one) < order_key(last)]
    return await read_page(memory, asked, later)


SHORT_NOTE_WORDS = 8
"""Words up to which a note is unclear without its context, or without the question that it answers:
"Yes, on Tuesday then"."""
ALIKE_MIN_JACCARD = 0.6
"""Least Jaccard similarity of the words of two notes that are shown with their context."""

BEGINNING_CHARACTERS = 2_000
"""What is read of a long note to tell whether it needs its context; a page of a hundred of 32,768
characters would take 3.6 s to be read whole."""


def need_context(notes: Sequence[Note]) -> set[str]:
    """Ids of notes that need their context: short, without names, or similar to another one.

    Args:
        notes: The notes shown together.
    """
    words = {note.note_id: frozenset(fold(_beginning(note)).split()) for note in notes}
    needing = {note.note_id for note in notes if _says_little(note)}
    for at, note in enumerate(notes):
        for other in notes[at + 1 :]:
            if _alike(words[note.note_id], words[other.note_id]):
                needing |= {note.note_id, other.note_id}
    return needing


def _beginning(note: Note) -> str:
    return without_cue_times(note.content[:BEGINNING_CHARACTERS])


def _says_little(note: Note) -> bool:
    if len(_beginning(note).split()) <= SHORT_NOTE_WORDS:
        return True
    return not (note.subject or note.entities or find_names(_beginning(note)))


def _replies(notes: Iterable[Note]) -> set[str]:
    """Ids of notes too short to be understood without the question that they answer."""
    return {n.note_id for n in notes if len(_beginning(n).split()) <= SHORT_NOTE_WORDS}


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared >= ALIKE_MIN_JACCARD * (len(one) + len(other) - shared)


SETTLED_PLACES = 3
"""First notes of an answer to a question of which an open pair has the calls that settle it: of a
made-up month 30 of 81 answers had them, mostly of pairs nobody asked about."""
OMITTED_RESERVE_TOKENS = 80
"""Tokens reserved for `omitted` in a large answer: a count and a cursor of 276 characters."""
OMITTED_KEYS_CHARACTERS = 44
"""Characters of `,"omitted":{"count":9999,"cursor":""}`, rounded up."""


async def assemble(memory: Memory, asked: RecallQuery, page: Page) -> RecallAnswer:
    """Build the answer within the budget, and record the notes as served."""
    with start_part("fetching"):
        gathered = await gather(memory, asked, page)
    with start_part("assembly"):
        return await _assembled(memory, asked, page, gathered)


async def _assembled(
    memory: Memory, asked: RecallQuery, page: Page, gathered: PageNotes
) -> RecallAnswer:
    entries = gathered.entries
    lost = await lost_premises(memory, asked, [entry.note for entry in entries])
    answer = _judged(asked, page, entries, lost)
    if asked.request.as_of:
        answer["as_of"] = iso(asked.moment)
    if asked.known_at:
        answer["known_at"] = iso(asked.known_at)
    if asked.since:
        answer["since"] = iso(asked.since.start)
    if asked.until:
        answer["until"] = iso(asked.until.last)
    if page.degraded:
        answer["degraded"] = page.degraded
    _add_overview(answer, page.overview, asked.request.max_tokens)
    _add_notice(answer, page.notice, asked.request.max_tokens)
    if page.about:
        answer["about"] = within_budget(page.about, asked.request.max_tokens)
    views = await _views(memory, asked, page, entries)
    views = [_with_premise(view, lost.get(view["note_id"], "")) for view in views]
    views = _with_offers(views, asked, entries)
    views = _at_step(asked, page, entries, views)
    if page.about and asked.detail != "full":
        views = [_without(view, _GUESSED) for view in views]  # `about` tells them
    more = page.total > page.offset + gathered.done(len(entries))
    characters = sum(len(text) for view in views for text in texts_of(view))
    fitted = partial(_fitted, asked, answer, views, more=more)
    shown, texts = await memory.read(characters, fitted)
    answer["notes"] = shown
    done, ahead = gathered.done(len(shown)), gathered.ahead(page, len(shown))
    if (left := page.left(done, ahead)) > 0:
        answer["omitted"] = await _omitted(memory, asked, page, done, left, ahead)
    _served(memory, asked, page, entries[: len(shown)], texts)
    return answer


def _marked(view: RecalledNote, marks: Mapping[str, Sequence[str]]) -> RecalledNote:
    if found := marks.get(view["note_id"]):
        view = view.copy()
        view["marks"] = list(found)
    return view


def _with_premise(view: RecalledNote, premise: str) -> RecalledNote:
    return {**view, "premise": premise} if premise else view


def _with_offers(
    views: list[RecalledNote], asked: RecallQuery, entries: Sequence[PageNote]
) -> list[RecalledNote]:
    """The views, those of offered rules with the calls that keep or refuse them."""
    if asked.looks_back:
        return views
    offers = {entry.note.note_id: settle_offer(entry.note) for entry in entries}
    settling = ((view, offers.get(view["note_id"], "")) for view in views)
    return [{**view, "settle": settle} if settle else view for view, settle in settling]


def _at_step(
    asked: RecallQuery, page: Page, entries: Sequence[PageNote], views: Sequence[RecalledNote]
) -> list[RecalledNote]:
    """The notes, of the one whose list holds the asked step that step with its neighbours."""
    holders = {one.note_id for one in page.found.ranking if STEP_SIGNAL in one.shares}
    if asked.detail != "notes" or not holders:
        return list(views)
    shown = list[RecalledNote]()
    for view, entry in zip(views, entries, strict=True):
        if view["note_id"] in holders:
            step = excerpt_step(entry.note, asked.request.query)
            if step != entry.note.content.strip():
                view = view.copy()
                view["content"], view["excerpt"] = step, True
        shown.append(view)
    return shown


SHAKEN = "The note that answers best is derived from one that does not stand any more: see premise."
"""Why an answer that would be `found` is not."""


def _judged(
    asked: RecallQuery, page: Page, entries: Sequence[PageNote], lost: Mapping[str, str]
) -> RecallAnswer:
    """The answer's head: verdict, reason and confidence.

    Args:
        asked: The request.
        page: The page.
        entries: Its notes.
        lost: Note id -> a premise that does not stand any more.
    """
    there = bool(entries)
    # That nothing was found says little where not everything was searched.
    judgement = page.found.judgement if there or page.degraded else None
    verdict = judgement.verdict if judgement else "found" if there else "nothing_relevant"
    answer = RecallAnswer(verdict=verdict, now=iso(asked.now), notes=[])
    reasons = (page.reason, judgement.reason if judgement else "")
    if judgement and verdict == "found" and entries[0].note.note_id in lost:
        answer["verdict"], reasons = "uncertain", (*reasons, SHAKEN)
    if reason := " ".join(filter(None, reasons)):
        answer["reason"] = reason
    elif not there:
        answer["reason"] = "There are no further notes."
    if judgement and asked.detail == "full":
        answer["confidence"] = round(judgement.confidence, 3)
    return answer


def _reserve(budget: int) -> int:
    return min(OMITTED_RESERVE_TOKENS, budget // 4)


def _add_overview(answer: RecallAnswer, overview: Overview | None, budget: int) -> None:
    """Add the commonest names that fit into a quarter of the budget."""
    if not overview:
        return
    fitting = Overview()
    for name in ("namespaces", "tags"):
        counts = dict[str, int]()
        for entry, count in overview.get(name, {}).items():
            if count_tokens({**fitting, name: {**counts, entry: count}}) <= budget // 4:
                counts[entry] = count
        if counts:
            fitting[name] = counts
    if fitting:
        answer["overview"] = fitting


def _add_notice(answer: RecallAnswer, notice: str, budget: int) -> None:
    if notice and count_tokens(notice) <= budget // 4:
        answer["notice"] = notice


def _fitted(
    asked: RecallQuery, answer: RecallAnswer, views: list[RecalledNote], *, more: bool
) -> tuple[list[RecalledNote], list[FoldedView]]:
    """The notes that fit, with the marks of what is shown of them, and their texts as read."""
    shown = _within_budget(asked, answer, views, more=more)
    if marks := marks_of_views(shown):
        views = [_marked(view, marks) for view in views]
        shown = _within_budget(asked, answer, views, more=more)
    return shown, [read_view(view) for view in shown]


def _within_budget(
    asked: RecallQuery, answer: RecallAnswer, views: list[RecalledNote], *, more: bool
) -> list[RecalledNote]:
    budget, base = asked.request.max_tokens, count_tokens(answer)
    ranked = dict[str, Passages]()

    def cut(note: RecalledNote, characters: int) -> RecalledNote:
        content, query = note.get("content", ""), asked.request.query
        short = note.copy()
        if content not in ranked:
            check_cancelled()
            ranked[content] = rank_passages(content, query)
        short["content"] = ranked[content].cut(characters)
        short["excerpt"] = True
        return short

    if asked.detail == "notes" and asked.request.query and budget <= DEFAULT_MAX_TOKENS:
        long = QUOTED_MAX_CHARACTERS
        views = [cut(v, long) if len(v.get("content", "")) > long else v for v in views]
    reserve = base + (_reserve(budget) if more else 0)
    fitted = fit(views, budget=budget, reserve=reserve, excerpt=cut)
    if len(fitted) < len(views) and not more:
        fitted = fit(views, budget=budget, reserve=base + _reserve(budget), excerpt=cut)
    return fitted


async def _omitted(
    memory: Memory, asked: RecallQuery, page: Page, done: int, left: int, ahead: frozenset[str]
) -> Omitted:
    known_at = page.known_at or asked.now
    if known_at == asked.now:  # this is the first page
        known_at = await memory.store.latest() or known_at
    cursor = Cursor(
        # Under another key, so that a cursor given before still leads to its own page.
        key=page.key if ahead == page.shown else new_cursor_key(),
        offset=page.offset + done,
        known_at=known_at,
        request=asked.settled(),
        after="" if page.found.ranking or not done else page.ids[done - 1],
        shown=tuple(sorted(ahead)),
    )
    longest = _reserve(asked.request.max_tokens) * 4 - OMITTED_KEYS_CHARACTERS
    if page.chosen:
        longest = 0  # who chose no size asks again at no loss, and each answer would carry 200 more
    text = memory.pages.keep(cursor, page.found, longest=longest)
    return Omitted(count=left, cursor=text)


async def _views(
    memory: Memory, asked: RecallQuery, page: Page, entries: Sequence[PageNote]
) -> list[RecalledNote]:
    namespace, full = asked.where.namespaces[0], asked.detail == "full"
    reader = memory.reader(asked.caller)
    shares = {ranked.note_id: ranked for ranked in page.found.ranking}
    beside = {entry.note.note_id for entry in entries} if asked.request.query else set[str]()
    notes = [entry.note for entry in entries]
    first = {note.note_id for note in notes[: SETTLED_PLACES if asked.request.query else None]}
    needing, replies = await memory.read(
        _characters(notes), lambda: (need_context(notes), _replies(notes))
    )
    times, views = times_to_show(notes), list[RecalledNote]()
    for entry in entries:
        note = entry.note
        if asked.detail == "index":
            view = index_view(note, reader, namespace=namespace)
        elif full or page.any_state:
            view = note_view(note, reader, namespace=namespace, context=note.note_id in needing)
        else:
            view = quoted_view(
                note,
                reader,
                namespace=namespace,
                context=note.note_id in needing,
                time=times[note.note_id],
            )
        if entry.superseded_by:
            view["state"] = State.SUPERSEDED.value
        if entry.contradicts:
            view["contradicts"] = list(entry.contradicts)
        if entry.also:
            view["also"] = [copy_line(copy, note) for copy in entry.also[:BESIDE_MAX_IDS]]
        ranked = shares.get(note.note_id)
        if full:
            view.update(await whole_story(memory, asked, note))
        if full and ranked:
            view["why"] = why(ranked.shares)
            view["score"] = round(ranked.score, 4)
            view["signals"] = {name: round(s, 4) for name, s in ranked.shares.items()}
        # The calls that settle a pair are long: unless a list of notes is asked for, one has them,
        # and to a question only among its first answers.
        listed = full or page.any_state or not (asked.request.query or page.overview)
        settles = listed or (note.note_id in first and not any(map(_offers_calls, views)))
        others = None if listed or not asked.request.query else first
        if lines := await _link_lines(
            memory, asked, entry, beside, replies, settles=settles, others=others
        ):
            view["links"] = lines
        views.append(view)
    return views if full else _without_echoes(views)


def _offers_calls(view: RecalledNote) -> bool:
    return any(_settles(line) for line in view.get("links", ()))


def _settles(line: LinkLine) -> bool:
    return line["relation"] in OPEN_RELATIONS and "reason" in line


def _without_echoes(views: Sequence[RecalledNote]) -> list[RecalledNote]:
    """The notes; the older of a pair says nothing of an open link that the younger one tells."""
    told = {
        (line["note_id"], v["note_id"])
        for v in views
        for line in v.get("links", ())
        if _settles(line)
    }
    return [
        _with_lines(
            view,
            [
                line
                for line in view.get("links", [])
                if line["relation"] not in _GUESSED_OF_OLDER
                or (view["note_id"], line["note_id"]) not in told
            ],
        )
        for view in views
    ]


def _without(view: RecalledNote, relations: Collection[str]) -> RecalledNote:
    """The note without its links of these relations."""
    lines = view.get("links", [])
    return _with_lines(view, [line for line in lines if line["relation"] not in relations])


def _with_lines(view: RecalledNote, lines: list[LinkLine]) -> RecalledNote:
    """The note with these of its links alone."""
    if len(lines) == len(view.get("links", ())):
        return view
    view = view.copy()
    view.pop("links", None)
    if lines:
        view["links"] = lines
    return view


_GUESSED_OF_OLDER = frozenset(f"{name} (from)" for name in OPEN_RELATIONS)
_GUESSED = frozenset((*OPEN_RELATIONS, *_GUESSED_OF_OLDER))
_TOLD_OF_OLDER = _GUESSED_OF_OLDER | {SUPERSEDED_BY}
"""Relations of a note to a younger one that tell a reader something without a line of that."""


async def _link_lines(
    memory: Memory,
    asked: RecallQuery,
    entry: PageNote,
    beside: Collection[str],
    replies: Collection[str],
    *,
    settles: bool,
    others: Collection[str] | None,
) -> list[LinkLine]:
    """The lines about a note's links.

    Open ones say by which calls they are settled if it `settles`, with `others` if given.
    """
    # A composed note's links take more room than its content.
    if asked.detail == "index" or (entry.note.derived and asked.detail == "notes"):
        return []
    reader = memory.reader(asked.caller)
    ahead, links = list[LinkLine](), entry.links
    if newer := entry.superseded_by:
        ahead = [superseded_line(newer, reader, beside=beside)]
        links = [link for link in links if link.other.note_id != newer.note_id]
    if asked.detail == "full":
        lines = [link_line(link, asked, reader, of=entry.note) for link in links]
        return [*ahead, *lines, *await in_session(memory, asked, entry.note)]
    told = (
        link_line(
            link,
            asked,
            reader,
            of=entry.note,
            beside=beside,
            settles=settles and (others is None or link.other.note_id in others),
        )
        for link in links
        if (link.link.relation != ANSWERS or entry.note.note_id in replies)
        and not is_part_link(link.link)
    )
    # An id alone tells a reader nothing, unless its note stands in the same answer.
    shown = (
        line
        for line in told
        if line.keys() & {"line", "reason"}
        or (line["relation"] in _TOLD_OF_OLDER and line["note_id"] in beside)
    )
    lines = [*ahead, *islice(shown, DETAIL_MAX_LINKS)]
    if beside:  # of a question's answer
        named = frozenset(beside) | {line["note_id"] for line in lines}
        lines += await beside_turn(memory, asked, entry.note, shown=named)
    return lines[:DETAIL_MAX_LINKS]


def _served(
    memory: Memory,
    asked: RecallQuery,
    page: Page,
    entries: Sequence[PageNote],
    texts: Sequence[FoldedView],
) -> None:
    """Count the recalls of notes that matched, and log the texts for the echo guard."""
    if asked.looks_back:
        return
    notes = {entry.note.note_id: entry.note for entry in entries}
    for ranked in page.found.ranking:
        if ranked.note_id in notes and not speaks_for_itself(ranked):
            del notes[ranked.note_id]
    memory.record_recalls(notes.values(), asked.now)
    memory.served.add(asked.where.namespaces, texts, asked.now)
