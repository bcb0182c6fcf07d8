"""Whose turn it is at a model."""

from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest

from zettel.storage.embedding.model_embedder import (
    BATCH_MAX_CHARACTERS,
    BATCH_MAX_PASSAGES,
    batch_size,
)
from zettel.storage.embedding.model_thread import ModelThread
from zettel.storage.embedding.turns import Turns, working_for


async def order_of(waiting: Sequence[tuple[str, bool]]) -> list[str]:
    """The order in which works get their turn that all came while another one had it."""
    turns, done = Turns(), list[str]()

    async def work(number: int, principal: str, *, urgent: bool) -> None:
        with working_for(principal):
            async with turns.turn(urgent=urgent):
                done.append(f"{principal}{number}")
                await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        async with turns.turn(urgent=False):
            for number, (principal, urgent) in enumerate(waiting):
                group.start_soon(lambda n=number, p=principal, u=urgent: work(n, p, urgent=u))
            await anyio.wait_all_tasks_blocked()
    return done


async def test_principals_have_turns_one_after_the_other() -> None:
    found = await order_of([*[("a", False)] * 4, *[("b", False)] * 2, ("c", False)])

    assert found == ["a0", "b4", "c6", "a1", "b5", "a2", "a3"]


async def test_a_question_comes_before_everything_else() -> None:
    found = await order_of([*[("a", False)] * 3, ("b", True), ("a", True)])

    assert found[:2] == ["b3", "a4"]


async def test_many_questions_of_one_leave_others_their_turn() -> None:
    found = await order_of([*[("a", True)] * 5, ("b", True)])

    assert found.index("b5") == 1


async def test_work_that_is_cancelled_gives_its_turn_to_the_next() -> None:
    turns, done = Turns(), list[str]()

    async def work(name: str) -> None:
        async with turns.turn(urgent=False):
            done.append(name)

    async with anyio.create_task_group() as group, anyio.create_task_group() as cancelled:
        async with turns.turn(urgent=False):
            cancelled.start_soon(work, "cancelled")
            await anyio.wait_all_tasks_blocked()
            group.start_soon(work, "kept")
            await anyio.wait_all_tasks_blocked()
            cancelled.cancel_scope.cancel()

    assert done == ["kept"]
    with anyio.fail_after(5):
        async with turns.turn(urgent=False):
            pass


async def test_a_model_works_for_a_question_between_two_parts_of_a_long_note() -> None:
    model, done = ModelThread(lambda: "model"), list[str]()

    async def remember() -> None:
        for part in range(3):
            await model.run(lambda part=part: done.append(f"part {part}"))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(remember)
        await anyio.lowlevel.checkpoint()
        with working_for("another"):
            await model.run(lambda: done.append("question"), urgent=True)

    assert done.index("question") <= 1


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([10] * 32, 32),
        ([900, 900], 1),
        ([400, 400, 400], 2),
        ([10, 10, 1_000], 2),
        ([BATCH_MAX_CHARACTERS * 9], 1),
        ([40] * 40 + [41], BATCH_MAX_CHARACTERS // 40),
    ],
)
def test_a_batch_takes_about_as_long_as_one_long_passage(lengths: list[int], expected: int) -> None:
    assert batch_size(lengths[:BATCH_MAX_PASSAGES]) == min(expected, BATCH_MAX_PASSAGES)
