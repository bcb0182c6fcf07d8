"""The MCP Inspector's command line, a client that shares no code with ours, on every transport."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.server.engine_homes import Home, home_at
from tests.server.processes import PATIENCE_S, ZETTEL, Launcher, Served, environment

NODE = os.environ.get("ZETTEL_TEST_NODE", "")
INSPECTOR = os.environ.get("ZETTEL_TEST_INSPECTOR", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (NODE and INSPECTOR),
        reason="set ZETTEL_TEST_NODE to a node of 22.19 or newer (npm install node@24) and"
        " ZETTEL_TEST_INSPECTOR to a folder in which"
        " `npm install @modelcontextprotocol/inspector@2.12.0` was run",
    ),
]

Inspect = Callable[..., dict[str, JsonValue]]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Run the Inspector once and read what it prints."""
    program = Path(INSPECTOR) / "node_modules" / ".bin" / "mcp-inspector"

    def run(*arguments: str) -> dict[str, JsonValue]:
        path = os.pathsep.join((str(Path(NODE).parent), os.environ.get("PATH", "")))
        done = subprocess.run(
            [NODE, str(program.resolve()), "--cli", *arguments],
            env=environment(tmp_path / "store", PATH=path, HOME=str(tmp_path)),
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        printed: dict[str, JsonValue] = json.loads(done.stdout)
        return printed

    return run


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A server that nobody reaches without a token, and one."""
    store = tmp_path_factory.mktemp("guarded") / "store"
    with ExitStack() as running:
        zettel = Launcher(store=store, running=running)
        made = zettel.run("token", "create", "--name", "inspector", "--namespace", "inspected")
        yield zettel.serve(), made.stdout.strip()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A store whose engine all share who come by stdio, as clients on one machine do."""
    with home_at(tmp_path_factory.mktemp("home") / "store") as home:
        yield home


@pytest.fixture(params=["stdio", "http", "sse"])
def way_in(
    request: pytest.FixtureRequest, guarded: tuple[Served, str], home: Home, tmp_path: Path
) -> tuple[list[str], list[str]]:
    """The arguments that name the server: before the method, and behind everything."""
    if request.param == "stdio":
        config = tmp_path / "mcp.json"
        server = {
            "command": ZETTEL[0],
            "args": ZETTEL[1:],
            "env": home.environment(),
        }
        config.write_text(json.dumps({"mcpServers": {"zettel": server}}), encoding="utf-8")
        return ["--config", str(config), "--server", "zettel"], []
    path = "mcp" if request.param == "http" else "sse"
    served, token = guarded
    bearer = ["--header", f"Authorization: Bearer {token}"]
    return [f"{served.url}/{path}", "--transport", str(request.param), *bearer], []


def test_the_inspector_lists_the_tools(
    inspect: Inspect, way_in: tuple[list[str], list[str]]
) -> None:
    before, behind = way_in
    printed = inspect(*before, "--method", "tools/list", "--strict", "--format", "json", *behind)

    for name in ("remember", "recall", "update", "forget"):
        assert f'"name": "{name}"' in json.dumps(printed)


def test_the_inspector_calls_a_tool(inspect: Inspect, way_in: tuple[list[str], list[str]]) -> None:
    before, behind = way_in
    arguments = json.dumps({"content": "the inspector was here"})
    printed = inspect(
        *before,
        *("--method", "tools/call", "--tool-name", "remember"),
        *("--tool-args-json", arguments, "--format", "json"),
        *behind,
    )

    assert '"status": "stored"' in json.dumps(printed) or "already_known" in json.dumps(printed)


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_reads_resources_and_prompts_in_both_eras(
    inspect: Inspect, way_in: tuple[list[str], list[str]], era: str
) -> None:
    before, behind = way_in

    def ask(*arguments: str) -> str:
        answer = inspect(*before, *arguments, "--format", "json", "--protocol-era", era, *behind)
        return json.dumps(answer)

    assert "remember" in ask("--method", "tools/list", "--strict")
    assert "memory://note/{id}" in ask("--method", "resources/templates/list")
    assert "memory://profile" in ask("--method", "resources/list")
    assert "application/json" in ask("--method", "resources/read", "--uri", "memory://stats")
    known = ask("--method", "prompts/get", "--prompt-name", "what-do-you-know")
    assert "Tell the user what memory holds" in known
