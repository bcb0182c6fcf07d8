"""The smallest world against the tools behind a real client, in memory: what must always hold."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import pytest
from benchmarks.evolution.desk import Desk
from benchmarks.generator.__main__ import main
from benchmarks.generator.generate import generate
from benchmarks.generator.records import Category, Operation, Style, World
from benchmarks.generator.run import halves
from benchmarks.generator.score import score
from benchmarks.generator.served import Served
from benchmarks.generator.systems import Outcomes, replay
from benchmarks.retrieval.tools import Timed
from mcp import Client
from tests.storage.in_memory.store import DictStore

from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.state.memory import Memory

STYLES: tuple[Style, ...] = get_args(Style)


@asynccontextmanager
async def connected(desk: Desk) -> AsyncGenerator[Timed]:
    server = create_server(desk, ClientDefaults(transport="test", namespace="elsewhere"))
    async with Client(server, raise_exceptions=True) as client:
        yield Timed(client=client, clock=lambda: 0.0)


async def replayed(world: World) -> Outcomes:
    told, asked = halves(world.operations)
    store, outcomes = DictStore(), Outcomes()
    desk = Desk(Memory(store=store, embedder=HashEmbedder()))

    def turn_to(operation: Operation) -> None:
        desk.now = operation.t

    async with connected(desk) as timed:
        system = Served(timed)
        await replay(told, system, outcomes, before=turn_to)
        await desk.evolve()
    desk.memory = Memory(store=store, embedder=HashEmbedder())
    async with connected(desk) as timed:
        system.timed = timed
        await replay(asked, system, outcomes, before=turn_to)
    return outcomes


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
async def test_what_must_always_hold_holds_through_the_tools(style: Style) -> None:
    world = generate(0, "smoke", style)

    outcomes = await replayed(world)

    owners = {document.id: document.conversation for document in world.documents}
    figures = score(outcomes, owners)
    assert len(outcomes.answers) == len(world.queries)
    assert figures[Category.UPDATE, "stale@10"].value == 0
    assert figures[Category.UPDATE, "history kept"].value == 1
    assert figures[Category.POINT_IN_TIME, "stale@10"].value == 0
    assert figures[Category.TEMPORAL, "window exact"].value == 1
    assert figures[Category.ORDER, "tau"].value == 1
    assert figures[Category.FORGET, "residue"].value == 0
    assert figures[Category.FORGET, "preview exact"].value == 1
    assert figures[Category.ISOLATION, "leakage"].value == 0
    assert {answer.verdict for _, answer in outcomes.answers} >= {"found"}


def test_the_command_writes_the_three_files(tmp_path: Path) -> None:
    assert main(["--size", "smoke", "--write", str(tmp_path / "data")]) == 0

    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "documents.jsonl",
        "operations.jsonl",
        "queries.jsonl",
    ]


def test_the_command_shows_the_baselines_beside_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZETTEL_MODEL", "hash")

    assert main(["--size", "smoke", "--systems", "baselines", "--style", "notes"]) == 0

    report = capsys.readouterr().out
    assert "| category | figure | of | BM25 | dense |" in report
    assert all(f"| {category} |" in report for category in Category)
    assert "`python -m benchmarks.generator --seed 0 --size smoke --style notes" in report
