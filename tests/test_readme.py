"""The README keeps its word: its snippets lead to the four tools, and it stays short."""

import json
import os
import re
import shlex
import sys
import tomllib
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from zettel.server.cli.serving import welcome
from zettel.server.config.settings import Settings, load_settings
from zettel.server.protocol.server import TOOLS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
REMOTE = (ROOT / "docs" / "remote.md").read_text(encoding="utf-8")
MAX_BYTES = 10_000
"""What somebody reads before they try it."""
CLONE = "/path/to/zettel"
"""Stands for the checkout in the snippets."""
URL = f"http://127.0.0.1:{Settings.model_fields['port'].default}/mcp"


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)


def section(title: str) -> str:
    """The text under a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.M | re.S)
    assert found, title
    return found.group(1)


def claude_calls(page: str) -> list[list[str]]:
    """The words of every `claude mcp add` a page shows."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("claude mcp add ")]


OFFERED = dict[tuple[str, ...], list[str]]()


async def tools_of(command: str, arguments: list[str], folder: Path) -> list[str]:
    """The tools that a client is offered which starts this command in a folder.

    The command of the snippet, as it is installed here; started once for all that say the same.
    """
    assert command == f"{CLONE}/.venv/bin/zettel"
    if (offered := OFFERED.get(tuple(arguments))) is None:
        offered = OFFERED[tuple(arguments)] = await _tools_of(arguments, folder)
    return offered


async def _tools_of(arguments: list[str], folder: Path) -> list[str]:
    here = str(Path(sys.executable).with_name("zettel"))
    store = ["--store", str(folder / "store")]
    (folder / "store").mkdir()
    (folder / "store" / "config.toml").write_text('model = "hash"', encoding="utf-8")
    started = StdioServerParameters(command=here, args=[*arguments, *store], cwd=folder)
    try:
        async with Client(started) as client:
            return [tool.name for tool in (await client.list_tools()).tools]
    finally:
        await anyio.run_process([here, "stop", *store])


def test_it_can_be_read_in_one_go() -> None:
    assert len(README.encode()) <= MAX_BYTES


def test_the_four_tools_are_described() -> None:
    assert re.findall(r"^\| `([^`]+)` \|", section("The four tools"), re.M) == list(TOOLS)


def test_every_make_target_it_names_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)

    assert set(re.findall(r"make ([a-z-]+)", README)) <= set(targets)


def test_every_page_is_reached_from_it() -> None:
    pages = {page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*.md")}

    assert pages <= set(re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", README))


@pytest.mark.parametrize(
    "snippet", [*blocks(README, "json"), *blocks(README, "toml"), *blocks(REMOTE, "json")]
)
async def test_a_client_snippet_leads_to_the_four_tools(snippet: str, tmp_path: Path) -> None:
    parsed = json.loads(snippet) if snippet.startswith("{") else tomllib.loads(snippet)
    [servers] = parsed.values()
    entry = servers["zettel"]
    if "headers" in entry:
        name = "memory.example.org"
        settings = load_settings(store=str(tmp_path), host="0.0.0.0", allowed_hosts=name)
        printed = welcome("https://0.0.0.0:8377", settings, "", needs_token=True)
        assert "".join(json.dumps(parsed).split()) in "".join(printed.split())
        return
    if "url" in entry:
        assert entry["url"] == URL
        return
    assert await tools_of(entry["command"], entry.get("args", []), tmp_path) == list(TOOLS)


async def test_claude_code_finds_the_four_tools_from_any_folder(tmp_path: Path) -> None:
    by_command, by_address = claude_calls(README)

    assert by_address[by_address.index("--transport") + 1] == "http"
    assert by_address[-1] == URL
    for call in (by_command, by_address):
        assert call[call.index("--scope") + 1] == "user"
    command, *arguments = by_command[by_command.index("--") + 1 :]
    # In the clone a shell makes an absolute path of it, which holds in every other folder.
    absolute = command.replace("$PWD", CLONE)
    assert os.path.isabs(absolute)
    assert await tools_of(absolute, arguments, tmp_path) == list(TOOLS)


@pytest.mark.parametrize("call", claude_calls(REMOTE), ids=" ".join)
def test_claude_code_reaches_a_remote_endpoint_from_any_folder(call: list[str]) -> None:
    assert call[call.index("--scope") + 1] == "user"
    assert [word for word in call if word.startswith("https://memory.example.org")]


@pytest.mark.parametrize("client", ["Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex"])
def test_every_client_has_a_snippet(client: str) -> None:
    # On its line, and right before the snippet.
    assert re.search(rf"\*\*{client}\*\*[^\n]*\n\n```", section("Connect a client"))
