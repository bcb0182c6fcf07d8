"""The signals of recall's ranking: each a pure function from raw scores to values in `[0, 1]`.

To add one: write the function, give it a row in `weights.WEIGHTS`, and call it in
`fusion.signal_values`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from zettel.storage.errors import ZettelError
from zettel.storage.notes import Kind, Outline, fold, order_key

Scores = Mapping[str, float]
"""Note id -> score; a note without one scores 0."""

NEXT = 0.15
PREVIOUS = 0.05
ANSWERED = 0.25
"""Shares of a neighbour's text score that a note inherits (retrieval study, recipe H2): from the
next note, from the previous one, and on top from a previous one that asks a question."""
BEST_OF_SESSION = 3
"""Notes that stand for a session: the mean of its best three (same recipe)."""


class NotFiniteError(ZettelError, ValueError):
    """A raw score is NaN or infinite."""

    def __init__(self, note_id: str) -> None:
        self.note_id = note_id
        super().__init__(
            f"The score of note {note_id!r} is not finite. Run `zettel evolve --once`."
        )


def _finite(scores: Scores) -> Scores:
    for note_id, score in scores.items():
        if not math.isfinite(score):
            raise NotFiniteError(note_id)
    return scores


def over_best(scores: Scores) -> dict[str, float]:
    """Scores of 0 and up as shares of the best one: the best is 1, no score stays 0.

    Raises:
        NotFiniteError: A score is NaN or infinite.
    """
    best = max(_finite(scores).values(), default=0.0)
    return {note_id: max(s, 0.0) / best for note_id, s in scores.items()} if best > 0 else {}


def min_max(scores: Scores) -> dict[str, float]:
    """Scale one arm's scores to `[0, 1]` so that arms can be added; all equal scores become 1.

    Comparable within one question only.

    Raises:
        NotFiniteError: A score is NaN or infinite.
    """
    if not _finite(scores):
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {note_id: (score - low) / (high - low) for note_id, score in scores.items()}


def asks(content: str) -> bool:
    """Whether a note ends in a question, so that the next one may answer it."""
    return content.rstrip(" \t\n\"'”’)]*_").endswith(("?", "？", "؟"))


def sessions(outlines: Iterable[Outline]) -> dict[tuple[str, str], list[Outline]]:
    """(namespace, session) -> its notes in order; notes without a session have no neighbours."""
    grouped = dict[tuple[str, str], list[Outline]]()
    for outline in sorted(outlines, key=order_key):
        if outline.session:
            grouped.setdefault((outline.namespace, outline.session), []).append(outline)
    return grouped


def neighbours(text: Scores, ordered: Iterable[Sequence[Outline]]) -> dict[str, float]:
    """What a note inherits from the notes before and after it in its session.

    Args:
        text: Text scores as shares of the best one.
        ordered: Sessions, each in order.

    Returns:
        In `[0, NEXT + PREVIOUS + ANSWERED]`; an answer takes its question's words.
    """
    inherited = dict[str, float]()
    for session in ordered:
        for before, after in pairwise(session):
            share = PREVIOUS + (ANSWERED if asks(before.content) else 0.0)
            for heir, giver, part in ((after, before, share), (before, after, NEXT)):
                if score := text.get(giver.note_id, 0.0):
                    inherited[heir.note_id] = inherited.get(heir.note_id, 0.0) + part * score
    return inherited


def best_of_session(scores: Scores, ordered: Iterable[Sequence[Outline]]) -> dict[str, float]:
    """Each note's session by the mean of its best notes, scaled over the sessions.

    Args:
        scores: Scaled scores of one arm.
        ordered: Sessions; a note without one is a session of its own, or it would lose to every
            note that has one.
    """
    by_session = list[tuple[Sequence[Outline], float]]()
    for session in ordered:
        best = sorted((scores.get(o.note_id, 0.0) for o in session), reverse=True)[:BEST_OF_SESSION]
        by_session.append((session, sum(best) / len(best)))
    if len({score for _, score in by_session}) < 2:  # sessions that are all alike tell nothing
        return {}
    scaled = min_max({str(i): score for i, (_, score) in enumerate(by_session)})
    return {o.note_id: scaled[str(i)] for i, (s, _) in enumerate(by_session) for o in s}


def about(subject: str, outlines: Iterable[Outline]) -> dict[str, float]:
    """1 for notes of the one subject the question names."""
    return {o.note_id: 1.0 for o in outlines if subject and fold(o.subject) == subject}


def core(outlines: Iterable[Outline]) -> dict[str, float]:
    """1 for notes of the profile."""
    return {o.note_id: 1.0 for o in outlines if o.kind is Kind.CORE}
