"""Where a store may live, and the lock of a directory."""

import os
import stat
from pathlib import Path

import pytest

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.location import ENGINE_FOLDER, LOCK_FILE, hold, prepare, read_place


def test_paths_in_every_spelling_name_one_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    wanted = tmp_path / "my notes"

    for text in ("my notes", "~/my notes", str(wanted), f"{wanted.as_uri()}"):
        assert read_place(text).directory == wanted


@pytest.mark.parametrize("uri", ["s3://bucket/notes", "gs://b/n", "az://c/n"])
def test_an_object_store_has_no_directory_and_can_do_everything(uri: str) -> None:
    place = read_place(uri)

    assert (place.uri, place.directory) == (uri, None)
    assert place.declares_keys
    assert place.optimises
    assert place.exact_counts


def test_lancedb_cloud_tends_itself() -> None:
    place = read_place("db://notes")

    assert place.directory is None
    assert not (place.declares_keys or place.optimises or place.exact_counts)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_the_lock_of_a_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    place = read_place(str(tmp_path / "store"))
    prepare(place)

    async with hold(place, wait_s=0):
        lock = tmp_path / "store" / ENGINE_FOLDER / LOCK_FILE
        assert stat.S_IMODE(lock.stat().st_mode) & 0o077 == 0


async def test_a_place_without_a_directory_needs_no_preparation_and_no_lock() -> None:
    place = read_place("s3://bucket/notes")
    prepare(place)

    async with hold(place, wait_s=0) as first, hold(place, wait_s=0) as second:
        assert first
        assert second


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_new_directory_is_its_owners_alone(tmp_path: Path) -> None:
    place = read_place(str(tmp_path / "deep" / "store"))
    prepare(place)

    for folder in (tmp_path / "deep" / "store", tmp_path / "deep" / "store" / ENGINE_FOLDER):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("below", ["", "store"])
def test_a_place_that_is_a_file_is_refused_and_left_alone(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")

    with pytest.raises(StoreUnavailableError) as refusal:
        prepare(read_place(str(file / below)))

    assert "Point ZETTEL_STORE at a directory." in str(refusal.value)
    assert file.read_text(encoding="utf-8") == "mine"


async def test_the_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    place = read_place(str(tmp_path))
    prepare(place)

    async with hold(place, wait_s=0) as first:
        async with hold(place, wait_s=0.1) as second:
            assert (first, second) == (True, False)
    async with hold(place, wait_s=0) as third:
        assert third
