"""Finding by the letters what full text cannot find by its words.

Its tokenizer drops emoji and symbols, and cuts scripts that put no space between words, or fasten
particles to them, where a dictionary or a space says so: 부산 is not found in 부산에서.
"""

import regex as re

_EDGE = "\"'“”„‘’«»()[]{}<>「」『』,.;:!?…。、，！？؟।"
_CONTROL = re.compile(r"\p{Cc}")
_WORDED = re.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{N}\p{M}\p{Cf}_'’-]*")
"""What full text finds if it is there: a part of such a word is another word."""
MAX_PIECES = 16
"""Pieces of a query that are looked for."""


def query_pieces(query: str) -> tuple[str, ...]:
    """The parts of a query, between spaces, to look for to the letter; lower case, each once."""
    shown = _CONTROL.sub(" ", query.lower())
    parts = (part.strip(_EDGE) for part in shown.split())
    found = dict.fromkeys(part for part in parts if not _WORDED.fullmatch(part))
    return tuple(found)[:MAX_PIECES]


def count_pieces(text: str, parts: tuple[str, ...]) -> float:
    """How many of the pieces a text holds."""
    lowered = text.lower()
    return float(sum(part in lowered for part in parts))
