"""The graph around a note, a person, a session or a question, now or as it was known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.ids import told_at
from zettel.storage.notes import Link, Note, Usage
from zettel.storage.read_view import in_one_view
from zettel.tools.caller import Caller
from zettel.tools.concurrency import read_in_thread
from zettel.tools.language.times import iso
from zettel.tools.recall.as_of import read_ids
from zettel.tools.recall.entities import find_entity
from zettel.tools.recall.note_details import linked
from zettel.tools.recall_request import RecallQuery, RecallRequest, check
from zettel.tools.render import one_line
from zettel.tools.state.memory import Memory
from zettel.tools.state.usage import lasting_days, strength_left
from zettel.tools.validation import tidy_relation
from zettel.tools.verbs.recall import recall

Around = Literal["note", "subject", "session", "query"]

GRAPH_MAX_NOTES = 60
"""Notes of a graph: more do not fit on a screen with their names."""
GRAPH_MAX_LINKS = 240
"""Links of a graph, the weightiest ones."""
GRAPH_STEPS = 2
"""Links between the outermost notes and the middle."""
MIDDLE_MAX_NOTES = {"note": 1, "subject": 24, "session": 40, "query": 8}
"""Notes in the middle of a graph, by what it is around."""
NOTE_MAX_NEIGHBOURS = 12
"""Notes that one note brings in, its weightiest links first."""
SLIDER_MAX_MOMENTS = 60
"""Most moments to choose from; of more, an evenly spaced selection."""


class GraphNote(TypedDict):
    """A note in a graph."""

    note_id: str
    line: str
    kind: str
    state: str
    subject: str
    namespace: str
    distance: int
    """Links from the middle; 0 in the middle itself."""
    strength: float
    """What is left of its strength, in `[0, 1]`."""


class GraphLink(TypedDict):
    """A link in a graph."""

    source: str
    target: str
    relation: str
    weight: float
    made_by: str


class GraphFrame(TypedDict):
    """Notes and links at one moment."""

    notes: list[GraphNote]
    links: list[GraphLink]


class GraphView(TypedDict):
    """The graph to show, the one of now, and the moments at which it changed."""

    shown: GraphFrame
    current: GraphFrame
    """So that a note stays where it is while the moment is moved."""
    moments: list[str]
    known_at: NotRequired[str]
    left_out: bool
    """Whether there are more notes than are shown."""


@dataclass(slots=True)
class _Found:
    """Notes and links found along the links."""

    notes: dict[str, Note] = field(default_factory=dict[str, Note])
    distances: dict[str, int] = field(default_factory=dict[str, int])
    links: dict[tuple[str, str, str], Link] = field(
        default_factory=dict[tuple[str, str, str], Link]
    )
    left_out: bool = False


@in_one_view
async def read_graph(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    around: Around,
    name: str,
    step: int = -1,
    namespace: str = "",
) -> GraphView:
    """The notes around something, and the links among them.

    `step` says which of the graph's moments to show it as known at; -1, or one past them, for now.
    `name` is the id of the note, the name of the subject or session, or the question.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    if not name.strip():
        raise InvalidArgumentError("name", "it is empty", "Say what the graph is to be around.")
    memory = memory.unnoticed
    current = await _walk(memory, caller, now, around, name, namespace, "")
    then, moments = current, await read_in_thread(_moments, current)
    known_at = moments[step] if 0 <= step < len(moments) else ""
    if known_at:
        then = await _walk(memory, caller, now, around, name, namespace, known_at)
    frame = await _frame(memory, current, now)
    view = GraphView(
        shown=frame if then is current else await _frame(memory, then, now),
        current=frame,
        moments=moments,
        left_out=then.left_out,
    )
    if known_at:
        view["known_at"] = known_at
    return view


async def _walk(
    memory: Memory,
    caller: Caller,
    now: datetime,
    around: Around,
    name: str,
    namespace: str,
    known_at: str,
) -> _Found:
    request = RecallRequest(namespace=namespace, known_at=known_at, detail="full")
    asked = check(request, caller, now)
    middle = await _middle(memory, asked, around, name)
    found = _Found()
    for note in middle:
        found.notes[note.note_id], found.distances[note.note_id] = note, 0
    edge: Sequence[Note] = middle
    for step in range(1, GRAPH_STEPS + 1):
        edge = await _further(memory, asked, found, edge, step)
    # Links among the outermost notes.
    await _further(memory, asked, found, edge, 0)
    return found


async def _middle(memory: Memory, asked: RecallQuery, around: Around, name: str) -> list[Note]:
    caller, now, request, most = asked.caller, asked.now, asked.request, MIDDLE_MAX_NOTES[around]
    match around:
        case "note":
            ids = check(replace(request, note_ids=(name,)), caller, now).note_ids
            return await read_ids(memory, asked, ids)
        case "query":
            answer = await recall(
                memory,
                caller,
                now=now,
                query=name,
                namespace=request.namespace,
                known_at=request.known_at,
                detail="index",
                limit=most,
            )
            return await read_ids(memory, asked, [note["note_id"] for note in answer["notes"]])
        case "subject":
            chosen = check(replace(request, subject=name), caller, now)
            entity = await find_entity(memory, chosen, name)
            if not entity.notes:  # or too many to read
                return await memory.store.find(chosen.where, limit=most)
            return await read_ids(memory, asked, [note.note_id for note in entity.notes[:most]])
        case "session":
            chosen = check(replace(request, session=name), caller, now)
            return await memory.store.find(chosen.where, limit=most)


async def _further(
    memory: Memory, asked: RecallQuery, found: _Found, edge: Sequence[Note], step: int
) -> list[Note]:
    """Add the links of these notes and, unless `step` is 0, the notes at their other ends."""
    added = list[Note]()
    ends = await linked(memory, asked, edge) if edge else {}
    for note in edge:
        brought = 0
        for entry in ends[note.note_id]:
            other = entry.other
            if other.note_id not in found.notes:
                full = len(found.notes) >= GRAPH_MAX_NOTES or brought >= NOTE_MAX_NEIGHBOURS
                if not step or full or not isinstance(other, Note):
                    found.left_out = found.left_out or bool(step)
                    continue
                found.notes[other.note_id], found.distances[other.note_id] = other, step
                added.append(other)
                brought += 1
            start, end = note.note_id, other.note_id
            start, end = (end, start) if entry.points_here else (start, end)
            found.links[start, end, entry.link.relation] = entry.link
    return added


async def _frame(memory: Memory, found: _Found, now: datetime) -> GraphFrame:
    usage = await memory.store.usage_of(list(found.notes)) if found.notes else {}
    return await read_in_thread(_described, found, usage, now)


def _described(found: _Found, usage: Mapping[str, Usage], now: datetime) -> GraphFrame:
    strongest = sorted(found.links.items(), key=lambda item: -item[1].weight)
    return GraphFrame(
        notes=[
            _note(note, found.distances[note_id], usage.get(note_id), now)
            for note_id, note in found.notes.items()
        ],
        links=[
            GraphLink(
                source=start,
                target=end,
                relation=tidy_relation(relation),
                weight=round(link.weight, 3),
                made_by=link.made_by,
            )
            for (start, end, relation), link in strongest[:GRAPH_MAX_LINKS]
        ],
    )


def _note(note: Note, distance: int, known: Usage | None, now: datetime) -> GraphNote:
    lasts = lasting_days(note, known)
    since = known.recalled_at if known else told_at(note.note_id)
    left = strength_left(strength_days=lasts, elapsed=now - since) if isfinite(lasts) else 1.0
    return GraphNote(
        note_id=note.note_id,
        line=one_line(note),
        kind=note.kind.value,
        state=note.state.value,
        subject=note.subject,
        namespace=note.namespace,
        distance=distance,
        strength=round(left, 3),
    )


def _moments(found: _Found) -> list[str]:
    """When notes and links of a graph became known, ended or were revised, oldest first."""
    known = {told_at(note_id) for note_id in found.notes}
    known |= {note.known_from for note in found.notes.values()}
    for link in found.links.values():
        known |= {link.made_at} | ({link.valid_until} if link.valid_until else set[datetime]())
    moments = sorted({iso(moment) for moment in known})
    if len(moments) <= SLIDER_MAX_MOMENTS:
        return moments
    last = len(moments) - 1
    return [moments[at * last // (SLIDER_MAX_MOMENTS - 1)] for at in range(SLIDER_MAX_MOMENTS)]
