"""What an update makes of a note and of the notes around it: pure, planned again after a race."""

from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Kind, Link, Note, State
from zettel.storage.store import Change, Vectors
from zettel.tools.changes.differences import differences
from zettel.tools.changes.links import LinkArgument, as_old_as, with_links, without_agents
from zettel.tools.changes.stages import LINKED, stage_after
from zettel.tools.language.times import Period, iso

MADE = ("rule", "llm")
"""Makers in `derived_by` that are not the agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEdit:
    """What to change, checked; None is absent, an empty value empties the field."""

    content: str | None = None
    context: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] | None = None
    kind: Kind | None = None
    happened: Period | None = None
    valid_until: Period | None = None
    endless: bool = False
    """An empty end was given: it has none."""
    links: tuple[LinkArgument, ...] = ()
    unlinked: bool = False
    """An empty list was given: take out every link the agent stated."""
    correction: bool = False
    """What the fields said before was never true."""
    reason: str = ""


NO_WISH = NoteEdit()


def revised(
    old: Note,
    wish: NoteEdit,
    vectors: Vectors | None,
    *,
    model: str,
    by: str,
    now: datetime,
) -> Change | None:
    """The note's next revision; None when nothing would change.

    Args:
        old: As it stands.
        wish: What to change.
        vectors: Of the new content; None if it has none yet, or is not new.
        model: The model that made `vectors`.
        by: Who changes it.
        now: When.

    Raises:
        InvalidArgumentError: It would end before it begins, or has too many links.
    """
    new_words = wish.content is not None and wish.content != old.content
    happened = _happened(old, wish, now, new_words=new_words)
    moved = happened != old.happened_at
    never = _was_never_true(old, wish, new_words=new_words, moved=moved)
    until = wish.valid_until.last if wish.valid_until else old.valid_until
    new = replace(
        old,
        content=old.content if wish.content is None else wish.content,
        context=old.context if wish.context is None else wish.context,
        subject=old.subject if wish.subject is None else wish.subject,
        tags=old.tags if wish.tags is None else wish.tags,
        kind=wish.kind or old.kind,
        happened_at=happened,
        valid_from=_valid_from(old, happened, now, never=never)
        if moved or (new_words and not never)
        else old.valid_from,
        valid_until=None if wish.endless else until,
    )
    new = replace(new, links=_links(old, new, wish, now, never=never))
    if not differences(old, new):
        return None
    if (new.valid_from, new.valid_until) != (old.valid_from, old.valid_until):
        _check_end(old, new)  # what another note superseded from its beginning on has no time left
    new = _rederived(replace(new, derived_by=_makers(old, wish)), old, new_words=new_words)
    return Change(
        note=replace(
            new,
            rev=old.rev + 1,
            known_from=now,
            changed_by=by,
            change="correct" if never else "update",
            reason=wish.reason,
            run_id="",
            embed_model=(model if vectors is not None else "") if new_words else old.embed_model,
        ),
        vectors=vectors,
        keep_vectors=not new_words,
        ended_at=new.valid_from if new_words and not never else None,
        corrected=never,
    )


def _check_end(old: Note, new: Note) -> None:
    if not new.valid_until or new.valid_until > new.valid_from:
        return
    ends, begins = iso(new.valid_until), iso(new.valid_from)
    if old.state is State.SUPERSEDED and new.valid_until == old.valid_until:
        raise InvalidArgumentError(
            "happened_at",
            f"the note ended {ends}, when another one superseded it, before {begins}",
            'Update that one instead: recall with note_ids and detail="full" shows it.',
        )
    raise InvalidArgumentError(
        "valid_until",
        f"{ends} is not after {begins}, when the note became true",
        'Pass a later time, or "" for no end.',
    )


def _was_never_true(old: Note, wish: NoteEdit, *, new_words: bool, moved: bool) -> bool:
    """Whether the change rewrites what was believed, instead of telling that the world changed.

    So does another date alone, and so do new words about a time that is over.
    """
    over = old.state is not State.ACTIVE and wish.happened is None
    return wish.correction or (over if new_words else moved)


def _happened(old: Note, wish: NoteEdit, now: datetime, *, new_words: bool) -> datetime:
    if wish.happened is None:
        over = old.state is not State.ACTIVE  # its time has ended: new words are about that time
        return now if new_words and not over and not wish.correction else old.happened_at
    resent = wish.happened.means(old.happened_at) and not new_words
    return old.happened_at if resent else wish.happened.start


def _valid_from(old: Note, happened: datetime, now: datetime, *, never: bool) -> datetime:
    """What lies ahead is true from when it was told on, or nobody could ask when it will be."""
    return old.valid_from if never and happened > now else min(happened, now)


def _links(old: Note, new: Note, wish: NoteEdit, now: datetime, *, never: bool) -> tuple[Link, ...]:
    ended = min(new.happened_at, now) if wish.happened and wish.content is not None else now
    if wish.unlinked:
        return without_agents(old.links, at=ended, never=wish.correction)
    kept = tuple(_along(link, old, new) for link in old.links) if never else old.links
    told = replace(new, links=kept)
    return with_links(told, wish.links, now=now, at=ended, never=wish.correction)


def _along(link: Link, old: Note, new: Note) -> Link:
    """A link as old as its note is so still when the note's date is corrected."""
    was, becomes = as_old_as(old, link.relation), as_old_as(new, link.relation)
    return replace(link, valid_from=becomes) if link.valid_from == was else link


def _makers(old: Note, wish: NoteEdit) -> dict[str, str]:
    makers = dict(old.derived_by)
    for name, value in (("context", wish.context), ("tags", wish.tags)):
        if value is not None:
            makers[name] = "agent"
    return makers


def _rederived(new: Note, old: Note, *, new_words: bool) -> Note:
    """Drop what was derived from words that no longer stand, and have evolution look again."""
    if not new_words:
        moved = (new.subject, new.happened_at) != (old.subject, old.happened_at)
        # Links and ends may settle what `compare` has left open.
        same = (new.links, new.valid_until) == (old.links, old.valid_until)
        return replace(new, stage=0 if moved else old.stage if same else min(old.stage, LINKED))
    derived = new.derived_by
    return replace(
        new,
        context="" if derived.get("context") in MADE else new.context,
        tags=() if derived.get("tags") in MADE else new.tags,
        keywords=(),
        entities=(),
        times=(),
        questions=(),
        summary="",
        links=tuple(link for link in new.links if link.made_by == "agent"),
        derived_by={name: maker for name, maker in derived.items() if maker == "agent"},
        # What evolution composed is the agent's own once the agent has reworded it.
        origin=replace(new.origin, transport="") if new.derived else new.origin,
        stage=0,
    )


def archived(part: Note, whole: Note, now: datetime) -> Change:
    """Take a finished part out of recall: it stands in the whole's result."""
    return Change(
        note=replace(
            part,
            rev=part.rev + 1,
            state=State.ARCHIVED,
            stage=stage_after(State.ARCHIVED),
            known_from=now,
            changed_by=whole.changed_by,
            change="fold",
            reason=f"folded into {whole.note_id}",
            run_id="",
        )
    )
