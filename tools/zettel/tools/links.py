"""Links an agent states: checked, added, taken out, and what superseding does to the other note."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from zettel.storage.errors import InvalidArgumentError, NoteForgottenError, NoteNotFoundError
from zettel.storage.notes import Link, Note, State
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
            relation=_relation(link.get("relation"), remove=link.get("remove", False)),
            remove=link.get("remove", False),
        )
        for link in given
    )


def _no_target() -> str:
    raise InvalidArgumentError("links.to", "it is empty", "Pass the id of the other note.")


def _relation(value: str | None, *, remove: bool) -> str:
    """The relation's name; removing without one means every relation."""
    default = "" if remove else DEFAULT_RELATION
    return check_name("links.relation", value).lower().replace(" ", "_") or default


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
            for gone in _removed(wanted, key):
                del wanted[gone]
        elif key not in wanted or wanted[key].made_by != "agent":
            wanted[key] = Link(to=key[0], relation=key[1], made_at=now)
    if len([link for link in wanted.values() if link.made_by == "agent"]) > MAX_LIST:
        raise InvalidArgumentError(
            "links", f"a note has at most {MAX_LIST}", "Remove some, or link through another note."
        )
    return tuple(wanted.values())


def _removed(links: Mapping[tuple[str, str], Link], key: tuple[str, str]) -> list[tuple[str, str]]:
    to, relation = key
    found = [known for known in links if known[0] == to and relation in ("", known[1])]
    if not found and any(known[0] == to for known in links):
        there = ", ".join(repr(known[1]) for known in links if known[0] == to)
        raise InvalidArgumentError(
            "links",
            f"there is no {relation!r} link to {to}, but {there}",
            "Name that relation, or none to remove them all.",
        )
    return found


def check_targets(arguments: Iterable[LinkArgument], known: Mapping[str, Note]) -> None:
    """Every note to be linked to must be there.

    Raises:
        NoteNotFoundError: One is not.
    """
    for argument in arguments:
        target = known.get(argument["to"])
        if argument.get("remove"):
            continue
        if target is None:
            raise NoteNotFoundError(argument["to"])
        if target.state is State.FORGOTTEN:
            raise NoteForgottenError(argument["to"])
