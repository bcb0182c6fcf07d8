"""Projects on one store: clients in real repositories, each started in a folder of its own."""

import json
import re
import sys
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.server.config.test_repository import URL, git, needs_git, project, repository_at
from tests.server.engine_homes import Home, ask

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX"),
    needs_git,
]


def tell(home: Home, folder: Path, content: str, **settings: str) -> str:
    """Remember something in a folder; the namespace it went to."""
    answer = ask(home.attach(cwd=folder, **settings), 2, "remember", content=content)
    assert answer["status"] == "stored"
    return str(answer["namespace"])


def recalled(home: Home, folder: Path, **arguments: JsonValue) -> list[str]:
    """What is recalled in a folder."""
    found = ask(home.attach(cwd=folder), 2, "recall", **arguments)["notes"]
    assert isinstance(found, list)
    return sorted(str(note["content"]) for note in found if isinstance(note, dict))


def test_a_worktree_and_a_second_clone_share_the_memory_of_the_first(
    home: Home, tmp_path: Path
) -> None:
    first = repository_at(tmp_path / "bees", url=URL)
    git(first, "worktree", "add", "-q", "../hotfix")
    second = repository_at(tmp_path / "again", url="git@github.com:ana/bees.git")
    other = repository_at(tmp_path / "other", url="https://github.com/ana/goats")
    told = {tell(home, at, f"Told in {at.name}") for at in (first, tmp_path / "hotfix", second)}

    assert len(told) == 1
    assert recalled(home, second) == ["Told in again", "Told in bees", "Told in hotfix"]
    assert recalled(home, other) == []


def test_a_folder_that_was_moved_keeps_its_memory(home: Home, tmp_path: Path) -> None:
    first = repository_at(tmp_path / "bees")
    before = tell(home, first, "Told before")
    first.rename(tmp_path / "moved")
    after = tell(home, tmp_path / "moved", "Told after")

    assert before == after
    assert recalled(home, tmp_path / "moved") == ["Told after", "Told before"]
    assert "Told before" in home.run("list", "--namespace", before).stdout


def test_notes_under_a_path_stay_there_and_new_ones_of_every_folder_join_them(
    home: Home, tmp_path: Path
) -> None:
    first = repository_at(tmp_path / "bees", url=URL)
    second = repository_at(tmp_path / "again", url=URL)
    names = [project(folder).former for folder in (first, second)]
    for folder, name in zip((first, second), names, strict=True):
        tell(home, folder, f"Of old in {folder.name}", ZETTEL_NAMESPACE=name)
    went = [tell(home, folder, f"New in {folder.name}") for folder in (first, second)]
    everything = ["New in again", "New in bees", "Of old in again", "Of old in bees"]

    assert went == [names[0], names[0]]
    assert recalled(home, first) == recalled(home, second) == everything
    assert recalled(home, tmp_path, namespace=names[1]) == everything


def test_two_namespaces_are_listed_merged_and_moved_back(home: Home, tmp_path: Path) -> None:
    first = repository_at(tmp_path / "bees", url=URL)
    own = tell(home, first, "Told in bees")
    tell(home, first, "Told in hives", ZETTEL_NAMESPACE="hives")
    home.run("stop")
    unsure = home.run("namespaces", "merge", "hives", own, "--confirm", "no")
    merged = home.run("namespaces", "merge", "hives", own, "--confirm", own, "--json")
    again = home.run("namespaces", "merge", "hives", own)
    wrong = home.run("namespaces", "merge", "hvies", own, "--confirm", own)
    listed = home.run("namespaces").stdout
    undone = home.run("undo", json.loads(merged.stdout)["run_id"])
    after = home.run("namespaces").stdout
    new = tell(home, first, "New in hives", ZETTEL_NAMESPACE="hives")

    assert (unsure.returncode, merged.returncode, undone.returncode) == (4, 0, 0)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"'hives' is merged into {own!r} already.\n"
    assert "Did you mean 'hives'" in wrong.stderr
    assert "1 note of 'hives'" in unsure.stderr
    assert re.search(rf"^{own} +2 notes  also .*hives", listed)
    assert re.search(r"^hives +1 note$", after, re.MULTILINE)
    assert new == own
    assert recalled(home, first) == ["New in hives", "Told in bees", "Told in hives"]
