"""Erasing through an engine and beside it: nothing is left in its store, its log included."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.server.engine_homes import Home, ask, home_at
from tests.server.processes import Process, tool_call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")

CANARY = "Quillfeather keeps bees by the old mill"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A store whose engine tells all it can, and evolves at once."""
    with home_at(tmp_path / "store") as home:
        home.configure(log_level="debug", settle_seconds=0.1, consolidate=True)
        yield home


def tool(client: Process, name: str, **arguments: JsonValue) -> Mapping[str, JsonValue]:
    """What a tool answers."""
    return ask(client, 1, name, **arguments)


def holding(home: Home, *words: str) -> list[str]:
    """Names of the store's files in which any of the words stands."""
    return [
        path.name
        for path in home.store.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
    ]


@pytest.mark.slow
def test_an_erased_note_is_in_no_file_of_its_store_and_in_no_log(home: Home) -> None:
    client = home.attach()
    told = tool(client, "remember", content=CANARY, session="s")
    note_id = str(told["note_id"])
    tool(client, "remember", content=f"{CANARY}, they say", session="s")
    tool(client, "update", note_id=note_id, content=f"{CANARY} and geese")
    tool(client, "recall", query="Who keeps bees?", detail="full")
    assert holding(home, note_id)

    preview = tool(client, "forget", note_ids=[note_id], erase=True)
    answer = tool(client, "forget", confirm=preview["confirm"])

    # An engine amid its own work may need a moment: then it stays ordered.
    assert answer["status"] in {"erased", "erasing"}
    done = home.run("evolve", "--once", "--json")
    assert done.returncode == 0, done.stderr
    again = tool(client, "forget", confirm=preview["confirm"])
    assert again["status"] == "erased"
    assert holding(home, note_id, f"{CANARY} and geese") == []
    assert len(tool(client, "recall", query="bees")["notes"]) == 1  # pyright: ignore[reportArgumentType]


def test_the_command_line_erases_under_a_running_engine(home: Home) -> None:
    client = home.attach()
    told = tool(client, "remember", content=CANARY, namespace="farm")
    note_id = str(told["note_id"])

    refused = home.run("forget", "--erase", note_id, "--confirm", "yes")
    erased = home.run(
        "forget", "--erase", "--all", "--namespace", "farm", "--confirm", "farm", "--json"
    )

    assert (refused.returncode, erased.returncode) == (4, 0), erased.stderr
    assert json.loads(erased.stdout)["matched"] == 1
    client.say(tool_call(2, "recall", note_ids=[note_id]))
    assert f"Note '{note_id}' was erased at" in json.dumps(client.hear())
