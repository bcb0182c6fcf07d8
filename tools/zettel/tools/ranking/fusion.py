"""Fusion of the signals into one order: a weighted sum of scaled scores."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from zettel.tools.ranking import signals
from zettel.tools.ranking.corpus import Corpus, Flags, Rows, Values
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import OTHERWISE, weights_for

ORDER_MAX_NOTES = 2_000
"""Most notes in an order: ten times what the pages of an answer hold."""
EVIDENCE_SIGNALS = ("text", "meaning", "exchange", "all_of_then", "all_of_whom", "of_sort")
"""Signals of which a ranked note has at least one above 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """The notes of a corpus with their scores for one question."""

    corpus: Corpus
    parts: Mapping[str, tuple[float, Values]]
    """Signal -> its weight, and its value for every note."""
    scores: Values
    """Sums of weight x value for every note."""
    order: Rows
    """Rows of the ranked notes, best first; at most `ORDER_MAX_NOTES`."""

    def without(self, leave_out: AbstractSet[str]) -> Values:
        """Scores of every note without the shares of some signals."""
        rest = self.scores.copy()
        for name in leave_out & self.parts.keys():
            rest -= self.share(name)
        return rest

    def share(self, name: str) -> Values:
        """A signal's share of every note's score: weight x value."""
        weight, values = self.parts[name]
        return weight * values

    def best(self, depth: int) -> list[Ranked]:
        """The first notes with their shares."""
        rows, outlines = self.order[:depth], self.corpus.outlines
        # By signal: indexing arrays note by note is slow.
        parts = {name: weight * of[rows] for name, (weight, of) in self.parts.items()}
        parts = {name: shares.tolist() for name, shares in parts.items() if shares.any()}
        of_notes = zip(*parts.values(), strict=True) if parts else repeat((), len(rows))
        return [
            _ranked(outlines[row].note_id, parts, shares)
            for row, shares in zip(map(int, rows), of_notes, strict=True)
        ]


def _ranked(note_id: str, names: Iterable[str], given: Iterable[float]) -> Ranked:
    shares = {name: share for name, share in zip(names, given, strict=True) if share}
    return Ranked(note_id, sum(shares.values()), shares)


def question_values(question: Question, corpus: Corpus) -> dict[str, Values]:
    """The signals that need no arm's hits: computed while the arms search."""
    return {
        "exchange": signals.exchange(question, corpus),
        "session_text": signals.session_text(question, corpus),
        "subject": signals.of_subject(question, corpus),
        "mentioned": signals.of_whom_others_tell(question, corpus),
        "asking": signals.asking(corpus),
        "length": signals.length(corpus),
        "tells_when": signals.tells_when(question, corpus),
        "tells_who": signals.tells_who(question, corpus),
        "happened_then": signals.happened_then(question, corpus),
        "speaks_of_then": signals.speaks_of_then(question, corpus),
        "all_of_then": signals.all_of_then(question, corpus),
        "beside": signals.beside(question, corpus),
        "standing": signals.standing(question, corpus),
        "core": signals.core(corpus),
        "own": signals.own(question, corpus),
        "all_of_whom": signals.all_of_whom(question, corpus),
        "of_sort": signals.of_sort(question, corpus),
    }


def signal_values(
    question: Question,
    text: Mapping[str, float],
    meaning: Mapping[str, float],
    corpus: Corpus,
    beforehand: Mapping[str, Values] | None = None,
) -> dict[str, Values]:
    """Compute every signal's value for every note.

    Args:
        question: The question.
        text: Raw BM25 by note id.
        meaning: Cosine of the best passage by note id.
        corpus: The notes of the scope, at least the hits and their sessions.
        beforehand: The result of `question_values`; None computes it.

    Raises:
        NotFiniteError: A score is NaN or infinite.
    """
    raw_text, _ = in_rows(text, corpus)
    raw_meaning, near = in_rows(meaning, corpus)
    words, nearness = signals.over_best(raw_text), signals.min_max(raw_meaning, near)
    return {
        "text": words,
        "meaning": nearness,
        "answers": signals.answers(words, corpus),
        "session_meaning": signals.session_meaning(nearness, corpus),
        "in_order": signals.in_order(question, corpus, words + nearness),
        "coming": signals.coming(question, corpus, words + nearness),
        **(question_values(question, corpus) if beforehand is None else beforehand),
    }


def fuse(
    values: Mapping[str, Values], corpus: Corpus, weights: Mapping[str, float] | None = None
) -> Ranking:
    """Rank notes by the weighted sum of their signals.

    Weights of None are `weights_for(corpus)`.
    """
    weights = weights_for(corpus) if weights is None else weights
    parts = {name: (weights[name], of) for name, of in values.items() if weights[name]}
    comes_in = np.logical_or.reduce([values[name] > 0 for name in EVIDENCE_SIGNALS])
    return rank_rows(corpus, parts, np.flatnonzero(comes_in))


def rank_rows(corpus: Corpus, parts: Mapping[str, tuple[float, Values]], rows: Rows) -> Ranking:
    """Order notes by score, best first, ties by the newest note.

    Args:
        corpus: All notes.
        parts: Signal -> its weight, and its value for every note.
        rows: Rows of the notes to order, ascending.
    """
    scores, share = np.zeros(len(corpus)), np.empty(len(corpus))
    for weight, values in parts.values():
        scores += np.multiply(values, weight, out=share)
    if len(rows) > ORDER_MAX_NOTES:
        rows = np.sort(rows[np.argpartition(-scores[rows], ORDER_MAX_NOTES)[:ORDER_MAX_NOTES]])
    newest = rows[::-1]
    order = newest[np.argsort(-scores[newest], kind="stable")]
    return Ranking(corpus=corpus, parts=parts, scores=scores, order=order)


def speaks_for_itself(ranked: Ranked) -> bool:
    """Whether the note's own words or meaning, not its session, match."""
    return "text" in ranked.shares or ranked.shares.get("meaning", 0.0) > OTHERWISE["meaning"] / 2


def in_rows(scores: Mapping[str, float], corpus: Corpus) -> tuple[Values, Flags]:
    """One arm's scores in the corpus's order, and where there is one.

    Raises:
        NotFiniteError: A score is NaN or infinite.
    """
    given = np.fromiter(scores.values(), np.float64, len(scores))
    if not (finite := np.isfinite(given)).all():
        raise signals.NotFiniteError(list(scores)[int(finite.argmin())])
    values, scored = np.zeros(len(corpus)), np.zeros(len(corpus), np.bool_)
    rows = np.fromiter(map(corpus.rows.get, scores, repeat(-1)), np.intp, len(scores))
    here = rows >= 0
    values[rows[here]] = given[here]
    scored[rows[here]] = True
    return values, scored
