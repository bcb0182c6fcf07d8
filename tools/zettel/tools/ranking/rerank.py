"""Signals that only the best of a ranking get: the rest keeps its place behind them."""

from collections.abc import Mapping, Sequence

from zettel.tools.ranking.fusion import Ranked

EXACT_WEIGHT = 1.0
"""Of `exact`: above what meaning alone can give (0.6), so that a note that holds the identifier
asked for comes before one that only sounds like it."""
RERANKER_WEIGHT = 1.0
"""Of `reranker`: as much as words and meaning together, so that it orders among what these found
and cannot lift what none of them speaks for. Set by hand: a cross-encoder's worth depends on the
one that is chosen (the study in which one lost 6.9 points of hit@1 let it order alone)."""
RERANKED = 20
"""Notes a cross-encoder reads for a question: two pages of ten. Each costs about what embedding a
passage does."""


def with_signal(
    ranked: Sequence[Ranked], name: str, values: Mapping[str, float], weight: float
) -> tuple[Ranked, ...]:
    """Add a signal to the scores of some notes and order all anew; equal scores keep their order.

    Args:
        ranked: Best first.
        name: Of the signal.
        values: In `[0, 1]` by note id; a note without one, or with 0, keeps its score.
        weight: Of the signal in the sum, above 0.
    """
    scored = [
        Ranked(r.note_id, r.score + weight * value, {**r.shares, name: weight * value})
        if (value := values.get(r.note_id, 0.0))
        else r
        for r in ranked
    ]
    return tuple(sorted(scored, key=lambda r: r.score, reverse=True))
