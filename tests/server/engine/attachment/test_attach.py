"""Clients and their one engine: ten at once, what an attachment loads, what travels with it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from pydantic import JsonValue
from tests.server.engine_homes import Home, ask, home_at, lists_tools
from tests.server.processes import INITIALIZE, INITIALIZED, PATIENCE_S, Process, tool_call
from tests.starting import interpreter

HEAVY = {
    "anyio",
    "asyncio",
    "hashlib",
    "importlib.metadata",
    "lancedb",
    "logging",
    "mcp",
    "platformdirs",
    "pydantic",
    "tomllib",
    "typer",
    "zettel.server.config.settings",
    "zettel.storage.errors",
}
"""What an attachment may not load: each costs milliseconds and megabytes for every client."""


@pytest.fixture(scope="module", params=["unix", "tcp"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """A store reached one way, for all tests of the module: its engine lives on between them."""
    if request.param == "unix" and sys.platform == "win32":
        pytest.skip("no Unix sockets")
    place = tmp_path_factory.mktemp(str(request.param)) / "store"
    with home_at(place, ipc=str(request.param), fresh=request.param == "unix") as home:
        yield home


def test_ten_clients_started_at_once_have_one_engine_and_four_tools_each(home: Home) -> None:
    clients = [home.spawn() for _ in range(10)]
    for client in clients:
        client.say(INITIALIZE)
    for client in clients:
        assert "result" in client.hear()
        client.say(INITIALIZED)

    assert all(lists_tools(client) for client in clients)
    assert len(home.engines()) == 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_one_client_tells_another_recalls_at_once(home: Home, mode: str) -> None:
    parameters = StdioServerParameters(
        command=sys.executable if home.fresh else interpreter(),
        args=["-m", "zettel"],
        env=home.environment(),
        cwd=home.store.parent,
    )
    one, two = Client(parameters, mode=mode), Client(parameters, mode=mode)
    async with one, two:
        for number in range(5):
            told = await one.call_tool("remember", {"content": f"fact {number}"})
            note_id = told.structured_content["note_id"]
            found = await two.call_tool("recall", {"note_ids": note_id})
            assert found.structured_content["verdict"] == "found"

        assert len(home.engines()) == 1


def test_an_attachment_loads_nothing_heavy(home: Home) -> None:
    home.attach()
    entry = "import sys; from zettel.server.main import main; sys.argv = ['zettel']; main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", entry],
        input=json.dumps(INITIALIZE).encode() + b"\n",
        env=home.environment(),
        cwd=home.store.parent,
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}

    assert json.loads(done.stdout)["id"] == 1
    # Not what stands in the installation's own .pth files, but it stands in ours.
    assert "zettel.server.main" in loaded
    assert not loaded & HEAVY


def test_each_client_writes_into_its_own_project_and_session(home: Home, tmp_path: Path) -> None:
    told = list[tuple[str, str]]()
    for name in ("harbour", "meadow"):
        project = tmp_path / name
        (project / ".git").mkdir(parents=True)
        client = home.attach(cwd=project)
        answer = ask(client, 2, "remember", content=f"{name} is green")
        full = ask(client, 3, "recall", note_ids=answer["note_id"], detail="full")
        notes = full["notes"]
        assert isinstance(notes, list)
        assert isinstance(notes[0], dict)
        told.append((str(answer["namespace"]), str(notes[0]["session"])))

    (harbour, first), (meadow, second) = told
    assert harbour.startswith("harbour-")
    assert meadow.startswith("meadow-")
    assert first != second
    assert len(home.engines()) == 1


def test_a_client_that_names_its_namespace_and_session_gets_them(home: Home) -> None:
    client = home.attach(ZETTEL_NAMESPACE="mine", ZETTEL_SESSION="evening")
    told = ask(client, 2, "remember", content="Ana keeps bees")
    full = ask(client, 3, "recall", note_ids=told["note_id"], detail="full")

    assert told["namespace"] == "mine"
    assert "evening" in json.dumps(full)


def test_a_setting_of_the_engine_in_a_clients_environment_is_warned_about(home: Home) -> None:
    home.attach()
    other = home.attach(ZETTEL_MODEL="some-other-model")
    other.stdin.close()

    assert other.end() == 0
    assert other.popen.stderr is not None
    warned = other.popen.stderr.read().decode()
    assert "model" in warned
    assert "some-other-model" in warned
    assert str(home.store / "config.toml") in warned


@pytest.mark.slow
def test_the_engine_that_a_client_starts_has_the_settings_of_its_environment(home: Home) -> None:
    assert home.run("stop").returncode == 0
    client = home.attach(ZETTEL_FOUND_FROM="0", ZETTEL_SECRETS="refuse", ZETTEL_PORT="1")
    refused = json.dumps(home_answer(client, "token ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"))
    ask(client, 3, "remember", content="Ana keeps bees")
    answer = ask(client, 4, "recall", query="Which quarks does Zora fry with bees?")

    assert "secrets" in refused or "key" in refused
    assert '"isError": true' in refused
    assert answer["verdict"] == "found"
    assert "notice" not in answer
    assert home.run("stop").returncode == 0


def home_answer(client: Process, content: str) -> JsonValue:
    """What comes back of a `remember`, well or not."""
    client.say(tool_call(2, "remember", content=content))
    return client.hear()


@pytest.mark.parametrize("budget", [100, 2000])
def test_the_first_answer_names_settings_that_are_not_in_force_once(
    home: Home, budget: int
) -> None:
    ask(home.attach(), 2, "remember", content="Ana keeps bees. " * 200)
    other = home.attach(ZETTEL_FOUND_FROM="0", ZETTEL_LLM_BASE_URL="http://ana:sesame@far.invalid")
    answers = [
        ask(other, 2, "recall", query="bees", max_tokens=budget),
        ask(other, 3, "remember", content="Ben keeps goats"),
        ask(other, 4, "recall", query="bees"),
    ]
    told = [str(answer["notice"]) for answer in answers if "notice" in answer]

    assert len(told) == 1
    assert "found_from, llm_base_url" in told[0]
    assert "sesame" not in json.dumps(answers)
    assert ("notice" in answers[0]) == (budget == 2000)
    assert len(json.dumps(answers[0], separators=(",", ":")).encode()) <= 4 * budget


def test_a_message_of_four_mebibytes_is_answered_through_an_attachment(home: Home) -> None:
    client = home.attach()
    start = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"remember",'
    client.say(
        start % 2 + b'"arguments":{"content":"' + b"a" * 4_000_000 + b'"}}}',
        start % 3 + b'"arguments":{"content":"' + b"a" * 4_300_000 + b'"}}}',
    )
    answers = {str(answer["id"]): answer for answer in (client.hear(), client.hear())}
    again = ask(client, 4, "remember", content="still here")

    assert "131,072" in json.dumps(answers["2"])
    assert "longer than" in json.dumps(answers["3"])
    assert again
