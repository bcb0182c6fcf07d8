"""Notes as they are stored: a list by filters, and one note with what it is linked to."""

# pydantic reads no schema from here, but answers.py is TypedDicts of this kind.

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict

from zettel.storage.errors import UnknownNameError
from zettel.storage.notes import Note, State
from zettel.storage.read_view import in_one_view
from zettel.tools.caller import ALL, Caller
from zettel.tools.erasure.erase import not_found
from zettel.tools.recall.premises import lost_premises
from zettel.tools.recall_request import RecallRequest, check
from zettel.tools.render import one_line
from zettel.tools.state.memory import Memory
from zettel.tools.validation import check_ids, check_range, tidy_relation
from zettel.tools.views.short_ids import shorten_ids

LISTED_MAX_NOTES = 1_000
"""Notes of one page of a list."""
ANY_STATE = "any"


class NoteList(TypedDict):
    """A page of notes, the newest first."""

    notes: list[Mapping[str, object]]
    """As `stored_fields` makes them."""
    short: dict[str, str]
    """Note id -> what is shown of it."""
    total: int
    """Notes that the filters match, on all pages."""
    after: NotRequired[str]
    """Id of the last note, where there are more."""


class LinkedNote(TypedDict):
    """The other end of a link."""

    note_id: str
    relation: str
    line: str
    """Empty if there is no such note."""


class StoredNote(TypedDict):
    """One note with what it is linked to."""

    note: Mapping[str, object]
    links: list[LinkedNote]
    linked_from: list[LinkedNote]
    premise: NotRequired[str]
    """As `RecalledNote` has it."""


@in_one_view
async def read_list(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    kind: str = "",
    tags: Sequence[str] = (),
    subject: str = "",
    session: str = "",
    state: str = "",
    since: str = "",
    until: str = "",
    namespace: str = "",
    after: str = "",
    limit: int = LISTED_MAX_NOTES,
) -> NoteList:
    """The notes of one namespace that fit every given filter, expired ones too.

    A composed kind lists composed notes. An empty `state` means active, and `any` is one, too; an
    empty `namespace` is the caller's own, `*` all. `after` is the id of the last note of the page
    before.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    check_range("limit", limit, least=1, most=LISTED_MAX_NOTES)
    request = RecallRequest(
        namespace=namespace,
        kind=kind,
        tags=tuple(tags),
        subject=subject,
        session=session,
        since=since,
        until=until,
    )
    where = replace(
        check(request, caller, now).where,
        states=_states(state),
        unexpired_at=None,
        namespaces=() if namespace == ALL else caller.names.group(namespace or caller.namespace),
    )
    total = await memory.store.count(where)
    page = where
    if after:
        last = await memory.store.get(check_ids("after", [after]))
        page = replace(where, after=last[0]) if last else where
    found = await memory.store.find(page, limit=limit + 1)
    shown = found[:limit]
    ids = [note.note_id for note in shown]
    short = (await shorten_ids(memory, caller, now=now, note_ids=ids))["short"]
    listed = NoteList(notes=[stored_fields(note) for note in shown], short=short, total=total)
    if len(found) > len(shown):
        listed["after"] = shown[-1].note_id
    return listed


def _states(text: str) -> tuple[State, ...]:
    name = text.strip().casefold()
    if name == ANY_STATE:
        return ()
    known = [state.value for state in State]
    if name and name not in known:
        raise UnknownNameError(
            "state", text[:80], known, f"Pass one of {', '.join(known)}, or {ANY_STATE}."
        )
    return (State(name),) if name else (State.ACTIVE,)


def stored_fields(note: Note) -> Mapping[str, object]:
    """The fields that are not empty, in the order the note declares them."""
    return {name: value for name, value in asdict(note).items() if value not in ("", None, (), {})}


@in_one_view
async def read_stored(memory: Memory, caller: Caller, *, now: datetime, note_id: str) -> StoredNote:
    """One note, in any state and namespace of the caller's, with its links both ways.

    Raises:
        InvalidArgumentError: `note_id` is not an id.
        NoteNotFoundError: There is none of this id.
    """
    (wanted,) = check_ids("ID", [note_id])
    found = await memory.store.get([wanted])
    if not found:
        raise await not_found(memory, wanted)
    note = found[0]
    ends = list(dict.fromkeys(link.to for link in note.links if link.stood(None)))
    others = {other.note_id: other for other in await memory.store.get(ends)} if ends else {}
    pointing = await memory.store.linking_to([wanted])
    stored = StoredNote(
        note=stored_fields(note),
        links=[
            LinkedNote(
                note_id=link.to,
                relation=tidy_relation(link.relation),
                line=one_line(others[link.to]) if link.to in others else "",
            )
            for link in note.links
            if link.stood(None)
        ],
        linked_from=[
            LinkedNote(
                note_id=other.note_id,
                relation=tidy_relation(link.relation),
                line=one_line(other),
            )
            for other in pointing
            if other.state is not State.FORGOTTEN
            for link in other.links
            if link.to == wanted and link.stood(None)
        ],
    )
    asked = check(RecallRequest(note_ids=(wanted,)), caller, now)
    if premise := (await lost_premises(memory, asked, [note])).get(wanted):
        stored["premise"] = premise
    return stored
