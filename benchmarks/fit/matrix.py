"""The signals of every question as one matrix, cut to the notes that could come up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit.gather import Conversation
from zettel.tools.ranking.fusion import fuse, signal_values

CANDIDATES = 200
"""Notes of a question that are learned from and measured: the first 200 of the present table hold
98 % of what any table brings into the first ten."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One question: its candidates and which of them are evidence."""

    conversation: str
    category: str
    values: NDArray[np.float64]
    """Shape `(candidates, signals)`."""
    wanted: NDArray[np.bool_]
    """Shape `(candidates,)`."""
    evidence: int
    """How many pieces of evidence there are, found among the candidates or not."""


def make_problems(
    conversations: Sequence[Conversation], names: Sequence[str], weights: Mapping[str, float]
) -> list[Problem]:
    """Compute the named signals of every question.

    Args:
        conversations: As gathered.
        names: The signals, in the order of the columns.
        weights: The table whose first candidates are kept.
    """
    problems = list[Problem]()
    for conversation in conversations:
        corpus = conversation.corpus
        for asked in conversation.asked:
            values = signal_values(asked.read, asked.text, asked.meaning, corpus)
            rows = fuse(values, corpus, weights).order[:CANDIDATES]
            ids = [corpus.outlines[row].note_id for row in map(int, rows)]
            found = [note_id in asked.evidence for note_id in ids]
            problems.append(
                Problem(
                    conversation=conversation.name,
                    category=asked.category,
                    values=np.stack([values[name][rows] for name in names], axis=1),
                    wanted=np.array(found, np.bool_),
                    evidence=len(asked.evidence),
                )
            )
    return problems
