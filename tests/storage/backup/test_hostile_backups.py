"""Backups that were made to harm: few bytes that unpack to many, and files that claim more."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (pyarrow ships no types)

import json
import stat
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from shutil import copyfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from anyio import run_process
from tests.storage.forging import (
    BOMBS,
    change_columns,
    forge,
    in_every_row,
    many_texts_in_every_row,
    part_of,
    write,
)
from tests.storage.keeping import backed_up, everything, fresh, restored, sound, untold
from tests.storage.samples import add, make_note

from zettel.storage.backup import archive, create, parquet
from zettel.storage.backup.archive import checked
from zettel.storage.backup.create import to_parquet
from zettel.storage.backup.errors import BackupDamagedError, BackupExistsError, BackupTooLargeError
from zettel.storage.backup.manifest import MANIFEST
from zettel.storage.backup.parquet import read_rows
from zettel.storage.backup.reader import examined

MORE_MEMORY_MIB = 200
"""What a refused bomb may take; the first of them took 15.5 GB."""


@pytest.fixture(scope="module")
async def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of one note."""
    folder = tmp_path_factory.mktemp("original")
    store = await fresh(folder / "store")
    await add(store, make_note())
    await backed_up(store, folder / "a.zettel")
    await store.close()
    return folder / "a.zettel"


@pytest.fixture
def file(original: Path, tmp_path: Path) -> Path:
    """A copy of it to tamper with."""
    return Path(copyfile(original, tmp_path / "a.zettel"))


async def test_a_few_kilobytes_that_unpack_to_gigabytes_are_refused(file: Path) -> None:
    assert change_columns(file, "notes", many_texts_in_every_row) < 50_000

    with pytest.raises(BackupDamagedError, match="bytes of text"):
        sound(checked(file, untold))


@pytest.mark.slow
async def test_bombs_of_every_kind_are_refused_in_bounded_memory(
    file: Path, tmp_path: Path
) -> None:
    bombs = list[Path]()
    for bomb in BOMBS:
        bombs.append(tmp_path / f"{bomb.__name__}.zettel")
        copyfile(file, bombs[-1])
        assert change_columns(bombs[-1], "notes", bomb) < 300_000

    command = [sys.executable, "-m", "tests.storage.backup.bomb", str(file), *map(str, bombs)]
    done = await run_process(command, cwd=Path(__file__).parents[3])

    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(BOMBS), lines
    assert max(int(line.split()[0]) for line in lines) < MORE_MEMORY_MIB, lines


async def test_texts_of_a_legal_length_each_are_refused_when_a_batch_of_them_is_too_large(
    file: Path,
) -> None:
    """A dictionary's entry is not longer than a note may be, and stands in 15 columns."""

    def change(rows: pa.Table) -> pa.Table:
        made = rows.take(pa.nulls(2_000, pa.int32()).fill_null(0))
        for name in ("content", "context", "summary", "reason", "text", "subject", "session",
                     "source", "changed_by", "change", "run_id"):  # fmt: skip
            text = pa.array(["A" * 131_072])
            column = pa.DictionaryArray.from_arrays(pa.nulls(2_000, pa.int32()).fill_null(0), text)
            made = made.set_column(made.schema.get_field_index(name), name, column)
        return made

    change_columns(file, "notes", change)

    with pytest.raises(BackupDamagedError, match="bytes of text"):
        sound(checked(file, untold))


def other_codec(rows: pa.Table, sink: pa.BufferOutputStream) -> None:
    pq.write_table(rows, sink, compression="gzip")


def growing_encoding(rows: pa.Table, sink: pa.BufferOutputStream) -> None:
    """Each text may repeat the whole of the one before with no byte of its own."""
    pq.write_table(rows, sink, compression="zstd", use_dictionary=False,
                   column_encoding={"content": "DELTA_BYTE_ARRAY"})  # fmt: skip


def many_columns(rows: pa.Table, sink: pa.BufferOutputStream) -> None:
    for number in range(300):
        rows = rows.append_column(f"x{number}", pa.nulls(len(rows), pa.int32()))
    pq.write_table(rows, sink, compression="zstd")


@pytest.mark.parametrize("make", [other_codec, growing_encoding, many_columns])
async def test_a_part_that_zettel_would_have_written_otherwise_is_refused(
    file: Path, make: Callable[[pa.Table, pa.BufferOutputStream], None]
) -> None:
    rows = pq.read_table(pa.BufferReader(part_of(file, "notes")))
    sink = pa.BufferOutputStream()
    make(rows, sink)
    forge(file, "notes", sink.getvalue().to_pybytes(), rows=1)

    with pytest.raises(BackupDamagedError) as caught:
        sound(checked(file, untold))

    assert caught.value.place == "notes-00000.parquet"


def test_the_size_of_a_page_is_that_of_its_header_and_not_what_the_footer_claims(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet, "PART_MAX_BYTES", 500_000)
    schema = pa.schema([pa.field("n", pa.string())])
    made = to_parquet(pa.Table.from_pydict({"n": ["x" * 70_000]}, schema=schema))
    (rows,) = read_rows(made, schema, rows=1, batch_rows=9)
    assert rows.num_rows == 1

    # Of the first page's header: field 1, its kind, and field 2, its size: a number of 3 bytes.
    assert (made[4:7], made[7:10]) == (b"\x15\x04\x15", b"\xe8\xc5\x08")
    for size, problem in ((b"\xfe\xff\x7f", "decompress"), (b"\xff\xff\x7f", "header")):
        with pytest.raises(ValueError, match=problem):
            list(read_rows(made[:7] + size + made[10:], schema, rows=1, batch_rows=9))


def test_no_flipped_byte_of_a_pages_header_gets_through_as_another_error() -> None:
    schema = pa.schema([pa.field("n", pa.string())])
    made = to_parquet(pa.Table.from_pydict({"n": ["x" * 40]}, schema=schema))
    for at, flip in product(range(4, 60), (0x01, 0x0F, 0x80, 0xFF)):
        forged = made[:at] + bytes([made[at] ^ flip]) + made[at + 1 :]
        try:
            list(read_rows(forged, schema, rows=1, batch_rows=9))
        except (ValueError, OSError, KeyError, pa.ArrowException):
            continue


async def test_more_rows_than_the_disk_has_room_for_are_refused_before_any_is_written(
    file: Path,
) -> None:
    with pytest.raises(BackupTooLargeError):
        examined(checked(file, untold), problem_of=lambda _note: "", room=10, tell=untold)


def manifest_with(file: Path, **said: object) -> None:
    """Change what the manifest says."""
    with zipfile.ZipFile(file) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    entries[MANIFEST] = json.dumps(json.loads(entries[MANIFEST]) | said).encode()
    write(file, entries)


@pytest.mark.parametrize(
    "said",
    [
        {"embed_dim": 1 << 40},
        {"embed_dim": 0},
        {"embed_model": "x" * 100_000},
        {"backup_id": "x" * 100_000},
    ],
)
async def test_a_manifest_that_claims_too_much_is_refused(
    file: Path, said: dict[str, object]
) -> None:
    manifest_with(file, **said)

    with pytest.raises(BackupDamagedError) as caught:
        checked(file, untold)

    assert MANIFEST in caught.value.place


async def test_a_manifest_nested_without_end_is_refused(file: Path) -> None:
    with zipfile.ZipFile(file) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    write(file, entries | {MANIFEST: b"[" * 1_000_000})

    with pytest.raises(BackupDamagedError):
        checked(file, untold)


async def test_a_list_of_entries_that_is_too_long_is_not_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "DIRECTORY_BYTES", 100)

    with pytest.raises(BackupDamagedError) as caught:
        checked(file, untold)

    assert caught.value.place.startswith("its end")


async def test_parts_with_more_rows_than_zettel_writes_are_refused(file: Path) -> None:
    change_columns(file, "notes", lambda rows: in_every_row(rows, 5_000, {}))  # pyright: ignore[reportUnknownLambdaType] untyped

    with pytest.raises(BackupDamagedError) as caught:
        checked(file, untold)

    assert MANIFEST in caught.value.place


async def test_large_notes_are_backed_up_in_parts_of_a_bounded_size_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lance = await fresh(tmp_path / "store")
    monkeypatch.setattr(create, "PART_BYTES", 100_000)
    notes = [replace(make_note(), content=f"{number} " + "é" * 32_000) for number in range(4)]
    for note in notes:
        await add(lance, note)

    made = await backed_up(lance, tmp_path / "a.zettel")
    second = await fresh(tmp_path / "second")
    await restored(second, tmp_path / "a.zettel")

    assert len(made.manifest.of("notes")) >= 2
    assert await everything(second) == await everything(lance)
    await second.close()
    await lance.close()


async def test_columns_that_are_computed_from_others_are_not_taken_from_the_file(
    file: Path, tmp_path: Path
) -> None:
    plain = await fresh(tmp_path / "plain")
    await restored(plain, file)

    def change(rows: pa.Table) -> pa.Table:
        for name in ("text", "fold_hash"):
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, name, pa.array(["zebra"] * len(rows)))
        return rows

    change_columns(file, "notes", change)
    second = await fresh(tmp_path / "second")
    await restored(second, file)

    read = await second.tables.notes.select(["text", "fold_hash"])
    assert read.equals(await plain.tables.notes.select(["text", "fold_hash"]))
    assert "zebra" not in str(read.to_pylist())
    await plain.close()
    await second.close()


@pytest.mark.parametrize("name", ["../out.parquet", "/tmp/out.parquet", "C:\\out.parquet"])
async def test_a_part_that_is_named_like_a_path_is_a_part_and_no_path(
    file: Path, tmp_path: Path, name: str
) -> None:
    with zipfile.ZipFile(file) as opened:
        entries = {known: opened.read(known) for known in opened.namelist()}
    said = json.loads(entries[MANIFEST])
    said["parts"][0]["name"] = name
    entries[name] = entries.pop("notes-00000.parquet")
    write(file, entries | {MANIFEST: json.dumps(said).encode()})
    second = await fresh(tmp_path / "inside" / "second")
    before = files_below(tmp_path)

    await restored(second, file)

    assert files_below(tmp_path) == before
    await second.close()


def files_below(folder: Path) -> set[str]:
    """Every file but those of stores."""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if ".lance" not in name}


async def test_an_entry_that_is_a_link_is_a_part_and_no_link(file: Path, tmp_path: Path) -> None:
    """As some programs unpack a zip's symbolic links."""
    with zipfile.ZipFile(file) as opened:
        entries = {known: opened.read(known) for known in opened.namelist()}
    with zipfile.ZipFile(file, "w") as made:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            made.writestr(info, content)
    second = await fresh(tmp_path / "second")

    await restored(second, file)

    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]  # noqa: ASYNC240
    await second.close()


async def test_a_backup_goes_through_no_link(tmp_path: Path) -> None:
    lance = await fresh(tmp_path / "store")
    target, link = tmp_path / "target", tmp_path / "a.zettel"
    target.touch()
    link.symlink_to(target)

    with pytest.raises(BackupExistsError):
        await backed_up(lance, link)
    assert link.is_symlink()
    await backed_up(lance, link, force=True)

    assert target.stat().st_size == 0
    assert not link.is_symlink()
    await lance.close()
