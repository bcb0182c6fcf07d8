"""Backups: one file that holds a store at one moment, written whole or not at all."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from lancedb import AsyncTable
from tests.storage.keeping import (
    Everything,
    backed_up,
    cosine_row,
    everything,
    fresh,
    nothing_erased,
    restored,
    sound,
    untold,
)
from tests.storage.samples import (
    DAY,
    EVERYTHING,
    FULL,
    LATER,
    NOW,
    add,
    make_note,
    recalled,
    revised,
    unit,
)

from zettel.storage.access import Access
from zettel.storage.backup import create
from zettel.storage.backup.archive import checked
from zettel.storage.backup.errors import (
    BackupDamagedError,
    BackupExistsError,
    BackupUnwritableError,
    NewerBackupError,
    StoreNotEmptyError,
)
from zettel.storage.backup.manifest import MANIFEST
from zettel.storage.backup.restore import restore
from zettel.storage.lance.erase import DROPPED_VERSION_AGE
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import LanceTable
from zettel.storage.notes import Run
from zettel.storage.store import NewNote, NoteFilter

RUN = Run(
    run_id="evolve-1",
    kind="evolve",
    who="scheduler",
    started_at=NOW,
    ended_at=LATER,
    counts={"changed": 3},
    outcome="done",
)


async def fill(store: LanceStore) -> None:
    """Notes with history, vectors and every field, usage, a run and a named value."""
    note, other = make_note("bees"), make_note("wasps", namespace="barn")
    await store.write(
        new=[NewNote(note=note, vectors=unit(cosine_row(1), cosine_row(2))), NewNote(note=FULL)]
    )
    await add(store, other)
    await store.write(changes=[replace(revised(note, "ants"), ended_at=LATER)])
    await store.write(changes=[replace(revised(other, "moths"), corrected=True)])
    await store.reinforce([recalled(note.note_id, recalls=3)])
    await store.add_run(RUN)
    assert await store.swap_meta("llm:spent", expected=None, value="7")


async def test_a_restored_store_holds_what_was_backed_up_to_the_last_field(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    made = await backed_up(lance, tmp_path / "a.zettel")
    second = await fresh(tmp_path / "second")

    done = await restored(second, tmp_path / "a.zettel")

    assert await everything(second) == await everything(lance)
    assert await second.get_meta("llm:spent") == "7"
    assert (done.notes, done.revisions, done.usage) == (3, 5, 1)
    assert made.manifest.counts["revisions"] == 5
    assert len(await second.match_text("ants", NoteFilter(), limit=9)) == 1
    assert len(await second.match_vectors(unit(cosine_row(1))[0], EVERYTHING, limit=9)) == 1
    assert await second.heal(now=LATER) == {"dangling_links": 2}  # as in the sample
    await second.close()


async def test_only_its_owner_reads_a_backup_and_none_is_replaced_unasked(
    lance: LanceStore, tmp_path: Path
) -> None:
    file = tmp_path / "a.zettel"
    await backed_up(lance, file)
    before = file.read_bytes()
    await add(lance, make_note())

    with pytest.raises(BackupExistsError):
        await backed_up(lance, file)

    assert (file.stat().st_mode & 0o777, file.read_bytes()) == (0o600, before)
    await backed_up(lance, file, force=True)
    assert checked(file, untold).manifest.counts["revisions"] == 1
    assert names(tmp_path) == ["a.zettel", "store"]


@pytest.mark.parametrize("name", ["store/a.zettel", "nowhere/a.zettel", "store"])
async def test_a_place_where_no_backup_can_be_is_refused_before_anything_is_recorded(
    lance: LanceStore, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BackupUnwritableError):
        await backed_up(lance, tmp_path / name)

    assert await lance.runs(limit=9) == []


async def test_a_pipe_or_a_device_is_replaced_by_no_backup(
    lance: LanceStore, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(BackupUnwritableError, match="a pipe"):
        await backed_up(lance, tmp_path / "pipe", force=True)

    assert (tmp_path / "pipe").is_fifo()


async def test_a_backup_is_recorded_from_its_first_moment_with_its_files_name(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    file = tmp_path / "a.zettel"
    made = await backed_up(lance, file)
    (done,) = [run for run in await lance.runs(limit=9) if run.kind == "backup"]

    assert done.run_id == made.backup_id == "backup-1-a.zettel"
    assert (done.outcome, done.who, done.started_at, done.ended_at) == ("done", "test", NOW, LATER)
    assert done.counts == made.manifest.counts


async def test_a_backup_that_fails_leaves_no_file_and_says_so_in_the_record(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    file = tmp_path / "a.zettel"
    shutil.rmtree(Path(lance.place, "notes.lance", "data"))

    with pytest.raises(OSError, match="lost files"):
        await backed_up(lance, file)

    assert names(tmp_path) == ["store"]
    (record,) = [run for run in await lance.runs(limit=9) if run.kind == "backup"]
    assert record.outcome == "failed"


async def test_a_store_with_notes_is_restored_into_only_under_a_namespace(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    await backed_up(lance, tmp_path / "a.zettel")
    before = await everything(lance)

    with pytest.raises(StoreNotEmptyError):
        await restored(lance, tmp_path / "a.zettel")

    assert await everything(lance) == before


async def test_vectors_of_another_model_stay_behind_and_their_notes_wait(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    await backed_up(lance, tmp_path / "a.zettel")
    second = await fresh(tmp_path / "second", model="other@2", dim=8)

    done = await restored(second, tmp_path / "a.zettel")

    assert done.unembedded == 3
    waiting = await second.count(NoteFilter(unembedded=True, states=(), derived=None))
    assert waiting == 3
    bare = {
        key: (replace(note, embed_model=""), None)
        for key, (note, _) in (await everything(lance))[0].items()
    }
    assert (await everything(second))[0] == bare
    await second.close()


def names(folder: Path) -> list[str]:
    """All that lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def flipped(content: bytes, at: int) -> bytes:
    """The content with one byte turned over."""
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def in_the_middle_of(name: str) -> Callable[[Path], object]:
    """Turns over a byte in the middle of a part."""

    def damage(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            info = archive.getinfo(name)
        at = info.header_offset + 30 + len(name) + info.file_size // 2
        file.write_bytes(flipped(file.read_bytes(), at))

    return damage


def rewritten(change: Callable[[dict[str, bytes]], object]) -> Callable[[Path], object]:
    """Writes the zip anew, sound as a zip, after a change of its entries."""

    def damage(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        change(entries)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)

    return damage


def with_manifest(**said: object) -> Callable[[Path], object]:
    """Changes what the manifest says."""

    def change(entries: dict[str, bytes]) -> None:
        entries[MANIFEST] = json.dumps(json.loads(entries[MANIFEST]) | said).encode()

    return rewritten(change)


def altered(entries: dict[str, bytes]) -> None:
    """A part of the same length, and sound as an entry of a zip."""
    entries["notes-00000.parquet"] = flipped(entries["notes-00000.parquet"], 999)


def swapped(entries: dict[str, bytes]) -> None:
    """Two parts change places."""
    one, other = "runs-00000.parquet", "usage-00000.parquet"
    entries[one], entries[other] = entries[other], entries[one]


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (lambda file: file.write_bytes(file.read_bytes()[:-30]), "its end"),
    "half of it": (
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        "its end",
    ),
    "empty": (lambda file: file.write_bytes(b""), "its end"),
    "not there": (lambda file: file.unlink(), "its name"),
    **{
        f"a byte of {table}": (in_the_middle_of(f"{table}-00000.parquet"), f"{table}-00000")
        for table in ("notes", "usage", "runs", "meta")
    },
    "a byte of the manifest": (in_the_middle_of(MANIFEST), MANIFEST),
    "a part is missing": (
        rewritten(lambda entries: entries.pop("usage-00000.parquet")),
        "usage-00000.parquet",
    ),
    "a part too many": (rewritten(lambda entries: entries.update(x=b"")), "x"),
    "no manifest": (rewritten(lambda entries: entries.pop(MANIFEST)), MANIFEST),
    "a part that was rewritten": (rewritten(altered), "notes-00000.parquet"),
    "two parts swapped": (rewritten(swapped), "usage-00000.parquet"),
    "a manifest that counts otherwise": (with_manifest(counts={}), MANIFEST),
    "a manifest without parts": (with_manifest(parts=[]), MANIFEST),
    "a manifest of something else": (with_manifest(format="tar"), MANIFEST),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_backup_is_refused_with_the_place_of_the_damage(
    lance: LanceStore, tmp_path: Path, damage: str
) -> None:
    await fill(lance)
    file = tmp_path / "a.zettel"
    await backed_up(lance, file)
    second = await fresh(tmp_path / "second")
    harm, place = DAMAGES[damage]
    harm(file)

    with pytest.raises(BackupDamagedError) as caught:
        await restored(second, file)

    assert place in caught.value.place
    assert "Nothing was restored" in str(caught.value)
    assert await everything(second) == ({}, {}, [])
    await second.close()


async def test_a_flipped_byte_is_noticed_or_does_not_matter(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    file, other = tmp_path / "a.zettel", tmp_path / "b.zettel"
    await backed_up(lance, file)
    content, whole = file.read_bytes(), checked(file, untold)
    parts = [whole.read(part) for part in whole.manifest.parts]
    noticed = 0

    # Every byte of the zip's own structure, which stands at the end, and some of the rest.
    places = {*range(0, len(content), 97), *range(len(content) - 1200, len(content))}
    for at in sorted(places):
        other.write_bytes(flipped(content, at))
        try:
            found = checked(other, untold)
        except (BackupDamagedError, NewerBackupError):
            noticed += 1
        else:
            assert [found.read(part) for part in found.manifest.parts] == parts, at

    assert noticed > len(places) * 0.8


async def test_a_backup_of_a_later_zettel_is_refused(lance: LanceStore, tmp_path: Path) -> None:
    file = tmp_path / "a.zettel"
    await backed_up(lance, file)
    with_manifest(version=2)(file)

    with pytest.raises(NewerBackupError, match="format 2"):
        checked(file, untold)

    with_manifest(version=1, schema_version=2)(file)
    with pytest.raises(NewerBackupError, match="schema version 2"):
        await restored(lance, file)


async def test_a_restore_that_breaks_off_has_brought_back_nothing_and_can_be_done_again(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    file, good = tmp_path / "a.zettel", tmp_path / "good.zettel"
    await backed_up(lance, file)
    shutil.copy(file, good)
    backup, second = sound(checked(file, untold)), await fresh(tmp_path / "second")

    def harm(step: str, done: int, total: int) -> None:
        if step == "restoring":
            in_the_middle_of("notes-00000.parquet")(file)

    with pytest.raises(BackupDamagedError):
        await restore(second.tables, backup, namespace=None, is_erased=nothing_erased, tell=harm)

    assert await second.count(EVERYTHING) == 0
    await restored(second, good)
    assert await everything(second) == await everything(lance)
    await second.close()


async def test_a_restore_takes_back_what_a_killed_one_of_another_backup_has_left(
    lance: LanceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(lance)
    await backed_up(lance, tmp_path / "old.zettel")
    await lance.reinforce([recalled(note_id) for note_id in (await everything(lance))[1]])
    assert await lance.swap_meta("llm:spent", expected="7", value="8")
    assert await lance.swap_meta("llm:health", expected=None, value="9")
    await backed_up(lance, tmp_path / "new.zettel")
    second = await fresh(tmp_path / "second")

    async def killed(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:  # as a kill -9 between two commits leaves it
        patch.setattr("zettel.storage.backup.restore._add_notes", killed)
        with pytest.raises(RuntimeError):
            await restored(second, tmp_path / "new.zettel")
    await restored(second, tmp_path / "old.zettel")
    third = await fresh(tmp_path / "third")

    await restored(third, tmp_path / "old.zettel")

    assert await everything(second) == await everything(third)
    values = [await second.get_meta(key) for key in ("llm:spent", "llm:health")]
    assert values == ["7", None]
    await second.close()
    await third.close()


@pytest.mark.slow
async def test_a_backup_beside_writers_is_one_moment_of_their_history(
    lance: LanceStore, tmp_path: Path
) -> None:
    first = make_note("0")
    await add(lance, first)
    file, going = tmp_path / "a.zettel", True

    async def write() -> None:
        number = 0
        while going:
            number += 1
            (now,) = await lance.get([first.note_id])
            await lance.write(
                new=[NewNote(note=make_note(str(number)))],
                changes=[revised(now, str(number), now=NOW + number * DAY)],
            )
            await lance.reinforce([recalled(first.note_id)])  # another table

    snapshots = list[Everything]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        for number in range(3):
            await backed_up(lance, file, force=True)
            second = await fresh(tmp_path / f"copy {number}")
            await restored(second, file)
            snapshots.append(await everything(second))
            assert await second.heal(now=LATER) == {}
            await second.close()
        going = False

    for notes, usage, _ in snapshots:
        current = [note for note, _ in notes.values() if note.current]
        (hot,) = [note for note in current if note.note_id == first.note_id]
        # One commit adds a note and revises the hot one: no snapshot holds half of it.
        assert len(current) == hot.rev
        assert int(hot.content) == hot.rev - 1
        # Its revision comes first, then its use: no table is ahead of another.
        used = usage[hot.note_id].recall_count if usage else 0
        assert hot.rev - 2 <= used <= hot.rev - 1
    assert len({len(notes) for notes, _, _ in snapshots}) == 3


async def test_a_commit_between_the_looks_at_two_tables_is_in_both_or_in_neither(
    lance: LanceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, table = make_note("0"), lance.tables.notes
    await add(lance, told)
    look, left = table.version, 2

    async def look_too_late() -> int:
        nonlocal left
        if left:
            left -= 1
            (now,) = await lance.get([told.note_id])
            await lance.write(changes=[revised(now, str(now.rev), now=NOW + now.rev * DAY)])
            await lance.reinforce([recalled(told.note_id)])
        return await look()

    monkeypatch.setattr(table, "version", look_too_late)
    await backed_up(lance, tmp_path / "a.zettel")

    second = await fresh(tmp_path / "second")
    await restored(second, tmp_path / "a.zettel")
    (note,) = await second.get([told.note_id])
    used = await second.usage_of([told.note_id])
    # Each commit revises the note and then counts its use.
    assert (note.rev, used[told.note_id].recall_count) == (3, 2)
    await second.close()


async def test_a_backup_whose_versions_another_process_drops_begins_again(
    lance: LanceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, copied = make_note("0"), list[str]()
    copy_table = create._copy_table  # pyright: ignore[reportPrivateUsage] to erase between two tables
    await add(lance, told)

    async def drop_others(handle: AsyncTable, table: LanceTable, copy: Any) -> None:
        await copy_table(handle, table, copy)
        copied.append(table.spec.name)
        if len(copied) == 1:
            for other in lance.tables.all():
                await other.commit(lambda t: t.delete("false"))
                await other.commit(lambda t: t.optimize(cleanup_older_than=DROPPED_VERSION_AGE))

    monkeypatch.setattr(create, "_copy_table", drop_others)
    await backed_up(lance, tmp_path / "a.zettel")

    assert copied[0] in copied[1:]
    second = await fresh(tmp_path / "second")
    await restored(second, tmp_path / "a.zettel")
    assert [note.content for note in await second.get([told.note_id])] == [told.content]
    await second.close()


async def test_values_of_the_stores_own_processes_and_callers_stay_out_of_a_backup(
    lance: LanceStore, tmp_path: Path
) -> None:
    await fill(lance)
    kept, tenant = {"llm:spent": "7"}, Access(reads=frozenset({"home"})).key
    local = ("lease:evolution", "previews", f"previews@{tenant}", "erasing")
    for key in local:
        assert await lance.swap_meta(key, expected=None, value="a line of a note")
    await backed_up(lance, tmp_path / "a.zettel")

    second = await fresh(tmp_path / "second")
    await restored(second, tmp_path / "a.zettel")

    assert {key: await second.get_meta(key) for key in kept} == kept
    assert {key: await second.get_meta(key) for key in local} == dict.fromkeys(local)
    await second.close()
