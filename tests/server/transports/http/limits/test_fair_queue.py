"""The order in which calls get their turns."""

import anyio

from zettel.server.transports.http.limits.fair_queue import FairQueue


class Callers:
    """Calls that last until they are ended one by one."""

    def __init__(self, turns: FairQueue) -> None:
        self._turns = turns
        self._ends = dict[str, list[anyio.Event]]()
        self.came = list[str]()
        """The callers that got a turn, in order."""

    async def call(self, who: str) -> None:
        """Wait for a turn, and hold it until `end`."""
        async with self._turns.place(who, bounded=True):
            self.came.append(who)
            ended = anyio.Event()
            self._ends.setdefault(who, []).append(ended)
            await ended.wait()

    async def end(self, who: str) -> None:
        """End the oldest call of a caller, and let the next one begin."""
        self._ends[who].pop(0).set()
        await anyio.wait_all_tasks_blocked()


async def test_a_free_turn_goes_to_the_caller_with_the_fewest_and_not_to_the_first_in_line() -> (
    None
):
    callers, running = Callers(FairQueue(3, 3)), list[str]()
    async with anyio.create_task_group() as tasks:
        for who in ("ana", "ana", "ben", "ana", "cleo", "ben"):
            tasks.start_soon(callers.call, who)
            await anyio.wait_all_tasks_blocked()
        running += callers.came
        await callers.end("ben")
        await callers.end("ana")
        tasks.cancel_scope.cancel()

    assert running == ["ana", "ana", "ben"]
    assert callers.came[3:] == ["cleo", "ben"]
