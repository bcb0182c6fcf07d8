"""Links an agent states: checked, added, taken out, and what superseding does to the other note."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NotRequired, TypedDict

from zettel.storage.errors import InvalidArgumentError, NoteNotFoundError
from zettel.storage.notes import SUPERSEDES, Link, Note, State
from zettel.storage.store import Change
from zettel.tools.bounds import MAX_LIST, check_ids, check_name

DEFAULT_RELATION = "related"


class LinkArgument(TypedDict):
    """A link as the agent writes it."""

    to: str
    relation: NotRequired[str]
    remove: NotRequired[bool]


def check_links(arguments: Sequence[LinkArgument] | None) -> tuple[LinkArgument, ...]:
    """Links with canonical ids and relations; at most `MAX_LIST`."""
    given = arguments or ()
    if len(given) > MAX_LIST:
        raise InvalidArgumentError(
            "links", f"{len(given)} entries are too many, {MAX_LIST} is the most", "Pass fewer."
        )
    return tuple(
        LinkArgument(
            to=check_ids("links.to", [link["to"]])[0] if link["to"].strip() else _no_target(),
            relation=_relation(link.get("relation")),
            remove=link.get("remove", False),
        )
        for link in given
    )


def _no_target() -> str:
    raise InvalidArgumentError("links.to", "it is empty", "Pass the id of the other note.")


def _relation(value: str | None) -> str:
    return check_name("links.relation", value).lower().replace(" ", "_") or DEFAULT_RELATION


def with_links(
    links: Sequence[Link], arguments: Iterable[LinkArgument], *, own_id: str, now: datetime
) -> tuple[Link, ...]:
    """The note's links after the agent's additions and removals; a link given twice is one link.

    Raises:
        InvalidArgumentError: A note cannot link to itself, or has too many links.
    """
    wanted = {(link.to, link.relation): link for link in links}
    for argument in arguments:
        key = (argument["to"], argument.get("relation", DEFAULT_RELATION))
        if key[0] == own_id:
            raise InvalidArgumentError(
                "links.to", f"{own_id!r} is the note itself", "Link to another note."
            )
        if argument.get("remove"):
            wanted.pop(key, None)
        elif key not in wanted or wanted[key].made_by != "agent":
            wanted[key] = Link(to=key[0], relation=key[1], made_at=now)
    if len([link for link in wanted.values() if link.made_by == "agent"]) > MAX_LIST:
        raise InvalidArgumentError(
            "links", f"a note has at most {MAX_LIST}", "Remove some, or link through another note."
        )
    return tuple(wanted.values())


def check_targets(arguments: Iterable[LinkArgument], known: Mapping[str, Note]) -> None:
    """Every note to be linked to must be there.

    Raises:
        NoteNotFoundError: One is not.
    """
    for argument in arguments:
        target = known.get(argument["to"])
        if not argument.get("remove") and (target is None or target.state is State.FORGOTTEN):
            raise NoteNotFoundError(argument["to"])


def targets(arguments: Iterable[LinkArgument], *, remove: bool, relation: str = "") -> set[str]:
    """Ids of the notes these arguments link to or unlink from, by relation if one is given."""
    return {
        argument["to"]
        for argument in arguments
        if bool(argument.get("remove")) is remove
        and (not relation or argument.get("relation") == relation)
    }


def superseded(note: Note, by: Note, *, now: datetime) -> Change | None:
    """Close a note's validity at the moment the superseding one became true.

    None when it is closed already.

    Raises:
        InvalidArgumentError: It supersedes the superseding note itself.
    """
    if any(link.to == by.note_id and link.relation == SUPERSEDES for link in note.links):
        raise InvalidArgumentError(
            "links",
            f"{note.note_id} already supersedes {by.note_id}",
            "Remove that link first, or keep the newer fact in one note with update.",
        )
    if note.state is not State.ACTIVE:
        return None
    ended = max(by.valid_from, note.valid_from)
    return Change(
        note=replace(
            note,
            rev=note.rev + 1,
            state=State.SUPERSEDED,
            valid_until=min(note.valid_until, ended) if note.valid_until else ended,
            known_from=now,
            changed_by=by.changed_by,
            change="supersede",
            reason=f"superseded by {by.note_id}",
            run_id="",
        )
    )


def revived(note: Note, by: Note, *, now: datetime) -> Change | None:
    """Open a note's validity again after the `supersedes` link to it was taken out."""
    if note.state is not State.SUPERSEDED:
        return None
    return Change(
        note=replace(
            note,
            rev=note.rev + 1,
            state=State.ACTIVE,
            valid_until=None,
            known_from=now,
            changed_by=by.changed_by,
            change="revive",
            reason=f"no longer superseded by {by.note_id}",
            run_id="",
        )
    )
