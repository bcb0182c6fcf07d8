"""What commands say of a single note."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.server.processes import Launcher, environment

SEVERAL = re.compile(r"\b1 (?:notes|files|revisions|changes|namespaces|that it made are)\b")


@pytest.fixture
def zettel(tmp_path: Path) -> Iterator[Launcher]:
    """A store of one note."""
    with ExitStack() as running:
        launcher = Launcher(store=tmp_path / "store", running=running)
        assert launcher.run("add", "Ana keeps bees", "--namespace", "old").returncode == 0
        yield launcher


def test_no_command_speaks_of_one_note_as_of_several(zettel: Launcher, tmp_path: Path) -> None:
    file, folder, moved = str(tmp_path / "a.zettel"), str(tmp_path / "vault"), "goats"
    texts = list[str]()
    for words in (
        ("backup", file),
        ("restore", file, "--into-namespace", "copy"),
        ("evolve", "--dry-run"),
        ("move", "--from", "copy", "--to", moved, "--confirm", moved),
        ("namespaces", "merge", moved, "old", "--confirm", "old"),
        ("export", folder, "--format", "markdown"),
        ("forget", "--query", "bees", "--namespace", "old", "--confirm", "forget"),
        ("forget", "--erase", "--all", "--namespace", "old", "--confirm", "not this"),
        ("stats",),
    ):
        done = zettel.run(*words)
        texts.append(f"{words[0]}: {done.returncode} {done.stdout}{done.stderr}")

    assert [text for text in texts if SEVERAL.search(text)] == []
    assert ("1 note, 1 revision came back" in texts[1], "1 note got a new id" in texts[1]) == (
        True,
        True,
    )


def test_edit_names_the_commands_that_change_a_text_kept_in_several_notes(
    zettel: Launcher, tmp_path: Path
) -> None:
    text, editor = tmp_path / "text", tmp_path / "editor"
    text.write_text("\n".join(f"On day {n} the bees were quiet." for n in range(2_000)))
    editor.write_text(f'#!/bin/sh\nhead -n 800 {text} >> "$1"\n')
    editor.chmod(0o700)
    stored = json.loads(zettel.run("add", text.read_text(), "--json").stdout)

    done = zettel.run("edit", stored["note_id"], "--yes", EDITOR=str(editor))

    assert done.returncode == 2
    assert f"is the first of {len(stored['parts']) + 1} notes" in done.stderr
    assert f"zettel forget {stored['note_id']}" in done.stderr
    assert "(" not in done.stderr.splitlines()[0]
    [session] = re.findall("zettel list --session '(.+?)'", done.stderr)
    listed = zettel.run("list", "--session", session, "--json").stdout.splitlines()
    assert stored["parts"][0] in {json.loads(each)["note_id"] for each in listed}


def test_adding_says_what_is_not_kept_and_how_to_settle(zettel: Launcher) -> None:
    known = zettel.run("add", "Ana keeps bees", "--namespace", "old", "--tag", "farm")
    near = zettel.run("add", "Ana keeps the bees", "--namespace", "old")
    first, second = known.stdout.split()[3], near.stdout.split()[2]

    assert known.stdout.startswith("Known already")
    assert f"Not kept, as it differs there: tags. zettel edit {first}" in known.stdout
    assert f"If it replaces the first: zettel link {second} supersedes {first}" in near.stdout
    assert f"If both say the same: zettel link {second} same_as {first}" in near.stdout
    late = zettel.run(
        "add", "Ana keeps the bees now", "--namespace", "old", "--happened-at", "2020-01-01"
    )
    assert "If the first replaces it: zettel link" in late.stdout


def test_a_superseded_note_is_told_apart_in_an_answer(zettel: Launcher) -> None:
    note = json.loads(zettel.run("list", "--namespace", "old", "--json").stdout)
    added = zettel.run("add", "Ana gave up her bees", "--namespace", "old", "--json")
    newer = json.loads(added.stdout)["note_id"]
    assert zettel.run("link", newer, "supersedes", note["note_id"]).returncode == 0

    shown = zettel.run("recall", "What did Ana keep before?", "--namespace", "old")

    assert "(superseded) Ana keeps bees" in shown.stdout


def test_what_is_no_utf8_and_an_editor_that_fails_are_named(zettel: Launcher) -> None:
    note = json.loads(zettel.run("list", "--namespace", "old", "--json").stdout)
    command = [sys.executable, "-m", "zettel", "--in-process", "add"]
    env = environment(zettel.store)

    latin = subprocess.run(command, input=b"caf\xe9", capture_output=True, check=False, env=env)
    failed = zettel.run("edit", note["note_id"], EDITOR="false")

    assert (latin.returncode, failed.returncode) == (2, 2)
    assert b"it is not UTF-8" in latin.stderr
    assert "'false' ended with 1, so nothing was taken from it" in failed.stderr
