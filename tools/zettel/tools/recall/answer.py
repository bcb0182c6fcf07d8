"""Builds a recall's answer: the page's notes, links and reasons within the token budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from zettel.storage.notes import Note, fold
from zettel.tools.answers import LinkLine, Omitted, Overview, RecallAnswer, RecalledNote
from zettel.tools.language.names import names
from zettel.tools.language.times import iso
from zettel.tools.ranking.excerpt import excerpt
from zettel.tools.ranking.fusion import speaks_for_itself
from zettel.tools.ranking.weights import why
from zettel.tools.recall.note_details import SHOWN_LINKS, in_session, link_line, whole_story
from zettel.tools.recall.page_notes import NAMED, PageNote, gather
from zettel.tools.recall.token_budget import fit
from zettel.tools.recall_request import RecallQuery
from zettel.tools.render import copy_line, index_view, note_view, tokens
from zettel.tools.state.memory import Memory
from zettel.tools.state.page_cache import CachedRanking, Cursor

SHORT = 8
"""Words up to which a note leaves open what it speaks of: "Yes, on Tuesday then"."""
ALIKE = 0.6
"""Share of their words that two notes have in common (Jaccard) from which they read alike: "The
server moved to Oslo" and "The server moved to Bergen" do."""


def need_context(notes: Sequence[Note]) -> set[str]:
    """Which notes of an answer are told apart, or understood at all, only with their context.

    Args:
        notes: Those shown together.

    Returns:
        Ids of the notes that are short, name nothing, or read like another one of them.
    """
    words = {note.note_id: frozenset(fold(note.content).split()) for note in notes}
    needing = {note.note_id for note in notes if _says_little(note)}
    for at, note in enumerate(notes):
        for other in notes[at + 1 :]:
            if _alike(words[note.note_id], words[other.note_id]):
                needing |= {note.note_id, other.note_id}
    return needing


def _says_little(note: Note) -> bool:
    if len(note.content.split()) <= SHORT:
        return True
    return not (note.subject or note.entities or names(note.content))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)


OMITTED_RESERVE = 80
"""Tokens kept for `omitted` in a roomy answer: a count and a cursor of 276 characters."""
OMITTED_KEYS = 44
"""Characters of `,"omitted":{"count":9999,"cursor":""}`, rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What to show of a ranking or list, and what follows it."""

    ids: Sequence[str]
    """From the beginning of this page on, at least as many as it shows."""
    total: int
    """Of all pages."""
    key: str
    most: int = 0
    """Notes this page shows at most; 0 for as many as there are ids."""
    offset: int = 0
    known_at: datetime | None = None
    """The moment the first page saw; None on a first page, which sees now."""
    found: CachedRanking = field(default_factory=CachedRanking)
    """For the pages that follow: of a question what it led to."""
    any_state: bool = False
    """Whether notes that were asked for by id are shown though they are no longer active."""
    overview: Overview | None = None
    reason: str = ""
    degraded: str = ""


async def assemble(memory: Memory, asked: RecallQuery, page: Page) -> RecallAnswer:
    """Show the page's notes within the budget, and remember that they were served."""
    most = page.most or max(len(page.ids), 1)
    gathered = await gather(memory, asked, page.ids, most=most, by_id=page.any_state)
    entries = gathered.entries
    answer = _judged(asked, page, there=bool(entries))
    if asked.known_at:
        answer["known_at"] = iso(asked.known_at)
    if asked.since:
        answer["since"] = iso(asked.since.start)
    if asked.until:
        answer["until"] = iso(asked.until.last)
    if page.degraded:
        answer["degraded"] = page.degraded
    _add_overview(answer, page.overview, asked.asking.max_tokens)
    views = await _views(memory, asked, page, entries)
    more = page.total > page.offset + gathered.done(len(entries))
    shown = _fitted(memory, asked, answer, views, more=more)
    answer["notes"] = shown
    done = gathered.done(len(shown))
    if (left := page.total - page.offset - done) > 0:
        answer["omitted"] = await _omitted(memory, asked, page, done, left)
    _served(memory, asked, page, entries[: len(shown)], shown)
    return answer


def _judged(asked: RecallQuery, page: Page, *, there: bool) -> RecallAnswer:
    """The answer's head: whether memory knows, and why not."""
    judgement = page.found.judgement if there else None
    verdict = judgement.verdict if judgement else "found" if there else "nothing_relevant"
    answer = RecallAnswer(verdict=verdict, now=iso(asked.moment), notes=[])
    reasons = (page.reason, judgement.reason if judgement else "")
    if reason := " ".join(filter(None, reasons)):
        answer["reason"] = reason
    elif not there:
        answer["reason"] = "There are no further notes."
    if judgement and asked.detail == "full":
        answer["confidence"] = round(judgement.confidence, 3)
    return answer


def _reserve(budget: int) -> int:
    return min(OMITTED_RESERVE, budget // 4)


def _add_overview(answer: RecallAnswer, overview: Overview | None, budget: int) -> None:
    """Add as many of the commonest names as a quarter of the budget holds."""
    if not overview:
        return
    fitting = Overview()
    for name in ("namespaces", "tags"):
        counts = dict[str, int]()
        for entry, count in overview.get(name, {}).items():
            if tokens({**fitting, name: {**counts, entry: count}}) <= budget // 4:
                counts[entry] = count
        if counts:
            fitting[name] = counts
    if fitting:
        answer["overview"] = fitting


def _fitted(
    memory: Memory,
    asked: RecallQuery,
    answer: RecallAnswer,
    views: list[RecalledNote],
    *,
    more: bool,
) -> list[RecalledNote]:
    budget, base = asked.asking.max_tokens, tokens(answer)

    def cut(note: RecalledNote, characters: int) -> RecalledNote:
        content, query = note.get("content", ""), asked.asking.query
        short = note.copy()
        passages = memory.embedder.split(content)
        short["content"] = excerpt(content, passages, query, characters=characters)
        short["excerpt"] = True
        return short

    reserve = base + (_reserve(budget) if more else 0)
    fitted = fit(views, budget=budget, reserve=reserve, excerpt=cut)
    if len(fitted) < len(views) and not more:
        fitted = fit(views, budget=budget, reserve=base + _reserve(budget), excerpt=cut)
    return fitted


async def _omitted(memory: Memory, asked: RecallQuery, page: Page, done: int, left: int) -> Omitted:
    known_at = page.known_at or asked.now
    if known_at == asked.now:  # this is the first page
        known_at = await memory.store.latest() or known_at
    cursor = Cursor(
        key=page.key,
        offset=page.offset + done,
        known_at=known_at,
        asking=asked.settled(),
        after="" if page.found.ranking or not done else page.ids[done - 1],
    )
    longest = _reserve(asked.asking.max_tokens) * 4 - OMITTED_KEYS
    text = memory.pages.keep(cursor, page.found, longest=longest)
    return Omitted(count=left, cursor=text)


async def _views(
    memory: Memory, asked: RecallQuery, page: Page, entries: Sequence[PageNote]
) -> list[RecalledNote]:
    namespace, full = asked.where.namespaces[0], asked.detail == "full"
    shares = {ranked.note_id: ranked for ranked in page.found.ranking}
    needing = need_context([entry.note for entry in entries])
    views = list[RecalledNote]()
    for entry in entries:
        note = entry.note
        if asked.detail == "index":
            view = index_view(note, namespace=namespace)
        else:
            view = note_view(note, namespace=namespace, context=note.note_id in needing)
        if entry.contradicts:
            view["contradicts"] = list(entry.contradicts)
        if entry.also:
            view["also"] = [copy_line(copy, note) for copy in entry.also[:NAMED]]
        ranked = shares.get(note.note_id)
        if ranked and asked.detail != "index":
            view["why"] = why(ranked.shares)
        if full:
            view.update(await whole_story(memory, asked, note))
        if full and ranked:
            view["score"] = round(ranked.score, 4)
            view["signals"] = {name: round(s, 4) for name, s in ranked.shares.items()}
        if lines := await _link_lines(memory, asked, entry):
            view["links"] = lines
        views.append(view)
    return views


async def _link_lines(memory: Memory, asked: RecallQuery, entry: PageNote) -> list[LinkLine]:
    # What a composed note is of takes more room than what it says.
    if asked.detail == "index" or (entry.note.derived and asked.detail == "notes"):
        return []
    if asked.detail == "full":
        lines = [link_line(link, asked, of=entry.note) for link in entry.links]
        return [*lines, *await in_session(memory, asked, entry.note)]
    return [link_line(link, asked, of=entry.note) for link in entry.links[:SHOWN_LINKS]]


def _served(
    memory: Memory,
    asked: RecallQuery,
    page: Page,
    entries: Sequence[PageNote],
    shown: Sequence[RecalledNote],
) -> None:
    """Strengthen what was recalled, and know its text again if it comes back as news."""
    if asked.looks_back:
        return
    filler = {r.note_id for r in page.found.ranking if not speaks_for_itself(r)}
    ids = (entry.note.note_id for entry in entries)
    memory.usage.add((i for i in ids if i not in filler), asked.now)
    for view in shown:
        memory.served.record(asked.where.namespaces, view, asked.now)
