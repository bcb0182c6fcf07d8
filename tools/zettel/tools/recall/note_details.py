"""Details of a recalled note: links in both directions and, in `full`, provenance and history."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import isfinite

from zettel.storage.ids import told_at
from zettel.storage.notes import (
    ANSWERS,
    MAY_SUPERSEDE,
    OPEN_RELATIONS,
    Link,
    Note,
    Outline,
    State,
    Usage,
)
from zettel.storage.store import NoteFilter
from zettel.storage.text.utterance import asks
from zettel.tools.answers import LinkLine, RecalledNote
from zettel.tools.changes.differences import history, shown
from zettel.tools.changes.links import SURE_CONFIDENCE
from zettel.tools.changes.parts import first_part
from zettel.tools.changes.settling import settle_open
from zettel.tools.language.times import iso
from zettel.tools.language.transcripts import without_cue_times
from zettel.tools.note_marks import add_labels
from zettel.tools.recall.as_of import read_ids
from zettel.tools.recall_request import RecallQuery
from zettel.tools.render import one_line, told_by_whom
from zettel.tools.state.memory import Memory
from zettel.tools.state.usage import lasting_days, strength_left
from zettel.tools.trust import TrustView
from zettel.tools.validation import tidy_relation

SUPERSEDED_BY = "superseded_by"
"""Relation shown to the note that another one supersedes, or names as what was before."""
PREVIOUS, NEXT = "previous in session", "next in session"
"""Relations to the notes beside one."""
DETAIL_MAX_LINKS = 3
"""Most links of a note in `notes` detail."""
REPLY_MAX_WORDS = 8
"""Words up to which a turn is unclear without the one before: "Yes, on Tuesday then"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A link as seen from the note that shows it."""

    link: Link
    other: Note | Outline
    state: str
    """Why the other note is not valid; empty if it is."""
    points_here: bool
    """Whether the link starts at the other note."""


async def linked(
    memory: Memory, asked: RecallQuery, notes: Sequence[Note], *, only: str = ""
) -> dict[str, list[Linked]]:
    """Note id -> its links: open ones first, then the agent's own, then by weight.

    Both directions, as of the request's moment; without links to missing or forgotten notes and,
    except in `full`, to notes that recall would not show.

    `only` is the only relation wanted; empty for all.
    """
    ids = [note.note_id for note in notes]
    at = asked.moment if asked.looks_back else None
    # Links have times of their own: the last known revision has them all.
    standing = await _standing(memory, asked, notes)
    incoming = await memory.store.linking_to(ids, known_at=asked.known_at) if ids else []
    ends = {link.to for links in standing.values() for link in links if _is(link, only)}
    ends |= {o.note_id for o in incoming if any(_is(k, only) and k.to in ids for k in o.links)}
    there = [] if asked.looks_back else [o for o in incoming if o.state is not State.FORGOTTEN]
    known = await _ends(memory, asked, sorted(ends), {note.note_id: note for note in there})
    found = dict[str, list[Linked]]()
    for note in notes:
        own = [(link, link.to, False) for link in standing.get(note.note_id, ())]
        others = [(k, o.note_id, True) for o in incoming for k in o.links if k.to == note.note_id]
        stood = [
            Linked(link=link, other=known[end], state=_state(known[end], asked), points_here=here)
            for link, end, here in (*own, *others)
            if end in known and _is(link, only) and link.stood(at)
        ]
        found[note.note_id] = sorted(stood, key=_weight, reverse=True)
    return found


async def _ends(
    memory: Memory, asked: RecallQuery, note_ids: Sequence[str], there: Mapping[str, Note]
) -> Mapping[str, Note | Outline]:
    """Note id -> the note at a link's other end; invalid ones in `full` only.

    What is `there` is not read again: notes take longer to read than all else of their links.
    """
    if not note_ids:
        return {}
    if asked.detail == "full" or asked.looks_back:
        notes = [there[note_id] for note_id in note_ids if note_id in there]
        notes += await read_ids(memory, asked, [i for i in note_ids if i not in there])
        shown = asked.detail == "full"
        return {note.note_id: note for note in notes if shown or not _state(note, asked)}
    where = NoteFilter(note_ids=tuple(note_ids), unexpired_at=asked.now)
    outlines = await memory.store.outlines(where, limit=len(note_ids))
    return {outline.note_id: outline for outline in outlines}


def _state(other: Note | Outline, asked: RecallQuery) -> str:
    """Why recall would not show a note; empty if it would."""
    state = other.state if isinstance(other, Note) else State.ACTIVE
    over = other.valid_until is not None and other.valid_until <= asked.moment
    if state in asked.where.states and not over:
        return ""
    return "expired" if state is State.ACTIVE else state.value


async def _standing(
    memory: Memory, asked: RecallQuery, notes: Sequence[Note]
) -> dict[str, tuple[Link, ...]]:
    """Note id -> the links of its last known revision."""
    past = tuple(note.note_id for note in notes if not note.current)
    where = NoteFilter(note_ids=past, states=(), known_at=asked.where.known_at, derived=None)
    last = await memory.store.find(where, limit=len(past)) if past else []
    return {note.note_id: note.links for note in (*notes, *last)}


def _is(link: Link, only: str) -> bool:
    return only in ("", link.relation)


def _weight(entry: Linked) -> tuple[bool, bool, float, str]:
    link = entry.link
    return (link.relation in OPEN_RELATIONS, link.made_by == "agent", link.weight, link.to)


def link_line(
    entry: Linked,
    asked: RecallQuery,
    reader: TrustView,
    *,
    of: Note,
    beside: Collection[str] = (),
    settles: bool = True,
) -> LinkLine:
    """Render a link for the note that shows it.

    Args:
        entry: The link.
        asked: The request.
        reader: Is shown who told the other note, and its trust.
        of: The note that shows it.
        beside: Ids of the notes in the same answer to a question.
        settles: Whether an open link says by which calls it is settled.
    """
    link, other, full = entry.link, entry.other, asked.detail == "full"
    line = LinkLine(note_id=other.note_id, relation=_relation(entry))
    unsettled = link.relation in OPEN_RELATIONS and not entry.state and of.state is State.ACTIVE
    both = other.note_id in beside
    asks = link.relation == ANSWERS and not entry.points_here
    # An answer ("Yes, in Lyon!") needs its question, an old value the new one.
    newer = unsettled and entry.points_here and not both
    if full or asks or link.made_by == "agent" or newer:
        line["line"] = one_line(other)
        add_labels(line, line["line"], other, reader)
    # To a question the calls are worth their words only if both notes answer it.
    wanted = settles and (full or both or not asked.request.query)
    if unsettled and wanted and not entry.points_here and not asked.looks_back:
        calls = settle_open(of, other, link.relation, reader.rules)
        line["reason"] = f"{link.reason}; {calls}"
    elif full and link.reason:
        line["reason"] = link.reason
    if entry.state:
        line["state"] = entry.state
    return line


def superseded_line(newer: Note, reader: TrustView, *, beside: Collection[str]) -> LinkLine:
    """The link of a superseded note to the current one; with its line unless that is shown."""
    line = LinkLine(note_id=newer.note_id, relation=SUPERSEDED_BY)
    if newer.note_id not in beside:
        line["line"] = one_line(newer)
        add_labels(line, line["line"], newer, reader)
    return line


def _relation(entry: Linked) -> str:
    name = tidy_relation(entry.link.relation)
    if not entry.points_here:
        return name
    sure = name == MAY_SUPERSEDE and entry.link.weight >= SURE_CONFIDENCE
    return SUPERSEDED_BY if sure else f"{name} (from)"


async def in_session(memory: Memory, asked: RecallQuery, note: Note) -> list[LinkLine]:
    """Lines for the previous and next notes of the session."""
    if not note.session:
        return []
    where = NoteFilter(
        namespaces=(note.namespace,), sessions=(note.session,), unexpired_at=asked.moment
    )
    if asked.looks_back:
        seen = asked.where
        where = replace(where, states=seen.states, valid_at=seen.valid_at)
        where = replace(where, known_at=seen.known_at, past=seen.past)
    order = await memory.store.outlines(where, limit=10_000)
    at = next((i for i, o in enumerate(order) if o.note_id == note.note_id), None)
    if at is None:
        return []
    near: Iterable[tuple[str, Outline]] = (
        (name, order[i]) for name, i in ((PREVIOUS, at - 1), (NEXT, at + 1)) if 0 <= i < len(order)
    )
    lines, reader = list[LinkLine](), memory.reader(asked.caller)
    for name, outline in near:
        line = LinkLine(note_id=outline.note_id, relation=name, line=_line(outline))
        add_labels(line, _line(outline), outline, reader)
        lines.append(line)
    return lines


def _line(outline: Outline) -> str:
    return told_by_whom(outline)[:100]


async def whole_story(memory: Memory, asked: RecallQuery, note: Note) -> RecalledNote:
    """The fields that `full` adds: derived ones, provenance, usage and history, as known then."""
    revisions = await memory.store.revisions(note.note_id)
    if note.current:  # without revisions made since it was read
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
    if asked.known_at:  # past usage is not stored
        return more
    known = (await memory.store.usage_of([note.note_id])).get(note.note_id)
    since = known.recalled_at if known else told_at(note.note_id)
    more["usage"] = _usage(note, known, asked.now - since)
    return more


def _usage(note: Note, known: Usage | None, elapsed: timedelta) -> dict[str, object]:
    lasts = lasting_days(note, known)
    return {
        "recall_count": known.recall_count if known else 0,
        "recalled_at": shown(known.recalled_at) if known else None,
        **({"strength_days": lasts} if isfinite(lasts) else {}),
        "retention": round(strength_left(strength_days=lasts, elapsed=elapsed), 4),
    }


async def beside_turn(
    memory: Memory, asked: RecallQuery, note: Note, *, shown: frozenset[str]
) -> list[LinkLine]:
    """Lines for the turns that a turn is unclear without, unless the answer shows them.

    The one before a short turn, the one behind a question.

    Without a note, one that goes on with no other.
    """
    said = without_cue_times(note.content)
    short, question = len(said.split()) <= REPLY_MAX_WORDS, asks(said)
    if not first_part(note) or not (short or question):
        return []
    wanted = {PREVIOUS} if not question else {NEXT} if not short else {PREVIOUS, NEXT}
    return [
        line
        for line in await in_session(memory, asked, note)
        if line["relation"] in wanted and line["note_id"] not in shown
    ]
