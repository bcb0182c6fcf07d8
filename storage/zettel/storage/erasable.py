"""The values of an erasure: orders, receipts, and the hashes that prove it."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from secrets import token_hex

SALT_BYTES = 16
DIGEST_BYTES = 16
"""128 bits each: an id carries 80 random bits, so neither guessing nor chance finds a match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erased note. All datetimes are UTC and timezone-aware."""

    digest: str
    """Hex of BLAKE2b (RFC 7693), 16 bytes, over the note's id, keyed with the salt."""
    salt: str
    """Hex of 16 random bytes, the same for all erasures of a store."""
    receipt_id: str
    """The erasure it was part of."""
    scope: str
    """`notes`, `namespace`, `store` or `retention`."""
    ordered_at: datetime
    """From here on no restore or import brings it back."""
    invisible_at: datetime | None = None
    """When no read found it any more; None while that is still to be done."""
    physical_at: datetime | None = None
    """When its last byte was gone from the store's files; None while that is still to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One erasure, of one note or of many, to be shown to somebody."""

    receipt_id: str
    scope: str
    who: str
    ordered_at: datetime
    invisible_at: datetime | None = None
    physical_at: datetime | None = None
    salt: str
    digests: tuple[str, ...]
    """Of the notes asked for, then of those composed of them."""
    notes: int
    """How many were asked for."""
    composed: int = 0
    """How many that evolution had composed of them went along."""
    rows: int = 0
    """Revisions that were deleted."""
    scrubbed: int = 0
    """Revisions of other notes from which links, or what they had taught, were taken out."""
    verified: tuple[str, ...] = ()
    """What was looked at before it was called physical, in words."""
    backups: tuple[str, ...] = ()
    """Backups taken before, which still hold it: file and time."""

    def erasures(self) -> tuple[Erasure, ...]:
        """Each note of it."""
        return tuple(
            Erasure(
                digest=digest,
                salt=self.salt,
                receipt_id=self.receipt_id,
                scope=self.scope,
                ordered_at=self.ordered_at,
                invisible_at=self.invisible_at,
                physical_at=self.physical_at,
            )
            for digest in self.digests
        )


def new_salt() -> str:
    """A salt, in hex."""
    return token_hex(SALT_BYTES)


def digest_of(note_id: str, salt: str) -> str:
    """The hash a note is known by once it is erased, in hex.

    Args:
        note_id: Its id.
        salt: Hex.
    """
    keyed = blake2b(note_id.encode(), key=bytes.fromhex(salt), digest_size=DIGEST_BYTES)
    return keyed.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be erased; kept until it is done, so that a crash delays it and no more."""

    receipt_id: str
    scope: str
    """As of `Erasure`."""
    who: str
    ordered_at: datetime
    note_ids: tuple[str, ...]
    """Asked for; what evolution composed of them goes along."""
    waits: int
    """Stage to which notes go back that stood in an erased composed note: they wait for
    consolidation again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """How a physical pass ended."""

    done: bool
    why: str = ""
    """Why it is not done; it can be tried again."""
    verified: tuple[str, ...] = ()
    """What was looked at, in words."""
