"""Erasing, and the scan that decodes every file: what it finds before is gone after."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.storage.canaries import DIM, found, scan, tell_of_it, wanted
from tests.storage.samples import MODEL

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance import vector_index
from zettel.storage.lance.store import open_store
from zettel.storage.verify.report import FileKind, MatchKind
from zettel.tools.erasure.orders import drain, order_erasure
from zettel.tools.state.memory import Memory


@pytest.mark.parametrize(
    ("others", "indexed"),
    [
        (0, False),
        (1, True),
        pytest.param(300, False, marks=pytest.mark.slow),
        pytest.param(300, True, marks=pytest.mark.slow),
    ],
    ids=str,
)
async def test_a_canary_in_every_column_is_in_no_file_once_it_is_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int, indexed: bool
) -> None:
    monkeypatch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", 1 if indexed else 10_000)
    place = tmp_path / "store"
    note = await tell_of_it(place, others=others)
    asked = wanted(note)
    before = found(scan(place, asked))
    assert before >= {
        (FileKind.DATA, what) for what in (MatchKind.ID, MatchKind.TEXT, MatchKind.VECTOR)
    }
    assert ((FileKind.VECTOR_INDEX, MatchKind.VECTOR) in before) is indexed

    store = await open_store(str(place), model_id=MODEL, dim=DIM)
    memory, now = Memory(store=store, embedder=HashEmbedder()), datetime.now(UTC)
    await order_erasure(memory, [note.note_id], scope="notes", who="test", now=now)
    assert await drain(memory, now=now) == 1
    after = scan(place, asked)
    await store.close()

    assert (list(after.findings), list(after.unread), list(after.elsewhere)) == ([], [], [])
    assert after.gone
