"""Whether a manifest or transaction is what it is taken for: plain protocol buffers.

In these, text stands as it is, so a search of the bytes misses nothing. Were a later Lance to
compress them, it would; so their framing is read to the last byte.
"""

FOOTER = 16
"""Bytes: position of the manifest (64 bits), format version (2 x 16), `LANC` (lance-table 13.0)."""
MAGIC = b"LANC"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers (protobuf.dev, "Encoding"); groups are not used."""


def is_manifest(data: bytes) -> bool:
    """Whether these bytes are messages, each after its 32-bit length, and Lance's footer."""
    if len(data) < FOOTER or not data.endswith(MAGIC):
        return False
    at, end = 0, len(data) - FOOTER
    while at < end:
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > end or not is_message(data[at + 4 : at + 4 + size]):
            return False
        at += 4 + size
    return at == end


def is_message(data: bytes) -> bool:
    """Whether these bytes are the fields of one protocol buffer message and nothing else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if key >> 3 == 0:
            return False
        if wire == _VARINT:
            _, at = _varint(data, at)
        elif wire == _BYTES:
            size, at = _varint(data, at)
            at += size
        elif wire in {_FIXED64, _FIXED32}:
            at += 8 if wire == _FIXED64 else 4
        else:
            return False
    return at == len(data)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the offset after it; beyond the end if it is cut short."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return value, len(data) + 1
