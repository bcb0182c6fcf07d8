"""Opening a store: made once, found again, refused when it is not ours to touch."""

# pyright: reportUnknownMemberType=false
# (lancedb ships some types only)

import shutil
from collections.abc import Sequence
from pathlib import Path

import anyio
import lancedb
import pytest
from lancedb import AsyncTable
from tests.storage.samples import DIM, MODEL, add, make_note, revised

from zettel.storage.errors import (
    NewerStoreError,
    OtherModelError,
    StoreError,
    StoreUnavailableError,
)
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.table_folder import written_folder
from zettel.storage.location import read_place
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter


def files(directory: Path) -> dict[str, int]:
    """Every file of a store that holds data, with its size."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {str(path): path.stat().st_size for path in paths if ".engine" not in path.parts}


async def test_a_store_is_found_again_under_every_spelling_of_its_place(tmp_path: Path) -> None:
    note = make_note()
    first = await open_store(str(tmp_path / "s"), model_id=MODEL, dim=DIM)
    await add(first, note)
    await first.close()

    for place in (str(tmp_path / "s"), (tmp_path / "s").as_uri(), str(tmp_path / "x" / ".." / "s")):
        again = await open_store(place, model_id=MODEL, dim=DIM)
        assert await again.get([note.note_id]) == [note]
        await again.close()


async def test_many_openings_of_a_new_store_make_one(tmp_path: Path) -> None:
    opened: list[LanceStore] = []

    async def open_and_tell() -> None:
        opened.append(await open_store(str(tmp_path), model_id=MODEL, dim=DIM))
        await add(opened[-1], make_note())

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(open_and_tell)

    assert [await store.count(NoteFilter()) for store in opened] == [4] * 4
    for store in opened:
        await store.close()


async def test_handles_on_one_store_see_each_others_writes_at_once(lance: LanceStore) -> None:
    other = await open_store(lance.place, model_id=MODEL, dim=DIM)
    for number in range(3):
        await add(lance, make_note(f"hive {number}"))
        assert len(await other.match_text("hive", NoteFilter(), limit=99)) == number + 1
        assert await other.swap_meta("k", expected=_key(number), value=_key(number + 1))
        assert await lance.get_meta("k") == _key(number + 1)
    await other.close()


def _key(number: int) -> str | None:
    return str(number) if number else None


async def test_a_store_of_a_newer_version_is_refused_and_left_alone(lance: LanceStore) -> None:
    assert await lance.swap_meta("schema_version", expected="1", value="3")
    await _refuses(lance, NewerStoreError, model_id=MODEL, dim=DIM)


@pytest.mark.parametrize(("model_id", "dim"), [("other", DIM), (MODEL, DIM + 1), ("other", 8)])
async def test_a_store_of_another_model_is_refused_and_left_alone(
    lance: LanceStore, model_id: str, dim: int
) -> None:
    await _refuses(lance, OtherModelError, model_id=model_id, dim=dim)


async def _refuses(store: LanceStore, error: type[StoreError], *, model_id: str, dim: int) -> None:
    before = files(Path(store.place))

    with pytest.raises(error):
        await open_store(store.place, model_id=model_id, dim=dim)

    assert files(Path(store.place)) == before


async def test_a_store_whose_making_was_cut_short_is_made_whole(lance: LanceStore) -> None:
    assert await lance.swap_meta("schema_version", expected="1", value=None)

    again = await open_store(lance.place, model_id=MODEL, dim=DIM)

    note = make_note("queen")
    await add(again, note)
    assert await again.get_meta("schema_version") == "1"
    assert len(await again.match_text("queen", NoteFilter(), limit=9)) == 1
    await again.close()


async def test_a_file_in_the_stores_place_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine", encoding="utf-8")

    with pytest.raises(StoreUnavailableError):
        await open_store(str(file), model_id=MODEL, dim=DIM)

    assert file.read_text(encoding="utf-8") == "mine"


async def test_a_write_to_a_store_that_was_removed_leaves_nothing_in_its_place(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "store"
    store = await open_store(str(directory), model_id=MODEL, dim=DIM)
    kept = make_note("kept")
    await add(store, kept)
    shutil.rmtree(directory)

    with pytest.raises(StoreUnavailableError, match="was removed"):
        await add(store, make_note("lost"))
    with pytest.raises(StoreUnavailableError):
        await store.write(changes=[revised(kept, "lost")])
    with pytest.raises(StoreUnavailableError, match="was removed"):
        await store.swap_meta("k", expected=None, value="v")
    assert not directory.exists()
    await store.close()


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("removed", ["store", "store/meta.lance"])
async def test_a_commit_whose_store_is_removed_meanwhile_leaves_no_part_of_it(
    tmp_path: Path, removed: str, *, fails: bool
) -> None:
    store = tmp_path / "store"
    tables = await open_tables(read_place(str(store)), model_id=MODEL, dim=DIM)
    folder = store / "meta.lance"
    # Like a commit that is past reading the newest version, it looks at nothing any more.
    under_way = await (await lancedb.connect_async(store)).open_table("meta")
    made_again = list[Path]()

    async def change(_: AsyncTable) -> None:
        shutil.rmtree(tmp_path / removed)
        await under_way.add([{"key": "k", "value": "v"}])
        made_again.extend(folder.rglob("*.manifest"))
        if fails:
            message = "and the disk fails"
            raise OSError(message)

    with pytest.raises(StoreUnavailableError, match="was removed"):
        await tables.meta.commit(change)
    assert made_again
    assert not (tmp_path / removed).exists()


def test_a_folder_that_cannot_be_read_is_no_store_that_was_removed(tmp_path: Path) -> None:
    file = tmp_path / "store"
    file.write_text("mine", encoding="utf-8")

    with (
        pytest.raises(StoreUnavailableError) as refused,
        written_folder(file / "notes.lance", "store"),
    ):
        pass

    assert "was removed" not in str(refused.value)
    assert file.read_text(encoding="utf-8") == "mine"


async def test_a_commit_leaves_the_store_that_somebody_put_in_the_place_of_its_own(
    tmp_path: Path,
) -> None:
    tables = await open_tables(read_place(str(tmp_path)), model_id=MODEL, dim=DIM)
    kept = make_note("kept")
    await add(LanceStore(tables), kept)
    folder, copy = tmp_path / "notes.lance", tmp_path / "copy"
    shutil.copytree(folder, copy)

    async def change(handle: AsyncTable) -> None:
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)
        await handle.delete("false")

    with pytest.raises(StoreUnavailableError, match="was removed"):
        await tables.notes.commit(change)
    again = await open_store(str(tmp_path), model_id=MODEL, dim=DIM)
    assert await again.get([kept.note_id]) == [kept]
    await again.close()


async def test_a_version_that_a_power_failure_left_empty_is_stepped_over(
    lance: LanceStore,
) -> None:
    notes = [make_note(str(number)) for number in range(3)]
    for note in notes:
        await add(lance, note)
    await lance.close()
    _newest_manifest(Path(lance.place, "notes.lance")).write_bytes(b"")

    again = await open_store(lance.place, model_id=MODEL, dim=DIM)

    await add(again, make_note("3"))
    assert await _contents(again) == ["0", "1", "3"]
    await again.close()


def _newest_manifest(table: Path) -> Path:
    # Versions are named downwards from the largest number, so the newest sorts first.
    return min((table / "_versions").glob("*.manifest"))


async def _contents(store: LanceStore) -> Sequence[str]:
    found: list[Note] = await store.find(NoteFilter(), limit=9)
    return sorted(note.content for note in found)
