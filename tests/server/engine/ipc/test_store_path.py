"""One store, one name."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import platformdirs
import pytest
from tests.server.processes import Launcher

from zettel.server.config.settings import load_settings
from zettel.server.engine.ipc.store_path import chosen_store, default_store, one_spelling
from zettel.storage.location import read_place


def test_every_spelling_of_a_directory_is_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "store")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    spellings = (
        "store", "./store/", "other/../store", "link", "~/store", f"{tmp_path}//store",
        f"file://{tmp_path}/store", f"file://localhost{tmp_path}/store/",
    )  # fmt: skip

    assert {one_spelling(text) for text in spellings} == {os.path.realpath(tmp_path / "store")}


def test_a_percent_sign_is_one_only_in_a_uri(tmp_path: Path) -> None:
    assert one_spelling(f"file://{tmp_path}/a%20b") == os.path.realpath(tmp_path / "a b")
    assert one_spelling(f"{tmp_path}/a%20b") == os.path.realpath(tmp_path / "a%20b")


@pytest.mark.parametrize("uri", ["s3://bucket/notes", "db://notes"])
def test_a_uri_keeps_its_name_but_for_slashes_at_the_end(uri: str) -> None:
    assert one_spelling(uri) == one_spelling(f"{uri}//") == uri


def test_storage_means_the_same_directory(tmp_path: Path) -> None:
    for text in (f"{tmp_path}/store", f"file://{tmp_path}/a%20b"):
        assert str(read_place(text).directory) == one_spelling(text)


@pytest.mark.parametrize("home", ["/home/ana", "", "relative", None])
@pytest.mark.parametrize("named", ["/data", "", "  ", "relative/data", None])
def test_the_default_is_what_platformdirs_says(
    monkeypatch: pytest.MonkeyPatch, home: str | None, named: str | None
) -> None:
    for name, value in (("HOME", home), ("XDG_DATA_HOME", named)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert default_store() == platformdirs.user_data_dir("zettel", appauthor=False)


def test_on_macos_the_default_is_what_platformdirs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs.macos import MacOS  # noqa: PLC0415  of another platform, mostly

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", "/Users/ana")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    assert default_store() == MacOS("zettel", appauthor=False).user_data_dir


def test_attachment_and_command_line_choose_the_same_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ZETTEL_STORE", "zettel_store"):
        monkeypatch.setenv(name, str(tmp_path / "store"))
        assert chosen_store({}, os.environ) == one_spelling(load_settings().store)
        monkeypatch.delenv(name)
    monkeypatch.setenv("ZETTEL_STORE", "")
    assert chosen_store({}, os.environ) == one_spelling(load_settings().store)
    assert chosen_store({"store": "/a"}, {"ZETTEL_STORE": "/b"}) == "/a"


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ("ftp://x", ""), ("https://user:hunter2@host/x", ""), ("http:/x", ""),
        ("s3:/bucket/notes", "s3://bucket/notes"), ("s3:bucket", "s3://bucket"),
        ("S3://bucket", "s3://bucket"), ("gs://", "gs://bucket/path"), ("db:notes", "db://notes"),
        ("file:/srv/notes", "file:///srv/notes"), ("file://srv/notes", "file:///srv/notes"),
    ],
)  # fmt: skip
def test_what_looks_like_an_address_and_is_none_is_refused_with_the_right_spelling(
    place: str, meant: str
) -> None:
    for read in (lambda: one_spelling(place), lambda: load_settings(store=place)):
        with pytest.raises(ValueError, match="is neither a directory nor the address") as refused:
            read()

        said = str(refused.value)
        assert (f"Did you mean {meant}? " in said) == bool(meant), said
        assert "s3://, " in said
        assert "hunter2" not in said


@pytest.mark.parametrize(
    "place",
    ["/srv/a\nb", "notes\n", "a\x1b[2Jb", "s3://bucket\r", "file:///a%0Ab"],
)
def test_a_place_with_a_line_break_or_another_control_character_is_refused(place: str) -> None:
    for read in (lambda: one_spelling(place), lambda: load_settings(store=place)):
        with pytest.raises(ValueError, match="has a line break or another control") as refused:
            read()

        assert str(refused.value).isprintable()


def test_so_is_one_in_such_a_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a\nb").mkdir()
    monkeypatch.chdir(tmp_path / "a\nb")

    with pytest.raises(ValueError, match="has a line break"):
        one_spelling("store")


def test_the_command_line_refuses_it_as_a_setting(tmp_path: Path) -> None:
    with ExitStack() as running:
        zettel = Launcher(store=tmp_path / "a\nzettel: forged", running=running)
        refused = [zettel.run("list"), zettel.run("serve", "--check")]

    for done in refused:
        assert done.returncode == 2
        assert "line break" in done.stderr
        assert "\nzettel: forged" not in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize("path", ["notes:old", "./s3:/x", "C:/notes", r"C:\\notes", "a/b:c", "~/x"])
def test_a_path_with_a_colon_is_a_path(path: str) -> None:
    assert os.path.isabs(one_spelling(path))
