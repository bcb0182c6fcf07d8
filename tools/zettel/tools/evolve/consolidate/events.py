"""Where a long session turns to something else: by surprise, as people cut what they live through.

EM-LLM (arXiv 2407.09450, section 3.1) sets a boundary where a token surprises by more than
`mean + gamma * std` of what went before. Without a language model's likelihoods, the shift of the
embedding against the last notes stands for the surprise.
"""

from collections.abc import Sequence

import numpy as np

from zettel.tools.evolve.consolidate.sentences import Row, centre

LONG = 24
"""Notes from which a session may have more than one event: a quarter of LoCoMo's sessions have so
many, the median is 20."""
WINDOW = 16
"""Surprises that the threshold is made of: those just before."""
BEFORE = 4
"""Notes that a note is compared with: those just before, of the same event."""
GAMMA = 2.0
"""Standard deviations over the mean; set by hand: one lets noise cut as well."""
ROUNDING = 1e-6
"""What a cosine of float32 rows may be off by: notes all alike never surprise."""
SHORTEST = 8
"""Notes of an event before the next may begin: fewer make no gist shorter than themselves."""


def starts(rows: Sequence[Row]) -> list[int]:
    """Where the events of a session begin.

    Later notes never move an earlier boundary: each is set by what stands before it.

    Args:
        rows: A unit vector a note, in session order.

    Returns:
        Ascending indices, 0 first; none for an empty session.
    """
    if len(rows) < LONG:
        return [0] if rows else []
    found, surprises = [0], list[float]()
    for at in range(1, len(rows)):
        before = rows[max(found[-1], at - BEFORE) : at]
        surprise = 1 - float(np.dot(rows[at], centre(before)))
        known = surprises[-WINDOW:]
        if len(known) >= SHORTEST and at - found[-1] >= SHORTEST:
            threshold = float(np.mean(known)) + GAMMA * float(np.std(known))
            # Only a tail that is worth a gist of its own becomes one.
            if surprise > threshold + ROUNDING and len(rows) - at >= SHORTEST:
                found.append(at)
        surprises.append(surprise)
    return found
