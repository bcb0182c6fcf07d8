"""From note ids to an answer: the page's notes, their links and reasons, within the budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zettel.storage.notes import Note, State
from zettel.tools.answers import Omitted, Overview, RecallAnswer, RecalledNote
from zettel.tools.asking import Asked
from zettel.tools.budget import fit
from zettel.tools.details import SHOWN_LINKS, in_session, link_line, linked, whole_story
from zettel.tools.looking import newest, read_ids, read_page
from zettel.tools.memory import Memory
from zettel.tools.pages import Cursor
from zettel.tools.ranking.excerpt import excerpt
from zettel.tools.ranking.fusion import Ranked, speaks_for_itself
from zettel.tools.ranking.why import why
from zettel.tools.render import index_view, note_view, tokens
from zettel.tools.times import iso

OMITTED_RESERVE = 80
"""Tokens kept for `omitted` in a roomy answer: a count and a cursor of 276 characters."""
OMITTED_KEYS = 44
"""Characters of `,"omitted":{"count":9999,"cursor":""}`, rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What to show of a ranking or list, and what follows it."""

    ids: Sequence[str]
    """Of this page, at most the limit."""
    total: int
    """Of all pages."""
    key: str
    offset: int = 0
    known_at: datetime | None = None
    """The moment the first page saw; None on a first page, which sees now."""
    ranking: tuple[Ranked, ...] = ()
    """The whole ranking, for the pages that follow; empty for a list in the store."""
    any_state: bool = False
    """Whether notes that were asked for by id are shown though they are no longer active."""
    overview: Overview | None = None
    reason: str = ""
    degraded: str = ""


async def assemble(memory: Memory, asked: Asked, page: Page) -> RecallAnswer:
    """Show the page's notes within the budget, and remember that they were served."""
    notes = await (read_ids if page.any_state else read_page)(memory, asked, page.ids)
    answer = RecallAnswer(
        verdict="found" if notes else "nothing_relevant", now=iso(asked.moment), notes=[]
    )
    if page.reason or not notes:
        answer["reason"] = page.reason or "There are no further notes."
    if asked.known_at:
        answer["known_at"] = iso(asked.known_at)
    if asked.since:
        answer["since"] = iso(asked.since.start)
    if asked.until:
        answer["until"] = iso(asked.until.last)
    if page.degraded:
        answer["degraded"] = page.degraded
    _add_overview(answer, page.overview, asked.asking.max_tokens)
    views = await _views(memory, asked, page, notes)
    shown = _fitted(memory, asked, answer, views, more=page.total > page.offset + len(page.ids))
    answer["notes"] = shown
    ids = list(page.ids)
    done = len(ids) if len(shown) == len(notes) else ids.index(notes[len(shown)].note_id)
    if (left := page.total - page.offset - done) > 0:
        answer["omitted"] = await _omitted(memory, asked, page, done, left)
    _served(memory, asked, page, notes[: len(shown)], shown)
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
    memory: Memory, asked: Asked, answer: RecallAnswer, views: list[RecalledNote], *, more: bool
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


async def _omitted(memory: Memory, asked: Asked, page: Page, done: int, left: int) -> Omitted:
    known_at = page.known_at or asked.now
    if known_at == asked.now:  # this is the first page
        known_at = await newest(memory, known_at)
    cursor = Cursor(
        key=page.key,
        offset=page.offset + done,
        known_at=known_at,
        asking=asked.settled(),
        after="" if page.ranking or not done else page.ids[done - 1],
    )
    longest = _reserve(asked.asking.max_tokens) * 4 - OMITTED_KEYS
    text = memory.pages.keep(cursor, page.ranking, longest=longest)
    return Omitted(count=left, cursor=text)


async def _views(
    memory: Memory, asked: Asked, page: Page, notes: Sequence[Note]
) -> list[RecalledNote]:
    namespace = asked.where.namespaces[0]
    if asked.detail == "index":
        return [index_view(note, namespace=namespace) for note in notes]
    full, links = asked.detail == "full", await linked(memory, asked, notes)
    shares = {ranked.note_id: ranked for ranked in page.ranking}
    views = list[RecalledNote]()
    for note in notes:
        view = note_view(note, namespace=namespace)
        ranked = shares.get(note.note_id)
        if ranked:
            view["why"] = why(ranked.shares)
        live = [e for e in links[note.note_id] if full or e[1].state is State.ACTIVE]
        lines = [link_line(k, o, points_here=here, full=full) for k, o, here in live]
        if full:
            lines += await in_session(memory, asked, note)
            view.update(await whole_story(memory, asked, note))
            if ranked:
                view["score"] = round(ranked.score, 4)
                view["signals"] = {name: round(s, 4) for name, s in ranked.shares.items()}
        if lines:
            view["links"] = lines if full else lines[:SHOWN_LINKS]
        views.append(view)
    return views


def _served(
    memory: Memory,
    asked: Asked,
    page: Page,
    notes: Sequence[Note],
    shown: Sequence[RecalledNote],
) -> None:
    """Strengthen what was recalled, and know its text again if it comes back as news."""
    if asked.looks_back:
        return
    filler = {r.note_id for r in page.ranking if not speaks_for_itself(r)}
    memory.usage.add((n.note_id for n in notes if n.note_id not in filler), asked.now)
    for view in shown:
        memory.served.record(asked.where.namespaces, view, asked.now)
