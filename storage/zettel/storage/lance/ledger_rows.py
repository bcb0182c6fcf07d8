"""The ledger of erasures of a store without a directory: values of `meta`, one an erasure.

So every machine that writes the store knows what any of them has erased. Like the file of a
directory store they hold salted hashes, no text and no ids.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

from zettel.storage.erasable import Receipt
from zettel.storage.erasure.ledger import further, line_of, receipt_of
from zettel.storage.errors import ChangedMeanwhileError
from zettel.storage.lance.predicates import all_of
from zettel.storage.lance.side_tables import get_meta, swap_meta
from zettel.storage.lance.table import Tables
from zettel.storage.meta import UPDATE_ATTEMPTS

_KEY = "erased"
"""First part of the keys; the receipt's id follows."""
_OURS = all_of(f"key >= '{_KEY}@'", f"key < '{_KEY}A'")
"""`A` is what follows `@`."""


async def follow_ledger(tables: Tables) -> None:
    """Learn what other machines have erased: one look at the version of `meta`, as a rule."""
    ledger = tables.ledger
    if not ledger.is_shared:
        return
    # Not that of a read view: what is erased while an answer is made must not come back by it.
    version = await tables.meta.newest_version()
    if version != ledger.followed:
        rows = await tables.meta.select(["key", "value"], where=_OURS, order=["key"])
        ledger.learn(rows.column("value").to_pylist(), version=version)


async def share_receipt(tables: Tables, receipt: Receipt) -> None:
    """Let every machine know of an erasure, or of its progress.

    Raises:
        ChangedMeanwhileError: Others kept changing the record.
    """
    if not tables.ledger.is_shared:
        return
    key = f"{_KEY}@{receipt.receipt_id}"
    for _ in range(UPDATE_ATTEMPTS):
        before = await get_meta(tables.meta, key)
        after = line_of(further(receipt_of(before) if before else None, receipt))
        if await swap_meta(tables.meta, key, expected=before, value=after):
            return
    raise ChangedMeanwhileError([])
