"""What a note has taken over from notes that were merged into it, as its revisions tell."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import regex as re

from zettel.storage.notes import Kind, Note
from zettel.storage.text.passages import sentence_spans

MERGE_CHANGE = "merge"
"""`Note.change` of the revision by which a note takes over what another one has besides, and of
the one by which it loses that again."""
_SAME_AS = "the same as "
_TOLD_AGAIN = "Told again on"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What one note has of another that was merged into it."""

    sentences: tuple[str, ...]
    """Behind its own content, with single spaces."""
    tags: frozenset[str]
    subject: tuple[str, str]
    """Before and with the merge."""
    kind: tuple[Kind, Kind]
    """Before and with the merge."""


def told_again(day: str, sentences: Sequence[str]) -> str:
    """What is put behind a note's content: the other note's day, and its sentences."""
    return f"\n{_TOLD_AGAIN} {day}: {' '.join(sentences)}" if sentences else ""


def sentences_of(content: str) -> list[str]:
    """The sentences of a text, with single spaces."""
    return [" ".join(content[slice(*span)].split()) for span in sentence_spans(content)]


def merge_reason(note_id: str) -> str:
    """`Note.reason` of the revision that takes over what this note has."""
    return f"{_SAME_AS}{note_id}"


def parted_reason(note_id: str) -> str:
    """`Note.reason` of the revision that loses it again."""
    return f"no longer {merge_reason(note_id)}"


def merged_id(reason: str) -> str:
    """The id that a `merge_reason` names; empty if it is none."""
    return reason.removeprefix(_SAME_AS) if reason.startswith(_SAME_AS) else ""


def merged_into(reasons: Iterable[tuple[str, str]], gone: Collection[str]) -> frozenset[str]:
    """Ids of notes that took over from some notes, also in turn.

    Args:
        reasons: Ids of notes, each with the reason of one of its revisions.
        gone: Ids of the notes that were merged.
    """
    merges = [(note_id, other) for note_id, reason in reasons if (other := merged_id(reason))]
    found, before = set(gone), -1
    while len(found) != before:
        before = len(found)
        found |= {note_id for note_id, other in merges if other in found}
    return frozenset(found).difference(gone)


def taken_over(before: Note, merged: Note) -> TakenOver:
    """What a revision has taken over, by the one before it."""
    told = merged.content.removeprefix(before.content)
    told = without_leads(told) if told != merged.content or not before.content else ""
    return TakenOver(
        sentences=tuple(sentences_of(told)),
        tags=frozenset(merged.tags) - frozenset(before.tags),
        subject=(before.subject, merged.subject),
        kind=(before.kind, merged.kind),
    )


def all_taken_over(revisions: Sequence[Note], gone: Collection[str]) -> list[TakenOver]:
    """What a note, by its revisions, oldest first, ever took over from notes with these ids."""
    return [
        taken_over(revisions[place - 1], note)
        for place, note in enumerate(revisions)
        if place and note.change == MERGE_CHANGE and merged_id(note.reason) in gone
    ]


def find_taken_over(revisions: Sequence[Note], note_id: str) -> TakenOver | None:
    """What a note, by its revisions, oldest first, has of the one with this id; None if nothing."""
    found = None
    for place, note in enumerate(revisions):
        if note.change == MERGE_CHANGE and note.reason == merge_reason(note_id) and place:
            taken = taken_over(revisions[place - 1], note)
            found = taken if found is None else joined(found, taken)
        elif note.change == MERGE_CHANGE and note.reason == parted_reason(note_id):
            found = None
    return found


def taken_in_turn(taken: TakenOver, before: TakenOver) -> TakenOver:
    """Of what a note has taken over from a second one, what that had from a third (`before`)."""
    subject, kind = taken.subject, taken.kind
    return TakenOver(
        sentences=tuple(one for one in taken.sentences if one in before.sentences),
        tags=taken.tags & before.tags,
        subject=subject if before.subject[0] != before.subject[1] else (subject[1], subject[1]),
        kind=kind if before.kind[0] != before.kind[1] else (kind[1], kind[1]),
    )


def ever_taken_over(revisions: Sequence[Note], note_id: str) -> TakenOver | None:
    """What a note, by its revisions, oldest first, ever had of the one with this id."""
    return reduce(joined, found) if (found := all_taken_over(revisions, {note_id})) else None


def adds(taken: TakenOver, known: TakenOver | None) -> bool:
    """Whether something is taken over that is not known yet; None is known of nothing."""
    sentences, tags = (known.sentences, known.tags) if known else ((), frozenset[str]())
    return bool(set(taken.sentences).difference(sentences) or taken.tags - tags)


def joined(first: TakenOver, then: TakenOver) -> TakenOver:
    """What was taken over in two merges, one after the other."""
    return TakenOver(
        sentences=(*first.sentences, *then.sentences),
        tags=first.tags | then.tags,
        subject=(first.subject[0], then.subject[1]),
        kind=(first.kind[0], then.kind[1]),
    )


def without_taken(note: Note, taken: TakenOver) -> Note:
    """The note without what it has taken over; what was reworded since stays."""
    return replace(
        note,
        content=without_sentences(note.content, taken.sentences),
        tags=tuple(tag for tag in note.tags if tag not in taken.tags),
        subject=taken.subject[0] if note.subject == taken.subject[1] else note.subject,
        kind=taken.kind[0] if note.kind is taken.kind[1] else note.kind,
    )


def without_sentences(content: str, sentences: Iterable[str]) -> str:
    """The text without these sentences, however they are spaced, and leads of nothing.

    Only what stands behind a "Told again on" counts: before it are the note's own words.
    """
    begins = _lead().search(content)
    if begins is None:
        return content
    own, told = content[: begins.start()], content[begins.start() :]
    rest = told
    for sentence in sorted(set(sentences), key=len, reverse=True):
        spaced = r"\s+".join(map(re.escape, sentence.split()))
        rest = re.sub(rf"[^\S\n]*{spaced}" if spaced else r"(?!)", "", rest)
    if rest == told:
        return content
    rest = re.sub(rf"{_lead().pattern}[^\S\n]*(?=\n|\Z|{_TOLD_AGAIN})", "", rest)
    return own + rest if rest.strip() else own


def without_leads(told: str) -> str:
    """The text without the days on which its sentences were told again."""
    return _lead().sub(" ", told)


def _lead() -> "re.Pattern[str]":
    """What stands before sentences that were taken over."""
    return re.compile(rf"\s*{_TOLD_AGAIN} \d{{1,2}} \w+ \d{{4}}:")
