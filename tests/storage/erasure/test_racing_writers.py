"""Others may write a note while an erasure takes words out of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.storage.samples import DIM, LATER, MODEL, add, make_note, revised

from zettel.storage.erasable import Order
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.merges import MERGE_CHANGE, merge_reason, told_again

NUMBER = "Her number is 0664."


@pytest.mark.parametrize("updated", [False, True])
async def test_a_revision_written_between_reading_and_rewriting_loses_the_words_too(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch, *, updated: bool
) -> None:
    gone, other = make_note(NUMBER), make_note("Paula lives in Graz.")
    await add(lance, gone, other)
    took = revised(other, other.content + told_again("1 June 2026", [NUMBER]))
    took = replace(
        took, note=replace(took.note, change=MERGE_CHANGE, reason=merge_reason(gone.note_id))
    )
    last = took
    await lance.write(changes=[took])
    if updated:
        last = revised(took.note, f"{took.note.content}\nShe moves.", now=LATER + timedelta(days=1))
        last = replace(last, note=replace(last.note, change="update", reason=""))
        await lance.write(changes=[last])
    beside = await open_store(str(lance.place), model_id=MODEL, dim=DIM)
    racing = revised(last.note, f"{last.note.content}\nShe sings.", now=LATER + timedelta(days=2))
    racing = replace(racing, note=replace(racing.note, change="update", reason=""))
    merge: Any = vars(type(lance.tables.notes))["merge"].__get__(lance.tables.notes)
    left = [racing]

    async def beaten(*given: Any, **named: Any) -> Any:
        if left:
            assert len((await beside.write(changes=[left.pop()])).stored) == 1
        return await merge(*given, **named)

    monkeypatch.setattr(lance.tables.notes, "merge", beaten)
    order = Order(
        receipt_id="erase-1",
        scope="notes",
        who="test",
        ordered_at=LATER,
        note_ids=(gone.note_id,),
        waits=4,
    )

    [receipt] = await lance.erase_rows([order], clock=lambda: LATER)

    revisions = await lance.revisions(other.note_id)
    assert receipt.invisible_at == LATER
    assert not left
    assert revisions[-1].content.endswith("She sings.")
    assert "0664" not in repr(revisions)
    assert gone.note_id not in repr(revisions)
    await beside.close()
