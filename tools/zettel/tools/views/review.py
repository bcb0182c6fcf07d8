"""The pairs of notes that evolution left open, with what each answer would do."""

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict

from zettel.storage.notes import MAY_SUPERSEDE, NEEDS_REVIEW, OPEN_RELATIONS, Link, Note, State
from zettel.storage.read_view import in_one_view
from zettel.tools.answers import RecalledNote
from zettel.tools.caller import Caller
from zettel.tools.changes.settling import takes_effect_later
from zettel.tools.language.times import iso, wall_time
from zettel.tools.note_marks import mark_views
from zettel.tools.recall.offers import offered_rules
from zettel.tools.recall.premises import lost_premises, resting_on_gone
from zettel.tools.recall_request import RecallRequest, check
from zettel.tools.render import note_view
from zettel.tools.state.memory import Memory

QUEUE_MAX_NOTES = 20
"""Notes whose pairs are on one page."""


class OpenPair(TypedDict):
    """Two notes of which one may have replaced or contradict the other."""

    newer: RecalledNote
    """Has the open link."""
    older: RecalledNote
    changes: bool
    """Whether the newer one may tell a change; else both cannot be true."""
    relations: list[str]
    """Of every open link between them."""
    reason: str
    begins: NotRequired[str]
    """When the newer one is to take the older one's place, if that lies ahead."""
    writable: bool


class ShakenNote(TypedDict):
    """A note that is derived from one that does not stand any more."""

    note: RecalledNote
    premise: str


class OfferedRule(TypedDict):
    """A rule or fact that evolution offers for what was told several times."""

    note: RecalledNote
    reason: str
    """How often it was told, and when."""
    writable: bool


class ReviewQueue(TypedDict):
    """One page of what waits for a decision."""

    pairs: list[OpenPair]
    shaken: list[ShakenNote]
    """On the first page: notes whose premises were forgotten or superseded."""
    rules: list[OfferedRule]
    """On the first page: rules to keep or to refuse."""
    waiting: int
    """Notes with something to settle, on all pages."""
    offset: NotRequired[int]
    """Of the next page, where there is one."""


@in_one_view
async def read_review(
    memory: Memory, caller: Caller, *, now: datetime, namespace: str = "", offset: int = 0
) -> ReviewQueue:
    """The open pairs of notes, the newest first.

    `offset` counts the notes to leave out.

    Raises:
        InvalidArgumentError: The namespace's name is invalid.
    """
    where = check(RecallRequest(namespace=namespace, tags=(NEEDS_REVIEW,)), caller, now).where
    notes = await memory.store.find(where, limit=QUEUE_MAX_NOTES, offset=max(offset, 0))
    waiting = await memory.store.count(where)
    open_links = [(note, link) for note in notes for link in _leading(_open(note))]
    ids = list(dict.fromkeys(link.to for _, link in open_links))
    known = {other.note_id: other for other in await memory.store.get(ids)} if ids else {}
    pairs = [
        _pair(memory, caller, note, known[link.to], link)
        for note, link in open_links
        if link.to in known and known[link.to].state is State.ACTIVE
    ]
    shaken = [] if offset > 0 else await _shaken(memory, caller, now, namespace)
    rules = [] if offset > 0 else await _rules(memory, caller, now, namespace)
    views = [view for pair in pairs for view in (pair["newer"], pair["older"])]
    await mark_views([*views, *(one["note"] for one in (*shaken, *rules))])
    queue = ReviewQueue(pairs=pairs, shaken=shaken, rules=rules, waiting=waiting)
    if max(offset, 0) + len(notes) < waiting:
        queue["offset"] = max(offset, 0) + len(notes)
    return queue


def _open(note: Note) -> Sequence[Link]:
    return [link for link in note.links if link.relation in OPEN_RELATIONS and link.stood(None)]


def _leading(links: Sequence[Link]) -> Sequence[Link]:
    """One open link to each other note, a possible change before a contradiction."""
    found = dict[str, Link]()
    for link in links:
        if link.to not in found or link.relation == MAY_SUPERSEDE:
            found[link.to] = link
    return list(found.values())


def _pair(memory: Memory, caller: Caller, note: Note, other: Note, link: Link) -> OpenPair:
    reader = memory.reader(caller)
    newer, older = (
        note_view(one, reader, namespace=caller.namespace, context=True) for one in (note, other)
    )
    pair = OpenPair(
        newer=newer,
        older=older,
        changes=link.relation == MAY_SUPERSEDE,
        relations=[one.relation for one in _open(note) if one.to == link.to],
        reason=link.reason,
        writable=memory.may_write(note.namespace) and memory.may_write(other.namespace),
    )
    if begins := takes_effect_later(note, other, wall_time(note.happened_at)):
        pair["begins"] = iso(begins)
    return pair


async def _shaken(
    memory: Memory, caller: Caller, now: datetime, namespace: str
) -> list[ShakenNote]:
    asked = check(RecallRequest(namespace=namespace), caller, now)
    notes = (await resting_on_gone(memory, asked.where))[:QUEUE_MAX_NOTES]
    lost, reader = await lost_premises(memory, asked, notes), memory.reader(caller)
    return [
        ShakenNote(
            note=note_view(note, reader, namespace=caller.namespace, context=True),
            premise=lost[note.note_id],
        )
        for note in notes
        if note.note_id in lost
    ]


async def _rules(
    memory: Memory, caller: Caller, now: datetime, namespace: str
) -> list[OfferedRule]:
    asked = check(RecallRequest(namespace=namespace), caller, now)
    reader = memory.reader(caller)
    return [
        OfferedRule(
            note=note_view(note, reader, namespace=caller.namespace, context=True),
            reason=note.context,
            writable=memory.may_write(note.namespace),
        )
        for note in await offered_rules(memory, asked.where)
    ]
