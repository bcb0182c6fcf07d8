"""Two things at once, when whoever asked gives up."""

import anyio

from zettel.tools.concurrency import gather2


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
