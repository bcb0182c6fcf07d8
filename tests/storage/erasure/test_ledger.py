"""The ledger of erasures: it remembers for ever, says nothing, and survives a cut-off line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zettel.storage.backup.restore import carry_over
from zettel.storage.erasable import Receipt, digest_of, new_salt
from zettel.storage.erasure.ledger import LEDGER_FILE, Ledger, ledger_of
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.ids import new_id
from zettel.storage.location import read_place

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def receipt(ledger: Ledger, *note_ids: str) -> Receipt:
    """The receipt of an erasure that was just ordered."""
    salt = ledger.salt
    return Receipt(
        receipt_id=f"erase-{new_id(NOW)}",
        scope="notes",
        who="test",
        ordered_at=NOW,
        salt=salt,
        digests=tuple(digest_of(note_id, salt) for note_id in note_ids),
        notes=len(note_ids),
    )


def test_what_was_erased_is_known_by_its_id_and_by_nothing_else(tmp_path: Path) -> None:
    ledger = Ledger([tmp_path / "store" / LEDGER_FILE, tmp_path / "copy" / LEDGER_FILE])
    gone, kept = new_id(NOW), new_id(NOW)

    ledger.put(receipt(ledger, gone))

    erasure = ledger.is_erased(gone)
    assert erasure is not None
    assert (erasure.ordered_at, erasure.invisible_at) == (NOW, None)
    assert ledger.is_erased(kept) is None
    assert list(ledger.erased([kept, gone])) == [gone]
    for file in ledger.files:
        assert file.stat().st_mode & 0o777 == 0o600
        assert gone not in file.read_text(encoding="utf-8")


def test_a_restored_store_keeps_the_erasures_that_the_copy_outside_has_already(
    tmp_path: Path,
) -> None:
    copy, gone = tmp_path / "copy", new_id(NOW)
    first = ledger_of(read_place(str(tmp_path / "old")), copy)
    first.put(ordered := receipt(first, gone))
    restored = ledger_of(read_place(str(tmp_path / "new")), copy)

    assert carry_over(restored, [ordered]) == 0
    assert carry_over(restored, [ordered]) == 0

    assert restored.own_lines().count(b"\n") == 1
    assert Ledger([tmp_path / "new" / LEDGER_FILE]).is_erased(gone)


def test_the_copy_outside_remembers_for_a_store_whose_directory_is_new(tmp_path: Path) -> None:
    gone = new_id(NOW)
    first = ledger_of(read_place(str(tmp_path / "old")), tmp_path / "copy")
    first.put(receipt(first, gone))

    second = ledger_of(read_place(str(tmp_path / "new")), tmp_path / "copy")

    assert second.is_erased(gone)
    second.put(receipt(second, other := new_id(NOW)))
    assert second.salt != first.salt
    assert first.is_erased(gone)
    assert first.is_erased(other)


def test_an_erasure_that_goes_on_is_known_by_how_far_it_got(tmp_path: Path) -> None:
    ledger = Ledger([tmp_path / LEDGER_FILE])
    ordered = receipt(ledger, gone := new_id(NOW))
    done = replace(ordered, invisible_at=NOW, physical_at=NOW + timedelta(seconds=1), rows=3)

    for step in (ordered, replace(ordered, invisible_at=NOW), done, ordered):
        Ledger(ledger.files).put(step)

    assert ledger.receipts() == [done]
    erasure = ledger.is_erased(gone)
    assert erasure is not None
    assert erasure.physical_at == done.physical_at


def test_hashes_are_written_once_and_kept_whatever_follows(tmp_path: Path) -> None:
    ledger = Ledger([tmp_path / LEDGER_FILE])
    ordered = receipt(ledger, gone := new_id(NOW))
    ledger.put(ordered)

    ledger.put(replace(ordered, invisible_at=NOW), goes_on=True)

    again = Ledger(ledger.files)
    assert again.receipts() == [replace(ordered, invisible_at=NOW)]
    assert again.is_erased(gone)
    assert ledger.files[0].read_text(encoding="utf-8").count(ordered.digests[0]) == 1


def test_a_line_that_a_crash_cut_short_costs_no_other_line(tmp_path: Path) -> None:
    ledger = Ledger([tmp_path / LEDGER_FILE])
    ledger.put(receipt(ledger, first := new_id(NOW)))
    with ledger.files[0].open("a", encoding="utf-8") as file:
        file.write('{"receipt_id": "erase-')

    ledger.put(receipt(ledger, second := new_id(NOW)))

    # Another one: the first remembers what it wrote.
    assert Ledger(ledger.files).erased([first, second]).keys() == {first, second}


def test_an_open_ledger_sees_what_another_process_erases(
    tmp_path: Path,
) -> None:
    ledger = Ledger([tmp_path / LEDGER_FILE])
    ledger.put(receipt(ledger, first := new_id(NOW)))
    assert ledger.is_erased(first)
    other = Ledger(ledger.files)

    other.put(receipt(other, second := new_id(NOW)))

    assert ledger.erased([first, second]).keys() == {first, second}


def test_a_salt_is_the_stores_own_and_no_two_stores_have_the_same(tmp_path: Path) -> None:
    ledger = Ledger([tmp_path / LEDGER_FILE])
    ledger.put(receipt(ledger, new_id(NOW)))

    assert Ledger(ledger.files).salt == ledger.salt
    assert new_salt() != new_salt()


def test_a_ledger_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / LEDGER_FILE).mkdir()

    with pytest.raises(StoreUnavailableError, match="record of what was erased"):
        Ledger([tmp_path / LEDGER_FILE]).is_erased(new_id(NOW))
