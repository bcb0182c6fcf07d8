"""The values of an erasure: orders, receipts, and the hashes that prove it."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from secrets import token_hex

SALT_BYTES = 16
DIGEST_BYTES = 16
"""128 bits each; an id has 80 random bits, so guessing and collisions are infeasible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erased note. All datetimes are UTC and timezone-aware."""

    digest: str
    """Hex of BLAKE2b (RFC 7693), 16 bytes, over the note's id, keyed with the salt."""
    salt: str
    """Hex of 16 random bytes, one per store."""
    receipt_id: str
    """The erasure it was part of."""
    scope: str
    """`notes`, `namespace`, `store` or `retention`."""
    ordered_at: datetime
    """From then on no restore or import brings it back."""
    invisible_at: datetime | None = None
    """When no read found it any more; None until then."""
    physical_at: datetime | None = None
    """When its last byte was gone from the store's files; None until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One erasure of one or more notes, as proof."""

    receipt_id: str
    scope: str
    who: str
    ordered_at: datetime
    invisible_at: datetime | None = None
    physical_at: datetime | None = None
    salt: str
    digests: tuple[str, ...]
    """Of the ordered notes, then of those composed of them."""
    notes: int
    """Number of ordered notes."""
    composed: int = 0
    """Number of composed notes erased with them."""
    rows: int = 0
    """Deleted revisions."""
    scrubbed: int = 0
    """Revisions of other notes from which links or LLM wording were removed."""
    verified: tuple[str, ...] = ()
    """Checks made before it was called physical, in words."""
    backups: tuple[str, ...] = ()
    """Earlier backups that still contain it: file and time."""

    def erasures(self) -> tuple[Erasure, ...]:
        """One erasure per note."""
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
    """A random salt, in hex."""
    return token_hex(SALT_BYTES)


def digest_of(note_id: str, salt: str) -> str:
    """The hash of an erased note id, keyed with the salt (hex), in hex."""
    keyed = blake2b(note_id.encode(), key=bytes.fromhex(salt), digest_size=DIGEST_BYTES)
    return keyed.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Notes to erase; kept until it is done, so that a crash only delays it."""

    receipt_id: str
    scope: str
    """As in `Erasure`."""
    who: str
    ordered_at: datetime
    note_ids: tuple[str, ...]
    """Notes composed of these are erased too."""
    waits: int
    """Stage to which other notes cited by an erased composed note return for consolidation."""


PROVIDERS_FILES = (
    "LanceDB Cloud removes their bytes from its files when it likes, which Zettel cannot see"
)
"""What is known of the bytes of notes erased there, as `Receipt.verified` says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """Result of one attempt to clean the files."""

    done: bool
    why: str = ""
    """Why it is not done; it can be tried again."""
    verified: tuple[str, ...] = ()
    """Checks made, in words."""
    rewritten: bool = False
    """Whether no version of a table has it any more, though it is not done."""
    out_of_reach: bool = False
    """Whether the files are a provider's: trying again changes nothing."""
