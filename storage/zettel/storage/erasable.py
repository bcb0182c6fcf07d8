"""The part of the store's contract that erases: first out of sight, then off the disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from zettel.storage.erasures import Erasure, Receipt


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


class Erasable(Protocol):
    """Notes that can be erased. Every step can be repeated; the caller keeps the order until done.

    A note whose erasure was ordered cannot be written any more, nor can a link to it: of a write
    that tries, the note is `lost`, and a new note keeps its other links.
    """

    async def blot_out(
        self, orders: Sequence[Order], *, clock: Callable[[], datetime]
    ) -> list[Receipt]:
        """Take notes out of every read, of any revision and any moment, and write down that.

        What evolution composed of them goes with them, their usage, and whatever other notes'
        revisions hold of them (`traces.without_traces`), by rewriting these in place.

        Args:
            orders: Which notes; each may have been blotted out before.
            clock: What time it is, for the moment from which no read finds them.

        Returns:
            A receipt for each order.

        Raises:
            StoreUnavailableError: It is not finished; the ledger may know of it already.
        """
        ...

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        """Remove from the files what earlier `blot_out`s took out of sight.

        Readers and writers may go on; they look again at the newest version.

        Args:
            note_ids: Whose ids must then be in no file; empty if that is not to be looked at.
            meta: Whether it is about the table of named values, where orders and previews were
                kept, instead of notes and usage.

        Raises:
            StoreUnavailableError: It failed; try again later.
        """
        ...

    async def meta_keys(self, sort: str) -> list[str]:
        """The names of all values of a sort, the owner's and every tenant's.

        Args:
            sort: The owner's name for it; a tenant's is that with `@` and more behind it.
        """
        ...

    async def put_receipt(self, receipt: Receipt) -> None:
        """Write down how an erasure went on.

        Raises:
            StoreUnavailableError: It could not be written.
        """
        ...

    async def receipts(self) -> list[Receipt]:
        """Every erasure this machine knows of, oldest first."""
        ...

    async def erased(self, note_ids: Sequence[str]) -> dict[str, Erasure]:
        """Those of the notes that were erased, here or in a store whose backup this was."""
        ...

    async def relapsed(self) -> tuple[str, ...]:
        """Ids of erased notes that rows or links have again: a racing writer left them, or a copy.

        None as a rule; reads ids of all rows.
        """
        ...
