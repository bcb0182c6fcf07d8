"""Literal search for what the full-text tokenizer loses.

It drops emoji and symbols, and splits scripts without spaces or with attached particles only where
a dictionary or a space does: 부산 is not found in 부산에서.
"""

import regex as re

_EDGE = "\"'“”„‘’«»()[]{}<>「」『』,.;:!?…。、，！？؟।"
_CONTROL = re.compile(r"\p{Cc}")
_WORDED = re.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{N}\p{M}\p{Cf}_'’-]*")
"""Words that full text finds: a part of such a word is another word."""
MAX_PIECES = 16
"""Pieces of a query that are searched."""


def query_pieces(query: str) -> tuple[str, ...]:
    """The parts of a query to search literally; lower case, each once."""
    shown = _CONTROL.sub(" ", query.lower())
    parts = (part.strip(_EDGE) for part in shown.split())
    found = dict.fromkeys(part for part in parts if not _WORDED.fullmatch(part))
    return tuple(found)[:MAX_PIECES]


def count_pieces(text: str, parts: tuple[str, ...]) -> float:
    """Number of the pieces that a text contains."""
    lowered = text.lower()
    return float(sum(part in lowered for part in parts))
