"""A commit is seen at once, whoever makes it, though nobody asks LanceDB while nothing changes."""

import os
from pathlib import Path

import pytest
from lancedb import AsyncTable
from tests.storage.samples import DIM, MODEL, add, make_note

from zettel.storage.lance.cache.versions import STAMP_SETTLED_S, commits_stamp
from zettel.storage.lance.store import LanceStore, open_store


def versions_of(store: LanceStore) -> Path:
    return Path(store.place) / "notes.lance" / "_versions"


def settle(store: LanceStore) -> None:
    """Let the last commit be long ago."""
    versions = versions_of(store)
    then = versions.stat().st_mtime - 2 * STAMP_SETTLED_S
    os.utime(versions, (then, then))


@pytest.mark.parametrize("long_ago", [False, True])
async def test_a_commit_of_anybody_is_seen_by_the_very_next_question(
    tmp_path: Path, long_ago: bool
) -> None:
    store = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
    other = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
    for writer in (other, store, other):
        settle(store)
        before = await store.version()
        assert await store.version() == before

        await add(writer, make_note("bees dance"))
        if long_ago:
            settle(store)

        assert await store.version() == await other.version() > before
    await store.close()
    await other.close()


async def test_while_nobody_commits_lancedb_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM), list[str]()
    real = AsyncTable.version

    async def version(table: AsyncTable) -> int:
        asked.append(table.name)
        return await real(table)

    monkeypatch.setattr(AsyncTable, "version", version)
    settle(store)
    found = {await store.version() for _ in range(3)}

    assert asked == ["notes"]
    assert found == {await store.version()}
    await store.close()


async def test_right_after_a_commit_the_directory_s_time_tells_nothing(tmp_path: Path) -> None:
    store = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
    await add(store, make_note("bees dance"))

    assert commits_stamp(Path(store.place), "notes") is None
    settle(store)
    assert commits_stamp(Path(store.place), "notes") is not None
    assert commits_stamp(Path(store.place), "no such table") is None
    await store.close()
