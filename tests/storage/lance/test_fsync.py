"""Durability against a loss of power: nothing is acknowledged before it is synced."""

import errno
import sys
from pathlib import Path

import pytest
from tests.storage.samples import (
    DIM,
    MODEL,
    NOW,
    X,
    add,
    make_note,
    recalled,
    revised,
    unit,
)

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.table import sync_file_system
from zettel.storage.location import read_place
from zettel.storage.notes import Run
from zettel.storage.store import NoteFilter


class Disk:
    """A disk that remembers how many table versions it was synced with."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.synced = 0
        self.fails = False

    def versions(self) -> int:
        """How many commits there were, of all tables."""
        return len(list(self.directory.glob("*.lance/_versions/*.manifest")))

    def sync(self, directory: Path) -> None:
        """Take note of a sync.

        Raises:
            OSError: The disk is to fail.
        """
        assert directory == self.directory
        if self.fails:
            raise OSError(errno.EIO, "Input/output error")
        self.synced = self.versions()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk nothing was written to."""
    return Disk(tmp_path / "store")


async def opened(disk: Disk) -> LanceStore:
    """A store on a disk."""
    place = read_place(str(disk.directory))
    return LanceStore(await open_tables(place, model_id=MODEL, dim=DIM, sync=disk.sync))


async def test_every_write_is_synced_before_it_is_acknowledged(disk: Disk) -> None:
    store = await opened(disk)
    assert disk.synced == disk.versions() > 4
    note = make_note()
    run = Run(
        run_id="r", kind="k", who="w", started_at=NOW, ended_at=NOW, counts={}, outcome="done"
    )

    for write in (
        add(store, note),
        store.embed([(note, unit(X))], model=MODEL),
        store.mark([note], stage=1),
        store.write(changes=[revised(note, "wasps")]),
        store.reinforce([recalled(note.note_id)]),
        store.add_run(run),
        store.swap_meta("k", expected=None, value="v"),
        store.swap_meta("k", expected="v", value=None),
        store.upkeep(),
    ):
        before = disk.versions()
        await write
        assert disk.synced == disk.versions() > before
    await store.close()


async def test_a_sync_that_fails_is_an_error(disk: Disk) -> None:
    store = await opened(disk)
    disk.fails = True

    with pytest.raises(StoreUnavailableError) as failure:
        await add(store, make_note())

    assert "could not be synced to its disk: Input/output error" in str(failure.value)
    disk.fails = False
    await add(store, make_note())
    await store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such call")
async def test_a_durable_store_works_on_a_real_disk(tmp_path: Path) -> None:
    store = await open_store(str(tmp_path), model_id=MODEL, dim=DIM, durable=True)
    await add(store, make_note())
    assert await store.count(NoteFilter()) == 1
    await store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all file systems are synced")
def test_syncing_a_directory_that_is_gone_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_file_system(tmp_path / "gone")
