"""A change of a thing by a second note with its subject: "staging database".

The later of two notes from different days on one thing is mostly a change, whatever its words.
"""

from collections.abc import Mapping
from dataclasses import replace

import regex as re

from zettel.storage.notes import Kind, Note, Outline, fold
from zettel.storage.store import NoteFilter, NoteReader
from zettel.tools.changes.conflicts import (
    CHANGE_CONFIDENCE,
    Conflict,
    is_about_others,
    make_change,
)
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.language.facts import find_statements
from zettel.tools.language.other_things import are_labelled_apart
from zettel.tools.language.times import wall_time
from zettel.tools.language.user_words import user_names

SECOND_NOTE_MIN_COSINE, SECOND_NOTE_WORD_MIN_COSINE = 0.45, 0.50
"""Least cosine of two notes with a subject of several words, and of one word. In 28 months of notes
37 more of 842 changes are seen by them, and of 2,595 notes 4 more are taken for one (November
2026, `benchmarks/RESULTS.md`). Subjects that are names are left out: of people much is told."""
SAME_SUBJECT_NOTES = 2
"""Notes of a subject that is one thing; of more it is rather a sort of things, such as rules."""
_SEVERAL_OF_A_KIND = frozenset((Kind.CORE, Kind.PROCEDURAL))
"""Kinds of notes of which two on one subject rather stand beside each other."""
_OF_THING = re.compile(
    r"(?<!\p{L})(?!d(?:ella|elle|egli|ello|alla|alle|agli|ela|elas|elos)(?!\p{L}))\p{Ll}\p{L}{3,}"
)
"""A word in small letters that stands in no person's name, as "van" and "della" do."""
_LABEL = re.compile(r"\A\P{L}*(?P<name>\p{L}+)\s+(?P<number>\p{N}+)(?!\p{N})")
"""A name and number at the beginning of a text: "Hive 3 is weak"."""


def is_of_thing(note: Note | Outline) -> bool:
    """Whether a note's subject is a thing and nobody, as far as its letters tell."""
    of_several = note.kind in _SEVERAL_OF_A_KIND or fold(note.subject) in user_names()
    return _OF_THING.search(note.subject) is not None and not of_several


async def find_same_subject(
    store: NoteReader,
    note: Note,
    known: Mapping[str, Outline],
    cosines: Mapping[str, float],
    where: NoteFilter,
) -> dict[str, Conflict]:
    """The other note on the thing that a note is on, if there is one alone: id -> conflict.

    Args:
        store: Where the notes of a subject are counted.
        note: The note, which may not be stored yet.
        known: Notes by id.
        cosines: Of their nearest passages to the note's.
        where: The notes that count.
    """
    near = {i: other for i, other in known.items() if _may_be_same(note, other, cosines.get(i))}
    if len(near) != 1:
        return {}
    told = await store.outlines(replace(where, subject=note.subject), limit=SAME_SUBJECT_NOTES + 1)
    if {one.note_id for one in told} - {note.note_id} != near.keys():
        return {}
    reason = f"also about “{note.subject}”"
    return {i: make_change(CHANGE_CONFIDENCE, cosines[i], reason) for i in near}


def _may_be_same(note: Note, other: Outline, cosine: float | None) -> bool:
    """Whether two notes of different days are on one thing, and not each on one of several."""
    subject = fold(note.subject)
    if subject != fold(other.subject) or not (is_of_thing(note) and is_of_thing(other)):
        return False
    least = SECOND_NOTE_MIN_COSINE if len(subject.split()) > 1 else SECOND_NOTE_WORD_MIN_COSINE
    if cosine is None or cosine < least:
        return False
    days = {wall_time(telling_key(one)[0]).date() for one in (note, other)}
    if len(days) == 1 or are_labelled_apart(note.content, other.content):
        return False
    if _are_numbered_apart(note.content, other.content):
        return False
    return not is_about_others(find_statements(note), find_statements(other))


def _are_numbered_apart(one: str, other: str) -> bool:
    """Whether two texts begin with one name and different numbers: "Hive 3", "Hive 5"."""
    first, second = (_LABEL.match(fold(text)) for text in (one, other))
    if first is None or second is None or first["name"] != second["name"]:
        return False
    return first["number"] != second["number"]
