"""Links stated by agents: checks, additions and removals; and links made by rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import NotRequired, TypedDict

from zettel.storage.errors import InvalidArgumentError, NoteForgottenError, NoteNotFoundError
from zettel.storage.notes import (
    CONTRADICTS,
    OPEN_RELATIONS,
    PART_OF,
    SAME_AS,
    SUPERSEDES,
    Link,
    Note,
    State,
)
from zettel.storage.store import NoteReader
from zettel.tools.changes.parts import is_part_link
from zettel.tools.language.times import is_to_come
from zettel.tools.validation import (
    MAX_LIST,
    check_ids,
    check_name,
    check_relation,
    tidy_relation,
)

DEFAULT_RELATION = "related"
_WITH_EFFECT = (SUPERSEDES, SAME_AS, PART_OF, CONTRADICTS, *OPEN_RELATIONS)
"""Relations by which a note is closed, merged, joined, shown with another, or to be settled."""
_SAME_WORDS = {"replaces": SUPERSEDES}
"""What the tools' descriptions say that `supersedes` does."""
SETTLING = (SUPERSEDES, SAME_AS, CONTRADICTS)
"""Relations that decide what a guess (`OPEN_RELATIONS`) between the same two notes leaves open."""
NEAR_MIN_RATIO = 0.9
"""Least difflib ratio of a misspelt relation: one letter of ten is another."""
SURE_CONFIDENCE = 0.9
"""Of a guess that a note supersedes another, from which the older is shown as `superseded_by`."""


class LinkArgument(TypedDict):
    """A link as an agent writes it."""

    to: str
    relation: NotRequired[str]
    remove: NotRequired[bool]


def check_links(arguments: Sequence[LinkArgument] | None) -> tuple[LinkArgument, ...]:
    """The links with canonical ids and relations.

    Raises:
        InvalidArgumentError: More than `MAX_LIST`, or a value cannot be used.
    """
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


def linked_as(arguments: Iterable[LinkArgument], relation: str) -> frozenset[str]:
    """Ids of the notes to which links of a relation are added."""
    return frozenset(
        link["to"]
        for link in arguments
        if link.get("relation") == relation and not link.get("remove")
    )


async def kin(store: NoteReader, note: Note) -> frozenset[str]:
    """Ids of the notes that a note is part of, its parts, the parts beside it, and its successors.

    None of these repeats it or is to be replaced by it, however similar it is.
    """
    wholes = standing(note, PART_OF)
    around = await store.linking_to([note.note_id, *sorted(wholes)])
    known = (
        other.note_id
        for other in around
        if standing(other, PART_OF) & {note.note_id, *wholes}
        or note.note_id in standing(other, SUPERSEDES)
    )
    return wholes | frozenset(known)


def standing(note: Note, relation: str) -> frozenset[str]:
    """Ids of the notes to which a note has links of a relation that stand."""
    return frozenset(
        link.to for link in note.links if link.relation == relation and link.stood(None)
    )


def _no_target() -> str:
    raise InvalidArgumentError("links.to", "it is empty", "Pass the id of the other note.")


def _relation(value: str | None, *, remove: bool) -> str:
    """The relation's name; empty removes links of every relation."""
    if remove:
        # A link of an earlier version may have any text there, and must be removable by it.
        return check_name("links.relation", value).lower().replace(" ", "_")
    relation = check_relation(value) or DEFAULT_RELATION
    if meant := _nearly(relation):
        raise InvalidArgumentError(
            "links.relation",
            f"{relation!r} would be a word of your own, without the effect of {meant!r}",
            f"Did you mean {meant!r}? For a relation of your own use another word.",
        )
    return relation


def _nearly(relation: str) -> str:
    """The relation with an effect that a word was probably meant to be; empty if there is none."""
    if relation in _WITH_EFFECT:
        return ""
    spelled = {name.replace("_", ""): name for name in _WITH_EFFECT} | _SAME_WORDS
    word = relation.replace("_", "").replace("-", "")
    near = get_close_matches(word, spelled, n=1, cutoff=NEAR_MIN_RATIO)
    # "contracts" has nearly all letters of "contradicts".
    return spelled[near[0]] if near and abs(len(near[0]) - len(word)) <= 1 else ""


def with_links(
    note: Note,
    arguments: Iterable[LinkArgument],
    *,
    now: datetime,
    at: datetime | None = None,
    never: bool = False,
) -> tuple[Link, ...]:
    """The note's links after an agent's additions and removals.

    A removed link stays with its end for `as_of` queries; added again, it begins anew. A
    supersession added again counts as never ended: the other note's validity has no gaps. A guess
    that an added link settles goes, so that no answer offers to settle it again.

    Args:
        note: The note; added links begin when it does.
        arguments: Applied in this order; a repeated link is one link.
        now: Transaction time.
        at: End of removed links; None is `now`.
        never: Whether removed links were never true: then nothing of them stays.

    Raises:
        InvalidArgumentError: A link to the note itself, or too many links.
    """
    standing = {(link.to, link.relation): link for link in note.links if link.stood(None)}
    ended = [link for link in note.links if not link.stood(None)]
    for argument in arguments:
        key = (argument["to"], argument.get("relation", DEFAULT_RELATION))
        if key[0] == note.note_id:
            raise InvalidArgumentError(
                "links.to", f"{key[0]!r} is the note itself", "Link to another note."
            )
        if argument.get("remove"):
            gone = [standing.pop(key) for key in _removed(standing, key)]
            ended += [] if never else [over for link in gone if (over := _over(link, at or now))]
        elif key not in standing or standing[key].made_by != "agent":
            again = [link for link in ended if (link.to, link.relation) == key]
            begins = now if again and key[1] != SUPERSEDES else as_old_as(note, key[1])
            if not is_to_come(begins, now):
                begins = min(begins, now)
            ended = [link for link in ended if key[1] != SUPERSEDES or link not in again]
            standing[key] = Link(to=key[0], relation=key[1], made_at=now, valid_from=begins)
        if key[1] in SETTLING and not argument.get("remove"):
            for guess in OPEN_RELATIONS:
                standing.pop((key[0], guess), None)
    if len([link for link in standing.values() if link.made_by == "agent"]) > MAX_LIST:
        raise InvalidArgumentError(
            "links", f"a note has at most {MAX_LIST}", "Remove some, or link through another note."
        )
    return (*standing.values(), *ended[-MAX_LIST:])


def rule_link(
    note: Note, to: str, relation: str, weight: float, reason: str, *, now: datetime
) -> Link:
    """A rule's link, as old as the note it starts from; weight in `[0, 1]`."""
    return Link(
        to=to,
        relation=relation,
        weight=round(weight, 3),
        reason=reason,
        made_by="rule",
        made_at=now,
        valid_from=note.valid_from,
    )


def without_agents(links: Iterable[Link], *, at: datetime, never: bool) -> tuple[Link, ...]:
    """The links without those stated by agents; `at` and `never` as in `with_links`.

    A part of a text stays one.
    """
    kept = list[Link]()
    for link in links:
        if link.made_by != "agent" or not link.stood(None) or is_part_link(link):
            kept.append(link)
        elif not never and (over := _over(link, at)):
            kept.append(over)
    return tuple(kept)


def as_old_as(note: Note, relation: str) -> datetime:
    """Start of a link: its note's start, and for a supersession when the note happened."""
    return note.happened_at if relation == SUPERSEDES else note.valid_from


def _over(link: Link, at: datetime) -> Link | None:
    """The ended link; None if it ended before it began."""
    begun = link.valid_from is None or link.valid_from < at
    return replace(link, valid_until=at) if begun else None


def _removed(links: Mapping[tuple[str, str], Link], key: tuple[str, str]) -> list[tuple[str, str]]:
    to, relation = key
    found = [
        known
        for known, link in links.items()
        if known[0] == to and relation in _names(known[1], is_part=is_part_link(link))
    ]
    if not found and any(known[0] == to for known in links):
        there = ", ".join(repr(tidy_relation(known[1])) for known in links if known[0] == to)
        if not relation:
            raise InvalidArgumentError(
                "links",
                f"the only link to {to} says that the note is a part of a text",
                f"Name its relation, {there}, to take the note out of that text.",
            )
        raise InvalidArgumentError(
            "links",
            f"there is no {relation!r} link to {to}, but {there}",
            "Name that relation, or none to remove them all.",
        )
    return found


def _names(relation: str, *, is_part: bool) -> tuple[str, ...]:
    """What names a link of a relation that is to be removed; a part of a text leaves it by name."""
    return (relation,) if is_part else ("", relation, tidy_relation(relation))


async def read_targets(store: NoteReader, arguments: Iterable[LinkArgument]) -> Mapping[str, Note]:
    """The notes that links lead to, by id; each that is to be linked to is there.

    Raises:
        NoteNotFoundError: A target is missing.
        NoteForgottenError: A target is forgotten.
    """
    ids = sorted({argument["to"] for argument in arguments})
    known = {note.note_id: note for note in await store.get(ids)}
    for argument in arguments:
        target = known.get(argument["to"])
        if argument.get("remove"):
            continue
        if target is None:
            raise NoteNotFoundError(argument["to"])
        if target.state is State.FORGOTTEN:
            raise NoteForgottenError(argument["to"])
    return known
