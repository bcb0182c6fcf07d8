"""Two things at once, when whoever asked gives up; and whose texts are read."""

from threading import Barrier, BrokenBarrierError

import anyio

from zettel.storage.embedding.turns import working_for
from zettel.tools.concurrency import gather2, read_in_thread


async def test_who_is_cancelled_while_the_first_may_not_be_is_cancelled_and_no_more() -> None:
    done = list[str]()
    with anyio.CancelScope() as caller:

        async def commit() -> None:
            with anyio.CancelScope(shield=True):
                caller.cancel()
                await anyio.wait_all_tasks_blocked()
            done.append("committed")

        await gather2(commit, anyio.sleep_forever)

    assert done == ["committed"]
    assert caller.cancelled_caught


async def at_once(first: str, second: str) -> bool:
    """Whether what these two principals read is read in two threads at the same time."""
    meeting, met = Barrier(2), list[bool]()

    def read() -> None:
        try:
            meeting.wait(20 if first != second else 0.1)
            met.append(True)
        except BrokenBarrierError:
            met.append(False)

    async def call(principal: str) -> None:
        with working_for(principal):
            await read_in_thread(read)

    async with anyio.create_task_group() as group:
        group.start_soon(call, first)
        group.start_soon(call, second)
    return all(met)


async def test_of_one_principal_one_text_is_read_at_a_time_and_others_beside_it() -> None:
    assert await at_once("ana", "ben")
    assert not await at_once("ana", "ana")
