"""A snapshot of a store: the same notes, shared files, and nothing done to it reaches the store."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.storage.samples import DIM, EVERYTHING, MODEL, X, add, ids, make_note, revised, unit

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.files import remove_leftovers
from zettel.storage.lance.snapshot import SNAPSHOT_LEFTOVER_AGE_S, snapshot
from zettel.storage.lance.store import open_store
from zettel.storage.location import hold, read_place
from zettel.storage.notes import Note
from zettel.storage.store import NewNote


def files(directory: Path) -> dict[str, bytes]:
    """Every file of the store by its path, but what is no data."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and ".engine" not in path.relative_to(directory).parts
    }


def previews(directory: Path) -> list[Path]:
    return list((directory / ".engine").glob("preview-*"))


def age(path: Path, seconds: float) -> None:
    """Have it look as if nothing was done to it for so long, and a second more."""
    then = datetime.now(UTC).timestamp() - seconds - 1
    os.utime(path, (then, then))


def data_file(directory: Path) -> Path:
    """The file with the rows of a store of one commit."""
    [file] = directory.glob("notes.lance/data/*")
    return file


async def filled(directory: Path) -> Note:
    """A store with one note; the note."""
    store = await open_store(str(directory), model_id=MODEL, dim=DIM)
    note = make_note()
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    await store.close()
    return note


async def test_what_is_done_to_a_snapshot_leaves_every_byte_of_the_store(tmp_path: Path) -> None:
    note = await filled(tmp_path)
    before = files(tmp_path)

    async with snapshot(str(tmp_path), now=datetime.now(UTC)) as copy:
        store = await open_store(str(copy), model_id=MODEL, dim=DIM, create=False)
        assert await ids(store, EVERYTHING) == [note.note_id]
        await store.write(changes=[revised(note, "something else")])
        await store.mark(await store.get([note.note_id]), stage=2)
        await store.swap_meta("key", expected=None, value="value")
        assert await store.upkeep()
        await store.close()

        assert files(tmp_path) == before
    assert files(tmp_path) == before
    assert previews(tmp_path) == []


async def test_a_snapshot_shares_its_files_with_the_store(tmp_path: Path) -> None:
    await filled(tmp_path)

    async with snapshot(str(tmp_path), now=datetime.now(UTC)) as copy:
        assert data_file(copy).samefile(data_file(tmp_path))


async def test_writes_to_the_store_stay_out_of_a_snapshot(tmp_path: Path) -> None:
    note = await filled(tmp_path)

    async with snapshot(str(tmp_path), now=datetime.now(UTC)) as copy:
        store = await open_store(str(tmp_path), model_id=MODEL, dim=DIM)
        await add(store, make_note("told meanwhile"))
        await store.close()
        seen = await open_store(str(copy), model_id=MODEL, dim=DIM, create=False)
        assert await ids(seen, EVERYTHING) == [note.note_id]
        await seen.close()


async def test_where_hard_links_are_refused_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = await filled(tmp_path)

    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here", str(target))

    monkeypatch.setattr(os, "link", refuse)
    async with snapshot(str(tmp_path), now=datetime.now(UTC)) as copy:
        monkeypatch.undo()
        store = await open_store(str(copy), model_id=MODEL, dim=DIM, create=False)
        assert await ids(store, EVERYTHING) == [note.note_id]
        await store.close()
        assert not data_file(copy).samefile(data_file(tmp_path))


async def test_a_full_disk_is_told_and_leaves_no_half_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path)

    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreUnavailableError, match="No space left on device"):
        async with snapshot(str(tmp_path), now=datetime.now(UTC)):
            pass

    assert previews(tmp_path) == []


async def test_what_a_killed_preview_left_goes_after_an_hour(tmp_path: Path) -> None:
    await filled(tmp_path)
    left = tmp_path / ".engine" / "preview-killed"
    (left / "notes.lance" / "_versions").mkdir(parents=True)
    age(left, SNAPSHOT_LEFTOVER_AGE_S)
    used_since = left / "notes.lance" / "_versions"
    assert remove_leftovers(tmp_path) == 0
    age(used_since, SNAPSHOT_LEFTOVER_AGE_S)

    async with snapshot(str(tmp_path), now=datetime.now(UTC)) as copy:
        assert previews(tmp_path) == [copy]


async def test_upkeep_removes_what_a_killed_preview_left(tmp_path: Path) -> None:
    left = tmp_path / ".engine" / "preview-killed"
    left.mkdir(parents=True)
    age(left, SNAPSHOT_LEFTOVER_AGE_S)

    assert remove_leftovers(tmp_path) == 1
    assert previews(tmp_path) == []


async def test_a_snapshot_is_taken_under_the_stores_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path)
    monkeypatch.setattr("zettel.storage.location.STORE_LOCK_WAIT_S", 0)

    async with hold(read_place(str(tmp_path)), wait_s=0):
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            async with snapshot(str(tmp_path), now=datetime.now(UTC)):
                pass


@pytest.mark.parametrize("place", ["s3://bucket/store", "db://name"])
async def test_a_place_that_is_no_directory_is_refused_with_a_way_on(place: str) -> None:
    with pytest.raises(StoreUnavailableError, match=r"is no directory.*zettel undo"):
        async with snapshot(place, now=datetime.now(UTC)):
            pass


async def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="holds no notes yet"):
        async with snapshot(str(tmp_path / "none"), now=datetime.now(UTC)):
            pass

    assert not (tmp_path / "none").exists()
