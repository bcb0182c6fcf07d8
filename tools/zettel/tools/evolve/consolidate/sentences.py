"""What of a note may be quoted, and which notes stand for many: by rule, to the letter."""

from collections.abc import Sequence

import numpy as np
import regex as re
from numpy.typing import NDArray

from zettel.storage.notes import Note
from zettel.storage.store import Vectors
from zettel.tools.evolve.instructions import reads_like_instructions
from zettel.tools.ranking.corpus import asks

_END = re.compile(r"(?<=[.!?…][\"'”’)]*)\s+|(?<=[。！？][”’」』）]*)|\s*\n\s*")
SHORTEST = 16
"""Characters of a sentence worth quoting: shorter ones greet and agree."""
DIVERSITY = 0.3
"""Weight of being unlike what is chosen already, against being central: one minus the lambda of
maximal marginal relevance (Carbonell and Goldstein 1998), which they set to 0.7 where relevance
is to lead."""

Row = NDArray[np.float32]
"""float32, shape `(dim,)`, of unit length."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line, verbatim but for white space."""
    return [found for part in _END.split(text) if (found := " ".join(part.split()))]


def quotable(note: Note) -> list[str]:
    """The sentences of a note that tell something; none of a note that gives the agent orders."""
    if reads_like_instructions(f"{note.subject}\n{note.content}"):
        return []
    told = (sentence for sentence in sentences(note.content) if len(sentence) >= SHORTEST)
    return [sentence for sentence in told if not asks(sentence)]


def centre(vectors: Sequence[Row]) -> Row:
    """The direction of the mean of unit vectors; next to nothing if they cancel each other out."""
    mean = np.mean(np.stack(vectors), axis=0, dtype=np.float64)
    length = max(float(np.linalg.norm(mean)), 1e-9)
    return np.asarray(mean / length, np.float32)


def as_row(passages: Vectors) -> Row:
    """One vector for a note of several passages."""
    return centre(list(passages))


def most_central(rows: Sequence[Row], most: int) -> list[int]:
    """Indices of the rows that stand for all of them, best first, by maximal marginal relevance.

    Args:
        rows: Unit vectors.
        most: How many to choose.
    """
    if not rows:
        return []
    matrix = np.stack(rows).astype(np.float64)
    relevance, alike = matrix @ centre(rows).astype(np.float64), matrix @ matrix.T
    chosen = list[int]()
    while len(chosen) < min(most, len(rows)):
        told = alike[:, chosen].max(axis=1) if chosen else np.zeros(len(rows))
        # Rounded, so that what is equal but for the order of a sum is settled by place.
        gain = np.round((1 - DIVERSITY) * relevance - DIVERSITY * told, 6)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen
