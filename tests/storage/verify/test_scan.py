"""A scan finds an erased note in every sort of place, and nothing where nothing is."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.storage.canaries import (
    DIM,
    LISTS,
    TEXTS,
    canary,
    delete_plainly,
    files,
    found,
    scan,
    tell_of_it,
    tend,
    vectors,
    wanted,
)
from tests.storage.samples import MODEL, NOW, make_note

from zettel.storage.ids import new_id
from zettel.storage.lance import vector_index
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.storage.store import NewNote
from zettel.storage.verify import file_scanner
from zettel.storage.verify.file_scanner import FileScan, FileScanner
from zettel.storage.verify.patterns import make_patterns
from zettel.storage.verify.report import ErasureQuery, FileKind, MatchKind

ID, TEXT, TERM, VECTOR = MatchKind.ID, MatchKind.TEXT, MatchKind.TERM, MatchKind.VECTOR
DATA, SCALAR, FULL_TEXT = FileKind.DATA, FileKind.SCALAR_INDEX, FileKind.TEXT_INDEX
ELSEWHERE = ErasureQuery(
    ids=[new_id(NOW)],
    texts=["an aardvark plays the bassoon", "aardvark"],
    vectors=[vectors(999)],
)
"""What was never told."""


@pytest.fixture(scope="module", params=[0, 300])
async def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Note]:
    """A store with the canary, alone or among others with an index over the vectors."""
    place = tmp_path_factory.mktemp("told") / "st\u00f6re 100%20#?"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_index, "VECTOR_INDEX_MIN_ROWS", 100)
        return place, await tell_of_it(place, others=request.param)


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Note]:
    """A store with nothing but the canary."""
    place = tmp_path_factory.mktemp("alone") / "store"
    return place, await tell_of_it(place, others=0, upkeeps=1)


async def test_a_note_in_use_is_found_in_every_column_of_text(told: tuple[Path, Note]) -> None:
    place, note = told
    report = scan(place, wanted(note))
    in_use = {
        finding.column
        for finding in report.findings
        if finding.live and finding.note_id == note.note_id and finding.what is TEXT
    }

    assert in_use >= {*TEXTS, *LISTS, "links.reason", "text", "fold_hash"}
    assert report.unread == []


async def test_what_a_plain_deletion_leaves_is_found_in_every_sort_of_file(
    told: tuple[Path, Note], tmp_path: Path
) -> None:
    place, note = shutil.copytree(told[0], tmp_path / "store"), told[1]
    indexed = bool(files(place, "notes.lance/_indices/*/*.idx"))
    await delete_plainly(place, note.note_id)
    report = scan(place, wanted(note))

    assert found(report) >= {
        *((DATA, what) for what in (ID, TEXT, VECTOR)),
        (SCALAR, ID),
        (SCALAR, TEXT),
        (FULL_TEXT, TERM),
        (FileKind.TRANSACTION, ID),
        (FileKind.MANIFEST, ID),
        *([(FileKind.VECTOR_INDEX, VECTOR)] if indexed else []),
    }
    assert not any(f.live for f in report.findings if f.note_id == note.note_id)
    assert not report.gone
    assert report.unread == []


async def test_nothing_is_found_of_what_was_never_told(told: tuple[Path, Note]) -> None:
    report = scan(told[0], ELSEWHERE)

    assert report.gone
    assert (report.findings, report.elsewhere) == ([], [])
    assert report.files == len(files(told[0], "**/*"))


async def test_no_report_holds_a_word_of_the_text(alone: tuple[Path, Note]) -> None:
    report = repr(scan(alone[0], replace(wanted(alone[1]), ids=())))

    assert "canary" not in report
    assert "xylophone" not in report


async def tells_the_same(place: Path) -> Note:
    """Another note with the canary's content."""
    store = await open_store(str(place), model_id=MODEL, dim=DIM)
    note = make_note(TEXTS["content"].upper())
    await store.write(new=[NewNote(note=note)])
    await tend(store, 2)
    await store.close()
    return note


async def test_another_note_that_says_the_same_is_named_and_accounts_for_its_words(
    tmp_path: Path,
) -> None:
    other = await tells_the_same(tmp_path)
    asked = ErasureQuery(ids=[new_id(NOW)], texts=[TEXTS["content"]])
    spared = replace(asked, spared=frozenset({other.note_id}))

    assert scan(tmp_path, asked).findings == []
    assert scan(tmp_path, asked).elsewhere == [other.note_id]
    assert (scan(tmp_path, spared).gone, scan(tmp_path, spared).elsewhere) == (True, [])
    await delete_plainly(tmp_path, other.note_id)
    assert found(scan(tmp_path, spared)) >= {(FULL_TEXT, TERM), (SCALAR, TEXT)}


async def test_another_note_with_the_same_vector_accounts_for_its_bytes(tmp_path: Path) -> None:
    store = await open_store(str(tmp_path), model_id=MODEL, dim=DIM)
    note = make_note(TEXTS["content"])
    await store.write(new=[NewNote(note=note, vectors=vectors(7))])
    await store.close()
    asked = ErasureQuery(ids=[new_id(NOW)], texts=[], vectors=[vectors(7)])

    report = scan(tmp_path, asked)

    assert (report.findings, report.elsewhere) == ([], [note.note_id])
    await delete_plainly(tmp_path, note.note_id)
    assert (DATA, VECTOR) in found(scan(tmp_path, asked))


Plant = Callable[[Path, bytes], Path]


def plant(path: str) -> Plant:
    """Write a file into a store."""

    def write(place: Path, content: bytes) -> Path:
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    return write


SAID = TEXTS["content"]


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        (".engine/engine.log", f"INFO x: {SAID}\n".encode(), FileKind.LOG),
        (".engine/engine.log.3", f'{{"m": "{SAID[15:55]}"}}'.encode("ascii", "backslashreplace"),
         FileKind.LOG),
        (".engine/engine.json", SAID.upper().replace(" ", "\r\n  ").encode(), FileKind.ENGINE),
        ("config.toml", f"# {SAID[10:40]}".encode(), FileKind.SETTINGS),
        ("notes.lance/data/.tmp1234", SAID.encode(), FileKind.TEMPORARY),
        ("notes.lance/_versions/17.manifest#1", SAID.encode(), FileKind.TEMPORARY),
        ("notes.lance/_versions/9.manifest", SAID.encode(), FileKind.MANIFEST),
        ("notes.lance/_deletions/0-1-2.bin", b"\x3a\x30" + SAID.encode(), FileKind.DELETION),
        ("notes.lance/_later/what.bin", SAID.encode("utf-16-le"), FileKind.OTHER),
        ("old/copy.txt", b"\xff\xfe" + SAID.encode("utf-16-be"), FileKind.OTHER),
    ],
)  # fmt: skip
async def test_text_in_files_that_are_not_packed_is_found(
    tmp_path: Path, path: str, content: bytes, kind: FileKind
) -> None:
    plant(path)(tmp_path, content)
    (finding,) = scan(tmp_path, ErasureQuery(texts=[SAID])).findings

    assert (finding.path, finding.kind, finding.what) == (path, kind, TEXT)


@pytest.mark.parametrize("form", [str.upper, str.lower])
async def test_ids_and_vectors_are_found_as_bytes(
    tmp_path: Path, form: Callable[[str], str]
) -> None:
    note = canary()
    plant(".engine/engine.log")(tmp_path, form(note.note_id).encode())
    plant("rest.bin")(tmp_path, b"\xff" + vectors(0, 2).tobytes())
    report = scan(tmp_path, wanted(note))

    assert found(report) == {(FileKind.LOG, ID), (FileKind.OTHER, VECTOR)}


async def test_files_of_lance_under_other_names_and_in_snapshots_are_decoded(
    alone: tuple[Path, Note], tmp_path: Path
) -> None:
    source = files(alone[0], "notes.lance/data/*.lance")[0]
    for path in ("notes.lance/data/.tmpAbC", ".engine/preview-x/notes.lance/data/1.lance"):
        plant(path)(tmp_path, source.read_bytes())
    report = scan(tmp_path, wanted(alone[1]))
    columns = {(finding.path, finding.column) for finding in report.findings}

    assert ("notes.lance/data/.tmpAbC", "content") in columns
    assert (".engine/preview-x/notes.lance/data/1.lance", "content") in columns


@pytest.mark.parametrize(
    "pattern",
    [
        "notes.lance/data/*.lance",
        "notes.lance/_versions/*.manifest",
        "notes.lance/_transactions/*.txn",
        "notes.lance/_indices/*/page_data.lance",
        "notes.lance/_indices/*/part_*_tokens.lance",
        "meta.lance/_deletions/*.arrow",
    ],
)
async def test_a_damaged_file_is_not_vouched_for(
    alone: tuple[Path, Note], tmp_path: Path, pattern: str
) -> None:
    place = shutil.copytree(alone[0], tmp_path / "store")
    damaged = files(place, pattern)[0]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    report = scan(place, ELSEWHERE)

    assert damaged.relative_to(place).as_posix() in {unread.path for unread in report.unread}
    assert not report.gone


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("page_data.lance", "page_extra.lance"),
        ("page_data.lance", "auxiliary.idx"),
        ("part_0_docs.lance", "part_0_tokens.lance"),
    ],
)
async def test_a_file_that_lance_is_not_known_to_write_is_not_vouched_for(
    alone: tuple[Path, Note], tmp_path: Path, source: str, path: str
) -> None:
    place = shutil.copytree(alone[0], tmp_path / "store")
    known = files(place, f"notes.lance/_indices/*/{source}")[0]
    strange = known.with_name(path)
    shutil.copyfile(known, strange)
    (unread,) = scan(place, ELSEWHERE).unread

    assert unread.path == strange.relative_to(place).as_posix()


async def test_files_that_come_and_go_while_it_looks_are_no_fault(
    alone: tuple[Path, Note], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, late = shutil.copytree(alone[0], tmp_path / "store"), ".engine/engine.log.1"
    page = files(place, "notes.lance/data/*.lance")[0]
    looks = list[str]()
    real = FileScanner.look

    def disturbed(self: FileScanner, directory: Path, path: str, *rest: object) -> FileScan:
        if not looks:
            plant(late)(directory, SAID.encode())
            shutil.rmtree(page.parents[1])
        looks.append(path)
        return real(self, directory, path, *rest)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(FileScanner, "look", disturbed)
    report = scan(place, ErasureQuery(texts=[SAID]))

    assert [finding.path for finding in report.findings] == [late]
    assert report.unread == []


async def test_what_was_in_a_file_that_others_have_removed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = plant("old.txt")(tmp_path, SAID.encode())
    real = FileScanner.look

    def removed_at_once(self: FileScanner, directory: Path, path: str, *rest: object) -> FileScan:
        seen = real(self, directory, path, *rest)  # pyright: ignore[reportArgumentType]
        file.unlink()
        return seen

    monkeypatch.setattr(FileScanner, "look", removed_at_once)

    assert scan(tmp_path, ErasureQuery(texts=[SAID])).gone


async def test_a_vector_that_was_computed_anew_is_found_by_its_distance(
    told: tuple[Path, Note],
) -> None:
    here, far = (ErasureQuery(vectors=[vectors(1, 2) + np.float32(by)]) for by in (1e-6, 1e-3))

    assert scan(told[0], here).elsewhere == [told[1].note_id]
    assert (scan(told[0], far).gone, scan(told[0], far).elsewhere) == (True, [])


async def test_a_word_that_any_log_and_schema_has_proves_nothing_there(
    alone: tuple[Path, Note], tmp_path: Path
) -> None:
    place = shutil.copytree(alone[0], tmp_path / "store")
    plant(".engine/engine.log")(place, b"WARNING about questions")

    assert scan(place, ErasureQuery(texts=["warning", "questions"])).findings == []


async def test_a_file_larger_than_a_chunk_is_searched_across_its_edges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_scanner, "READ_CHUNK_BYTES", 100)
    note_id = new_id(NOW)
    for start in (60, 80, 99, 100, 110):
        plant("rest.bin")(tmp_path, b"\xff" * start + note_id.encode() + b"\xff" * 200)

        assert found(scan(tmp_path, ErasureQuery(ids=[note_id]))) == {(FileKind.OTHER, ID)}


def test_what_any_note_may_have_is_weak() -> None:
    needles = make_patterns(ErasureQuery(texts=["active", "Ana Berg", "=" * 80, SAID]))
    words = {needle.form.decode().strip(): needle.weak for needle in needles.words}

    assert words["active"] and words["ana berg"]
    assert not words["the quick xylophone of mr brzęczyk jumps over"]
    assert all(b"=" not in needle.form for needle in needles.verbatim)
