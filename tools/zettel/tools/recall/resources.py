"""Readings of memory without a question: a note, its history, the profile, counts, completions.

A caller sees what recall would show; nothing is strengthened.
"""

# pydantic reads no schema from here, but answers.py is TypedDicts of this kind.

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from zettel.storage.errors import InvalidArgumentError, NoteForgottenError, NoteNotFoundError
from zettel.storage.notes import Kind, Note
from zettel.storage.read_view import in_one_view
from zettel.storage.store import NoteFilter
from zettel.tools.answers import RecalledNote, Revision
from zettel.tools.caller import Caller
from zettel.tools.changes.differences import history
from zettel.tools.concurrency import read_in_thread
from zettel.tools.language.times import iso
from zettel.tools.note_marks import mark_views
from zettel.tools.recall.as_of import read_ids
from zettel.tools.recall.modes import commonest, namespaces_seen, profile_notes
from zettel.tools.recall.note_details import Linked, link_line, linked, whole_story
from zettel.tools.recall.premises import lost_premises
from zettel.tools.recall_request import RecallQuery, RecallRequest, check
from zettel.tools.render import note_view
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_LIST, MAX_NAME


class NoteHistory(TypedDict):
    """Every revision of a note."""

    note_id: str
    namespace: str
    state: NotRequired[str]
    """Where it is not active."""
    revisions: list[Revision]


class Profile(TypedDict):
    """The core notes and the running summary."""

    namespace: str
    now: str
    notes: list[RecalledNote]


class Stats(TypedDict):
    """Counts of the namespaces that a recall searches."""

    namespace: str
    now: str
    notes: dict[str, int]
    """Active notes by namespace."""
    kinds: dict[str, int]
    subjects: dict[str, int]
    """The commonest ones; so are the tags."""
    tags: dict[str, int]
    waiting: int
    """Notes without vectors yet, which are found by words only."""


@in_one_view
async def read_note(memory: Memory, caller: Caller, *, now: datetime, note_id: str) -> RecalledNote:
    """A note in full without its history, in any state but forgotten.

    Raises:
        InvalidArgumentError: `note_id` is not an id.
        NoteNotFoundError: The caller can see no such note, or it was forgotten.
    """
    asked, note = await _one(memory, caller, now, note_id)
    view = note_view(note, memory.reader(caller), namespace="", context=True)
    view.update(await whole_story(memory, asked, note))
    view.pop("history", None)
    if links := (await linked(memory, asked, [note]))[note.note_id]:
        view["links"] = [link_line(link, asked, memory.reader(caller), of=note) for link in links]
    if premise := (await lost_premises(memory, asked, [note])).get(note.note_id):
        view["premise"] = premise
    await mark_views([view])
    memory.served.record(asked.where.namespaces, view, now)
    return view


@in_one_view
async def read_history(
    memory: Memory, caller: Caller, *, now: datetime, note_id: str
) -> NoteHistory:
    """A note's revisions, oldest first, each with its changes.

    Raises:
        InvalidArgumentError: `note_id` is not an id.
        NoteNotFoundError: The caller can see no such note, or it was forgotten.
    """
    _, note = await _one(memory, caller, now, note_id)
    revisions = history(await memory.store.revisions(note.note_id))
    told = NoteHistory(note_id=note.note_id, namespace=note.namespace, revisions=revisions)
    if note.state != "active":
        told["state"] = note.state.value
    return told


@in_one_view
async def read_profile(
    memory: Memory, caller: Caller, *, now: datetime, namespace: str = ""
) -> Profile:
    """The profile of a namespace and of `user`.

    Raises:
        InvalidArgumentError: The namespace's name is invalid.
    """
    asked, reader = _around(caller, now, namespace), memory.reader(caller)
    views = [
        note_view(note, reader, namespace=asked.where.namespaces[0], context=False)
        for note in await profile_notes(memory, asked)
    ]
    await mark_views(views)
    for view in views:
        memory.served.record(asked.where.namespaces, view, now)
    return Profile(namespace=asked.where.namespaces[0], now=iso(now), notes=views)


@in_one_view
async def read_stats(memory: Memory, caller: Caller, *, now: datetime) -> Stats:
    """Counts of the active notes in the namespaces that the caller's recall searches."""
    where = _around(caller, now, "").where
    facets = await memory.store.facets(where)
    kinds = {kind.value: await memory.store.count(replace(where, kinds=(kind,))) for kind in Kind}
    return Stats(
        namespace=where.namespaces[0],
        now=iso(now),
        notes=dict(sorted(facets.namespaces.items())),
        kinds={kind: count for kind, count in kinds.items() if count},
        subjects=await read_in_thread(commonest, facets.subjects),
        tags=await read_in_thread(commonest, facets.tags),
        waiting=await memory.store.count(replace(where, unembedded=True)),
    )


@in_one_view
async def fingerprints_of(
    memory: Memory, caller: Caller, *, now: datetime, note_ids: Sequence[str], links: bool
) -> Mapping[str, str]:
    """Note id -> a text that differs after a change, within this process.

    Without forgotten notes and those the caller cannot see. That a note was recalled changes none.

    Args:
        memory: Where the notes are.
        caller: Who may read them.
        now: When they are read.
        note_ids: Any number.
        links: Whether what `read_note` shows of other notes counts: the lines of the notes at the
            other ends of its links, and whether its premises stand.

    Raises:
        InvalidArgumentError: One is not an id.
    """
    found = dict[str, str]()
    for start in range(0, len(note_ids), MAX_LIST):
        asked = _asked_by_id(caller, now, note_ids[start : start + MAX_LIST])
        notes = await read_ids(memory, asked, asked.note_ids)
        others: Mapping[str, str] = {}
        if links:
            others = await _fingerprints_of_others(memory, asked, notes)
        found |= {n.note_id: f"{_fingerprint(n)} {others.get(n.note_id, '')}" for n in notes}
    return found


async def _fingerprints_of_others(
    memory: Memory, asked: RecallQuery, notes: Sequence[Note]
) -> Mapping[str, str]:
    """Note id -> a text that differs after a change of what `read_note` shows of other notes."""
    lost = await lost_premises(memory, asked, notes)
    ends = await linked(memory, asked, notes)
    return {
        note_id: f"{hash(tuple(map(_fingerprint_of_end, of_note)))} {lost.get(note_id, '')}"
        for note_id, of_note in ends.items()
    }


def _fingerprint_of_end(end: Linked) -> tuple[object, ...]:
    assert isinstance(end.other, Note)  # as they are read for `full`
    return end.link, end.points_here, end.state, _fingerprint(end.other)


def _fingerprint(note: Note) -> tuple[object, ...]:
    """The revision, and what an erasure takes out of it without making another."""
    words = (note.content, note.context, note.tags, note.keywords, note.questions, note.summary)
    return note.note_id, note.rev, hash((*words, note.links, note.reason))


def _around(caller: Caller, now: datetime, namespace: str) -> RecallQuery:
    return check(RecallRequest(namespace=namespace), caller, now)


def _asked_by_id(caller: Caller, now: datetime, note_ids: Sequence[str]) -> RecallQuery:
    return check(RecallRequest(note_ids=tuple(note_ids), detail="full"), caller, now)


async def _one(
    memory: Memory, caller: Caller, now: datetime, note_id: str
) -> tuple[RecallQuery, Note]:
    asked = _asked_by_id(caller, now, [note_id])
    if not asked.note_ids:
        raise InvalidArgumentError("note_id", "it is empty", "Pass the id that recall returned.")
    found = await read_ids(memory, asked, asked.note_ids)
    if not found:
        known = await memory.store.get(asked.note_ids)
        raise (NoteForgottenError if known else NoteNotFoundError)(asked.note_ids[0])
    return asked, found[0]


Name = Literal["subject", "tags", "namespace", "id"]

COMPLETION_MAX_VALUES = 100
"""Most values of a completion (MCP 2025-11-25 and 2026-07-28, completion)."""
COMPLETION_NEWEST_NOTES = 1_000
"""Newest notes whose ids are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Values of an argument that fit its beginning."""

    values: tuple[str, ...] = ()
    """Best first, at most `COMPLETION_MAX_VALUES`."""
    total: int = 0


@in_one_view
async def complete(
    memory: Memory, caller: Caller, *, now: datetime, name: Name, begun: str, namespace: str = ""
) -> Completion:
    """Complete an argument with values that the caller's recall could show.

    Of comma-separated tags, the last one is completed; `namespace` is the argument, if it is given
    already.

    Raises:
        InvalidArgumentError: The namespace's name is invalid.
    """
    where = check(RecallRequest(namespace=namespace), caller, now).where
    before, comma, last = begun[:MAX_NAME].rpartition(",") if name == "tags" else ("", "", begun)
    known = await _known(memory, where, name)
    found = _ranked(known, last.strip(), taken=[tag.strip() for tag in before.split(",")])
    lead = f"{before}{comma} " if comma else ""
    return Completion(
        values=tuple(lead + value for value in found[:COMPLETION_MAX_VALUES]), total=len(found)
    )


async def _known(memory: Memory, where: NoteFilter, name: Name) -> Mapping[str, int]:
    """Value -> its rank, higher first."""
    match name:
        case "namespace":
            return await namespaces_seen(memory, where)
        case "subject":
            return (await memory.store.facets(where)).subjects
        case "tags":
            return (await memory.store.facets(where)).tags
        case "id":
            notes = await memory.store.find(
                replace(where, derived=None), limit=COMPLETION_NEWEST_NOTES
            )
            return {note.note_id: -rank for rank, note in enumerate(notes)}


def _ranked(known: Mapping[str, int], begun: str, *, taken: Iterable[str]) -> list[str]:
    """Values that start with `begun`, then those that contain it; each the commonest first."""
    wanted, left = begun.casefold(), known.keys() - set(taken) - {""}
    fitting = [value for value in left if wanted in value.casefold()]
    return sorted(fitting, key=lambda v: (not v.casefold().startswith(wanted), -known[v], v))
