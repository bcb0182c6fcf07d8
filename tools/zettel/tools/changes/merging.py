"""Notes that say the same, merged by a `same_as` link: the one it starts from goes out of recall.

Nothing is lost: that note stays as it was told, archived, with its source, its time and its
history, and the other gets its tags and what it tells besides. The link's end takes all back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.merges import (
    MERGE_CHANGE,
    TakenOver,
    adds,
    all_taken_over,
    ever_taken_over,
    find_taken_over,
    joined,
    merge_reason,
    parted_reason,
    sentences_of,
    taken_in_turn,
    told_again,
    without_leads,
    without_sentences,
    without_taken,
)
from zettel.storage.notes import SAME_AS, Kind, Note, State
from zettel.storage.revisions import without_derived
from zettel.storage.store import Change
from zettel.tools.changes.commit import commit
from zettel.tools.changes.embedding import embedded
from zettel.tools.changes.links import standing
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.language.terms import terms
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_CONTENT, MAX_LIST


def same_as(note: Note) -> frozenset[str]:
    """Ids of the notes that a note is merged into."""
    return standing(note, SAME_AS)


async def is_told_by_another(memory: Memory, note: Note) -> bool:
    """Whether a note is archived because a current one that it is merged into tells its words.

    Also one that it is merged into in turn.
    """
    seen, ahead = {note.note_id}, same_as(note)
    while ahead and note.state is State.ARCHIVED:
        holders = await memory.store.get(sorted(ahead))
        if any(holder.state is State.ACTIVE for holder in holders):
            return True
        seen |= ahead
        merged_on = (same_as(holder) for holder in holders if holder.state is State.ARCHIVED)
        ahead = frozenset[str]().union(*merged_on) - seen
    return False


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
    """The changed note, archived with a new `same_as` link and active again without any."""
    was, becomes = same_as(before), same_as(after)
    if becomes - was and after.state is State.ACTIVE:
        state = State.ARCHIVED
    elif was and not becomes and before.state is State.ARCHIVED:
        state = State.ACTIVE
    else:
        return after
    return replace(after, state=state, stage=stage_after(state))


def merged(
    other: Note, note: Note, *, by: str, now: datetime, only: frozenset[str] | None = None
) -> Note | None:
    """The revision with what it takes over from a note merged into it; None if nothing.

    Its tags as far as there is room, its subject if there was none, its kind if the note had the
    default one, and its sentences with content words that are not there, which recall would not
    find any more; of `only`, if it is given.
    """
    default = other.kind is Kind.EPISODIC and note.kind is not Kind.WORKING
    content = other.content + _told_besides(other, note, only)
    taken = replace(
        other,
        content=content if len(content) <= MAX_CONTENT else other.content,
        tags=tuple(dict.fromkeys((*other.tags, *note.tags)))[: max(MAX_LIST, len(other.tags))],
        subject=other.subject or note.subject,
        kind=note.kind if default else other.kind,
    )
    return _changed(other, taken, by=by, now=now, reason=merge_reason(note.note_id))


def _told_besides(other: Note, note: Note, only: frozenset[str] | None) -> str:
    """The sentences with content words that `other` lacks, with the day of the note.

    Words like "yesterday" refer to that day.
    """
    known = set(terms(other.content))
    more = [
        sentence
        for sentence in sentences_of(note.content)
        if not known.issuperset(terms(sentence))
        and (only is None or only.issuperset(sentences_of(without_leads(sentence))))
    ]
    return told_again(f"{note.happened_at.day} {note.happened_at:%B %Y}", more)


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

    What another note that is merged into the same one tells as well is given by that one then.
    Idempotent.

    Raises:
        ChangedMeanwhileError: Others kept changing a note that one of these is merged into.
    """
    there = list[Note]()
    for note in {note.note_id: note for note in notes}.values():
        if note.state is State.FORGOTTEN:
            await _follow(memory, note, by=by, now=now)
            beyond = await _taken_beyond(memory, note, merge_targets(note))
            await _part_in_turn(memory, note, beyond, by=by, now=now)
            await give_again(memory, same_as(note) | beyond.keys(), by=by, now=now)
        else:
            there.append(note)
    for note in (*there, *await _merged_into(memory, [note.note_id for note in there])):
        await _follow(memory, note, by=by, now=now)
        await _pass_on(memory, note, by=by, now=now)


async def follow_parted(
    memory: Memory, note: Note, parted_from: Collection[str], *, by: str, now: datetime
) -> None:
    """Takes what a note told out of those to which its words went on from notes it parted from.

    What these and those lose, another note that is merged into one of them may tell as well.

    Raises:
        ChangedMeanwhileError: Others kept changing one of the notes.
    """
    beyond = await _taken_beyond(memory, note, parted_from)
    await _part_in_turn(memory, note, beyond, by=by, now=now)
    await give_again(memory, beyond.keys() | {*parted_from}, by=by, now=now)


async def give_again(memory: Memory, note_ids: Iterable[str], *, by: str, now: datetime) -> None:
    """Puts into notes that lost words what others that are merged into them tell besides.

    Raises:
        ChangedMeanwhileError: Others kept changing one of the notes.
    """
    for note in await _merged_into(memory, note_ids):
        await _follow(memory, note, by=by, now=now, again=True)


async def part_erased(
    memory: Memory, merged_into: Iterable[str], gone: Collection[str], *, by: str, now: datetime
) -> None:
    """Takes what notes to be erased told out of those that took it over, also in turn.

    As revisions of their own, so that nobody who has read the words before writes them again.

    Args:
        memory: The memory.
        merged_into: Ids of the notes that these are or were merged into.
        gone: Ids of the notes to be erased.
        by: Who erases them.
        now: The moment.

    Raises:
        ChangedMeanwhileError: Others kept changing one of the notes.
    """
    taken, ahead = dict[str, list[TakenOver]](), set(merged_into)
    while ahead:
        notes = await memory.store.get(sorted(ahead))
        for note_id in ahead:
            taken[note_id] = all_taken_over(await memory.store.revisions(note_id), gone)
        ahead = frozenset[str]().union(*map(merge_targets, notes)) - taken.keys() - set(gone)
    sentences = [sentence for of in taken.values() for one in of for sentence in one.sentences]

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        changes = list[Change]()
        for note in notes.values():
            rest = reduce(without_taken, taken[note.note_id], note)
            rest = replace(rest, content=without_sentences(rest.content, sentences))
            if (following := _changed(note, rest, by=by, now=now, reason="")) is not None:
                changes.append(await twin_change(memory, note, following))
        return changes

    if taken:
        await commit(memory, sorted(taken), plan)


def merge_targets(note: Note) -> frozenset[str]:
    """Ids of the notes that a note is, or was once, merged into."""
    return frozenset(link.to for link in note.links if link.relation == SAME_AS)


async def _merged_into(memory: Memory, note_ids: Iterable[str]) -> list[Note]:
    ids = sorted(note_ids)
    linking = await memory.store.linking_to(ids, relations=(SAME_AS,)) if ids else []
    return [note for note in linking if not same_as(note).isdisjoint(ids)]


async def _follow(
    memory: Memory,
    note: Note,
    *,
    by: str,
    now: datetime,
    again: bool = False,
    only: frozenset[str] | None = None,
) -> None:
    """As `follow_merged`, in the notes that it is merged into.

    Args:
        memory: The memory.
        note: The note.
        by: Whose change it is.
        now: The moment.
        again: What it gave may be less than what it tells besides by now.
        only: The sentences that it may give; None for all.
    """

    async def plan(others: Mapping[str, Note]) -> list[Change]:
        changes = list[Change]()
        for other in others.values():
            revisions = await memory.store.revisions(other.note_id)
            gives = find_taken_over(revisions, note.note_id) is not None
            following = None
            if gives and note.state is State.FORGOTTEN:
                following = parted(other, revisions, note, by=by, now=now)
            elif (again or not gives) and _may_give(memory, note, other):
                # One that is superseded takes only what it had before.
                had = _told_in(revisions) if other.state is State.SUPERSEDED else only
                following = merged(other, note, by=by, now=now, only=had)
            if following is not None:
                changes.append(await twin_change(memory, other, following))
        return changes

    if targets := same_as(note):
        others = await memory.store.get(sorted(targets))
        if may := [other.note_id for other in others if memory.may_write(other.namespace)]:
            await commit(memory, may, plan)


async def _pass_on(memory: Memory, note: Note, *, by: str, now: datetime) -> None:
    """Puts a note's words from those that it is merged into in those these are merged into."""
    words, seen = _told_in([note]), {note.note_id}
    ahead = same_as(note)
    while ahead:
        seen |= ahead
        holders = await memory.store.get(sorted(ahead))
        for holder in holders:
            await _follow(memory, holder, by=by, now=now, again=True, only=words)
        ahead = frozenset[str]().union(*map(same_as, holders)) - seen


async def _taken_beyond(
    memory: Memory, note: Note, holders: Iterable[str]
) -> Mapping[str, TakenOver]:
    """What notes ever took over of a note's words from others, by their ids.

    Beginning with what `holders`, ids of notes that it is or was merged into, passed on. Of these
    it is only what they have from others as well.
    """
    beyond = dict[str, TakenOver]()
    ahead = list((await _having(memory, holders, note.note_id)).items())
    while ahead:
        giver_id, had = ahead.pop(0)
        for giver in await memory.store.get([giver_id]):
            passed = await _having(memory, merge_targets(giver) - {note.note_id}, giver_id)
            for note_id, taken in passed.items():
                words, known = taken_in_turn(taken, had), beyond.get(note_id)
                if adds(words, known):
                    beyond.pop(note_id, None)
                    beyond[note_id] = words if known is None else joined(known, words)
                    ahead.append((note_id, beyond[note_id]))
    return beyond


async def _having(memory: Memory, note_ids: Iterable[str], of: str) -> Mapping[str, TakenOver]:
    """What notes ever took over from one, by their ids; without those that took nothing."""
    found = [(i, ever_taken_over(await memory.store.revisions(i), of)) for i in sorted(note_ids)]
    return {note_id: taken for note_id, taken in found if taken is not None}


async def _part_in_turn(
    memory: Memory, note: Note, taken: Mapping[str, TakenOver], *, by: str, now: datetime
) -> None:
    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        changes = list[Change]()
        for other in notes.values():
            rest = without_taken(other, taken[other.note_id])
            reason = parted_reason(note.note_id)
            following = _changed(other, rest, by=by, now=now, reason=reason)
            if following is not None:
                changes.append(await twin_change(memory, other, following))
        return changes

    there = await memory.store.get(sorted(taken)) if taken else []
    if may := [other.note_id for other in there if memory.may_write(other.namespace)]:
        await commit(memory, may, plan)


def _may_give(memory: Memory, note: Note, other: Note) -> bool:
    """Whether a note gives another one, which it is merged into, what it tells besides."""
    there = note.state is State.ARCHIVED and other.state is not State.FORGOTTEN
    return there and memory.trust.are_peers(note, other)


def _told_in(notes: Iterable[Note]) -> frozenset[str]:
    return frozenset(s for note in notes for s in sentences_of(without_leads(note.content)))


def _changed(old: Note, new: Note, *, by: str, now: datetime, reason: str) -> Note | None:
    if new == old:
        return None
    if new.tags != old.tags:
        new = replace(new, derived_by={**new.derived_by, "tags": "agent"})
    if new.subject != old.subject:
        new = replace(new, stage=0)
    return next_note(new, by=by, now=now, change=MERGE_CHANGE, reason=reason)
