"""The record of erasures that a backup took along, beside the one this machine keeps."""

from pathlib import Path
from tempfile import TemporaryDirectory

from zettel.storage.backup.archive import BackupFile
from zettel.storage.backup.manifest import ERASURES
from zettel.storage.backup.merge_rules import IsErased
from zettel.storage.erasable import Receipt, digest_of
from zettel.storage.erasure.ledger import LEDGER_FILE, Ledger


def receipts_in(backup: BackupFile) -> list[Receipt]:
    """The erasures that were recorded when a backup was made, oldest first.

    Raises:
        BackupDamagedError: The file was changed since it was checked.
    """
    parts = backup.manifest.of(ERASURES)
    with TemporaryDirectory(prefix="zettel-") as folder:
        file = Path(folder, LEDGER_FILE)
        file.write_bytes(b"".join(map(backup.read, parts)))
        return Ledger([file]).receipts()


def recorded(ledger: Ledger, receipts: list[Receipt]) -> IsErased:
    """Whether a note was erased, as far as this machine's record or a backup's says.

    Args:
        ledger: This machine's, of the store restored into.
        receipts: The backup's.
    """
    by_salt = dict[str, set[str]]()
    for receipt in receipts:
        by_salt.setdefault(receipt.salt, set()).update(receipt.digests)

    def is_erased(note_id: str) -> bool:
        return ledger.is_erased(note_id) is not None or any(
            digest_of(note_id, salt) in digests for salt, digests in by_salt.items()
        )

    return is_erased


def carry_over(ledger: Ledger, receipts: list[Receipt]) -> int:
    """Record a backup's erasures where they are not recorded yet; returns how many were not.

    Raises:
        StoreUnavailableError: The record cannot be written.
    """
    unknown = [receipt for receipt in receipts if ledger.receipt(receipt.receipt_id) is None]
    for receipt in unknown:
        ledger.put(receipt)
    return len(unknown)
