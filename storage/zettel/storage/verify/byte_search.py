"""Find any of thousands of byte strings in megabytes of data, in numpy's time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

KEY = 8
"""Bytes at its start by which a pattern is looked up: one 64-bit number."""

_BITS = 20
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""Odd number near 2^64 / golden ratio: multiplicative hashing (Knuth, TAOCP 3, 6.4)."""
_CHUNK = 1 << 20
"""Bytes looked at in one go: what numpy makes of them stays in the processor's cache."""


class ByteSearch:
    """Patterns to be found, wherever they begin.

    Args:
        patterns: Of at least 1 byte; those below `KEY` bytes are searched one by one, so let them
            be few.
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._patterns = tuple(patterns)
        self._short = [at for at, pattern in enumerate(self._patterns) if len(pattern) < KEY]
        self._by_key = defaultdict[int, list[int]](list)
        for at, pattern in enumerate(self._patterns):
            if len(pattern) >= KEY:
                self._by_key[int.from_bytes(pattern[:KEY], "little")].append(at)
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
        for start in range(0, len(data), _CHUNK):
            for offset in self._candidates(data, start):
                key = int.from_bytes(data[offset : offset + KEY], "little")
                for at in self._by_key[key]:
                    if data.startswith(self._patterns[at], offset):
                        yield at, offset

    def _candidates(self, data: bytes, start: int) -> Iterator[int]:
        """Offsets in a chunk at which the first bytes are those of a pattern."""
        for shift in range(start, min(start + KEY, len(data) - KEY + 1)):
            count = min(_CHUNK, len(data) - shift) // KEY
            numbers = np.frombuffer(data, dtype="<u8", count=count, offset=shift)
            at = np.flatnonzero(self._seen[_slots(numbers)])
            if len(at):
                place = np.searchsorted(self._keys[:-1], numbers[at])
                yield from (shift + KEY * at[self._keys[place] == numbers[at]]).tolist()


def _slots(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (numbers * _MIX) >> np.uint64(64 - _BITS)
