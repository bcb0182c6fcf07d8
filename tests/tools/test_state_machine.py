"""Whatever agents say in whatever order, every look at memory answers as the plain model does.

A longer hunt: `make test ARGS="tests/tools/test_state_machine.py --hypothesis-profile=long"`.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.model.machine import Conversation
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.tools.state.memory import Memory

EXAMPLES = settings.default.max_examples if settings.default else 100
"""Of the profile; LanceDB commits take a hundred times as long as dictionaries."""


@pytest.fixture(scope="module")
def portal() -> Generator[BlockingPortal]:
    """A loop beside the machine, which Hypothesis drives without one."""
    with start_blocking_portal("asyncio") as opened:
        yield opened


@asynccontextmanager
async def in_memory() -> AsyncGenerator[Desk]:
    """A desk on a new store in memory."""
    async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as desk:
        yield desk


@asynccontextmanager
async def on_disk(directory: Path, *, resident: bool) -> AsyncGenerator[Desk]:
    """A desk on a new LanceDB store, whose notes are read from memory, too, if that is wished."""
    embedder = HashEmbedder()
    with TemporaryDirectory(dir=directory) as place:
        store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
        if resident:
            await store.upkeep()
        try:
            async with opened_desk(Memory(store=store, embedder=embedder)) as desk:
                yield desk
        finally:
            await store.close()


def converse(
    portal: BlockingPortal,
    opening: Callable[[], AbstractAsyncContextManager[Desk]],
    *,
    examples: int,
    steps: int,
) -> None:
    bounds = settings(
        max_examples=max(1, examples),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    # A factory is taken too: `RuleBasedStateMachine` is only what its annotation says.
    run_state_machine_as_test(lambda: Conversation(portal, opening), settings=bounds)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_the_store_in_memory_answers_as_the_plain_model_whatever_is_said(
    portal: BlockingPortal,
) -> None:
    converse(portal, in_memory, examples=EXAMPLES * 4 // 10, steps=20)


@pytest.mark.slow
@pytest.mark.parametrize("resident", [False, True])
def test_the_store_on_disk_answers_as_the_plain_model_whatever_is_said(
    portal: BlockingPortal, tmp_path: Path, resident: bool
) -> None:
    opening = partial(on_disk, tmp_path, resident=resident)
    converse(portal, opening, examples=EXAMPLES * 4 // 100, steps=12)
