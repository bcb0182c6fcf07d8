"""Note ids: ULIDs (github.com/ulid/spec), whose time is when the note was written."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from ulid import ULID, ULIDGenerator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RANDOM_BITS = 80
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_CANONICAL = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""Crockford's base 32 in upper case; the first digit carries only 3 of the 128 bits."""

# One generator a process: ids of the same millisecond grow, so note order is creation order.
_generator = ULIDGenerator()


def new_id(now: datetime) -> str:
    """Make the id of a note written at `now` (timezone-aware, 1970 or later).

    Returns:
        26 characters; greater than every id this process made for the same millisecond.
    """
    return str(_generator.generate(_milliseconds(now)))


def derived_id(first: str, seed: str) -> str:
    """The deterministic id of a note composed from others.

    Args:
        first: Id of the first of them, whose time it takes.
        seed: Distinguishes it from other notes composed from `first`.

    Raises:
        ValueError: `first` is not an id.
    """
    noise = blake2b(f"{first}\n{seed}".encode(), digest_size=_RANDOM_BITS // 8).digest()
    milliseconds = ULID.from_str(first).milliseconds
    return str(ULID.from_int(milliseconds << _RANDOM_BITS | int.from_bytes(noise)))


def told_at(note_id: str) -> datetime:
    """When a note was written: UTC, to the millisecond.

    Raises:
        ValueError: The text is not an id.
    """
    if not is_id(note_id):
        message = f"{note_id!r} is not a note id"
        raise ValueError(message)
    return EPOCH + told_ms(note_id) * _MILLISECOND


def told_ms(note_id: str) -> int:
    """When a note was written, in milliseconds since 1970; of an id that is known to be one."""
    return ULID.from_str(note_id).milliseconds


def is_id(text: str) -> bool:
    """Whether the text has the form of a note id."""
    return _CANONICAL.fullmatch(text) is not None


def id_bytes(note_id: str) -> bytes:
    """The 16 bytes of an id.

    Raises:
        ValueError: The text is not an id.
    """
    return ULID.from_str(note_id).bytes


def smallest_id(instant: datetime) -> str:
    """The smallest id of the instant's millisecond."""
    return str(ULID.from_int(_milliseconds(instant) << _RANDOM_BITS))


def largest_id(instant: datetime) -> str:
    """The largest id of the instant's millisecond."""
    return str(ULID.from_int(_milliseconds(instant) << _RANDOM_BITS | _RANDOM_MASK))


def _milliseconds(instant: datetime) -> int:
    # Whole numbers: python-ulid goes through a float and can land a millisecond early.
    return max(0, (instant - EPOCH) // _MILLISECOND)
