"""What an update makes of a note and of the notes around it: pure, planned again after a race."""

from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Kind, Link, Note, State
from zettel.storage.store import Change, Vectors
from zettel.tools.history import differences
from zettel.tools.links import LinkArgument, with_links
from zettel.tools.times import Period, iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to change, checked; None is absent, an empty value empties the field."""

    content: str | None
    context: str | None
    subject: str | None
    tags: tuple[str, ...] | None
    kind: Kind | None
    happened: Period | None
    valid_until: Period | None
    endless: bool
    links: tuple[LinkArgument, ...]
    unlinked: bool
    """An empty list was given: take out every link the agent stated."""
    reason: str


def revised(
    old: Note,
    wish: Wish,
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
    until = wish.valid_until.last if wish.valid_until else old.valid_until
    new = replace(
        old,
        content=old.content if wish.content is None else wish.content,
        context=old.context if wish.context is None else wish.context,
        subject=old.subject if wish.subject is None else wish.subject,
        tags=old.tags if wish.tags is None else wish.tags,
        kind=wish.kind or old.kind,
        happened_at=happened,
        valid_from=old.valid_from if happened == old.happened_at else min(happened, now),
        valid_until=None if wish.endless else until,
        links=_links(old, wish, now),
    )
    if not differences(old, new):
        return None
    if new.valid_until and new.valid_until <= new.valid_from:
        raise InvalidArgumentError(
            "valid_until",
            f"{iso(new.valid_until)} is not after {iso(new.valid_from)}, when the note became true",
            'Pass a later time, or "" for no end.',
        )
    new = _rederived(replace(new, derived_by=_makers(old, wish)), old, new_words=new_words)
    return Change(
        note=replace(
            new,
            rev=old.rev + 1,
            known_from=now,
            changed_by=by,
            change="update",
            reason=wish.reason,
            run_id="",
            embed_model=(model if vectors is not None else "") if new_words else old.embed_model,
        ),
        vectors=vectors,
        keep_vectors=not new_words,
        ended_at=new.valid_from if new_words else None,
    )


def _links(old: Note, wish: Wish, now: datetime) -> tuple[Link, ...]:
    if wish.unlinked:
        return tuple(link for link in old.links if link.made_by != "agent")
    return with_links(old.links, wish.links, own_id=old.note_id, now=now)


def _happened(old: Note, wish: Wish, now: datetime, *, new_words: bool) -> datetime:
    if wish.happened is None:
        over = old.state is not State.ACTIVE  # its time has ended: new words are about that time
        return now if new_words and not over else old.happened_at
    resent = wish.happened.means(old.happened_at) and not new_words
    return old.happened_at if resent else wish.happened.start


def _makers(old: Note, wish: Wish) -> dict[str, str]:
    makers = dict(old.derived_by)
    for name, value in (("context", wish.context), ("tags", wish.tags)):
        if value is not None:
            makers[name] = "agent"
    return makers


def _rederived(new: Note, old: Note, *, new_words: bool) -> Note:
    """Drop what was derived from words that no longer stand, and have evolution look again."""
    if not new_words:
        moved = (new.subject, new.happened_at) != (old.subject, old.happened_at)
        return replace(new, stage=0 if moved else old.stage)
    derived = new.derived_by
    return replace(
        new,
        context="" if derived.get("context") == "rule" else new.context,
        keywords=(),
        entities=(),
        times=(),
        questions=(),
        summary="",
        links=tuple(link for link in new.links if link.made_by == "agent"),
        derived_by={name: maker for name, maker in derived.items() if maker == "agent"},
        stage=0,
    )


def archived(part: Note, whole: Note, now: datetime) -> Change:
    """Take a finished part out of recall: it stands in the whole's result."""
    return Change(
        note=replace(
            part,
            rev=part.rev + 1,
            state=State.ARCHIVED,
            known_from=now,
            changed_by=whole.changed_by,
            change="fold",
            reason=f"folded into {whole.note_id}",
            run_id="",
        )
    )
