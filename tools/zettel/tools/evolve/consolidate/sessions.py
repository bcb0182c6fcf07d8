"""Gists of sessions and their events, and one running summary made of gists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from zettel.storage.notes import GIST, SUMMARY, Kind, Note, fold, order_key
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.evolve.consolidate.drafts import WRITER_MAX_NOTES, DerivedDraft
from zettel.tools.evolve.consolidate.sentences import (
    WORTH_WEIGHT,
    Row,
    as_row,
    centre,
    dated,
    ended,
    most_central,
    quotable,
    tells,
    worth,
)
from zettel.tools.evolve.steps.base import Task
from zettel.tools.language.question_words import says_decided
from zettel.tools.render import shorten

SPLIT_MIN_NOTES = 24
"""A session of fewer notes is one event; a quarter of LoCoMo's sessions have more."""
SURPRISE_WINDOW = 16
"""Preceding surprises that set the threshold."""
SURPRISE_NOTES = 4
"""Preceding notes of the same event that a note is compared with."""
SURPRISE_DEVIATIONS = 2.0
"""Standard deviations above the mean; set by hand, one is noise."""
COSINE_ROUNDING = 1e-6
"""Rounding error of a cosine of float32 rows."""
EVENT_MIN_NOTES = 8
"""Fewer make no gist shorter than themselves."""


def event_starts(rows: Sequence[Row]) -> list[int]:
    """Indices where the events of a session begin, ascending, 0 first; none for no rows.

    Each boundary depends on earlier notes alone. `rows` are the notes' unit vectors in session
    order.
    """
    if len(rows) < SPLIT_MIN_NOTES:
        return [0] if rows else []
    found, surprises = [0], list[float]()
    for at in range(1, len(rows)):
        before = rows[max(found[-1], at - SURPRISE_NOTES) : at]
        surprise = 1 - float(np.dot(rows[at], centre(before)))
        known = surprises[-SURPRISE_WINDOW:]
        if len(known) >= EVENT_MIN_NOTES and at - found[-1] >= EVENT_MIN_NOTES:
            threshold = float(np.mean(known)) + SURPRISE_DEVIATIONS * float(np.std(known))
            # A tail too short for a gist of its own is not split off.
            if surprise > threshold + COSINE_ROUNDING and len(rows) - at >= EVENT_MIN_NOTES:
                found.append(at)
        surprises.append(surprise)
    return found


GIST_MIN_NOTES = 4
"""Fewer are as quick to read themselves."""
GIST_MAX_CHARACTERS = 240
"""One long sentence, or two short ones."""
GIST_MAX_QUOTES = 3
"""Notes quoted in a gist."""
GIST_MAX_DECISIONS = 1
"""Decisions quoted before all else, which a reader of a session looks for first."""
GIST_QUOTE_CHARACTERS = 120
"""Longest quotation."""
SUMMARY_MAX_GISTS = 40
"""Newest gists considered, so that the cost is bounded."""
SUMMARY_MAX_CHARACTERS = 1_200
"""Some 300 tokens, as much as the profile."""
SESSION_MAX_NOTES = 100_000
"""Notes read of a session: all of them."""


async def gists(task: Task, namespace: str, session: str) -> tuple[list[DerivedDraft], list[Note]]:
    """Drafts of a session's gists, and its existing gists."""
    store = task.batch
    where = NoteFilter(namespaces=(namespace,), sessions=(session,))
    notes = sorted(await store.find(where, limit=SESSION_MAX_NOTES), key=order_key)
    notes = [note for note in notes if note.kind is not Kind.WORKING]
    vectors = await store.passages_of([note.note_id for note in notes]) if notes else {}
    notes = [note for note in notes if note.note_id in vectors]
    rows = [as_row(vectors[note.note_id]) for note in notes]
    drafts = list[DerivedDraft]()
    for start, end in pairwise([*event_starts(rows), len(notes)]):
        if draft := await _gist(task, notes[start:end], rows[start:end]):
            drafts.append(draft)
    made = NoteFilter(namespaces=(namespace,), sessions=(session,), derived=True)
    standing = await store.find(made, limit=SESSION_MAX_NOTES)
    return drafts, [note for note in standing if note.origin.principal == GIST]


async def _gist(task: Task, notes: Sequence[Note], rows: Sequence[Row]) -> DerivedDraft | None:
    believed = {note.note_id for note in task.memory.trust.most_trusted(notes)}
    chosen_at = [at for at, note in enumerate(notes) if note.note_id in believed]
    notes, rows = [notes[at] for at in chosen_at], [rows[at] for at in chosen_at]
    known = frozenset(fold(note.subject) for note in notes)
    best = {
        at: max(worth(note, text, known) for text in texts)
        for at, note in enumerate(notes)
        if (texts := quotable(note))
    }
    told = [at for at in best if _tell(notes[at])]
    if len(notes) < GIST_MIN_NOTES or not best or (len(known - {""}) > 1 and not told):
        return None  # of small talk between people there is no gist
    order = _central(rows, best, told or list(best), GIST_MAX_QUOTES)
    decisions = [at for at in best if says_decided(notes[at].content)][:GIST_MAX_DECISIONS]
    best_first = dict.fromkeys([*decisions, *order])
    chosen = {at: notes[at] for at in list(best_first)[:GIST_MAX_QUOTES]}
    quotes = await _quotes(task, chosen, rows, known)
    # The middle one: a note on what was before the session comes first.
    first, head = notes[0], _day(notes[len(notes) // 2].happened_at)
    shown = sorted(_central(rows, best, list(best), WRITER_MAX_NOTES))
    return DerivedDraft(
        sort=GIST,
        key=first.note_id,
        namespace=first.namespace,
        session=first.session,
        content=_joined(head, quotes),
        head=head,
        room=GIST_MAX_CHARACTERS,
        shown=tuple(notes[at] for at in shown),
        sources=tuple(notes),
        reason=f"gist of {len(notes)} notes",
    )


def _central(
    rows: Sequence[Row], worths: Mapping[int, float], of: Sequence[int], most: int
) -> list[int]:
    """Indices of the most representative of some notes, best first."""
    places = most_central([rows[at] for at in of], most, [worths[at] for at in of])
    return [of[place] for place in places]


def _tell(note: Note) -> list[str]:
    return [text for text in quotable(note) if tells(note, text)]


async def _quotes(
    task: Task, chosen: Mapping[int, Note], rows: Sequence[Row], known: frozenset[str]
) -> dict[int, str]:
    """Index of a chosen note, best first -> its most informative sentence and speaker."""
    texts = {at: _tell(note) or quotable(note) for at, note in chosen.items()}
    parts = [text for found in texts.values() for text in found]
    embedded = await task.memory.embedder.embed_notes(parts)
    vectors: Mapping[str, Vectors] = dict(zip(parts, embedded, strict=True))
    quotes = dict[int, str]()
    for at, found in texts.items():
        note = chosen[at]
        # A sentence that is cut may end before what it tells.
        whole = [text for text in found if len(text) <= GIST_QUOTE_CHARACTERS] or found
        gains = [
            float((vectors[text] @ rows[at]).max()) + WORTH_WEIGHT * worth(note, text, known)
            for text in whole
        ]
        best = whole[gains.index(max(gains))]
        who = f"{note.subject}: " if note.subject else ""
        quotes[at] = f"{who}{ended(shorten(dated(note, best), GIST_QUOTE_CHARACTERS))}"
    return quotes


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B} {moment.year}:"


def _joined(head: str, quotes: Mapping[int, str]) -> str:
    """The day and the quotations that fit, in session order."""
    kept, room = list[int](), GIST_MAX_CHARACTERS - len(head)
    for at, quote in quotes.items():
        if len(quote) + 1 <= room or not kept:
            kept.append(at)
            room -= len(quote) + 1
    return " ".join([head, *(quotes[at] for at in sorted(kept))])


async def summary(task: Task, namespace: str) -> tuple[list[DerivedDraft], list[Note]]:
    """Drafts of the running summary, made of the most central newest gists; and existing ones."""
    store = task.batch
    where = NoteFilter(namespaces=(namespace,), kinds=(Kind.CONCEPT,), derived=True)
    found = await store.find(where, limit=4 * SUMMARY_MAX_GISTS)
    standing = [note for note in found if note.origin.principal == SUMMARY]
    newest = task.memory.trust.most_trusted([n for n in found if n.origin.principal == GIST])
    newest = newest[:SUMMARY_MAX_GISTS]
    vectors = await store.passages_of([note.note_id for note in newest]) if newest else {}
    newest = [note for note in newest if note.note_id in vectors]
    order = most_central([as_row(vectors[note.note_id]) for note in newest], len(newest))
    kept, room = list[Note](), SUMMARY_MAX_CHARACTERS
    for gist in (newest[at] for at in order):
        if len(gist.content) + 1 > room:
            break
        kept.append(gist)
        room -= len(gist.content) + 1
    if not kept:
        return [], standing
    notes = sorted(kept, key=order_key)
    draft = DerivedDraft(
        sort=SUMMARY,
        key="",
        namespace=namespace,
        content="\n".join(gist.content for gist in notes),
        room=SUMMARY_MAX_CHARACTERS,
        sources=tuple(notes),
        reason=f"summary of {len(notes)} of the newest gists",
    )
    return [draft], standing
