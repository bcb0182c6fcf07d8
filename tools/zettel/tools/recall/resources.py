"""Readings of memory without a question: a note, its history, the profile, counts, completions.

A caller sees what recall would show; nothing is strengthened.
"""

# pydantic reads no schema from here, but answers.py is TypedDicts of this kind.

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from zettel.storage.errors import NoteForgottenError, NoteNotFoundError
from zettel.storage.notes import Kind, Note
from zettel.storage.store import NoteFilter
from zettel.tools.answers import RecalledNote, Revision
from zettel.tools.caller import Caller
from zettel.tools.changes.differences import history
from zettel.tools.language.times import iso
from zettel.tools.recall.as_of import read_ids
from zettel.tools.recall.modes import commonest, namespaces_seen, profile_notes
from zettel.tools.recall.note_details import link_line, linked, whole_story
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
    """What a recall without arguments shows first."""

    namespace: str
    now: str
    notes: list[RecalledNote]


class Stats(TypedDict):
    """How much is remembered in the namespaces that a recall looks in."""

    namespace: str
    now: str
    notes: dict[str, int]
    """Active notes by namespace."""
    kinds: dict[str, int]
    subjects: dict[str, int]
    """The commonest; so are the tags."""
    tags: dict[str, int]
    waiting: int
    """Notes that have no vectors yet, and are found by their words only."""


async def read_note(memory: Memory, caller: Caller, *, now: datetime, note_id: str) -> RecalledNote:
    """A note with all that is known of it but its history, in any state but forgotten.

    Raises:
        InvalidArgumentError: That is no id.
        NoteNotFoundError: There is none the caller may see, or it was forgotten.
    """
    asked, note = await _one(memory, caller, now, note_id)
    view = note_view(note, namespace="", context=True)
    view.update(await whole_story(memory, asked, note))
    view.pop("history", None)
    if links := (await linked(memory, asked, [note]))[note.note_id]:
        view["links"] = [link_line(link, asked, of=note) for link in links]
    memory.served.record(asked.where.namespaces, view, now)
    return view


async def read_history(
    memory: Memory, caller: Caller, *, now: datetime, note_id: str
) -> NoteHistory:
    """A note's revisions, oldest first, each with what it changed.

    Raises:
        InvalidArgumentError: That is no id.
        NoteNotFoundError: There is none the caller may see, or it was forgotten.
    """
    _, note = await _one(memory, caller, now, note_id)
    revisions = history(await memory.store.revisions(note.note_id))
    told = NoteHistory(note_id=note.note_id, namespace=note.namespace, revisions=revisions)
    if note.state != "active":
        told["state"] = note.state.value
    return told


async def read_profile(
    memory: Memory, caller: Caller, *, now: datetime, namespace: str = ""
) -> Profile:
    """The profile of a namespace, `user`'s along with it.

    Raises:
        InvalidArgumentError: The namespace's name cannot be one.
    """
    asked = _around(caller, now, namespace)
    views = [
        note_view(note, namespace=asked.where.namespaces[0], context=False)
        for note in await profile_notes(memory, asked.where)
    ]
    for view in views:
        memory.served.record(asked.where.namespaces, view, now)
    return Profile(namespace=asked.where.namespaces[0], now=iso(now), notes=views)


async def read_stats(memory: Memory, caller: Caller, *, now: datetime) -> Stats:
    """Counts of the active notes in the namespaces that the caller's recall looks in."""
    where = _around(caller, now, "").where
    facets = await memory.store.facets(where)
    kinds = {kind.value: await memory.store.count(replace(where, kinds=(kind,))) for kind in Kind}
    return Stats(
        namespace=where.namespaces[0],
        now=iso(now),
        notes=dict(sorted(facets.namespaces.items())),
        kinds={kind: count for kind, count in kinds.items() if count},
        subjects=commonest(facets.subjects),
        tags=commonest(facets.tags),
        waiting=await memory.store.count(replace(where, unembedded=True)),
    )


async def revs_of(
    memory: Memory, caller: Caller, *, now: datetime, note_ids: Sequence[str]
) -> Mapping[str, int]:
    """Note id -> its revision now; without those the caller may not see or that were forgotten.

    Args:
        memory: Where.
        caller: Who looks.
        now: The moment.
        note_ids: Any number of them.

    Raises:
        InvalidArgumentError: One is no id.
    """
    found = list[Note]()
    for start in range(0, len(note_ids), MAX_LIST):
        asked = _asked_by_id(caller, now, note_ids[start : start + MAX_LIST])
        found += await read_ids(memory, asked, asked.note_ids)
    return {note.note_id: note.rev for note in found}


def _around(caller: Caller, now: datetime, namespace: str) -> RecallQuery:
    return check(RecallRequest(namespace=namespace), caller, now)


def _asked_by_id(caller: Caller, now: datetime, note_ids: Sequence[str]) -> RecallQuery:
    return check(RecallRequest(note_ids=tuple(note_ids), detail="full"), caller, now)


async def _one(
    memory: Memory, caller: Caller, now: datetime, note_id: str
) -> tuple[RecallQuery, Note]:
    asked = _asked_by_id(caller, now, [note_id])
    found = await read_ids(memory, asked, asked.note_ids)
    if not found:
        known = await memory.store.get(asked.note_ids)
        raise (NoteForgottenError if known else NoteNotFoundError)(asked.note_ids[0])
    return asked, found[0]


Name = Literal["subject", "tags", "namespace", "id"]

COMPLETION_MAX_VALUES = 100
"""Values a completion may hold (MCP 2025-11-25 and 2026-07-28, completion)."""
COMPLETION_NEWEST_NOTES = 1_000
"""Notes whose ids are offered: nobody types the beginning of an older one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the argument may be."""

    values: tuple[str, ...] = ()
    """Best first, at most `COMPLETION_MAX_VALUES`."""
    total: int = 0


async def complete(
    memory: Memory, caller: Caller, *, now: datetime, name: Name, begun: str, namespace: str = ""
) -> Completion:
    """Complete an argument with what a recall of this caller could show.

    Args:
        memory: Where.
        caller: Who asks.
        now: The moment.
        name: What is being named.
        begun: What is written of it so far; of tags the last one, after a comma.
        namespace: Where, if that is settled already.

    Raises:
        InvalidArgumentError: The namespace's name cannot be one.
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
    """Value -> how much speaks for it."""
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
    """Those that begin so, then those that hold it somewhere; each the commonest first."""
    wanted, left = begun.casefold(), known.keys() - set(taken) - {""}
    fitting = [value for value in left if wanted in value.casefold()]
    return sorted(fitting, key=lambda v: (not v.casefold().startswith(wanted), -known[v], v))
