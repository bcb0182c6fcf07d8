"""Fusing the signals into one order: a weighted sum of scaled scores.

A score sum after scaling, not reciprocal ranks: RRF with k = 60 was the worst fusion measured.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import isfinite

import numpy as np

from zettel.tools.ranking import signals
from zettel.tools.ranking.corpus import Corpus, Flags, Rows, Values
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import OTHERWISE, weights_for

ORDER_MAX_NOTES = 2_000
"""Notes put in order: ten times what any answer is paged through."""
EVIDENCE_SIGNALS = ("text", "meaning", "exchange", "all_of_then")
"""A note comes in only if one of these speaks for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """All notes of a corpus, scored for one question."""

    corpus: Corpus
    parts: Mapping[str, tuple[float, Values]]
    """Signal -> its weight, and its value for every note; their product is asked for few notes."""
    scores: Values
    """Their sums: of every note, in the corpus's order."""
    order: Rows
    """Rows of the notes that come in, best first; at most `ORDER_MAX_NOTES`."""

    def without(self, leave_out: AbstractSet[str]) -> Values:
        """Of every note, what the other signals say."""
        rest = self.scores.copy()
        for name in leave_out & self.parts.keys():
            rest -= self.share(name)
        return rest

    def share(self, name: str) -> Values:
        """What a signal says of every note: weight x value."""
        weight, values = self.parts[name]
        return weight * values

    def best(self, depth: int) -> list[Ranked]:
        """The first notes with what brought them up."""
        rows, outlines = self.order[:depth], self.corpus.outlines
        # Signal by signal: note by note, twenty look-ups a note take 0.7 ms.
        parts = {name: weight * of[rows] for name, (weight, of) in self.parts.items()}
        shown = [(name, shares.tolist()) for name, shares in parts.items() if shares.any()]
        return [
            _ranked(outlines[row].note_id, [(name, of[at]) for name, of in shown])
            for at, row in enumerate(map(int, rows))
        ]


def _ranked(note_id: str, parts: Iterable[tuple[str, float]]) -> Ranked:
    shares = {name: share for name, share in parts if share}
    return Ranked(note_id, sum(shares.values()), shares)


def question_values(question: Question, corpus: Corpus) -> dict[str, Values]:
    """The signals that need neither arm's hits: they can be had while these are looked for."""
    return {
        "exchange": signals.exchange(question, corpus),
        "session_text": signals.session_text(question, corpus),
        "subject": signals.about(question, corpus),
        "mentioned": signals.mentioned(question, corpus),
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
    }


def signal_values(
    question: Question,
    text: Mapping[str, float],
    meaning: Mapping[str, float],
    corpus: Corpus,
    beforehand: Mapping[str, Values] | None = None,
) -> dict[str, Values]:
    """Every signal's value for every note.

    Args:
        question: As read.
        text: Raw BM25 by note id.
        meaning: Cosine of the best passage by note id.
        corpus: The notes of the scope, hits and their sessions at least.
        beforehand: From `question_values`, if it is there already.

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
        **(question_values(question, corpus) if beforehand is None else beforehand),
    }


def fuse(
    values: Mapping[str, Values], corpus: Corpus, weights: Mapping[str, float] | None = None
) -> Ranking:
    """Order notes by the weighted sum of their signals, best first, ties by the newest note.

    Args:
        values: As `signal_values` made them.
        corpus: The notes they are of.
        weights: None takes those that hold for such a scope.
    """
    weights = weights_for(corpus) if weights is None else weights
    parts = {name: (weights[name], of) for name, of in values.items() if weights[name]}
    comes_in = np.logical_or.reduce([values[name] > 0 for name in EVIDENCE_SIGNALS])
    return rank_rows(corpus, parts, np.flatnonzero(comes_in))


def rank_rows(corpus: Corpus, parts: Mapping[str, tuple[float, Values]], rows: Rows) -> Ranking:
    """Order some notes by what the signals say in all, best first, ties by the newest note.

    Args:
        corpus: All notes.
        parts: Signal -> its weight, and its value for every note.
        rows: The notes that come in, ascending.
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
    """Whether the note's own words or meaning, not its company, brought it up."""
    return "text" in ranked.shares or ranked.shares.get("meaning", 0.0) > OTHERWISE["meaning"] / 2


def in_rows(scores: Mapping[str, float], corpus: Corpus) -> tuple[Values, Flags]:
    """One arm's scores in the corpus's order, and where there is one.

    Raises:
        NotFiniteError: A score is NaN or infinite.
    """
    for note_id, score in scores.items():
        if not isfinite(score):
            raise signals.NotFiniteError(note_id)
    values, scored = np.zeros(len(corpus)), np.zeros(len(corpus), np.bool_)
    rows = np.array([corpus.rows.get(note_id, -1) for note_id in scores], np.intp)
    here = rows >= 0
    values[rows[here]] = np.array(list(scores.values()), np.float64)[here]
    scored[rows[here]] = True
    return values, scored
