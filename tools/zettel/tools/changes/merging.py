"""Notes that say the same, merged by a `same_as` link: the one it starts from goes out of recall.

Nothing is lost: that note stays as it was told, archived, with its source, its time and its
history, and the other gets its tags and what it tells besides. The link's end takes all back.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import SAME_AS, Kind, Note, State
from zettel.storage.text.passages import sentence_spans
from zettel.tools.changes.links import standing
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.language.terms import terms
from zettel.tools.validation import MAX_CONTENT

MERGE_CHANGE = "merge"
"""`Note.change` of the revision by which a note takes over what another one has besides."""


def same_as(note: Note) -> frozenset[str]:
    """Ids of the notes that a note is merged into."""
    return standing(note, SAME_AS)


def check_mergeable(note: Note, other: Note) -> None:
    """Refuses to merge a note into one that recall would not show in its place.

    Raises:
        InvalidArgumentError: It is not active, or in another namespace; or the note is superseded,
            and what it told, which the other one would take over, is no longer so.
    """
    if note.state is State.SUPERSEDED:
        raise InvalidArgumentError(
            "links",
            f"{note.note_id} is superseded, and a current note would take over its old words",
            "Update the note that supersedes it instead: recall with note_ids and"
            ' detail="full" shows it.',
        )
    if other.state is not State.ACTIVE or other.namespace != note.namespace:
        elsewhere = other.state is State.ACTIVE
        state = f"in namespace {other.namespace!r}" if elsewhere else other.state.value
        raise InvalidArgumentError(
            "links.to",
            f"{other.note_id} is {state}, so {note.note_id} cannot go out of recall for it",
            "Merge into an active note of the same namespace.",
        )


def with_state(before: Note, after: Note) -> Note:
    """The changed note, archived with its first `same_as` link and active again without any."""
    was, becomes = same_as(before), same_as(after)
    if becomes and not was and after.state is State.ACTIVE:
        state = State.ARCHIVED
    elif was and not becomes and before.state is State.ARCHIVED:
        state = State.ACTIVE
    else:
        return after
    return replace(after, state=state, stage=stage_after(state))


def merged(other: Note, note: Note, *, by: str, now: datetime) -> Note | None:
    """The revision with what it takes over from a note merged into it; None if nothing.

    Its tags, its subject if there was none, its kind if the note had the default one, and its
    sentences with content words that are not there, which recall would not find any more.
    """
    default = other.kind is Kind.EPISODIC and note.kind is not Kind.WORKING
    content = other.content + _told_besides(other, note)
    taken = replace(
        other,
        content=content if len(content) <= MAX_CONTENT else other.content,
        tags=tuple(dict.fromkeys((*other.tags, *note.tags))),
        subject=other.subject or note.subject,
        kind=note.kind if default else other.kind,
    )
    return _changed(other, taken, by=by, now=now, reason=_of(note))


def _told_besides(other: Note, note: Note) -> str:
    """The sentences with content words that `other` lacks, with the day of the note.

    Words like "yesterday" refer to that day.
    """
    known = set(terms(other.content))
    told = [" ".join(note.content[slice(*span)].split()) for span in sentence_spans(note.content)]
    more = [sentence for sentence in told if not known.issuperset(terms(sentence))]
    day = f"{note.happened_at.day} {note.happened_at:%B %Y}"
    return f"\nTold again on {day}: {' '.join(more)}" if more else ""


def parted(
    other: Note, revisions: Sequence[Note], note: Note, *, by: str, now: datetime
) -> Note | None:
    """The revision without what it took over from one that is no longer merged into it.

    `note` is the one that `other` was merged into; revisions are the oldest first.
    """
    at = [i for i, r in enumerate(revisions) if (r.change, r.reason) == (MERGE_CHANGE, _of(note))]
    if not at or not at[-1]:
        return None
    earlier, then = revisions[at[-1] - 1], revisions[at[-1]]
    added = set(then.tags) - set(earlier.tags)
    told = then.content.removeprefix(earlier.content)
    rest = replace(
        other,
        content=other.content.replace(told, "", 1) if told else other.content,
        tags=tuple(tag for tag in other.tags if tag not in added),
        subject=earlier.subject if other.subject == then.subject else other.subject,
        kind=earlier.kind if other.kind is then.kind else other.kind,
    )
    return _changed(other, rest, by=by, now=now, reason=f"no longer {_of(note)}")


def _of(note: Note) -> str:
    return f"the same as {note.note_id}"


def _changed(old: Note, new: Note, *, by: str, now: datetime, reason: str) -> Note | None:
    if new == old:
        return None
    if new.tags != old.tags:
        new = replace(new, derived_by={**new.derived_by, "tags": "agent"})
    if new.subject != old.subject:
        new = replace(new, stage=0)
    return next_note(new, by=by, now=now, change=MERGE_CHANGE, reason=reason)
