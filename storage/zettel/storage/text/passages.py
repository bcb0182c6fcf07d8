"""Splits a long text into passages for embedding, with any tokenizer."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray

MAX_PASSAGE_TOKENS = 200
"""Tokens of one passage without special tokens (design §4: best passage of at most 200)."""
SENTENCES_MIN_CHARACTERS, SENTENCE_MIN_CHARACTERS = 400, 40
"""Length from which a text of one passage has vectors of its sentences as well, and theirs: one
vector of a report of five sentences is near to none of them. Of 120 questions about 668 reports 68
instead of 65 are answered in the first three notes; from 250 characters on 70, but then long turns
of LoCoMo come before short ones that answer, .7 of recall@10 (`benchmarks/RESULTS.md`)."""

TextSpan = tuple[int, int]
"""`[start, end)` in characters."""

TokenSpans = Callable[[str], Sequence[TextSpan]]
"""Spans of a text's tokens in order, without special tokens; starts never decrease."""

_GRAPHEME = regex.compile(r"\p{GCB=RI}{2}[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}]*+|\X")
"""Flags apart, because at each flag `\\X` counts those before it again."""
_ABBREVIATION = (
    r"\b(?:\p{L}|[Dd]r|Mrs?|Ms|Prof|St|vs|ca|bzw|approx|[Ss]r|Jr|Fr|Hr|Mme|Mlle|Sra|resp|inkl|incl"
    r"|(?:[NnVv]o|Nr)(?=\.\s\d))"
)
_GERMAN_MONTH = r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)"
_ORDINAL = rf"\d(?=\.\s{_GERMAN_MONTH})|(?<![\d.,:])\d{{1,2}}(?=\.\s\p{{Ll}})"
_SENTENCE_END = regex.compile(
    rf"""(?<![.!?…])(?:(?<!{_ABBREVIATION}|{_ORDINAL})\.|[!?…])[.!?…]*+"""
    r"""["'”’»)\]]*+(?=\s)|[。！？]+["'”’」』）]*|(?=\R)"""
)
"""Ends with its closing quotes; Chinese and Japanese put no space after it. Not "Dr. Ahn", "e.g.",
"3. März" and "vom 3. bis 7."."""
_WORD_END = regex.compile(r"(?<=\S)(?=\s)")
_CLAUSE_END = regex.compile(r"[,;]\s+|[\n;()]+|[，、；]")


def sentence_spans(text: str) -> list[TextSpan]:
    """The sentences and lines of a text with the white space between them, gapless."""
    ends = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(ends) if start < end]


def clauses(text: str) -> list[str]:
    """The parts of a text's sentences between commas, semicolons, brackets and ends of lines."""
    sentences = (text[slice(*span)] for span in sentence_spans(text))
    parts = (part for sentence in sentences for part in _CLAUSE_END.split(sentence))
    return [part for part in parts if part.strip()]


def sentences_apart(content: str) -> list[str]:
    """The sentences of a longer text that are embedded beside the whole, in order; often none."""
    if len(content) < SENTENCES_MIN_CHARACTERS:
        return []
    sentences = (content[start:end].strip() for start, end in sentence_spans(content))
    long = [sentence for sentence in sentences if len(sentence) >= SENTENCE_MIN_CHARACTERS]
    return long if long != [content.strip()] else []


def whole_passages(content: str, vectors: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Of a text's vectors, shape `(passages, dim)`, those that are not of its sentences.

    Two texts are compared by these: one sentence in common makes no two reports alike.
    """
    if vectors is None:
        return np.empty((0, 0), np.float32)
    apart = len(sentences_apart(content))
    return vectors[:1] if len(vectors) == 1 + apart else vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """Ascending positions at which a text may be cut, each between two graphemes."""

    by_preference: tuple[Sequence[int], ...]
    """Sentence and line ends, then word ends, then grapheme ends."""

    def best(self, start: int, end: int) -> int:
        """The last position in `(start, end]` of the best sort that has one.

        A longer single grapheme stays whole.
        """
        for positions in self.by_preference:
            at = bisect_right(positions, end) - 1
            if at >= 0 and positions[at] > start:
                return positions[at]
        graphemes = self.by_preference[-1]
        return graphemes[bisect_right(graphemes, start)]


def split_passages(
    content: str, token_spans: TokenSpans, *, limit: int = MAX_PASSAGE_TOKENS
) -> list[str]:
    """Split a text into verbatim slices of at most `limit` tokens.

    Args:
        content: Any text.
        token_spans: The tokenizer.
        limit: Tokens per slice, 1 and up.

    Returns:
        At least one slice; together they are the content without white space around them. Each
        ends at the last sentence or line end that fits, else at a word's end, else between two
        graphemes (UAX #29). Only a single grapheme of more tokens exceeds `limit`.
    """
    spans = token_spans(content)
    if len(spans) <= limit:
        return [content]
    cuts = _find_cuts(content)
    starts = [start for start, _ in spans]
    passages: list[str] = []
    position = _skip_space(content, 0, cuts)
    while position < len(content):
        beyond = bisect_left(starts, position) + limit
        end = starts[beyond] if beyond < len(starts) else len(content)
        cut = _fit(content, position, end, cuts, token_spans, limit)
        passages.append(_trim_end(content, position, cut, cuts))
        position = _skip_space(content, cut, cuts)
    return passages or [""]


def _fit(
    content: str, start: int, end: int, cuts: _Cuts, token_spans: TokenSpans, limit: int
) -> int:
    """Cut at or before `end`, earlier while the slice has too many tokens.

    The slice itself is counted, because a cut word has other tokens than the whole one.
    """
    cut = end if end == len(content) else cuts.best(start, end)
    while True:
        spans = token_spans(content[start:cut])
        if len(spans) <= limit:
            return cut
        earlier = cuts.best(start, min(start + spans[limit][0], cut - 1))
        if earlier >= cut:
            return cut
        cut = earlier


def _find_cuts(content: str) -> _Cuts:
    plain = content.isascii() and "\r" not in content  # each character is a grapheme of its own
    graphemes: Sequence[int] = (
        range(1, len(content) + 1)
        if plain
        else [match.end() for match in _GRAPHEME.finditer(content)]
    )
    between = graphemes if isinstance(graphemes, range) else frozenset(graphemes)

    def ends(pattern: "regex.Pattern[str]") -> list[int]:
        return [match.end() for match in pattern.finditer(content) if match.end() in between]

    return _Cuts(by_preference=(ends(_SENTENCE_END), ends(_WORD_END), graphemes))


def _skip_space(content: str, position: int, cuts: _Cuts) -> int:
    """The position after graphemes that are only white space."""
    graphemes = cuts.by_preference[-1]
    at = bisect_right(graphemes, position)
    while at < len(graphemes) and content[position : graphemes[at]].isspace():
        position = graphemes[at]
        at += 1
    return position


def _trim_end(content: str, start: int, end: int, cuts: _Cuts) -> str:
    """The slice without graphemes at its end that are only white space."""
    graphemes = cuts.by_preference[-1]
    at = bisect_right(graphemes, end) - 1
    while at > 0 and content[graphemes[at - 1] : end].isspace() and graphemes[at - 1] > start:
        at -= 1
        end = graphemes[at]
    return content[start:end]
