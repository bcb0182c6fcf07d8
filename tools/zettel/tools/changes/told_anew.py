"""A note that tells anew of a thing that one earlier note is on: "staging database".

Whoever files two notes of different days under one thing has mostly changed it, in whatever words.
"""

from collections.abc import Mapping
from dataclasses import replace

import regex as re

from zettel.storage.notes import Note, Outline, fold
from zettel.storage.store import NoteFilter, NoteReader
from zettel.tools.changes.conflicts import CHANGE_CONFIDENCE, Conflict, make_change
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.language.terms import terms
from zettel.tools.language.times import wall_time
from zettel.tools.language.user_words import user_names

ANEW_MIN_COSINE, ANEW_FURTHER_MIN_COSINE = 0.45, 0.50
"""Least cosine of two notes with a subject of several words, and of others. In 26 months of notes
46 more of 769 changes are seen by them, of the notes that change nothing or another note 3 are
taken for one; of four other sets (576 notes) none (November 2026). Names of people are left out: of
such notes on them 8 of 17 tell something else."""
ANEW_MAX_NOTES = 8
"""Notes of a subject that are read; one with more of them is no single thing."""
_OF_THING = re.compile(r"(?<!\p{L})\p{Ll}\p{L}{3,}")
"""A word in small letters, which a person's name has not; "van" and "della" are in some."""

_THE_THING = "what another note is on"


async def find_told_anew(
    store: NoteReader,
    note: Note,
    known: Mapping[str, Outline],
    cosines: Mapping[str, float],
    where: NoteFilter,
) -> dict[str, Conflict]:
    """The note that a note tells anew, or one by which it is told anew; at most one.

    Args:
        store: Where the notes of a subject are counted.
        note: The note.
        known: Notes by id.
        cosines: Of their nearest passages to the note's.
        where: The notes that count.
    """
    told = dict[str, list[Outline]]()
    for other_id in sorted(known.keys() & cosines.keys(), key=lambda i: (-cosines[i], i)):
        older, younger = sorted((note, known[other_id]), key=telling_key)
        if not _may_tell_anew(younger, older, cosines[other_id]):
            continue
        subject = fold(older.subject)
        if subject not in told:
            of_subject = replace(where, subject=older.subject)
            told[subject] = await store.outlines(of_subject, limit=ANEW_MAX_NOTES)
        notes = told[subject]
        before = [one.note_id for one in notes if telling_key(one) < telling_key(younger)]
        if before == [older.note_id] and len(notes) < ANEW_MAX_NOTES:
            reason = f"tells anew of {f'“{younger.subject}”' if younger.subject else _THE_THING}"
            return {other_id: make_change(CHANGE_CONFIDENCE, cosines[other_id], reason)}
    return {}


def _may_tell_anew(younger: Note | Outline, older: Note | Outline, cosine: float) -> bool:
    """Whether a note is on the thing that an older one has as its subject, and of a later day."""
    subject = fold(older.subject)
    several = len(subject.split()) > 1
    same = subject == fold(younger.subject)
    if cosine < (ANEW_MIN_COSINE if several and same else ANEW_FURTHER_MIN_COSINE):
        return False
    if not _OF_THING.search(older.subject) or subject in user_names():
        return False
    if not same and (younger.subject or not several or not _holds(younger.content, subject)):
        return False
    days = (wall_time(telling_key(one)[0]).date() for one in (older, younger))
    return len({*days}) > 1


def _holds(text: str, subject: str) -> bool:
    asked = {*terms(subject)}
    return bool(asked) and asked <= {*terms(text)}
