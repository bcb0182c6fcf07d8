"""The end that a note was told to have, whatever superseded it meanwhile; and verbs that race."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import make_note
from tests.tools.conftest import Desk, Refused, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import SUPERSEDES, Link, Note, State
from zettel.storage.store import Change, NewNote, Written
from zettel.tools.changes.supersession import SUPERSEDE, half_superseded, stated_end
from zettel.tools.changes.undo import undo_run
from zettel.tools.state.memory import Memory

MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)

PARIS = "Ana lives in Paris"


def revisions(*ends: datetime | None) -> list[Note]:
    """Revisions of one note with these ends, the last of them closed by another note."""
    note = make_note()
    told = [replace(note, rev=rev, valid_until=end) for rev, end in enumerate(ends, 1)]
    closed = replace(told[-1], rev=len(told) + 1, valid_until=note.valid_from, change=SUPERSEDE)
    return [*told, closed]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([None], None),
        ([MAY], MAY),
        ([MAY, JUNE], JUNE),
        ([MAY, None], None),
        ([None, MAY], MAY),
        ([JUNE, JUNE, MAY], MAY),
    ],
)
def test_the_end_told_last_is_the_notes_own(
    ends: list[datetime | None], told: datetime | None
) -> None:
    assert stated_end(revisions(*ends)) == told


class Overtaken(DictStore):
    """Right before one write, somebody else does something."""

    def __init__(self) -> None:
        super().__init__(model_id=HashEmbedder().model_id)
        self.first: Callable[[], Awaitable[object]] | None = None

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Commit after the other one, if there is one."""
        if self.first is not None:
            first, self.first = self.first, None
            await first()
        return await super().write(new=new, changes=changes)


async def state_of(desk: Desk, note_id: str) -> State:
    [note] = await desk.memory.store.get([note_id])
    return note.state


async def told_and_replaced(desk: Desk) -> tuple[str, str]:
    """A note, and the one that supersedes it."""
    old = await desk.told("Ana lives in Lyon")
    return old, await desk.told("Ana has moved", links=[{"to": old, "relation": "supersedes"}])


async def test_a_new_note_supersedes_its_target_though_the_former_superseder_goes_meanwhile() -> (
    None
):
    store = Overtaken()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        old, former = await told_and_replaced(desk)
        # Planned while `former` closes the note: it need not be closed again, or so it seems.
        store.first = lambda: desk("forget", note_ids=[former])

        await desk.told(PARIS, links=[{"to": old, "relation": "supersedes"}])

        assert await state_of(desk, former) is State.FORGOTTEN
        assert await state_of(desk, old) is State.SUPERSEDED


async def test_a_note_that_is_forgotten_while_it_is_to_supersede_another_closes_nothing() -> None:
    store = Overtaken()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        old, new = await desk.told("Ana lives in Lyon"), await desk.told(PARIS)
        store.first = lambda: desk("forget", note_ids=[new])

        with pytest.raises(Refused, match="forgotten"):
            await desk("update", note_id=new, links=[{"to": old, "relation": "supersedes"}])

        assert await state_of(desk, new) is State.FORGOTTEN
        assert await state_of(desk, old) is State.ACTIVE
        assert await half_superseded(store, now=desk.now) == []


async def test_an_undone_unlinking_holds_though_the_other_superseder_goes_meanwhile() -> None:
    store = Overtaken()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        old, former = await told_and_replaced(desk)
        link = {"to": old, "relation": "supersedes"}
        again = await desk.told(PARIS, links=[link])
        [note] = await store.get([again])
        unlinked = replace(note, rev=2, links=(), run_id="run-1", change="link")
        await store.write(changes=[Change(note=unlinked)])
        store.first = lambda: desk("forget", note_ids=[former])

        await undo_run(
            desk.memory, "run-1", now=desk.now, undo_id="undo-1", who="test", partial=False
        )

        assert await state_of(desk, former) is State.FORGOTTEN
        assert await state_of(desk, old) is State.SUPERSEDED


async def test_a_call_that_was_cut_off_before_it_closed_a_note_is_finished_by_sending_it_again(
    desk: Desk,
) -> None:
    old = await desk.told("Ana lives in Lyon")
    new = await desk.told(PARIS)
    [note] = await desk.memory.store.get([new])
    link = Link(to=old, relation=SUPERSEDES, made_at=desk.now)
    linked = replace(note, rev=2, links=(link,), known_from=note.known_from + timedelta(seconds=1))
    await desk.memory.store.write(changes=[Change(note=linked)])
    assert await state_of(desk, old) is State.ACTIVE

    again = await desk("remember", content=PARIS, links=[{"to": old, "relation": "supersedes"}])

    assert (again["status"], again["note_id"]) == ("already_known", new)
    assert await state_of(desk, old) is State.SUPERSEDED
