"""The README keeps its word: settings, commands, tools and snippets are those of the code."""

import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from typer.core import TyperGroup
from typer.main import get_command

from zettel.server.cli.app import app
from zettel.server.cli.serve import welcome
from zettel.server.config.settings import Settings, load_settings
from zettel.server.protocol.tools import TOOLS
from zettel.storage.embedding.model_files import PACKAGED_SHA256

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.M | re.S)
    assert found, title
    return found.group(1)


def first_column(title: str) -> list[str]:
    """What the rows of a section's table are about."""
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.M)


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows: list[tuple[str, str]] = re.findall(
        r"^\| `ZETTEL_(\w+)` \| ([^|]+) \|", section("Settings"), re.M
    )
    described = {name.lower(): default.strip("` ") for name, default in rows}

    assert set(described) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, float):
            assert float(described[name]) == field.default
        elif isinstance(field.default, bool):
            assert described[name] == str(field.default).lower()
        elif isinstance(field.default, str | int):
            assert described[name] == (str(field.default) or "none")


def test_every_command_is_described() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)

    described = {line.split()[1] for line in first_column("On the command line") if " " in line}
    assert described == set(group.commands)


def test_the_four_tools_are_described() -> None:
    assert first_column("What an agent can do") == list(TOOLS)


def test_every_make_target_it_names_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)

    assert set(re.findall(r"make ([a-z-]+)", README)) <= set(targets)


def test_the_weights_it_promises_are_the_ones_that_are_checked() -> None:
    assert PACKAGED_SHA256 in README


def test_the_files_it_points_to_are_there() -> None:
    for target in re.findall(r"\]\(([A-Za-z][\w./-]*)\)", README):
        assert (ROOT / target).is_file(), target


@pytest.mark.parametrize("snippet", [*blocks("json"), *blocks("toml")])
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
        assert entry["url"] == "http://127.0.0.1:{}/mcp".format(
            Settings.model_fields["port"].default
        )
        return
    assert shlex.split(entry["command"]) == [".venv/bin/zettel"]
    here = str(Path(sys.executable).with_name("zettel"))
    store = ["--store", str(tmp_path)]
    (tmp_path / "config.toml").write_text('model = "hash"', encoding="utf-8")
    arguments = [*entry.get("args", []), *store]

    try:
        async with Client(StdioServerParameters(command=here, args=arguments)) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == list(TOOLS)
    finally:
        await anyio.run_process([here, "stop", *store])
