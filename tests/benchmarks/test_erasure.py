"""The erasure benchmark: it finds what it erases before, and nothing after."""

from pathlib import Path

import pytest
from benchmarks.erasure.__main__ import write_report
from benchmarks.erasure.measure import measure

from zettel.storage.lance import vector_index


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [False, True])
async def test_what_is_erased_stood_in_files_before_and_stands_in_none_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    monkeypatch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", vector_index.VECTOR_INDEX_MIN_ROWS)

    taken = await measure(tmp_path / "store", notes=20, erased=4, indexed=indexed)

    assert (taken.notes, taken.erased, taken.indexed) == (20, 4, indexed)
    assert taken.held_before > 0
    assert taken.held_after == 0
    assert 0 < taken.invisible_s <= taken.physical_s
    assert write_report([taken]).splitlines()[-1].startswith("| 20 | 4 |")
