"""Reads the keys of a finite-state transducer written by the Rust crate `fst` (format 3).

LanceDB's full-text vocabulary is one: words share prefixes and suffixes, so their bytes cannot be
searched.
"""

from typing import NamedTuple

FST_VERSION = 3
"""Format version: `VERSION` in crate fst 0.4, src/raw/mod.rs."""
_HEADER = 16
"""Bytes of version and type, each 64 bits."""
_FOOTER = 20
"""Bytes of the number of keys and the root's address, 64 bits each, and a 32-bit checksum."""
_INDEXED_ABOVE = 32
"""Transitions above which a node has an index of 256 bytes (`TRANS_INDEX_THRESHOLD`)."""
_INDEX = 256
_END = 0
"""Address of the final node without transitions, which is not stored."""

_COMMON = b"te/oasripcnw.hlm-du012g=:bf3y5&_4v9678k%?xCDASFIBEjPTzRNM+LOqHGW"
"""Inputs in a node's first byte, by frequency in the crate's corpus (`COMMON_INPUTS`); 63 fit."""


class FstError(ValueError):
    """Not a transducer of this format."""


class _Node(NamedTuple):
    final: bool
    transitions: tuple[tuple[int, int], ...]
    """Input byte and address of the next node."""


def read_keys(data: bytes) -> set[bytes]:
    """All keys of a transducer.

    Raises:
        FstError: It has another format, or is damaged.
    """
    if len(data) < _HEADER + _FOOTER or _number(data, 0, 8) != FST_VERSION:
        message = f"no transducer of format {FST_VERSION}"
        raise FstError(message)
    count = _number(data, len(data) - _FOOTER, 8)
    root = _number(data, len(data) - _FOOTER + 8, 8)
    known = {_END: _Node(final=True, transitions=())}
    keys = set[bytes]()
    waiting = [(root, b"")]
    while waiting:
        address, key = waiting.pop()
        try:
            node = (
                known[address]
                if address in known
                else known.setdefault(address, _read_node(data, address))
            )
        except IndexError:
            message = f"a node at {address} lies outside"
            raise FstError(message) from None
        if node.final:
            keys.add(key)
            if len(keys) > count:
                break
        waiting += [(after, key + bytes((byte,))) for byte, after in node.transitions]
    if len(keys) != count:
        message = f"{len(keys)} keys instead of {count}"
        raise FstError(message)
    return keys


def _read_node(data: bytes, address: int) -> _Node:
    """Nodes are written backwards: the last byte, at their address, gives their sort."""
    if not _HEADER <= address < len(data) - _FOOTER:
        raise IndexError
    state = data[address]
    if state < 0x80:
        return _read_any(data, address, state)
    code = state & 0x3F
    at = address if code else address - 1
    byte = _COMMON[code - 1] if code else data[at]
    if state >= 0xC0:
        return _Node(final=False, transitions=((byte, at - 1),))
    size, skipped = data[at - 1] >> 4, data[at - 1] & 0x0F
    end = at - 1 - size - skipped
    return _Node(final=False, transitions=((byte, _target(data, at - 1 - size, size, end)),))


def _read_any(data: bytes, address: int, state: int) -> _Node:
    """A node with any number of transitions, final or not."""
    final, count, at = bool(state & 0x40), state & 0x3F, address
    if not count:
        at -= 1
        # 1 never needs an own byte and stands for 256.
        count = 256 if data[at] == 1 else data[at]
    at -= 1
    size, skipped = data[at] >> 4, data[at] & 0x0F
    inputs = at - (_INDEX if count > _INDEXED_ABOVE else 0)
    targets = inputs - count
    end = targets - count * size - (count + final) * skipped
    return _Node(
        final=final,
        transitions=tuple(
            (data[inputs - 1 - i], _target(data, targets - (i + 1) * size, size, end))
            for i in range(count)
        ),
    )


def _target(data: bytes, at: int, size: int, end: int) -> int:
    """The address a transition leads to: `delta` bytes before the node's end."""
    delta = _number(data, at, size)
    if not delta:
        return _END
    if not 0 < delta <= end:
        raise IndexError
    return end - delta


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
