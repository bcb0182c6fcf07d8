"""What of a note may be quoted, and which notes stand for many: by rule, to the letter."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zettel.storage.notes import Note, fold
from zettel.storage.store import Vectors
from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.utterance import asks
from zettel.tools.language.names import find_names
from zettel.tools.language.prompt_injection import reads_like_instructions
from zettel.tools.language.terms import terms

LEAST_TERMS = 5
"""Different words that say something, of a sentence worth quoting: "Wow, Melanie, what a beautiful
moment!" has four. Of LoCoMo's turns 72 % have such a sentence, of its evidence 90 % (conv-26)."""
RICH = 10
"""Such words of a sentence that cannot tell more by being longer."""
SPECIFIC = 0.5
"""What a name, a number or a time is worth beside `RICH` words; set by hand."""
WORTH = 0.3
"""Weight of what a sentence tells against how central it is: without it, gists of LoCoMo's sessions
are made of praise and thanks, which are always near the centre. Set by hand."""
DIVERSITY = 0.3
"""Weight of being unlike what is chosen already, against being central: one minus the lambda of
maximal marginal relevance (Carbonell and Goldstein 1998), which they set to 0.7 where relevance
is to lead."""

Row = NDArray[np.float32]
"""float32, shape `(dim,)`, of unit length."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line, verbatim but for white space."""
    parts = (text[slice(*span)] for span in sentence_spans(text))
    return [found for part in parts if (found := " ".join(part.split()))]


def quotable(note: Note) -> list[str]:
    """The sentences of a note that tell something; none of a note that gives the agent orders."""
    if reads_like_instructions(f"{note.subject}\n{note.content}"):
        return []
    told = (text for text in sentences(note.content) if len(set(terms(text))) >= LEAST_TERMS)
    return [text for text in told if not asks(text)]


def worth(note: Note, sentence: str, known: frozenset[str]) -> float:
    """How much a sentence of a note tells, in `[0, 1.5]`: by its words, and by what it names.

    Args:
        note: The note.
        sentence: One of its sentences.
        known: Folded subjects of the notes around it, whose names only address somebody.
    """
    rich = min(len(set(terms(sentence))), RICH) / RICH
    named = any(fold(name) not in known for name in find_names(f"x {sentence}"))
    timed = any(span.phrase in sentence for span in note.times)
    return rich + SPECIFIC * (named or timed or any(map(str.isdigit, sentence)))


def centre(vectors: Sequence[Row]) -> Row:
    """The direction of the mean of unit vectors; next to nothing if they cancel each other out."""
    mean = np.mean(np.stack(vectors), axis=0, dtype=np.float64)
    length = max(float(np.linalg.norm(mean)), 1e-9)
    return np.asarray(mean / length, np.float32)


def as_row(passages: Vectors) -> Row:
    """One vector for a note of several passages."""
    return centre(list(passages))


def most_central(rows: Sequence[Row], most: int, worths: Sequence[float] = ()) -> list[int]:
    """Indices of the rows that stand for all of them, best first, by maximal marginal relevance.

    Args:
        rows: Unit vectors.
        most: How many to choose.
        worths: What each tells; empty if all tell as much.
    """
    if not rows:
        return []
    matrix = np.stack(rows).astype(np.float64)
    relevance, alike = matrix @ centre(rows).astype(np.float64), matrix @ matrix.T
    if worths:
        relevance += WORTH * np.asarray(worths)
    chosen = list[int]()
    while len(chosen) < min(most, len(rows)):
        told = alike[:, chosen].max(axis=1) if chosen else np.zeros(len(rows))
        # Rounded, so that what is equal but for the order of a sum is settled by place.
        gain = np.round((1 - DIVERSITY) * relevance - DIVERSITY * told, 6)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen
