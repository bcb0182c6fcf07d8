"""What every command has: help with examples, lines that fit, `--json`."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from rich.console import Console
from tests.server.processes import Launcher
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from zettel.server.cli.app import app
from zettel.server.cli.terminal import wrapped
from zettel.server.commands.output import Line, Output, block, line

WIDTHS = (60, 120)
WITHOUT_JSON = {
    "zettel": "serves MCP, whose messages are JSON",
    "zettel serve": "runs until it is ended",
    "zettel completion": "prints a script",
}
"""Commands that print no data, with the reason."""
PRINTED: dict[tuple[str, ...], int] = {
    ("add", "Ana keeps bees", "--subject", "Ana"): 0,
    ("recall", "bees"): 0,
    ("search", "bees"): 0,
    ("list",): 0,
    ("show", "ID"): 0,
    ("history", "ID"): 0,
    ("graph", "ID"): 0,
    ("stats",): 0,
    ("link", "ID", "supports", "OTHER"): 0,
    ("review",): 0,
    ("forget", "OTHER"): 0,
    ("audit",): 0,
    ("evolve", "--dry-run"): 0,
    ("namespaces",): 0,
    ("config",): 0,
    ("config", "explain", "model"): 0,
    ("status",): 0,
    ("stop",): 0,
    ("token", "create", "--name", "ana", "--namespace", "farm"): 0,
    ("token", "list"): 0,
    ("token", "revoke", "ana"): 0,
    ("backup", "BACKUP"): 0,
    ("export", "EXPORT"): 0,
    ("import", "EXPORT", "--into-namespace", "copy"): 0,
    ("doctor",): 0,
    ("edit", "ID", "--yes"): 0,
    ("evolve", "--once"): 0,
    ("undo", "RUN"): 0,
    ("runs",): 0,
    ("reembed", "--dry-run"): 0,
    ("restore", "BACKUP", "--into-namespace", "old"): 0,
    ("verify-erased", "--id", "01ARZ3NDEKTSV4RRFFQ69G5FAV"): 0,
    ("namespaces", "merge", "old", "farm", "--confirm", "farm"): 0,
    ("move", "ID", "--to", "barn"): 0,
    ("move", "--from", "barn", "--to", "farm", "--confirm", "farm"): 0,
    ("config", "set", "evolve_minutes", "60"): 0,
    ("config", "unset", "evolve_minutes"): 0,
    ("trust",): 0,
    ("install", "cursor", "--yes"): 0,
    ("uninstall", "cursor", "--yes"): 0,
}
"""Calls of every command whose `--json` is tried, in this order, with the exit status."""
NOT_TRIED = {
    "zettel open": "starts a server; tests/server/cli/test_open.py reads its JSON",
    "zettel hook": "tests/server/commands/test_hooks.py plays a session",
    "zettel model export": "writes a graph for a minute; tests/storage/embedding tries that",
}


def commands() -> dict[str, TyperCommand | TyperGroup]:
    """Every command and group by its words."""
    found = dict[str, TyperCommand | TyperGroup]()

    def add(path: str, command: object) -> None:
        assert isinstance(command, TyperCommand | TyperGroup)
        found[path] = command
        if isinstance(command, TyperGroup):
            for name, inner in command.commands.items():
                add(f"{path} {name}", inner)

    add("zettel", get_command(app))
    return found


@pytest.mark.parametrize("path", commands())
@pytest.mark.parametrize("width", WIDTHS)
def test_every_help_has_an_example_and_lines_that_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as left:
        app([*path.split()[1:], "-h"], prog_name="zettel")
    shown = capsys.readouterr().out

    assert left.value.code == 0
    examples = shown.partition("Examples:\n")[2].partition("\n\n")[0]
    assert "zettel " in examples
    assert [text for text in shown.splitlines() if len(text) > width] == []


def test_every_command_prints_json_or_says_why_not() -> None:
    tried = {" ".join(("zettel", *words)) for words in PRINTED}
    for path, command in commands().items():
        has_json = any("--json" in option.opts for option in command.params)
        known = [call for call in tried if f"{call} ".startswith(f"{path} ")]
        if path in WITHOUT_JSON or (isinstance(command, TyperGroup) and not has_json):
            assert not has_json, path
        else:
            assert has_json, path
            assert known or path in NOT_TRIED, path


@pytest.mark.slow
def test_what_json_prints_is_json(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("json")
    with ExitStack() as running:
        zettel = Launcher(store=folder / "store", running=running)
        names = {"BACKUP": str(folder / "b.zettel"), "EXPORT": str(folder / "e.jsonl")}
        for name, words in (("ID", "Bob keeps hens"), ("OTHER", "The tram is late")):
            done = zettel.run("add", words, "--json", ZETTEL_NAMESPACE="farm")
            names[name] = json.loads(done.stdout)["note_id"]
        settings = {
            "ZETTEL_NAMESPACE": "farm",
            "HOME": str(folder),
            "EDITOR": "sed -i s/hens/ducks/",
            "ZETTEL_ERASURES": str(folder / "state"),
        }
        for words, status in PRINTED.items():
            given = [names.get(word, word) for word in words]
            done = zettel.run(*given, "--json", **settings)
            assert done.returncode == status, (words, done.stdout, done.stderr)
            values = [json.loads(text) for text in done.stdout.splitlines()]
            assert values or words == ("review",), words
            if words == ("evolve", "--once"):
                names["RUN"] = values[0]["run_id"]


LONG = (
    "Ana keeps bees in Ulm and 東京 beside a-word-that-is-longer-than-what-is-left-of-a-line " * 3
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "lines",
    [
        block(f"{LONG}\n  {LONG}", line("  1  ", ("7K2QX9F", "id"), "  2026-11-20  ", indent=5)),
        Output(None, f"engine     {LONG}").lines(),
        Output(None, f"    {LONG}").lines(),
        [line(("x" * 300, "strong"), indent=4)],
    ],
    ids=["note", "table", "indented", "one word"],
)
def test_on_a_terminal_no_line_is_wider_and_none_of_a_text_begins_at_the_left(
    lines: list[Line], width: int
) -> None:
    console = Console(width=width, file=open(os.devnull, "w", encoding="utf-8"))
    shown = [part for each in lines for part in wrapped(each, console)]
    with console.file:
        pass

    assert all(part.cell_len <= width for part in shown)
    assert all(part.plain.startswith("    ") for part in shown[1:])
    assert "".join("".join(part.plain.split()) for part in shown) == "".join(
        "".join(each.plain.split()) for each in lines
    )


@pytest.fixture(scope="module")
def zettel_of_one_note(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A store with one long note."""
    with ExitStack() as running:
        zettel = Launcher(store=tmp_path_factory.mktemp("one") / "store", running=running)
        assert zettel.run("add", LONG).returncode == 0
        yield zettel


def test_in_a_pipe_a_note_is_one_plain_line(zettel_of_one_note: Launcher) -> None:
    done = zettel_of_one_note.run("list", FORCE_COLOR="1")

    assert LONG.strip() in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("shell", "holds"), [("bash", "complete -o"), ("zsh", "#compdef zettel"), ("fish", "complete")]
)
def test_completion_prints_the_script_of_a_shell(
    zettel_of_one_note: Launcher, shell: str, holds: str
) -> None:
    done = zettel_of_one_note.run("completion", shell)

    assert done.returncode == 0, done.stderr
    assert holds in done.stdout
    assert "_ZETTEL_COMPLETE=complete_" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "values"),
    [("zettel li", ["list", "link"]), ("zettel list --kind s", ["semantic"])],
)
def test_a_shell_that_asks_gets_names_and_no_server(
    zettel_of_one_note: Launcher, words: str, values: list[str]
) -> None:
    asking = {"_ZETTEL_COMPLETE": "complete_bash", "COMP_WORDS": words}
    # Whether a shell asks is seen when the command line is imported.
    done = replace(zettel_of_one_note, fresh=True).run(
        COMP_CWORD=str(len(words.split()) - 1), **asking
    )

    assert done.stdout.split() == values
