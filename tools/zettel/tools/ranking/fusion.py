"""Fusing the signals into one order: a weighted sum of scaled scores.

A score sum after scaling, not reciprocal ranks: RRF with k = 60 was the worst fusion measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zettel.storage.notes import Outline
from zettel.tools.ranking import signals
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.weights import WEIGHTS


@dataclass(frozen=True, slots=True)
class Ranked:
    """A note with its score and each signal's share of it."""

    note_id: str
    score: float
    shares: Mapping[str, float]
    """Signal -> weight x value; they add up to the score."""


def signal_values(
    question: Question,
    text: signals.Scores,
    meaning: signals.Scores,
    outlines: Sequence[Outline],
) -> dict[str, dict[str, float]]:
    """Every signal's value for the notes it speaks of.

    Args:
        question: As read.
        text: Raw BM25 by note id.
        meaning: Cosine of the best passage by note id.
        outlines: The notes of the scope, hits and their sessions at least.
    """
    words, nearness = signals.over_best(text), signals.min_max(meaning)
    ordered = list(signals.sessions(outlines).values())
    alone = [[outline] for outline in outlines if not outline.session] if ordered else []
    return {
        "text": words,
        "meaning": nearness,
        "neighbours": signals.neighbours(words, ordered),
        "session_text": signals.best_of_session(words, [*ordered, *alone]),
        "session_meaning": signals.best_of_session(nearness, [*ordered, *alone]),
        "subject": signals.about(question.subject, outlines),
        "core": signals.core(outlines),
    }


def speaks_for_itself(ranked: Ranked) -> bool:
    """Whether the note's own words or meaning, not its company, brought it up."""
    return "text" in ranked.shares or ranked.shares.get("meaning", 0.0) > WEIGHTS["meaning"] / 2


def fuse(values: Mapping[str, signals.Scores], known: Sequence[Outline]) -> list[Ranked]:
    """Order notes by the weighted sum of their signals, best first, ties by the newest note.

    A note comes in only if text, meaning or a neighbour speaks for it.
    """
    evidence = {i for name in ("text", "meaning", "neighbours") for i in values.get(name, {})}
    ranked = list[Ranked]()
    for outline in known:
        if outline.note_id not in evidence:
            continue
        shares = {
            name: WEIGHTS[name] * scores[outline.note_id]
            for name, scores in values.items()
            if scores.get(outline.note_id)
        }
        ranked.append(Ranked(outline.note_id, sum(shares.values()), shares))
    newest = {o.note_id: signals.order_key(o) for o in known}
    ranked.sort(key=lambda r: newest[r.note_id], reverse=True)
    ranked.sort(key=lambda r: r.score, reverse=True)
    return ranked
