"""What a `NoteFilter` lets through and how words score, over notes in memory."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import log

from zettel.storage.identifiers import largest_id, smallest_id
from zettel.storage.notes import NEEDS_REVIEW, Note, compose_text, fold, fold_hash, order_key
from zettel.storage.store import NoteFilter
from zettel.storage.verbatim import held, pieces

K1 = 1.2
B = 0.75
"""BM25's saturation and length weight as LanceDB sets them (Robertson and Zaragoza, 2009)."""

_WORD = re.compile(r"\w+")


def matches(note: Note, where: NoteFilter) -> bool:
    """Whether a filter lets a revision through."""
    meant = note.row_id in where.past or (
        known(note, where.known_at) and _in_state(note, where) and _valid(note, where)
    )
    return meant and _told(note, where) and _described(note, where)


def known(note: Note, at: datetime | None) -> bool:
    """Whether a revision was the current one at a moment; None asks for now."""
    if at is None:
        return note.current
    return note.known_from <= at and _before(at, note.known_to)


def past_row(revisions: Iterable[Note], where: NoteFilter) -> str | None:
    """The row that `NoteStore.past` means of one note, if any.

    Args:
        revisions: All revisions of the note, in any order.
        where: The question, with its `valid_at`.
    """
    rows = list(revisions)
    base = next((note for note in rows if known(note, where.known_at)), None)
    instant = where.valid_at
    if base is None or instant is None or not _in_state(base, where):
        return None
    if base.valid_from <= instant or not _before(instant, base.valid_until):
        return None
    if not _listed(base, where):
        return None
    told = [
        note
        for note in rows
        if note.rev < base.rev
        and note.ended_at is not None
        and not note.corrected
        and note.valid_from <= instant
    ]
    last = max(told, key=lambda note: note.rev, default=None)
    return last.row_id if last is not None and _before(instant, last.valid_until) else None


def bm25(query: str, notes: Mapping[str, Note]) -> dict[str, float]:
    """Score notes by the words they share with a query, unstemmed, without stop words.

    Args:
        query: Any text.
        notes: The notes to score, by any key; word frequencies are theirs.

    Returns:
        The keys of notes that share a word, with a score above 0.
    """
    words = {key: Counter(_words(compose_text(note))) for key, note in notes.items()}
    average = sum(counts.total() for counts in words.values()) / max(1, len(words))
    scores: dict[str, float] = {}
    for word in _words(query):
        holders = {key: counts for key, counts in words.items() if word in counts}
        rarity = log(1 + (len(words) - len(holders) + 0.5) / (len(holders) + 0.5))
        for key, counts in holders.items():
            length = 1 - B + B * counts.total() / average
            gain = counts[word] * (K1 + 1) / (counts[word] + K1 * length)
            scores[key] = scores.get(key, 0.0) + rarity * gain
    return scores


def verbatim(query: str, notes: Iterable[Note]) -> dict[str, float]:
    """Row id -> how many parts of the query a note holds to the letter, where it holds any."""
    parts = pieces(query)
    counts = {note.row_id: held(compose_text(note), parts) for note in notes}
    return {row_id: count for row_id, count in counts.items() if count}


def _words(text: str) -> Sequence[str]:
    return _WORD.findall(fold(text))


def _told(note: Note, where: NoteFilter) -> bool:
    if where.after is not None and order_key(note) >= order_key(where.after):
        return False
    happened = told = True
    if where.since is not None:
        happened = note.happened_at >= where.since
        told = note.note_id >= smallest_id(where.since)
    if where.until is not None:
        happened = happened and note.happened_at <= where.until
        told = told and note.note_id <= largest_id(where.until)
    return happened or told


def _described(note: Note, where: NoteFilter) -> bool:
    return (
        _listed(note, where)
        and (not where.fold_hash or fold_hash(note.content) == where.fold_hash)
        and (not where.subject or note.subject.lower() == where.subject.lower())
        and (not where.tags or _is_tagged(note, where.tags))
        and (not where.kinds or note.kind in where.kinds)
        and (not where.sessions or note.session in where.sessions)
        and (where.stage_below is None or note.stage < where.stage_below)
        and (where.stage_from is None or note.stage >= where.stage_from)
        and (not where.unembedded or not note.embed_model)
        and where.derived in (None, note.derived)
    )


def _listed(note: Note, where: NoteFilter) -> bool:
    return (
        (not where.namespaces or note.namespace in where.namespaces)
        and note.namespace not in where.namespaces_not
        and (not where.note_ids or note.note_id in where.note_ids)
    )


def _in_state(note: Note, where: NoteFilter) -> bool:
    return not where.states or note.state in where.states


def _valid(note: Note, where: NoteFilter) -> bool:
    if where.unexpired_at is not None and not _before(where.unexpired_at, note.valid_until):
        return False
    if where.valid_at is None:
        return True
    return note.valid_from <= where.valid_at and _before(where.valid_at, note.valid_until)


def _before(instant: datetime, end: datetime | None) -> bool:
    return end is None or instant < end


def _is_tagged(note: Note, tags: Sequence[str]) -> bool:
    return not set(note.tags).isdisjoint(tags) or (NEEDS_REVIEW in tags and note.open)
