"""Gists of sessions and their events, and the one running summary made of gists.

Two levels, as HEMA has them (arXiv 2504.16754): what happened stays to the letter in the notes, and
above it stands what it comes down to, of constant size whatever is told (MEM1, arXiv 2506.15841).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from zettel.storage.notes import GIST, SUMMARY, Kind, Note, fold, order_key
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.evolve.consolidate.draft import Draft
from zettel.tools.evolve.consolidate.events import starts
from zettel.tools.evolve.consolidate.sentences import (
    WORTH,
    Row,
    as_row,
    most_central,
    quotable,
    worth,
)
from zettel.tools.evolve.consolidate.wording import MOST_SHOWN
from zettel.tools.evolve.step import Task
from zettel.tools.render import shortened

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


async def gists(task: Task, namespace: str, session: str) -> tuple[list[Draft], list[Note]]:
    """What the gists of a session should be, and the notes that are its gists by now."""
    store = task.memory.store
    where = NoteFilter(namespaces=(namespace,), sessions=(session,))
    told = sorted(await store.find(where, limit=IN_SESSION), key=order_key)
    told = [note for note in told if note.kind is not Kind.WORKING]
    vectors = await store.passages_of([note.note_id for note in told]) if told else {}
    told = [note for note in told if note.note_id in vectors]
    rows = [as_row(vectors[note.note_id]) for note in told]
    drafts = list[Draft]()
    for start, end in pairwise([*starts(rows), len(told)]):
        if draft := await _gist(task, told[start:end], rows[start:end]):
            drafts.append(draft)
    made = NoteFilter(namespaces=(namespace,), sessions=(session,), derived=True)
    standing = await store.find(made, limit=IN_SESSION)
    return drafts, [note for note in standing if note.origin.principal == GIST]


async def _gist(task: Task, notes: Sequence[Note], rows: Sequence[Row]) -> Draft | None:
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
    return Draft(
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
        quotes[at] = f"{who}{shortened(found[gains.index(max(gains))], QUOTE)}"
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


async def summary(task: Task, namespace: str) -> tuple[list[Draft], list[Note]]:
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
    draft = Draft(
        sort=SUMMARY,
        key="",
        namespace=namespace,
        content="\n".join(gist.content for gist in told),
        room=SUMMARY_LENGTH,
        sources=tuple(told),
        reason=f"summary of {len(told)} of the newest gists",
    )
    return [draft], standing
