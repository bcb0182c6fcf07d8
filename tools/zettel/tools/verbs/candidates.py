"""Stored notes that a new one may repeat or replace: shown to the agent, which decides."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import islice

import anyio
import numpy as np
from numpy.typing import NDArray

from zettel.storage.errors import StoreError
from zettel.storage.matching import match_outlines
from zettel.storage.notes import (
    MAY_SUPERSEDE,
    OPEN_RELATIONS,
    Kind,
    Link,
    Near,
    Note,
    Outline,
    State,
    fold,
    outline_of,
)
from zettel.storage.read_view import in_one_view
from zettel.storage.store import NoteFilter, Vectors, Written
from zettel.storage.text.passages import whole_passages
from zettel.tools.answers import Candidate
from zettel.tools.changes.conflicts import (
    CHANGE_MIN_COSINE,
    CONFLICT_MAX_CANDIDATES,
    FAR_MIN_COSINE,
    SAME_THING_MAX_NOTES,
    Conflict,
    conflict_links,
    find_conflicts,
    is_about_others,
    notes_stating,
)
from zettel.tools.changes.links import SURE_CONFIDENCE, standing
from zettel.tools.changes.same_subject import find_same_subject
from zettel.tools.changes.settling import settle_call
from zettel.tools.changes.supersession import supersedes
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.concurrency import first_error, read_in_thread
from zettel.tools.language.facts import Statement, find_statements
from zettel.tools.language.marks import find_marks
from zettel.tools.language.opposites import are_of_other_environments
from zettel.tools.language.other_things import are_labelled_apart
from zettel.tools.language.told_text import told_text
from zettel.tools.note_marks import add_labels
from zettel.tools.render import shorten
from zettel.tools.state.memory import Memory
from zettel.tools.tracing import start_part
from zettel.tools.trust import TrustView

logger = logging.getLogger(__name__)

MAX_CANDIDATES = 3
"""More are not read."""
CANDIDATE_NEAREST_NOTES = 24
"""Nearest notes read; some are below the threshold, some are the note itself."""
CANDIDATE_MAX_PASSAGES = 4
"""Passages of a long note that are searched with."""
CANDIDATE_MIN_COSINE = 0.70
SAME_SUBJECT_MIN_COSINE = 0.60
"""Exact cosine of a candidate, about anything and about the same subject.
"Caroline moved to Lyon" and "... to Paris" are at 0.63; at 0.5 every second turn of a
conversation (LoCoMo 26) would have five."""
SAME_THING_MIN_COSINE = 0.45
"""The same where at most `SAME_THING_MAX_NOTES` notes have the subject. In twelve months 26 of 37
such notes from .45 to .60 change the other, 21 of 26 nearer ones; 12 of LoCoMo dev's 2,960 turns
are among the former (November 2026)."""
FAR_AHEAD_MIN_COSINE, FAR_AHEAD_MIN_LEAD = 0.60, 0.10
"""Exact cosine of a candidate that is nearer than every other note, and by how much at least;
others count as at `CHANGE_MIN_COSINE`, below which none is read. What is told anew without a word
of change ("Berit needs the gauge back by Friday") is often so near, what only adds something
seldom. With a lead of .10 instead of .20, 11 more of 120 changes told without a word of change are
shown, 7 more of 100 pairs on one thing and 1 of 182 in nine months; of 150 pairs on two things 5
more, of 556 other notes of those months 3, of 240 notes that change nothing 6, of LoCoMo dev's
turns 3 in a hundred (by cosines, November 2026)."""
NEARLY_SAME_MIN_COSINE = 0.95
"""Exact cosine described as nearly the same words in `why`."""
CANDIDATE_MAX_CHARACTERS = 160
MEANWHILE = timedelta(minutes=1)
"""How long before or after a note another may have been told that is stored at the same time."""


SUGGESTED_MAX_TAGS = 3
SUGGESTED_NEAREST_NOTES = 5
SUGGESTED_MIN_NOTES = 2
"""Nearest notes whose tags may be suggested, and how many of them must have a tag, where none is as
near as a candidate of the same subject. In seven months agents gave 91 tags that were in use: of
the tags of one note from .60 on 5 of 6 were among them, of those of two from .40 on 6 of 6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A note beside the stored ones that it may repeat or replace."""

    note: Note
    known: Mapping[str, Outline]
    """The stored ones by id."""
    conflicts: Mapping[str, Conflict]
    alike: Sequence[Outline]
    cosines: Mapping[str, float]
    """By id; empty while the model is loading."""
    of_subject: float
    """Least cosine of a similar note about the same subject."""

    def links(self, now: datetime) -> list[Link]:
        """The note's links for what it may replace."""
        pairs = [(self.known[note_id], c) for note_id, c in self.conflicts.items()]
        return conflict_links(self.note, pairs, said=bool(supersedes(self.note)), now=now)


async def compare(
    memory: Memory,
    note: Note,
    vectors: Vectors | None,
    settled: Collection[str] = (),
    *,
    now: datetime,
) -> Compared:
    """Compare a note with stored ones; with none if the store fails, because the note is stored.

    Without vectors, it compares by words within the subject; `settled` are ids of notes that the
    same call superseded or archived.
    """
    stated = await read_in_thread(find_statements, note)
    least = SAME_SUBJECT_MIN_COSINE
    try:
        near, found = await _search(memory, note, stated, vectors, now)
        if any(_may_be_same_thing(note, one) for one in near):
            least = await _least_of_subject(memory, note)
    except StoreError:
        logger.warning("no candidates: the store could not be searched", exc_info=True)
        near, found = [], []
    known = {other.note_id: other for other in (*(one.outline for one in near), *found)}
    known = {i: other for i, other in known.items() if i not in (note.note_id, *settled)}
    cosines = None if vectors is None else _nearest_passages(near)
    compared = await _judged(note, stated, known, cosines, least)
    return await _with_stored(memory, compared, settled, now=now)


async def _with_stored(
    memory: Memory, compared: Compared, settled: Collection[str], *, now: datetime
) -> Compared:
    """With what the store tells of the note and the others beside their texts."""
    try:
        compared = await _with_same_subject(memory, compared, now=now)
        return await _with_told_between(memory, compared, settled)
    except StoreError:
        logger.warning("fewer candidates: the store could not be read", exc_info=True)
        return compared


async def _with_same_subject(memory: Memory, compared: Compared, *, now: datetime) -> Compared:
    """With the other note on the subject of a note without any words of a change."""
    if any(one.change for one in compared.conflicts.values()):
        return compared
    note, known = compared.note, compared.known
    where = NoteFilter(namespaces=(note.namespace,), unexpired_at=now)
    second = await find_same_subject(memory.store, note, known, compared.cosines, where)
    return replace(compared, conflicts={**second, **compared.conflicts})


async def _with_told_between(
    memory: Memory, compared: Compared, settled: Collection[str]
) -> Compared:
    """A note that repeats an older one changes what may have replaced that meanwhile.

    The older one, which was so before, is no candidate beside it.
    """
    note, folded, found = compared.note, fold(compared.note.content), dict[str, list[Note]]()
    same = {
        other.note_id
        for other in compared.known.values()
        if compared.cosines.get(other.note_id, 0.0) >= NEARLY_SAME_MIN_COSINE
        or fold(other.content) == folded
    }
    for other_id in sorted(same - compared.conflicts.keys()):
        between = await replaced_since(memory, compared.known[other_id])
        if told := [o for o in between if telling_key(o) < telling_key(note)]:
            found[other_id] = [one for one in told if one.note_id not in settled]
    between = {one.note_id: one for told in found.values() for one in told}
    if not between:
        return compared
    outlines = {note_id: outline_of(one) for note_id, one in between.items()}
    again = dict.fromkeys(outlines.keys() - compared.conflicts.keys(), _REPEATED)
    return replace(
        compared,
        known={**compared.known, **outlines},
        conflicts={**compared.conflicts, **again},
        alike=[other for other in compared.alike if other.note_id not in found],
    )


_REPEATED = Conflict(
    relation=MAY_SUPERSEDE,
    weight=SURE_CONFIDENCE,
    reason="repeats an earlier value",
    change=SURE_CONFIDENCE,
)


async def replaced_since(memory: Memory, note: Note | Outline) -> list[Note]:
    """Active notes told later that may have replaced a note, which nobody has settled."""
    linking = await memory.store.linking_to([note.note_id], relations=OPEN_RELATIONS)
    return [
        other
        for other in linking
        if other.state is State.ACTIVE
        and any(note.note_id in standing(other, relation) for relation in OPEN_RELATIONS)
        and telling_key(other) > telling_key(note)
    ]


async def compare_again(
    memory: Memory,
    compared: Compared,
    vectors: Vectors | None,
    settled: Collection[str],
    *,
    now: datetime,
) -> Compared:
    """Compare a note also with what others told anew within a minute of it.

    A whole second search of ten clients at once took two fifths of the processor time of theirs.
    """
    note = compared.note
    try:
        told, near = await _told_meanwhile(memory, compared, vectors, now)
        least = compared.of_subject
        if any(_may_be_same_thing(note, one) for one in near):
            least = await _least_of_subject(memory, note)
    except StoreError:
        logger.warning("no candidates: the store could not be searched", exc_info=True)
        return compared
    others = {other.note_id: other for other in told if other.note_id not in settled}
    if not others:
        return compared
    stated = await read_in_thread(find_statements, note)
    cosines = None if vectors is None else {**compared.cosines, **_nearest_passages(near)}
    compared = await _judged(note, stated, {**compared.known, **others}, cosines, least)
    return await _with_stored(memory, compared, settled, now=now)


async def _judged(
    note: Note,
    stated: Sequence[Statement],
    known: Mapping[str, Outline],
    cosines: Mapping[str, float] | None,
    of_subject: float,
) -> Compared:
    with start_part("candidates"):
        judged = await read_in_thread(_compared, note, stated, known, cosines, of_subject)
    conflicts, alike = judged
    if cosines is None:
        words = set(fold(note.content).split())
        alike = [other for other in known.values() if _shares_words(note, words, other)]
    return Compared(
        note=note,
        known=known,
        conflicts=conflicts,
        alike=alike,
        cosines=cosines or {},
        of_subject=of_subject,
    )


def _nearest_passages(near: Iterable[Near]) -> dict[str, float]:
    """Note id -> the greatest of its cosines."""
    cosines = dict[str, float]()
    for one in near:
        note_id = one.outline.note_id
        cosines[note_id] = max(cosines.get(note_id, one.score), one.score)
    return cosines


@in_one_view
async def _told_meanwhile(
    memory: Memory, compared: Compared, vectors: Vectors | None, now: datetime
) -> tuple[list[Outline], list[Near]]:
    """Notes told since shortly before a note that were not near it then, and those that are now."""
    note = compared.note
    where, told_at = NoteFilter(namespaces=(note.namespace,), unexpired_at=now), note.known_from
    # Until then, or plans for a time to come would take all places.
    latest = replace(where, since=told_at - MEANWHILE, until=told_at + MEANWHILE)
    found = await memory.store.find(latest, limit=CONFLICT_MAX_CANDIDATES)
    # Of those found by their words alone the meaning may not have been compared.
    near = {note.note_id, *compared.cosines}
    told = [outline_of(other) for other in found if other.note_id not in near]
    if not told or vectors is None:
        return told, []
    theirs = replace(where, note_ids=tuple(other.note_id for other in told))
    return told, await _nearest(memory, theirs, note, vectors)


@in_one_view
async def _search(
    memory: Memory,
    note: Note,
    stated: Sequence[Statement],
    vectors: Vectors | None,
    now: datetime,
) -> tuple[list[Near], list[Outline]]:
    """The stored notes that are near a note, and those that its words find."""
    where = NoteFilter(namespaces=(note.namespace,), unexpired_at=now)
    near, store = list[Near](), memory.store
    if vectors is not None:
        with start_part("vectors"):
            near = await _nearest(memory, where, note, vectors)
    with start_part("words"):
        found = await notes_stating(store, note, stated, where)
        if vectors is None:
            text = note.content[:512]
            found += await match_outlines(store, text, where, limit=CANDIDATE_NEAREST_NOTES)
    return near, found


async def candidates(memory: Memory, compared: Compared) -> list[Candidate]:
    """The candidates of a note just stored: conflicting statements first, then similar notes.

    Of several as sure conflicts the one with the note told last, which may have replaced others.
    """
    note, conflicts, cosines = compared.note, compared.conflicts, compared.cosines
    stating = sorted((compared.known[i] for i in conflicts), key=telling_key, reverse=True)
    stating.sort(key=lambda other: -conflicts[other.note_id].weight)
    alike = [other for other in compared.alike if other.note_id not in conflicts]
    alike.sort(key=lambda other: (-cosines.get(other.note_id, 0.0), other.note_id))
    reader = TrustView(memory.trust, note.origin.principal)
    shown = [*stating, *alike][:MAX_CANDIDATES]

    def described() -> list[Candidate]:
        return [
            _candidate(note, o, reader, cosines.get(o.note_id), conflicts.get(o.note_id))
            for o in shown
        ]

    characters = sum(len(read.content) for read in (note, *shown)) if shown else 0
    return await memory.read(characters, described)


def _compared(
    note: Note,
    stated: Sequence[Statement],
    known: Mapping[str, Outline],
    cosines: Mapping[str, float] | None,
    of_subject: float,
) -> tuple[dict[str, Conflict], list[Outline]]:
    """The conflicts with known notes by id, and the known notes that are similar.

    `of_subject` is the least cosine of a similar note about the same subject.
    """
    conflicts = find_conflicts(note, stated, known, cosines)
    near = {note_id: cosine for note_id, cosine in (cosines or {}).items() if note_id in known}
    ahead = _far_ahead(near)
    alike = [
        other
        for note_id, cosine in near.items()
        if (_alike(note, other := known[note_id], cosine, of_subject) or note_id == ahead)
        and not (stated and is_about_others(stated, find_statements(other)))
        and not are_labelled_apart(note.content, other.content)
        and not are_of_other_environments(note.content, other.content)
    ]
    return conflicts, alike


def _far_ahead(cosines: Mapping[str, float]) -> str:
    """The id of the note that is by far the nearest; empty if none is."""
    best, second = nlargest(2, [*cosines.values(), CHANGE_MIN_COSINE, CHANGE_MIN_COSINE])
    if best < FAR_AHEAD_MIN_COSINE or best - second < FAR_AHEAD_MIN_LEAD:
        return ""
    return max(cosines, key=cosines.__getitem__)


def _may_be_same_thing(note: Note, near: Near) -> bool:
    """Whether it is up to the number of notes of their subject that two are about one thing."""
    same = bool(note.subject) and fold(near.outline.subject) == fold(note.subject)
    return same and SAME_THING_MIN_COSINE <= near.score < SAME_SUBJECT_MIN_COSINE


async def _least_of_subject(memory: Memory, note: Note) -> float:
    """The least cosine of a candidate about the same subject as a note."""
    where = NoteFilter(namespaces=(note.namespace,), subject=note.subject)
    few = await memory.store.count(where) <= SAME_THING_MAX_NOTES
    return SAME_THING_MIN_COSINE if few else SAME_SUBJECT_MIN_COSINE


def _alike(note: Note, other: Outline, cosine: float, of_subject: float) -> bool:
    subject = fold(note.subject)
    same_subject = bool(subject) and fold(other.subject) == subject
    return cosine >= (of_subject if same_subject else CANDIDATE_MIN_COSINE)


async def suggested_tags(compared: Compared) -> list[str]:
    """Tags in use that may fit a note told without any: those of the nearest notes, trusted alike.

    Returns:
        At most `SUGGESTED_MAX_TAGS`, the nearest note's first; none for a note with tags.
    """
    note, votes, close = compared.note, Counter[str](), set[str]()
    if note.tags:
        return []
    near = [
        i for i, of in compared.cosines.items() if i in compared.known and of >= CHANGE_MIN_COSINE
    ]
    nearest = sorted(near, key=lambda known: -compared.cosines[known])
    for note_id in nearest[:SUGGESTED_NEAREST_NOTES]:
        other = compared.known[note_id]
        if other.trust >= note.trust and other.principal == note.origin.principal:
            votes.update(other.tags)
            if compared.cosines[note_id] >= SAME_SUBJECT_MIN_COSINE:
                close.update(other.tags)
    fitting = [tag for tag in votes if tag in close or votes[tag] >= SUGGESTED_MIN_NOTES]
    return await read_in_thread(_unmarked, fitting) if fitting else []


def _unmarked(tags: Sequence[str]) -> list[str]:
    """The first tags that would not be marked in a note."""
    return list(islice((tag for tag in tags if not find_marks(tag)), SUGGESTED_MAX_TAGS))


async def _nearest(memory: Memory, where: NoteFilter, note: Note, vectors: Vectors) -> list[Near]:
    """The notes nearest to a note's passages; what it changes may be further away."""
    found = list[Near]()
    changes = told_text(note.content, note.subject).says_change
    least = FAR_MIN_COSINE if changes else CHANGE_MIN_COSINE

    async def look(vector: NDArray[np.float32]) -> None:
        found.extend(
            await memory.store.nearest(vector, where, limit=CANDIDATE_NEAREST_NOTES, least=least)
        )

    with first_error():
        async with anyio.create_task_group() as group:
            for vector in whole_passages(note.content, vectors)[:CANDIDATE_MAX_PASSAGES]:
                group.start_soon(look, vector)
    return found


async def was_alone(memory: Memory, before: int, written: Written) -> bool:
    """Whether a commit is the only one since a version, and nobody else's notes are in it."""
    try:
        return not written.shared and await memory.store.version() == before + 1
    except StoreError:
        return False


def _shares_words(note: Note, words: Collection[str], other: Outline) -> bool:
    """Whether another note of the same subject has more than half of a note's words."""
    shared = set(words).intersection(fold(other.content).split())
    return fold(other.subject) == fold(note.subject) and 2 * len(shared) > len(words)


_NUMBER = re.compile(r"\d+")


def _candidate(
    note: Note,
    other: Outline,
    reader: TrustView,
    cosine: float | None,
    otherwise: Conflict | None,
) -> Candidate:
    nearly_same = cosine is not None and cosine >= NEARLY_SAME_MIN_COSINE
    alike = (
        "shares most words" if cosine is None else f"similarity {np.floor(cosine * 100) / 100:.2f}"
    )
    if nearly_same:
        alike = f"nearly the same words, {alike}"
    if otherwise:
        alike = otherwise.reason if cosine is None else f"{otherwise.reason}, {alike}"
    subject = (
        f", same subject {other.subject!r}"
        if note.subject and note.subject == other.subject
        else ""
    )
    words = " ".join(other.content.split())
    # An open task is told again nearly in its words when it is done, a port with another number.
    told_again = other.kind is not Kind.WORKING and _NUMBER.findall(
        note.content
    ) == _NUMBER.findall(other.content)
    repeats = not otherwise and ((nearly_same and told_again) or _ask_for_same(note, other))
    candidate = Candidate(
        note_id=other.note_id,
        content=shorten(words, CANDIDATE_MAX_CHARACTERS),
        why=alike + subject,
        settle=settle_call(note, other, reader.rules, same=repeats),
    )
    add_labels(candidate, f"{other.subject}\n{candidate['content']}", other, reader)
    return candidate


def _ask_for_same(note: Note, other: Outline) -> bool:
    """Whether both ask to do and to leave the same."""
    wanted = told_text(note.content, note.subject).feedback
    before = told_text(other.content, other.subject).feedback if wanted else None
    return wanted is not None and before is not None and wanted.says_same(before)
