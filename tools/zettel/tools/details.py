"""What stands beside a recalled note: links in both directions, and in `full` its whole story."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from zettel.storage.identifiers import told_at
from zettel.storage.notes import ANSWERS, Link, Note, Outline, Usage
from zettel.storage.store import NoteFilter
from zettel.tools.answers import LinkLine, RecalledNote
from zettel.tools.asking import Asked
from zettel.tools.history import history, shown
from zettel.tools.looking import read_ids
from zettel.tools.memory import Memory
from zettel.tools.render import one_line
from zettel.tools.times import iso
from zettel.tools.usage import INITIAL_STRENGTH_DAYS, retention

SHOWN_LINKS = 3
"""Links beside a note in `notes` detail."""


def _weight(link: Link) -> tuple[bool, float, str]:
    return (link.made_by == "agent", link.weight, link.to)


async def linked(
    memory: Memory, asked: Asked, notes: Sequence[Note]
) -> dict[str, list[tuple[Link, Note, bool]]]:
    """Note id -> its links as (link, other note, points here), stated ones and strong ones first.

    Both directions, as they stood at the moment asked about; links to notes that are not there or
    forgotten are left out.
    """
    ids = [note.note_id for note in notes]
    at = asked.moment if asked.looks_back else None
    # A link has clocks of its own: what is known of it last counts, not the words it came with.
    standing = await _standing(memory, asked, notes)
    incoming = await memory.store.linking_to(ids, known_at=asked.known_at) if ids else []
    ends = {link.to for links in standing.values() for link in links}
    ends |= {other.note_id for other in incoming}
    known = {n.note_id: n for n in await read_ids(memory, asked, sorted(ends))} if ends else {}
    found = dict[str, list[tuple[Link, Note, bool]]]()
    for note in notes:
        links = standing.get(note.note_id, ())
        own = [(link, known[link.to], False) for link in links if link.to in known]
        theirs = [
            (link, known[other.note_id], True)
            for other in incoming
            if other.note_id in known
            for link in other.links
            if link.to == note.note_id
        ]
        stood = [entry for entry in (*own, *theirs) if entry[0].stood(at)]
        found[note.note_id] = sorted(stood, key=lambda entry: _weight(entry[0]), reverse=True)
    return found


async def _standing(
    memory: Memory, asked: Asked, notes: Sequence[Note]
) -> dict[str, tuple[Link, ...]]:
    """Note id -> the links of its last known revision, of which a past one may be shown."""
    past = tuple(note.note_id for note in notes if not note.current)
    where = NoteFilter(note_ids=past, states=(), known_at=asked.where.known_at)
    last = await memory.store.find(where, limit=len(past)) if past else []
    return {note.note_id: note.links for note in (*notes, *last)}


def link_line(link: Link, other: Note, *, points_here: bool, full: bool) -> LinkLine:
    """A link from the side of the note that shows it."""
    relation = f"{link.relation} (from)" if points_here else link.relation
    line = LinkLine(note_id=other.note_id, relation=relation)
    if full or (link.relation == ANSWERS and not points_here):
        line["line"] = one_line(other)  # "Yes, in Lyon!" says nothing without its question
    if full and link.reason:
        line["reason"] = link.reason
    return line


async def in_session(memory: Memory, asked: Asked, note: Note) -> list[LinkLine]:
    """The notes right before and after in the session: an order that is not stored but is."""
    if not note.session:
        return []
    where = NoteFilter(namespaces=(note.namespace,), sessions=(note.session,))
    if asked.looks_back:
        seen = asked.where
        where = replace(where, states=seen.states, valid_at=seen.valid_at)
        where = replace(where, known_at=seen.known_at, past=seen.past)
    order = await memory.store.outlines(where, limit=10_000)
    at = next((i for i, o in enumerate(order) if o.note_id == note.note_id), None)
    if at is None:
        return []
    near: Iterable[tuple[str, Outline]] = (
        (name, order[i])
        for name, i in (("previous in session", at - 1), ("next in session", at + 1))
        if 0 <= i < len(order)
    )
    return [LinkLine(note_id=o.note_id, relation=name, line=_line(o)) for name, o in near]


def _line(outline: Outline) -> str:
    words = " ".join(outline.content.split())[:100]
    return f"{outline.subject}: {words}" if outline.subject else words


async def whole_story(memory: Memory, asked: Asked, note: Note) -> RecalledNote:
    """What `full` adds: derived fields, provenance, usage and history, as far as known then."""
    revisions = await memory.store.revisions(note.note_id)
    if note.current:  # not what somebody else has made of it since it was read
        revisions = [revision for revision in revisions if revision.rev <= note.rev]
    more = RecalledNote(
        note_id=note.note_id,
        origin={
            name: value
            for name in ("client", "transport", "principal")
            if (value := getattr(note.origin, name))
        },
        told_at=iso(told_at(note.note_id)),
        history=history(revisions, known_at=asked.known_at),
    )
    if note.context:
        more["context"] = note.context
    if note.keywords:
        more["keywords"] = list(note.keywords)
    if note.entities:
        more["entities"] = list(note.entities)
    if note.questions:
        more["questions"] = list(note.questions)
    if note.summary:
        more["summary"] = note.summary
    if note.times:
        more["times"] = [
            {"start": iso(s.start), "end": iso(s.end), "phrase": s.phrase} for s in note.times
        ]
    if note.derived_by:
        more["derived_by"] = dict(note.derived_by)
    if asked.known_at:  # how often it had come up by then is not kept
        return more
    known = (await memory.store.usage_of([note.note_id])).get(note.note_id)
    since = known.recalled_at if known else told_at(note.note_id)
    more["usage"] = _usage(known, asked.now - since)
    return more


def _usage(known: Usage | None, elapsed: timedelta) -> dict[str, object]:
    strength = known.strength if known else INITIAL_STRENGTH_DAYS
    return {
        "recall_count": known.recall_count if known else 0,
        "recalled_at": shown(known.recalled_at) if known else None,
        "strength_days": strength,
        "retention": round(retention(strength_days=strength, elapsed=elapsed), 4),
    }
