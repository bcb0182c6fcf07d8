"""What a repository is recognised by, with the real `git`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from zettel.server.config import repository
from zettel.server.config.default_namespace import find_project
from zettel.server.config.repository import first_commit, git_folder, normalised
from zettel.tools.namespace_names import Project

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
URL = "https://github.com/Ana/Bees.git"


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody without settings of their own."""
    who = {
        f"GIT_{role}_{what}": "ana@b.c"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **who, **own},
        check=True,
        capture_output=True,
    )


def repository_at(folder: Path, *, url: str = "") -> Path:
    """A repository with a commit."""
    git(folder, "init", "-q")
    (folder / "name").write_text(str(folder), encoding="utf-8")
    git(folder, "add", "name")
    git(folder, "commit", "-qm", f"Begin {folder.name}")
    if url:
        git(folder, "remote", "add", "origin", url)
    return folder


def project(folder: Path) -> Project:
    """The project at a folder."""
    found = find_project(folder, home=Path("/nobody"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ana/bees",
        "https://github.com/Ana/Bees.git/",
        "https://ana:secret@github.com:443/ana/bees.git",
        "git@github.com:ana/bees.git",
        "github.com:ana/bees",
        "ssh://git@github.com/ana/bees.git",
        "ssh://git@github.com:22/ana//bees.git",
        "git://github.com/ana/bees.git",
    ],
)
def test_every_way_to_reach_a_remote_is_the_same_one(url: str) -> None:
    assert normalised(url) == "github.com/ana/bees"


@pytest.mark.parametrize(
    "url",
    ["", "/srv/bees.git", "../bees", "file:///srv/bees.git", r"C:\bees", "C:/bees", "https://["],
)
def test_a_path_on_this_machine_is_no_remote(url: str) -> None:
    assert not normalised(url)


def test_servers_on_two_ports_are_two() -> None:
    assert normalised("http://localhost:3000/a/b") != normalised("http://localhost:8080/a/b")


@needs_git
def test_a_worktree_and_a_second_clone_have_the_remote_of_the_first(tmp_path: Path) -> None:
    first = repository_at(tmp_path / "bees", url=URL)
    git(first, "worktree", "add", "-q", "../hotfix")
    second = repository_at(tmp_path / "again", url="git@github.com:ana/bees.git")
    (second / "src").mkdir()
    found = [project(folder) for folder in (first, tmp_path / "hotfix", second / "src")]

    assert len({one.remote for one in found}) == 1
    assert len({one.named(one.remote) for one in found}) == 1
    assert found[0].named(found[0].remote).startswith("bees-")
    assert len({one.former for one in found}) == 3


@needs_git
def test_without_a_remote_a_moved_folder_and_a_local_clone_have_the_same_first_commit(
    tmp_path: Path,
) -> None:
    first = repository_at(tmp_path / "bees")
    before = project(first)
    git(tmp_path, "clone", "-q", "bees", "clone")
    (tmp_path / "clone" / "more").write_text("more", encoding="utf-8")
    git(tmp_path / "clone", "add", "more")
    git(tmp_path / "clone", "commit", "-qm", "More")
    identities = {before.first_commit(), project(tmp_path / "clone").first_commit()}
    first.rename(tmp_path / "moved")
    identities.add(project(tmp_path / "moved").first_commit())
    other = project(repository_at(tmp_path / "other"))

    assert not before.remote
    assert len(identities) == 1
    assert identities.pop().startswith("commit:")
    assert other.first_commit() != before.first_commit()


@needs_git
def test_a_repository_made_in_place_of_another_has_a_first_commit_of_its_own(
    tmp_path: Path,
) -> None:
    first = project(repository_at(tmp_path / "bees")).first_commit()
    shutil.rmtree(tmp_path / "bees")
    second = repository_at(tmp_path / "bees")
    git(second, "commit", "-q", "--amend", "--allow-empty", "-m", "Of another")

    assert first
    assert project(second).first_commit() != first


@needs_git
def test_a_repository_made_from_an_empty_template_in_place_of_another_is_asked_again(
    tmp_path: Path,
) -> None:
    found = list[str]()
    for message in ("Of one", "Of another"):
        folder = repository_at(tmp_path / "bees")
        git(folder, "commit", "-q", "--amend", "--allow-empty", "-m", message)
        (folder / ".git" / "description").unlink()
        found.append(project(folder).first_commit())
        shutil.rmtree(folder)

    assert all(found)
    assert found[0] != found[1]


@needs_git
def test_a_history_that_is_not_all_there_tells_no_first_commit(tmp_path: Path) -> None:
    first = repository_at(tmp_path / "bees")
    git(first, "commit", "-q", "--allow-empty", "-m", "Second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{first}", "shallow")
    lazy = repository_at(tmp_path / "lazy")
    git(lazy, "config", "remote.evil.promisor", "true")

    assert not project(tmp_path / "shallow").first_commit()
    assert not project(lazy).first_commit()


@needs_git
def test_without_git_there_is_a_remote_and_no_first_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = repository_at(tmp_path / "told", url=URL)
    untold = repository_at(tmp_path / "untold")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert project(told).remote.startswith("remote:")
    assert not project(untold).first_commit()


def test_origin_is_taken_before_others_and_a_broken_configuration_says_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".git"
    folder.mkdir()
    text = '[remote "backup"]\n\turl = https://a.b/x\n[remote "origin"] ; mine\n'
    text += '\turl = "https://a.b/y.git" # it\n'
    (folder / "config").write_text(text, encoding="utf-8")
    origin = repository.remote_of(repository.read_config(folder))
    (folder / "config").write_text("[[[\n=\nurl = https://a.b/z\n", encoding="utf-8")

    assert origin == "a.b/y"
    assert not repository.remote_of(repository.read_config(folder))


@pytest.mark.parametrize("pointer", ["gitdir: elsewhere", "gitdir:", "\0", "x" * 5_000])
def test_a_git_file_that_leads_nowhere_is_no_repository(tmp_path: Path, pointer: str) -> None:
    (tmp_path / ".git").write_text(pointer, encoding="utf-8")

    assert git_folder(tmp_path) in (None, tmp_path)
    assert not project(tmp_path).first_commit()
    assert not first_commit(tmp_path)
