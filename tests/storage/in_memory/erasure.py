"""Erasing from dictionaries: what is taken out of them is gone."""

# ruff: noqa: D102 - each method is documented in the contract

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.erasable import Erasure, Order, Purge, Receipt, digest_of
from zettel.storage.erasure.ledger import Ledger
from zettel.storage.erasure.traces import ids_in, merged_words, without_traces
from zettel.storage.merges import merged_into
from zettel.storage.notes import Note, Usage
from zettel.storage.store import Vectors


class DictErasing:
    """The part of `DictStore` that erases; it keeps the ledger in memory."""

    def __init__(self) -> None:
        self.ledger = Ledger(())
        self._rows: dict[str, Note] = {}
        self._vectors: dict[str, Vectors] = {}
        self._current: dict[str, str] = {}
        self._usage: dict[str, Usage] = {}
        self._version: int = 0

    async def erase_rows(
        self, orders: Sequence[Order], *, clock: Callable[[], datetime]
    ) -> list[Receipt]:
        return [self._blot_out(order, clock) for order in orders]

    def _blot_out(self, order: Order, clock: Callable[[], datetime]) -> Receipt:
        gone = self._with_composed(set(order.note_ids))
        salt = self.ledger.salt
        composed = sorted(gone - set(order.note_ids))
        digests = tuple(digest_of(note_id, salt) for note_id in (*order.note_ids, *composed))
        rows = [row for row in self._rows.values() if row.note_id in gone]
        cited = {link.to for row in rows if row.derived for link in row.links}
        for row in rows:
            del self._rows[row.row_id]
            self._vectors.pop(row.row_id, None)
        for note_id in gone:
            self._current.pop(note_id, None)
            self._usage.pop(note_id, None)
        scrubbed = self._scrub(gone)
        for row_id in (self._current[i] for i in cited & self._current.keys()):
            row = self._rows[row_id]
            self._rows[row_id] = replace(row, stage=min(row.stage, order.waits))
        self._version += 1
        receipt = Receipt(
            receipt_id=order.receipt_id,
            scope=order.scope,
            who=order.who,
            ordered_at=order.ordered_at,
            invisible_at=clock(),
            salt=salt,
            digests=digests,
            notes=len(order.note_ids),
            composed=len(composed),
            rows=len(rows),
            scrubbed=scrubbed,
        )
        self.ledger.put(receipt)
        return receipt

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        """Nothing is left to remove."""
        return Purge(done=True, verified=("kept in memory only",))

    async def put_receipt(self, receipt: Receipt) -> None:
        self.ledger.put(receipt)

    async def receipts(self) -> list[Receipt]:
        return self.ledger.receipts()

    async def erased(self, note_ids: Sequence[str]) -> dict[str, Erasure]:
        return self.ledger.erased(note_ids)

    async def relapsed(self) -> tuple[str, ...]:
        ids = {note.note_id for note in self._rows.values()}
        ids |= {link.to for note in self._rows.values() for link in note.links}
        return tuple(sorted(self.ledger.erased(ids)))

    def _merged(self, gone: set[str]) -> frozenset[str]:
        return merged_into([(n.note_id, n.reason) for n in self._rows.values()], gone)

    def _with_composed(self, gone: set[str]) -> set[str]:
        before, merged = 0, self._merged(gone)
        while len(gone) != before:
            before = len(gone)
            gone |= {
                note.note_id
                for note in self._rows.values()
                if note.derived and any(link.to in gone | merged for link in note.links)
            }
        return gone

    def _scrub(self, gone: set[str]) -> int:
        notes = defaultdict[str, list[Note]](list)
        for row in sorted(self._rows.values(), key=lambda note: note.rev):
            notes[row.note_id].append(row)
        merged = self._merged(gone)
        words = merged_words(merged, [notes[note_id] for note_id in merged], gone)
        clean = [
            after
            for note_id, revisions in notes.items()
            if note_id in merged or any(_names(revision, gone | merged) for revision in revisions)
            for before, after in zip(revisions, without_traces(revisions, gone, words), strict=True)
            if before != after
        ]
        for row in clean:
            if row.content != self._rows[row.row_id].content:
                self._vectors.pop(row.row_id, None)
        self._rows |= {row.row_id: row for row in clean}
        return len(clean)


def _names(note: Note, gone: set[str]) -> bool:
    return any(link.to in gone for link in note.links) or bool(gone & set(ids_in(note.reason)))
