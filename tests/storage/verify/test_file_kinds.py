"""Fails when a LanceDB writes its files otherwise than the scan reads them.

Then read what has changed, teach `zettel.storage.verify` to decode it, see that
`test_verify_scan.py` still finds the canary in every sort of file, and only then change what is
expected here. The erasure itself leans on the same layout.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, pylance some)

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import lance
import lancedb
import pytest
from lance.file import LanceFileReader
from tests.storage import canaries
from tests.storage.canaries import delete_plainly, files, scan, tell_of_it, wanted
from tests.storage.samples import MODEL

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance import vector_index
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.storage.verify.file_kinds import INDEX_COLUMNS, LANCE_KINDS, QUANTISED_COLUMNS, kind_of
from zettel.storage.verify.lance_reader import read_metadata
from zettel.storage.verify.report import FileKind
from zettel.tools.erasure.orders import drain, order_erasure
from zettel.tools.state.memory import Memory

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
async def used(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Note]:
    """A store in which every sort of thing was done, deletions and all indices included."""
    place = tmp_path_factory.mktemp("used")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", 100)
        note = await tell_of_it(place, others=300)
        await delete_plainly(place, note.note_id)
    return place, note


def lance_files(place: Path) -> Iterator[Path]:
    """The store's files in Lance's own format."""
    return (
        file
        for file in files(place, "**/*")
        if kind_of(file.relative_to(place).as_posix()) in LANCE_KINDS
    )


async def test_every_file_of_a_store_in_use_is_known_and_can_be_decoded(
    used: tuple[Path, Note],
) -> None:
    report = scan(used[0], wanted(used[1]))
    kinds = {kind_of(file.relative_to(used[0]).as_posix()) for file in files(used[0], "**/*")}

    assert report.unread == []
    assert kinds == {*LANCE_KINDS, FileKind.MANIFEST, FileKind.TRANSACTION, FileKind.DELETION} | {
        FileKind.ENGINE
    }


async def test_every_index_file_there_is_has_all_the_columns_that_are_expected(
    used: tuple[Path, Note],
) -> None:
    columns = {
        re.sub(r"part_\d+_", "part_", file.name): set(
            LanceFileReader(file.as_uri()).metadata().schema.names
        )
        for file in lance_files(used[0])
        if file.parent.name != "data"
    }

    assert columns == {name: set(known) for name, known in INDEX_COLUMNS.items()}


async def test_files_are_of_the_format_that_was_looked_into(used: tuple[Path, Note]) -> None:
    # A file ends with its version, two numbers of 16 bits, and four letters.
    endings = {file.read_bytes()[-8:] for file in lance_files(used[0])}

    assert endings == {b"\x02\x00\x02\x00LANC"}


async def test_full_text_and_vector_indices_are_of_the_kinds_that_were_looked_into(
    used: tuple[Path, Note],
) -> None:
    texts = [read_metadata(file) for file in files(used[0], "**/metadata.lance")]
    kinds = [read_metadata(file)["lance:index"] for file in files(used[0], "**/index.idx")]

    assert {(text["token_set_format"], text["format_version"]) for text in texts} == {("fst", "2")}
    assert {json.loads(kind)["type"] for kind in kinds} == {"IVF_FLAT"}


@pytest.mark.parametrize("kind", QUANTISED_COLUMNS)
async def test_a_quantised_index_is_made_anew_of_the_rows_that_an_erasure_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", 1)
    monkeypatch.setattr(vector_index, "QUANTISED_MIN_ROWS", 1)
    monkeypatch.setattr(canaries, "DIM", 16 if kind == "IVF_RQ" else 12)
    note = await tell_of_it(tmp_path, others=300)
    entries = "notes.lance/_indices/*/auxiliary.idx"
    before = {file.parent.name for file in files(tmp_path, entries)}
    assert scan(tmp_path, wanted(note)).unread == []
    assert {columns_of(file) for file in files(tmp_path, entries)} == {QUANTISED_COLUMNS[kind]}

    store = await open_store(str(tmp_path), model_id=MODEL, dim=canaries.DIM)
    memory, now = Memory(store=store, embedder=HashEmbedder()), datetime.now(UTC)
    await order_erasure(memory, [note.note_id], scope="notes", who="test", now=now)
    assert await drain(memory, now=now) == 1
    await store.close()

    report = scan(tmp_path, wanted(note))
    assert (report.unread, report.findings) == ([], [])
    (index,) = files(tmp_path, entries)
    assert index.parent.name not in before
    assert read_column(index, "_rowid") == set(await addresses(tmp_path))


def columns_of(file: Path) -> frozenset[str]:
    """Names of an index file's columns."""
    return frozenset(LanceFileReader(file.as_uri()).metadata().schema.names)


def read_column(file: Path, name: str) -> set[int]:
    """Values of a column of numbers."""
    return set(LanceFileReader(file.as_uri()).read_all().to_table().column(name).to_pylist())


async def addresses(place: Path) -> list[int]:
    """Where the rows with vectors are now."""
    database = await lancedb.connect_async(str(place))
    table = await database.open_table("notes")
    rows = table.query().where("embed_model <> ''").select(["row_id"]).with_row_id()
    return (await rows.limit(10_000).to_arrow()).column("_rowid").to_pylist()


async def test_the_extra_is_the_lance_that_lancedb_has_inside(used: tuple[Path, Note]) -> None:
    written = b"".join(file.read_bytes() for file in files(used[0], "**/*.manifest"))
    embedded = set(re.findall(rb"\x05lance\x12.(\d+\.\d+\.\d+)", written))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pinned,) = project["optional-dependencies"]["verify"]
    major, minor, _ = lance.__version__.split(".")

    assert embedded == {lance.__version__.encode()}
    assert pinned == f"pylance>={major}.{minor},<{major}.{int(minor) + 1}"
