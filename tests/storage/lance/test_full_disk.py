"""A full or read-only disk: a clear error, the store untouched, and on with it afterwards."""

import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.samples import DIM, MODEL, add, make_note, recalled, revised

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.store import open_store
from zettel.storage.store import NoteFilter


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path]:
    """A file system of 2 MiB in memory."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root on Linux: run the suite with sudo")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mount refused: run where CAP_SYS_ADMIN is allowed (docker run --privileged)")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def remount(disk: Path, option: str) -> None:
    """Change the mount, such as its size or to read-only."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)


async def test_a_write_on_a_full_disk_stores_nothing_and_works_again_with_space(
    disk: Path,
) -> None:
    store = await open_store(str(disk / "store"), model_id=MODEL, dim=DIM)
    kept = make_note("kept")
    await add(store, kept)
    ballast = disk / "ballast"
    with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)

    with pytest.raises(StoreUnavailableError) as refusal:
        await add(store, make_note("lost"))
    assert "full disk" in str(refusal.value)
    assert "Free some space" in str(refusal.value)
    with pytest.raises(StoreUnavailableError):
        await store.write(changes=[revised(kept, "lost")])
    with pytest.raises(StoreUnavailableError):
        await store.reinforce([recalled("n")])
    with pytest.raises(StoreUnavailableError):
        await store.swap_meta("k", expected=None, value="v")
    with pytest.raises(StoreUnavailableError):
        await store.upkeep()
    assert await store.find(NoteFilter(), limit=9) == [kept]
    assert await store.get_meta("k") is None

    ballast.unlink()
    await add(store, replace(make_note("stored"), subject="x"))
    assert await store.upkeep()
    assert await store.count(NoteFilter()) == 2
    await store.close()


async def test_a_store_cannot_be_made_on_a_full_disk_but_can_once_there_is_space(
    disk: Path,
) -> None:
    remount(disk, "size=80k")
    with pytest.raises(StoreUnavailableError):
        await open_store(str(disk / "store"), model_id=MODEL, dim=DIM)

    remount(disk, "size=4m")

    store = await open_store(str(disk / "store"), model_id=MODEL, dim=DIM)
    await add(store, make_note("stored"))
    assert len(await store.match_text("stored", NoteFilter(), limit=9)) == 1
    await store.close()


async def test_a_read_only_disk_is_named_as_such(disk: Path) -> None:
    store = await open_store(str(disk / "store"), model_id=MODEL, dim=DIM)
    await add(store, make_note("kept"))
    remount(disk, "ro")

    with pytest.raises(StoreUnavailableError) as refusal:
        await add(store, make_note("lost"))
    assert "Make it writable" in str(refusal.value)
    assert await store.count(NoteFilter()) == 1
    with pytest.raises(StoreUnavailableError):
        await open_store(str(disk / "another"), model_id=MODEL, dim=DIM)
    await store.close()
