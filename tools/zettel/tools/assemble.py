"""From note ids to an answer: the page's notes, their links and reasons, within the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from zettel.storage.notes import Note, State
from zettel.tools.answers import Omitted, Overview, RecallAnswer, RecalledNote
from zettel.tools.asking import Asked
from zettel.tools.budget import fit
from zettel.tools.details import SHOWN_LINKS, in_session, link_line, linked, whole_story
from zettel.tools.memory import Memory
from zettel.tools.pages import Cursor
from zettel.tools.ranking.excerpt import excerpt
from zettel.tools.ranking.fusion import Ranked
from zettel.tools.ranking.why import why
from zettel.tools.render import index_view, note_view, tokens
from zettel.tools.times import iso

OMITTED_RESERVE = 80
"""Tokens kept for `omitted` in a roomy answer: a count and a cursor of 276 characters."""
OMITTED_KEYS = 44
"""Characters of `,"omitted":{"count":9999,"cursor":""}`, rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What to show, and from where."""

    ids: Sequence[str]
    """The whole ranking or list."""
    shares: Mapping[str, Ranked] = field(default_factory=dict[str, Ranked])
    key: str
    offset: int = 0
    known_at: datetime | None = None
    """The moment the first page saw; None on a first page, which sees now."""
    any_state: bool = False
    overview: Overview | None = None
    degraded: str = ""


async def assemble(memory: Memory, asked: Asked, page: Page, *, reason: str) -> RecallAnswer:
    """Show the page's notes within the budget, and remember that they were served."""
    wanted = page.ids[page.offset : page.offset + asked.asking.limit]
    notes = await memory.store.get(wanted)
    notes = [n for n in notes if page.any_state or n.state is State.ACTIVE]
    answer = RecallAnswer(
        verdict="found" if notes else "nothing_relevant", now=iso(asked.moment), notes=[]
    )
    if reason and (not notes or page.any_state):
        answer["reason"] = reason
    if asked.since:
        answer["since"] = iso(asked.since.start)
    if asked.until:
        answer["until"] = iso(asked.until.last)
    if page.degraded:
        answer["degraded"] = page.degraded
    _add_overview(answer, page.overview, asked.asking.max_tokens)
    views = await _views(memory, asked, page, notes)
    more = len(page.ids) > page.offset + len(wanted)
    shown = _fitted(memory, asked, answer, views, more=more)
    answer["notes"] = shown
    done = len(wanted) if len(shown) == len(notes) else wanted.index(notes[len(shown)].note_id)
    if left := len(page.ids) - page.offset - done:
        answer["omitted"] = _omitted(memory, asked, page, page.offset + done, left)
    _served(memory, asked, notes[: len(shown)], shown)
    return answer


def _reserve(budget: int) -> int:
    return min(OMITTED_RESERVE, budget // 4)


def _add_overview(answer: RecallAnswer, overview: Overview | None, budget: int) -> None:
    if overview and tokens(overview) <= budget // 4:
        answer["overview"] = overview


def _fitted(
    memory: Memory, asked: Asked, answer: RecallAnswer, views: list[RecalledNote], *, more: bool
) -> list[RecalledNote]:
    budget, base = asked.asking.max_tokens, tokens(answer)

    def cut(note: RecalledNote, characters: int) -> RecalledNote:
        passages = memory.embedder.split(note.get("content", ""))
        short = note.copy()
        short["content"] = excerpt(passages, asked.asking.query, characters=characters)
        short["excerpt"] = True
        return short

    reserve = base + (_reserve(budget) if more else 0)
    fitted = fit(views, budget=budget, reserve=reserve, excerpt=cut)
    if len(fitted) < len(views) and not more:
        fitted = fit(views, budget=budget, reserve=base + _reserve(budget), excerpt=cut)
    return fitted


def _omitted(memory: Memory, asked: Asked, page: Page, offset: int, count: int) -> Omitted:
    cursor = Cursor(
        key=page.key, offset=offset, known_at=page.known_at or asked.now, asking=asked.asking
    )
    longest = _reserve(asked.asking.max_tokens) * 4 - OMITTED_KEYS
    text = memory.pages.keep(cursor, tuple(page.ids), longest=longest)
    return Omitted(count=count, cursor=text)


async def _views(
    memory: Memory, asked: Asked, page: Page, notes: Sequence[Note]
) -> list[RecalledNote]:
    namespace = asked.where.namespaces[0]
    if asked.detail == "index":
        return [index_view(note, namespace=namespace) for note in notes]
    full, links = asked.detail == "full", await linked(memory, notes)
    views = list[RecalledNote]()
    for note in notes:
        view = note_view(note, namespace=namespace)
        ranked = page.shares.get(note.note_id)
        if ranked:
            view["why"] = why(ranked.shares)
        live = [e for e in links[note.note_id] if full or e[1].state is State.ACTIVE]
        lines = [link_line(k, o, points_here=here, full=full) for k, o, here in live]
        if full:
            lines += await in_session(memory, note)
            view.update(await whole_story(memory, note, asked.now))
            if ranked:
                view["score"] = round(ranked.score, 4)
                view["signals"] = {name: round(s, 4) for name, s in ranked.shares.items()}
        if lines:
            view["links"] = lines if full else lines[:SHOWN_LINKS]
        views.append(view)
    return views


def _served(
    memory: Memory, asked: Asked, notes: Sequence[Note], shown: Sequence[RecalledNote]
) -> None:
    """Strengthen what was recalled, and know its text again if it comes back as news."""
    memory.usage.add((note.note_id for note in notes), asked.now)
    for view in shown:
        memory.served.record(asked.where.namespaces, view, asked.now)
