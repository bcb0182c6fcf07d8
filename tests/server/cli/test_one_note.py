"""What commands say of a single note."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.server.processes import Launcher

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
