"""Gists of sessions and of their events, and one running summary made of gists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from zettel.storage.notes import GIST, SUMMARY, Kind, Note, fold, order_key
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.evolve.consolidate.draft import DerivedDraft
from zettel.tools.evolve.consolidate.sentences import (
    WORTH,
    Row,
    as_row,
    centre,
    most_central,
    quotable,
    worth,
)
from zettel.tools.evolve.consolidate.wording import MOST_SHOWN
from zettel.tools.evolve.steps.base import Task
from zettel.tools.render import shorten

LONG = 24
"""Notes from which a session may have more than one event: a quarter of LoCoMo's sessions have so
many, the median is 20."""
WINDOW = 16
"""Surprises that the threshold is made of: those just before."""
BEFORE = 4
"""Notes that a note is compared with: those just before, of the same event."""
GAMMA = 2.0
"""Standard deviations over the mean; set by hand: one lets noise cut as well."""
ROUNDING = 1e-6
"""What a cosine of float32 rows may be off by: notes all alike never surprise."""
SHORTEST = 8
"""Notes of an event before the next may begin: fewer make no gist shorter than themselves."""


def starts(rows: Sequence[Row]) -> list[int]:
    """Where the events of a session begin.

    Later notes never move an earlier boundary: each is set by what stands before it.

    Args:
        rows: A unit vector a note, in session order.

    Returns:
        Ascending indices, 0 first; none for an empty session.
    """
    if len(rows) < LONG:
        return [0] if rows else []
    found, surprises = [0], list[float]()
    for at in range(1, len(rows)):
        before = rows[max(found[-1], at - BEFORE) : at]
        surprise = 1 - float(np.dot(rows[at], centre(before)))
        known = surprises[-WINDOW:]
        if len(known) >= SHORTEST and at - found[-1] >= SHORTEST:
            threshold = float(np.mean(known)) + GAMMA * float(np.std(known))
            # Only a tail that is worth a gist of its own becomes one.
            if surprise > threshold + ROUNDING and len(rows) - at >= SHORTEST:
                found.append(at)
        surprises.append(surprise)
    return found


LEAST = 4
"""Notes of which a gist is made: fewer are read as fast themselves."""
LENGTH = 240
"""Characters of a gist: one sentence that is long, or two that are not."""
QUOTED = 3
"""Notes quoted in a gist at most."""
QUOTE = 120
"""Characters of a quotation."""
SUMMED_UP = 40
"""Newest gists that the summary is chosen from, so that it costs the same at any size."""
SUMMARY_LENGTH = 1_200
"""Characters of the summary: some 300 tokens, as much as the profile."""
IN_SESSION = 100_000
"""Notes read of a session: all of them."""


async def gists(task: Task, namespace: str, session: str) -> tuple[list[DerivedDraft], list[Note]]:
    """What the gists of a session should be, and the notes that are its gists by now."""
    store = task.memory.store
    where = NoteFilter(namespaces=(namespace,), sessions=(session,))
    told = sorted(await store.find(where, limit=IN_SESSION), key=order_key)
    told = [note for note in told if note.kind is not Kind.WORKING]
    vectors = await store.passages_of([note.note_id for note in told]) if told else {}
    told = [note for note in told if note.note_id in vectors]
    rows = [as_row(vectors[note.note_id]) for note in told]
    drafts = list[DerivedDraft]()
    for start, end in pairwise([*starts(rows), len(told)]):
        if draft := await _gist(task, told[start:end], rows[start:end]):
            drafts.append(draft)
    made = NoteFilter(namespaces=(namespace,), sessions=(session,), derived=True)
    standing = await store.find(made, limit=IN_SESSION)
    return drafts, [note for note in standing if note.origin.principal == GIST]


async def _gist(task: Task, notes: Sequence[Note], rows: Sequence[Row]) -> DerivedDraft | None:
    known = frozenset(fold(note.subject) for note in notes)
    best = {
        at: max(worth(note, text, known) for text in texts)
        for at, note in enumerate(notes)
        if (texts := quotable(note))
    }
    if len(notes) < LEAST or not best:
        return None
    telling = list(best)
    order = most_central([rows[at] for at in telling], QUOTED, list(best.values()))
    chosen = {at: notes[at] for at in (telling[place] for place in order)}
    quotes = await _quotes(task, chosen, rows, known)
    first, head = notes[0], _day(notes[0].happened_at)
    central = most_central([rows[at] for at in telling], MOST_SHOWN, list(best.values()))
    return DerivedDraft(
        sort=GIST,
        key=first.note_id,
        namespace=first.namespace,
        session=first.session,
        content=_told(head, quotes),
        head=head,
        room=LENGTH,
        shown=tuple(notes[at] for at in sorted(telling[place] for place in central)),
        sources=tuple(notes),
        reason=f"gist of {len(notes)} notes",
    )


async def _quotes(
    task: Task, chosen: Mapping[int, Note], rows: Sequence[Row], known: frozenset[str]
) -> dict[int, str]:
    """Place of a chosen note, best first -> its most telling sentence with who says it."""
    texts = {at: quotable(note) for at, note in chosen.items()}
    parts = [text for found in texts.values() for text in found]
    embedded = await task.memory.embedder.embed_notes(parts)
    vectors: Mapping[str, Vectors] = dict(zip(parts, embedded, strict=True))
    quotes = dict[int, str]()
    for at, found in texts.items():
        note = chosen[at]
        gains = [
            float((vectors[text] @ rows[at]).max()) + WORTH * worth(note, text, known)
            for text in found
        ]
        who = f"{note.subject}: " if note.subject else ""
        quotes[at] = f"{who}{shorten(found[gains.index(max(gains))], QUOTE)}"
    return quotes


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B} {moment.year}:"


def _told(head: str, quotes: Mapping[int, str]) -> str:
    """The day and as many of the quotations as there is room for, in the order they were told."""
    kept, room = list[int](), LENGTH - len(head)
    for at, quote in quotes.items():
        if len(quote) + 1 <= room or not kept:
            kept.append(at)
            room -= len(quote) + 1
    return " ".join([head, *(quotes[at] for at in sorted(kept))])


async def summary(task: Task, namespace: str) -> tuple[list[DerivedDraft], list[Note]]:
    """What the running summary of a namespace should be: its most central newest gists, in order.

    Returns:
        The draft, if there is any gist, and the summary that stands.
    """
    store = task.memory.store
    where = NoteFilter(namespaces=(namespace,), kinds=(Kind.CONCEPT,), derived=True)
    found = await store.find(where, limit=4 * SUMMED_UP)
    standing = [note for note in found if note.origin.principal == SUMMARY]
    newest = [note for note in found if note.origin.principal == GIST][:SUMMED_UP]
    vectors = await store.passages_of([note.note_id for note in newest]) if newest else {}
    newest = [note for note in newest if note.note_id in vectors]
    order = most_central([as_row(vectors[note.note_id]) for note in newest], len(newest))
    kept, room = list[Note](), SUMMARY_LENGTH
    for gist in (newest[at] for at in order):
        if len(gist.content) + 1 > room:
            break
        kept.append(gist)
        room -= len(gist.content) + 1
    if not kept:
        return [], standing
    told = sorted(kept, key=order_key)
    draft = DerivedDraft(
        sort=SUMMARY,
        key="",
        namespace=namespace,
        content="\n".join(gist.content for gist in told),
        room=SUMMARY_LENGTH,
        sources=tuple(told),
        reason=f"summary of {len(told)} of the newest gists",
    )
    return [draft], standing
