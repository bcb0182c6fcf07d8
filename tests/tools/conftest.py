"""A desk: the four tools behind a real MCP client, on an in-memory store, with a clock of ours."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from string import ascii_lowercase

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent
from tests.scripted_llm import ScriptedLlm, scripted_llm
from tests.storage.in_memory.store import DictStore

from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import LanceStore, open_store
from zettel.tools.caller import Caller
from zettel.tools.evolve.run import Budget, RunReport, evolve
from zettel.tools.state.memory import Memory

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""A Friday."""


class Refused(Exception):
    """A tool answered with an error; its text is what the agent reads."""


@dataclass
class Desk:
    """What a test holds in its hands."""

    memory: Memory
    now: datetime = START
    client: Client | None = None
    runs: int = field(default=0)

    def later(self, **parts: float) -> None:
        """Move the clock."""
        self.now += timedelta(**parts)

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out a call for the server; every one a second after the last."""
        self.later(seconds=1)
        return await dispatch(self.memory, caller, arguments, now=self.now)

    async def __call__(self, tool: str, **arguments: object) -> dict[str, object]:
        """Call a tool as an agent does.

        Raises:
            Refused: It answered with an error.
        """
        assert self.client is not None
        result = await self.client.call_tool(tool, arguments)
        text = result.content[0]
        assert isinstance(text, TextContent)
        if result.is_error:
            raise Refused(text.text)
        answer = result.structured_content
        assert isinstance(answer, dict)
        return answer

    async def told(self, content: str, **arguments: object) -> str:
        """Remember something; returns its id."""
        answer = await self("remember", content=content, **arguments)
        assert answer["status"] == "stored"
        return str(answer["note_id"])

    async def found(self, **arguments: object) -> list[str]:
        """Recall; returns the ids, best first."""
        return ids(await self("recall", **arguments))

    async def evolve(self, run_id: str = "") -> RunReport:
        """Run evolution to its end, as `run-1` and so on unless told otherwise."""
        self.runs += 1
        name = run_id or f"run-{self.runs}"
        return await evolve(self.memory, now=self.now, run_id=name, who="test", budget=Budget())


def lettered(number: int) -> str:
    """A word for a number from 0 to 675: notes that differ in a number seem to tell a change."""
    return f"{ascii_lowercase[number // 26]}{ascii_lowercase[number % 26]}"


def pick(value: object, *path: str | int) -> object:
    """What stands at this path of an answer."""
    for step in path:
        match value, step:
            case dict(), str():
                value = value[step]
            case list(), int():
                value = value[step]
            case _:
                raise KeyError(path)
    return value


def pick_values(value: object, *path: str | int) -> list[object]:
    """The values of the object at this path."""
    found = pick(value, *path)
    assert isinstance(found, dict)
    return list(found.values())


def ids(answer: Mapping[str, object]) -> list[str]:
    """The note ids of an answer, in order."""
    return [str(note["note_id"]) for note in notes(answer)]


def contents(answer: Mapping[str, object]) -> list[object]:
    """The words of an answer's notes, in order."""
    return [note["content"] for note in notes(answer)]


def notes(answer: Mapping[str, object]) -> list[dict[str, object]]:
    """The notes of an answer."""
    found = answer["notes"]
    assert isinstance(found, list)
    return found


@asynccontextmanager
async def opened_desk(memory: Memory, *, namespace: str = "proj") -> AsyncGenerator[Desk]:
    """A desk over a memory."""
    desk = Desk(memory=memory)
    door = ClientDefaults(transport="test", namespace=namespace, session="")
    async with Client(create_server(desk, door), raise_exceptions=True) as client:
        desk.client = client
        yield desk


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    """A desk on a new in-memory store."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    async with opened_desk(memory) as opened:
        yield opened


async def _opened_store(place: Path) -> LanceStore:
    embedder = HashEmbedder()
    return await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty LanceDB store that nobody opens: to make one takes as long as to tell two notes."""

    async def make() -> None:
        await (await _opened_store(place)).close()

    place = tmp_path_factory.mktemp("empty") / "store"
    anyio.run(make)
    return place


@pytest.fixture(params=["dict", "lance"])
async def any_desk(
    request: pytest.FixtureRequest, tmp_path: Path, empty_store: Path
) -> AsyncGenerator[Desk]:
    """A desk on a new store of each kind."""
    embedder = HashEmbedder()
    if request.param == "dict":
        store = DictStore()
    else:
        store = await _opened_store(copytree(empty_store, tmp_path / "store"))
    async with opened_desk(Memory(store=store, embedder=embedder)) as opened:
        yield opened
    await store.close()


@pytest.fixture
def llm() -> Generator[ScriptedLlm]:
    """An LLM's service on loopback."""
    with scripted_llm() as service:
        yield service


@pytest.fixture
async def consolidating_desk() -> AsyncGenerator[Desk]:
    """A desk on a new in-memory store whose notes are consolidated."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), consolidates=True)
    async with opened_desk(memory) as opened:
        yield opened


@pytest.fixture
async def asking_desk(llm: ScriptedLlm) -> AsyncGenerator[Desk]:
    """A desk on a new in-memory store whose notes evolve with the LLM."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), mind=llm.mind())
    async with opened_desk(memory) as opened:
        yield opened
