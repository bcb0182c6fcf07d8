"""The search patterns made of ids, texts and vectors.

**Verbatim** patterns are bytes: ids, hashes, windows of texts (UTF-8, UTF-16, JSON escapes) and of
vectors. **Word** patterns are consecutive folded words, independent of case, punctuation and white
space. A *weak* pattern, a single word or short window, counts only where no other note has it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import regex
from numpy.typing import NDArray

from zettel.storage.ids import id_bytes, is_id
from zettel.storage.notes import fold_hash, normalise
from zettel.storage.verify.report import ErasureQuery, MatchKind

PATTERN_KEY_BYTES = 8
"""First bytes of a pattern, looked up as one 64-bit number."""

_BITS = 20
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""Odd number near 2^64 / golden ratio: multiplicative hashing (Knuth, TAOCP 3, 6.4)."""
SEARCH_CHUNK_BYTES = 1 << 20
"""Bytes per step, so that numpy's intermediates stay in the processor's cache."""


class ByteSearch:
    """Searches data for thousands of byte strings at once, with numpy.

    Args:
        patterns: At least 1 byte each; those below `PATTERN_KEY_BYTES` are searched one by one.
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._patterns = tuple(patterns)
        self._short = [
            at for at, pattern in enumerate(self._patterns) if len(pattern) < PATTERN_KEY_BYTES
        ]
        self._by_key = defaultdict[int, list[int]](list)
        for at, pattern in enumerate(self._patterns):
            if len(pattern) >= PATTERN_KEY_BYTES:
                self._by_key[int.from_bytes(pattern[:PATTERN_KEY_BYTES], "little")].append(at)
        self._keys = np.array(sorted(self._by_key), dtype=np.uint64)
        self._seen = np.zeros(1 << _BITS, dtype=np.bool_)
        self._seen[_slots(self._keys)] = True

    def find(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Every occurrence, as the pattern's index and the offset, in no order."""
        for at in self._short:
            offset = data.find(self._patterns[at])
            while offset >= 0:
                yield at, offset
                offset = data.find(self._patterns[at], offset + 1)
        if not len(self._keys):
            return
        for start in range(0, len(data), SEARCH_CHUNK_BYTES):
            for offset in self._candidates(data, start):
                key = int.from_bytes(data[offset : offset + PATTERN_KEY_BYTES], "little")
                for at in self._by_key[key]:
                    if data.startswith(self._patterns[at], offset):
                        yield at, offset

    def _candidates(self, data: bytes, start: int) -> Iterator[int]:
        """Offsets in a chunk at which the first bytes are those of a pattern."""
        for shift in range(
            start, min(start + PATTERN_KEY_BYTES, len(data) - PATTERN_KEY_BYTES + 1)
        ):
            count = min(SEARCH_CHUNK_BYTES, len(data) - shift) // PATTERN_KEY_BYTES
            numbers = np.frombuffer(data, dtype="<u8", count=count, offset=shift)
            at = np.flatnonzero(self._seen[_slots(numbers)])
            if len(at):
                place = np.searchsorted(self._keys[:-1], numbers[at])
                yield from (
                    shift + PATTERN_KEY_BYTES * at[self._keys[place] == numbers[at]]
                ).tolist()


def _slots(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (numbers * _MIX) >> np.uint64(64 - _BITS)


SHINGLE_WORDS = 8
"""Words of a shingle: different authors rarely share as many (Broder 1997 takes 4 to 10)."""
WEAK_BELOW_WORDS = 3
"""Words below which a whole text is weak: names, tags and the like."""

WINDOW_BYTES = 24
"""Bytes of a verbatim pattern; with `STRIDE_BYTES`, any 31 consecutive bytes are found."""
STRIDE_BYTES = 8
_LEAST_DISTINCT = 6
"""Distinct bytes below which a window is padding, which any file may contain."""

BREAK = "\x00"
"""Separates texts that are searched together."""

_GAPS = re.compile(rf"[^\w{BREAK}]+")
_ALONE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""Scripts without spaces: each character is a word."""


@dataclass(frozen=True, slots=True)
class SearchPattern:
    """One pattern."""

    what: MatchKind
    form: bytes
    weak: bool
    quotable: bool = False
    """Whether a note that contains it counts as having the same words."""


@dataclass(frozen=True, slots=True)
class SearchPatterns:
    """All patterns with their searchers."""

    verbatim: Sequence[SearchPattern]
    words: Sequence[SearchPattern]
    vectors: NDArray[np.float64]
    """Shape `(n, dim)`; none: `(0, 0)`."""
    in_bytes: ByteSearch = field(init=False)
    in_words: ByteSearch = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "in_bytes", ByteSearch([n.form for n in self.verbatim]))
        object.__setattr__(self, "in_words", ByteSearch([n.form for n in self.words]))


VECTOR = SearchPattern(MatchKind.VECTOR, b"", weak=False, quotable=True)
"""A vector near a queried one: compared, not matched."""


def make_patterns(wanted: ErasureQuery) -> SearchPatterns:
    """Cut what is wanted into pieces."""
    texts = [text for text in dict.fromkeys(wanted.texts) if text.strip()]
    verbatim = [SearchPattern(MatchKind.ID, form, weak=False) for form in _id_forms(wanted.ids)]
    for text in texts:
        hashed = fold_hash(text).encode()
        verbatim.append(SearchPattern(MatchKind.TEXT, hashed, weak=False, quotable=True))
        verbatim += [SearchPattern(MatchKind.TEXT, form, weak=True) for form in _text_windows(text)]
    for rows in wanted.vectors:
        verbatim += [
            SearchPattern(MatchKind.VECTOR, form, weak=True) for form in _vector_windows(rows)
        ]
    words = (needle for text in texts for needle in _shingles(text))
    return SearchPatterns(
        verbatim=_distinct(verbatim),
        words=_distinct(words),
        vectors=np.vstack(wanted.vectors).astype(np.float64)
        if len(wanted.vectors)
        else np.zeros((0, 0)),
    )


def fold_words(texts: str) -> str:
    """Normalise texts, joined by `BREAK`, to words between single spaces; `BREAK`s stay.

    NFKC (Unicode UAX #15) and case folding as in `fold`; all but letters, digits and underscores
    separates words.
    """
    folded = normalise(texts).casefold()
    if not folded.isascii():
        folded = _ALONE.sub(r" \g<0> ", folded)
    spaced = _GAPS.sub(" ", folded)
    tight = spaced.replace(f" {BREAK}", BREAK).replace(f"{BREAK} ", BREAK)
    return f" {tight.strip(' ').replace(BREAK, f' {BREAK} ')} "


def _shingles(text: str) -> Iterator[SearchPattern]:
    words = fold_words(text.replace(BREAK, " ")).split()
    weak = len(words) < WEAK_BELOW_WORDS
    for at in range(max(1, len(words) - SHINGLE_WORDS + 1)):
        shingle = words[at : at + SHINGLE_WORDS]
        if shingle:
            form = f" {' '.join(shingle)} ".encode()
            yield SearchPattern(MatchKind.TEXT, form, weak=weak, quotable=not weak)


def _id_forms(ids: Sequence[str]) -> Iterator[bytes]:
    for note_id in ids:
        yield note_id.encode()
        yield note_id.lower().encode()
        if is_id(note_id):
            yield id_bytes(note_id)


def _text_windows(text: str) -> Iterator[bytes]:
    plain = text.encode("utf-8", "surrogatepass")
    escaped = json.dumps(text)[1:-1].encode()
    wide = text.encode("utf-16-le", "surrogatepass")
    for form in (plain, escaped, wide, wide[1:] + b"\x00"):
        yield from _windows(form)


def _vector_windows(rows: NDArray[np.float32]) -> Iterator[bytes]:
    """Six numbers at a time, without zeros, which any vector may contain."""
    numbers = WINDOW_BYTES // 4
    for row in rows.astype("<f4"):
        for at in range(0, len(row) - numbers + 1, numbers):
            if row[at : at + numbers].all():
                yield row[at : at + numbers].tobytes()


def _windows(form: bytes) -> Iterator[bytes]:
    if len(form) < PATTERN_KEY_BYTES:
        return
    last = max(0, len(form) - WINDOW_BYTES)
    for at in sorted({*range(0, last, STRIDE_BYTES), last}):
        window = form[at : at + WINDOW_BYTES]
        if len(set(window)) >= _LEAST_DISTINCT:
            yield window


def _distinct(needles: Sequence[SearchPattern] | Iterator[SearchPattern]) -> list[SearchPattern]:
    """Each form once, the strongest."""
    kept = dict[bytes, SearchPattern]()
    for needle in needles:
        old = kept.get(needle.form)
        if old is None or (old.weak and not needle.weak):
            kept[needle.form] = needle
    return list(kept.values())
