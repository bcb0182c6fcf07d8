"""The default namespace and session."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.server.config.default_namespace import find_project, git_root, new_session
from zettel.tools.validation import NAMESPACE

HOME = Path("/nobody")


def make_project(folder: Path) -> Path:
    """A git repository, as far as anybody looks."""
    (folder / ".git").mkdir(parents=True)
    return folder


def former(folder: Path, *, home: Path = HOME) -> str:
    """The namespace that a folder has by its path."""
    project = find_project(folder, home=home)
    assert project is not None
    return project.former


def test_a_project_is_named_after_its_folder_and_path(tmp_path: Path) -> None:
    root = make_project(tmp_path / "My App!")

    assert re.fullmatch(r"my-app-[0-9a-f]{6}", former(root))


def test_every_folder_of_a_project_is_the_same_project(tmp_path: Path) -> None:
    root = make_project(tmp_path / "app")
    (root / "src" / "deep").mkdir(parents=True)

    assert former(root / "src" / "deep") == former(root)


def test_two_projects_of_one_name_are_two(tmp_path: Path) -> None:
    one, two = make_project(tmp_path / "a" / "app"), make_project(tmp_path / "b" / "app")

    assert former(one) != former(two)


def test_a_link_to_a_project_is_that_project(tmp_path: Path) -> None:
    root = make_project(tmp_path / "app")
    (tmp_path / "link").symlink_to(root)

    assert former(tmp_path / "link") == former(root)


def test_a_worktree_is_a_project(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere", encoding="utf-8")

    assert git_root(tmp_path / "src") == tmp_path


@pytest.mark.parametrize("inside", [".", "notes"])
def test_the_folder_of_dot_files_is_no_project(tmp_path: Path, inside: str) -> None:
    home = make_project(tmp_path / "home")
    (home / inside).mkdir(exist_ok=True)

    assert find_project(home / inside, home=home) is None


@given(name=st.text(min_size=1).filter(lambda text: "/" not in text and "\0" not in text))
def test_any_folder_name_gives_a_namespace(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("p") / name[:20]
    try:
        make_project(root)
    except (OSError, ValueError, UnicodeEncodeError):
        return

    assert NAMESPACE.fullmatch(former(root))


def test_a_session_sorts_by_time_and_differs_by_salt() -> None:
    morning = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)

    assert new_session(morning, salt="3f2a") == "20261120-0912-3f2a"
    assert new_session(morning, salt="ffff") < new_session(morning.replace(hour=10), salt="0000")
