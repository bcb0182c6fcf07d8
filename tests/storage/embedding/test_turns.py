"""Whose turn it is at a model."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from anyio import to_thread
from numpy.typing import NDArray
from tests.storage.embedding.small_exports import DIM, as_made, make_model

from zettel.storage.embedding.embedder import Encoder, unit_rows
from zettel.storage.embedding.model_embedder import (
    BATCH_MAX_CHARACTERS,
    BATCH_MAX_PASSAGES,
    QUESTION_MAX_PARTS,
    QUESTION_PART_TOKENS,
    ModelEmbedder,
    batch_size,
)
from zettel.storage.embedding.model_files import find_model
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


async def beside_a_note(*, concurrent: bool) -> bool:
    """Whether a question was embedded while a part of a note was."""
    model, begun, goes_on = ModelThread(str, lambda _: concurrent), Event(), Event()

    def part_of_note() -> None:
        begun.set()
        assert goes_on.wait(20)

    await model.load()
    waiting = anyio.CancelScope(deadline=anyio.current_time() + (20 if concurrent else 0.1))
    async with anyio.create_task_group() as group:
        group.start_soon(model.run, part_of_note)
        await to_thread.run_sync(begun.wait, 20)
        with waiting:
            await model.run(str, urgent=True)
        goes_on.set()
    return not waiting.cancelled_caught


async def test_a_question_does_not_wait_for_a_note_where_two_threads_may_use_the_model() -> None:
    assert await beside_a_note(concurrent=True)
    assert not await beside_a_note(concurrent=False)


class Words(Encoder):
    """In the place of a model: the vector of a question is its number of words."""

    backend, concurrent = "onnx", True

    def __init__(self) -> None:
        self.asked = list[list[int]]()
        """Words of each question, call by call."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One axis for each text's length."""
        self.asked.append([len(text.split()) for text in texts])
        return np.eye(DIM, dtype=np.float32)[[len(text.split()) % DIM for text in texts]]

    encode_documents = encode_queries


async def test_a_question_of_a_paragraph_is_embedded_whole(tmp_path: Path) -> None:
    model = Words()
    files = as_made(await find_model(str(make_model(tmp_path / "small"))))

    await ModelEmbedder(files, lambda _: model).embed_query("tea " * 110)

    assert model.asked == [[110]]


async def test_a_long_question_takes_short_turns_and_is_the_mean_of_its_first_parts(
    tmp_path: Path,
) -> None:
    model = Words()
    files = as_made(await find_model(str(make_model(tmp_path / "small"))))
    embedder = ModelEmbedder(files, lambda _: model)

    short = await embedder.embed_query("tea " * 60)
    longer = await embedder.embed_query("tea " * (QUESTION_PART_TOKENS + 10))
    await embedder.embed_query("tea " * 2_000)

    assert short == pytest.approx(np.eye(DIM)[60 % DIM])
    rows = np.eye(DIM)[[QUESTION_PART_TOKENS % DIM, 10 % DIM]]
    assert longer == pytest.approx(unit_rows(rows.mean(axis=0, dtype=np.float32)[None])[0])
    parts = [[QUESTION_PART_TOKENS]] * QUESTION_MAX_PARTS
    assert model.asked == [[60], [QUESTION_PART_TOKENS], [10], *parts]


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
