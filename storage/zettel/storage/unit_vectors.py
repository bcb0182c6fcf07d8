"""Bring vectors to unit length."""

import numpy as np
from numpy.typing import NDArray

from zettel.storage.store import Vectors


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Scale each row to length 1, so that a dot product is a cosine.

    Args:
        vectors: Any finite numbers, shape `(n, dim)`.

    Returns:
        float32, the same shape. A row of zeros, which is what some models make of a text without
        a single token they know, becomes the first axis: such texts are like each other.
    """
    rows = vectors.astype(np.float32)
    rows[~rows.any(axis=1), 0] = 1
    # Twice: squares of very large or very small numbers leave float32.
    rows /= np.abs(rows).max(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
