"""Notes that say the same, merged by a `same_as` link: the one it starts from goes out of recall.

Nothing is lost: that note stays as it was told, archived, with its source, its time and its
history, and the other gets its tags and what it tells besides. The link's end takes all back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.merges import (
    MERGE_CHANGE,
    find_taken_over,
    merge_reason,
    parted_reason,
    without_taken,
)
from zettel.storage.notes import SAME_AS, Kind, Note, State
from zettel.storage.revisions import without_derived
from zettel.storage.store import Change
from zettel.storage.text.passages import sentence_spans
from zettel.tools.changes.commit import commit
from zettel.tools.changes.embedding import embedded
from zettel.tools.changes.links import standing
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.language.terms import terms
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_CONTENT


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
    return _changed(other, taken, by=by, now=now, reason=merge_reason(note.note_id))


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

    `note` is the one that was merged into `other`; revisions are the oldest first.
    """
    taken = find_taken_over(revisions, note.note_id)
    if taken is None:
        return None
    rest = without_taken(other, taken)
    return _changed(other, rest, by=by, now=now, reason=parted_reason(note.note_id))


async def twin_change(memory: Memory, old: Note, new: Note) -> Change:
    """The change to a revision that takes over words or loses them, or neither."""
    if new.content == old.content:
        return Change(note=new)
    return await embedded(memory, Change(note=without_derived(new), keep_vectors=False))


async def follow_merged(memory: Memory, notes: Iterable[Note], *, by: str, now: datetime) -> None:
    """Takes what forgotten notes told out of those they are merged into, or puts it back.

    One that is merged, and archived as such, gives again. Idempotent.

    Raises:
        ChangedMeanwhileError: Others kept changing a note that one of these is merged into.
    """

    async def follow(note: Note) -> None:
        async def plan(others: Mapping[str, Note]) -> list[Change]:
            changes = list[Change]()
            for other in others.values():
                revisions = await memory.store.revisions(other.note_id)
                gives = find_taken_over(revisions, note.note_id) is not None
                following = None
                if gives and note.state is State.FORGOTTEN:
                    following = parted(other, revisions, note, by=by, now=now)
                elif not gives and note.state is State.ARCHIVED and _may_give(memory, note, other):
                    following = merged(other, note, by=by, now=now)
                if following is not None:
                    changes.append(await twin_change(memory, other, following))
            return changes

        await commit(memory, sorted(same_as(note)), plan)

    for note in notes:
        if same_as(note):
            await follow(note)


def _may_give(memory: Memory, note: Note, other: Note) -> bool:
    return other.state is State.ACTIVE and memory.trust.are_peers(note, other)


def _changed(old: Note, new: Note, *, by: str, now: datetime, reason: str) -> Note | None:
    if new == old:
        return None
    if new.tags != old.tags:
        new = replace(new, derived_by={**new.derived_by, "tags": "agent"})
    if new.subject != old.subject:
        new = replace(new, stage=0)
    return next_note(new, by=by, now=now, change=MERGE_CHANGE, reason=reason)
