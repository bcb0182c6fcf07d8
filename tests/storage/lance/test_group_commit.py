"""Notes that are added at the same time share one commit, and each call learns how it went."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.lowlevel
from tests.storage.samples import make_note, unit

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.store import LanceStore
from zettel.storage.store import NewNote, NoteFilter, Written

CALLS, X = 10, unit((1.0, 0.0, 0.0, 0.0))


async def told_at_once(store: LanceStore) -> tuple[Sequence[Written], Sequence[Exception]]:
    """What as many calls as there are clients got, and the errors of those that failed."""
    written, errors = list[Written](), list[Exception]()

    async def tell(number: int) -> None:
        new = NewNote(note=make_note(f"note {number}"), vectors=X)
        try:
            written.append(await store.write(new=[new]))
        except StoreUnavailableError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        for number in range(CALLS):
            group.start_soon(tell, number)
    return written, errors


async def test_calls_that_wait_for_each_other_are_written_together(lance: LanceStore) -> None:
    before = await lance.version()

    written, errors = await told_at_once(lance)

    assert not errors
    # The first may have begun before the others came.
    assert await lance.version() <= before + 2
    assert sum(one.shared for one in written) >= CALLS - 1
    assert [len(one.stored) for one in written] == [1] * CALLS
    assert len({one.stored[0].note_id for one in written}) == CALLS
    assert await lance.count(NoteFilter()) == CALLS
    assert len(await lance.match_text("note", NoteFilter(), limit=2 * CALLS)) == CALLS
    assert (
        len(await lance.match_vectors(unit((1.0, 0.0, 0.0, 0.0))[0], NoteFilter(), limit=99))
        == CALLS
    )


async def test_a_note_that_is_told_alone_shares_its_commit_with_none(lance: LanceStore) -> None:
    written = [await lance.write(new=[NewNote(note=make_note(text))]) for text in ("one", "two")]

    assert [one.shared for one in written] == [False, False]


async def test_where_the_commit_fails_every_call_that_shares_it_is_told(
    lance: LanceStore, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "store")

    written, errors = await told_at_once(lance)

    assert not written
    assert ["was removed" in str(error) for error in errors] == [True] * CALLS


async def test_a_call_that_is_cancelled_while_it_waits_is_written_with_the_others(
    lance: LanceStore,
) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            for number in range(CALLS):
                new = [NewNote(note=make_note(f"note {number}"))]
                group.start_soon(lambda new=new: lance.write(new=new))
            await anyio.lowlevel.checkpoint()
            scope.cancel()
    count = await lance.count(NoteFilter())

    # Those that had begun are there whole; nobody waits for a writer that has gone.
    assert count in range(CALLS + 1)
    await lance.write(new=[NewNote(note=make_note("after"))])
    assert await lance.count(NoteFilter()) == count + 1
