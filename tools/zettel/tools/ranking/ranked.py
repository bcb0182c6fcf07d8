"""Ranked notes: their scores, the judgement of a ranking, and changes to its order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from zettel.storage.notes import Note, Outline, fold
from zettel.tools.language.spelling import told_by_spelling

RecallVerdict = Literal["found", "uncertain", "nothing_relevant"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A note with its score and each signal's share of it."""

    note_id: str
    score: float
    shares: Mapping[str, float]
    """Signal -> weight x value; they add up to the score."""

    def score_without(self, signal: str) -> float:
        """The score without the share of a signal."""
        return self.score - self.shares.get(signal, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """The judgement of a ranking."""

    verdict: RecallVerdict
    confidence: float
    """In `[0, 1]`."""
    reason: str = ""
    """For an agent; empty when found."""
    is_unknown: bool = False
    """Whether no note that was looked at has a name of the question."""


def add_signal(
    ranked: Sequence[Ranked], name: str, values: Mapping[str, float], weight: float
) -> tuple[Ranked, ...]:
    """Add a signal to the scores of some notes and sort again; equal scores keep their order.

    Args:
        ranked: Best first.
        name: The signal.
        values: In `[0, 1]` by note id; a note without a value keeps its score.
        weight: Weight of the signal, above 0.
    """
    scored = [
        Ranked(r.note_id, r.score + weight * value, {**r.shares, name: weight * value})
        if (value := values.get(r.note_id, 0.0))
        else r
        for r in ranked
    ]
    return tuple(sorted(scored, key=lambda r: r.score, reverse=True))


CopyKey = tuple[object, ...]
"""What copies of a note share."""


def copy_key(note: Note | Outline) -> CopyKey:
    """Key that copies of a note share: folded content and subject, and what spelling tells."""
    return (*_folded(note), told_by_spelling(note.content))


def group_copies(ranked: Iterable[Ranked], outlines: Mapping[str, Outline]) -> tuple[Ranked, ...]:
    """Move the copies of a note right behind the best of them, so that no page repeats one.

    Also what is only spelled otherwise, which is none. A note without an outline has no copies.
    """
    groups = dict[CopyKey, list[Ranked]]()
    for one in ranked:
        outline = outlines.get(one.note_id)
        groups.setdefault(_folded(outline) if outline else (one.note_id,), []).append(one)
    return tuple(chain.from_iterable(groups.values()))


def _folded(note: Note | Outline) -> CopyKey:
    return (fold(note.content), fold(note.subject))
