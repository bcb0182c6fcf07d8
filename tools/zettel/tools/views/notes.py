"""Notes as a person looks at them: a search with its scores, one note whole, a timeline, sizes.

Looking leaves no trace: no recall is counted, and no text counts as served to an agent.
"""

# pydantic reads no schema from here, but answers.py is TypedDicts of this kind.

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import NotRequired

from typing_extensions import TypedDict

from zettel.storage.notes import NEEDS_REVIEW
from zettel.storage.read_view import in_one_view
from zettel.storage.store import NoteFilter
from zettel.tools.answers import RecallAnswer, RecalledNote, Revision
from zettel.tools.caller import Caller
from zettel.tools.concurrency import read_in_thread
from zettel.tools.note_marks import mark_views
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import why
from zettel.tools.recall.answer import assemble
from zettel.tools.recall.modes import find_page
from zettel.tools.recall.resources import read_history, read_note
from zettel.tools.recall_request import DEFAULT_MAX_TOKENS, Detail, RecallRequest, check
from zettel.tools.render import count_tokens, note_view, shorten
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_LIMIT, check_range

SIZED_MAX_NAMESPACES = 20
"""Namespaces whose bytes are counted, the largest ones: each is read whole."""
TIMELINE_PAGE_NOTES = 40
"""Notes on one page of the timeline."""
TIMELINE_MAX_CHARACTERS = 400
"""Characters of a note's content on the timeline."""


class Score(TypedDict):
    """A note's score and its parts."""

    score: float
    why: str
    signals: dict[str, float]
    """Signal -> its share of the score, the largest first."""


class SearchView(TypedDict):
    """Recall's answer with its scores."""

    answer: RecallAnswer
    tokens: int
    """Of the answer, as an agent pays for it."""
    scored: dict[str, Score]
    """Note id -> its score, where a question was asked."""
    confidence: NotRequired[float]
    """Of the verdict, in `[0, 1]`, where it was judged."""


class WholeNote(TypedDict):
    """A note with everything that is known of it."""

    note: RecalledNote
    revisions: list[Revision]
    rev: int
    writable: bool
    """Whether the caller may change it."""


class TimelineView(TypedDict):
    """Notes by when they happened, the newest first."""

    notes: list[RecalledNote]
    after: NotRequired[str]
    """Id of the last note, where there are more."""


class NamespaceFigures(TypedDict):
    """One namespace that the caller may read."""

    name: str
    notes: int
    """Active notes."""
    others: int
    """Superseded, archived and forgotten ones."""
    text_bytes: NotRequired[int]
    """UTF-8 of all revisions; absent where it was not counted."""
    writable: bool


class NamespacesView(TypedDict):
    """Every namespace that the caller may read, the largest first."""

    namespaces: list[NamespaceFigures]
    waiting: int
    """Notes without vectors yet."""
    questions: int
    """Notes with something to settle."""


@in_one_view
async def read_search(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    query: str = "",
    subject: str = "",
    tag: str = "",
    tags: Sequence[str] = (),
    kind: str = "",
    session: str = "",
    since: str = "",
    until: str = "",
    as_of: str = "",
    known_at: str = "",
    limit: int = 0,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    detail: Detail = "notes",
    namespace: str = "",
) -> SearchView:
    """Recall as an agent would, with the scores behind the order.

    The arguments are those of `recall`, empty ones and a `limit` of 0 are absent; `tag` is one
    more of the `tags`.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    if limit:
        check_range("limit", limit, least=1, most=MAX_LIMIT)
    request = RecallRequest(
        query=query.strip(),
        subject=subject,
        tags=(*tags, tag) if tag else tuple(tags),
        kind=kind,
        session=session,
        since=since,
        until=until,
        as_of=as_of,
        known_at=known_at,
        limit=limit,
        max_tokens=max_tokens,
        detail=detail,
        namespace=namespace,
    )
    memory = memory.unnoticed
    asked, page = await find_page(memory, check(request, caller, now))
    answer = await assemble(memory, asked, page)
    shown = {note["note_id"] for note in answer["notes"]}
    view = SearchView(
        answer=answer,
        tokens=await read_in_thread(count_tokens, answer),
        scored={one.note_id: _score(one) for one in page.found.ranking if one.note_id in shown},
    )
    if page.found.judgement:
        view["confidence"] = round(page.found.judgement.confidence, 3)
    return view


def _score(ranked: Ranked) -> Score:
    shares = sorted(ranked.shares.items(), key=lambda item: -item[1])
    return Score(
        score=round(ranked.score, 4),
        why=why(ranked.shares),
        signals={name: round(share, 4) for name, share in shares},
    )


@in_one_view
async def read_whole_note(
    memory: Memory, caller: Caller, *, now: datetime, note_id: str
) -> WholeNote:
    """A note with its links both ways, its origin and every revision.

    Raises:
        InvalidArgumentError: `note_id` is not an id.
        NoteNotFoundError: The caller can see no such note, or it was forgotten.
    """
    memory = memory.unnoticed
    note = await read_note(memory, caller, now=now, note_id=note_id)
    told = await read_history(memory, caller, now=now, note_id=note_id)
    return WholeNote(
        note=note,
        revisions=told["revisions"],
        rev=told["revisions"][-1]["rev"],
        writable=memory.may_write(told["namespace"]),
    )


@in_one_view
async def read_timeline(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    namespace: str = "",
    subject: str = "",
    session: str = "",
    until: str = "",
    after: str = "",
) -> TimelineView:
    """A page of the active notes, the newest first.

    It begins at `until`, and behind `after`, the id of the last note of the page before.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    request = RecallRequest(namespace=namespace, subject=subject, session=session, until=until)
    asked = check(request, caller, now)
    where = asked.where
    if after:
        last = await memory.store.get(check(RecallRequest(note_ids=(after,)), caller, now).note_ids)
        where = replace(where, after=last[0]) if last else where
    found = await memory.store.find(where, limit=TIMELINE_PAGE_NOTES + 1)
    shown, reader = found[:TIMELINE_PAGE_NOTES], memory.reader(caller)
    views = list[RecalledNote]()
    for note in shown:
        view = note_view(note, reader, namespace=caller.namespace, context=False)
        view["content"] = shorten(note.content, TIMELINE_MAX_CHARACTERS)
        views.append(view)
    await mark_views(views)
    page = TimelineView(notes=views)
    if len(found) > len(shown):
        page["after"] = shown[-1].note_id
    return page


@in_one_view
async def read_namespaces(memory: Memory, caller: Caller, *, now: datetime) -> NamespacesView:
    """The namespaces that the caller may read, with their sizes and what waits in them."""
    active = (await memory.store.facets(NoteFilter())).namespaces
    every = (await memory.store.facets(NoteFilter(states=()))).namespaces
    names = sorted({*every, *_named(caller)}, key=lambda name: (-every.get(name, 0), name))
    sizes = dict[str, int]()
    for name in islice(names, SIZED_MAX_NAMESPACES):
        sizes[name] = (await memory.admin.size_of(name)).text_bytes
    lines = [_line(memory, name, active, every, sizes) for name in names]
    unread = NoteFilter(unembedded=True)
    unsettled = NoteFilter(tags=(NEEDS_REVIEW,), unexpired_at=now)
    return NamespacesView(
        namespaces=lines,
        waiting=await memory.store.count(unread),
        questions=await memory.store.count(unsettled),
    )


def _named(caller: Caller) -> frozenset[str]:
    return caller.reach.reads if caller.reach else frozenset((caller.namespace,))


def _line(
    memory: Memory,
    name: str,
    active: Mapping[str, int],
    every: Mapping[str, int],
    sizes: Mapping[str, int],
) -> NamespaceFigures:
    line = NamespaceFigures(
        name=name,
        notes=active.get(name, 0),
        others=every.get(name, 0) - active.get(name, 0),
        writable=memory.may_write(name),
    )
    if name in sizes:
        line["text_bytes"] = sizes[name]
    return line
