"""Files that somebody else made to do harm, or that are damaged."""

import io
import json
import os
import re
import sqlite3
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tools.imports.exports import CHATGPT, zipped

from zettel.storage.errors import InvalidArgumentError
from zettel.tools.imports import files
from zettel.tools.imports.drafts import Draft, Skipped, SourcePart, as_list, as_moment
from zettel.tools.imports.files import json_items
from zettel.tools.imports.formats import FORMATS, find_format
from zettel.tools.imports.markdown import parse, sections

PEERS = Path(__file__).parent / "peers"
WHERE = Path("export.json")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


def found_in(path: Path, name: str) -> list[SourcePart]:
    return list(find_format(path, name).read(path))


@settings(max_examples=50)
@given(st.lists(values, max_size=6), st.integers(1, 40), st.sampled_from([None, 1]))
def test_a_list_is_read_item_by_item_as_it_is(
    items: list[object], chunk: int, indent: int | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "JSON_CHUNK_BYTES", chunk)
        text = json.dumps(items, indent=indent).encode()
        read = [item for _, item in json_items(io.BytesIO(text), WHERE)]

    assert json.dumps(read) == json.dumps(items)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), values, max_size=4), st.integers(1, 40))
def test_of_an_object_the_lists_are_read_item_by_item(
    fields: dict[str, object], chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "JSON_CHUNK_BYTES", chunk)
        read = list(json_items(io.BytesIO(json.dumps(fields).encode()), WHERE))

    lists = ((name, as_list(value)) for name, value in fields.items())
    assert json.dumps(read) == json.dumps([(name, item) for name, value in lists for item in value])


@settings(max_examples=50)
@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_a_list_that_was_cut_short_is_refused(items: list[object], data: st.DataObject) -> None:
    text = json.dumps(items).encode()
    cut = data.draw(st.integers(0, len(text) - 1))

    with pytest.raises(InvalidArgumentError, match="whole JSON"):
        list(json_items(io.BytesIO(text[:cut]), WHERE))


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'[{"a":' * 100_000, b"[" + b"9" * 5_000 + b"]", b'["\xff"]', b"nonsense"],
)
def test_what_json_readers_choke_on_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="SOURCE"):
        list(json_items(io.BytesIO(text), WHERE))


def test_an_item_that_never_ends_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "ITEM_MAX_CHARACTERS", 1_000)

    with pytest.raises(InvalidArgumentError, match="an item of more than 1,000"):
        list(json_items(io.BytesIO(b'["' + b"a" * 2**20 + b'"]'), WHERE))


def test_a_zip_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b"[" + b" " * 2**24 + b"]")

    with pytest.raises(InvalidArgumentError, match="would unpack"):
        found_in(bomb, "chatgpt")


DATABASES = ("mem0-history.db", "mcp-memory-service.db", "mempalace")


@pytest.mark.parametrize("name", DATABASES)
def test_a_database_is_read_on_in_another_thread(name: str) -> None:
    parts = iter(find_format(PEERS / name).read(PEERS / name))
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        begun = [first.submit(next, parts).result()]
        rest = second.submit(list, parts).result()

    assert begun + rest == list(find_format(PEERS / name).read(PEERS / name))


def test_a_database_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    whole = (PEERS / "mem0-history.db").read_bytes()
    cut = tmp_path / "history.db"
    cut.write_bytes(whole[:-100])

    with pytest.raises(InvalidArgumentError, match="or is damaged"):
        find_format(cut)
    with pytest.raises(InvalidArgumentError, match="it was cut short"):
        found_in(cut, "mem0")


def test_a_damaged_or_foreign_zip_is_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", CHATGPT * 50).read_bytes()
    damaged = tmp_path / "damaged.zip"
    at = whole.index(b"conversations.json") + 60
    damaged.write_bytes(whole[:at] + bytes(40) + whole[at + 40 :])
    short, foreign = tmp_path / "short.zip", tmp_path / "foreign.zip"
    short.write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("other.json", "[]")

    for file in (damaged, short, foreign):
        with pytest.raises(InvalidArgumentError, match="SOURCE"):
            found_in(file, "chatgpt")


def test_no_link_within_a_folder_is_followed(tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "folder"
    secret.mkdir()
    (secret / "a.md").write_text("not for import")
    (folder / "memory").mkdir(parents=True)
    (folder / "own.md").write_text("own words")
    (folder / "linked.md").symlink_to(secret / "a.md")
    (folder / "below").symlink_to(secret)
    (folder / "MEMORY.md").write_text("index")
    (folder / "projects").symlink_to(secret.parent)
    (folder / "conversations.json").symlink_to(secret / "a.md")

    for name in ("markdown", "claude-code", "basic-memory"):
        found = found_in(folder, name)
        assert not any("not for" in each.content for each in found if isinstance(each, Draft))
        assert [each.where for each in found if isinstance(each, Skipped)] == ["linked.md"]
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        found_in(folder, "chatgpt")


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "CLAUDE.md"
    os.mkfifo(pipe)

    for each in FORMATS:
        with pytest.raises(InvalidArgumentError):
            drafts = [found for found in each.read(pipe) if isinstance(found, Draft)]
            assert not drafts
            raise InvalidArgumentError("SOURCE", "skipped whole", "")


def test_a_view_or_a_virtual_table_in_the_place_of_a_table_is_not_read(tmp_path: Path) -> None:
    columns = "content_hash, content, tags, memory_type, metadata, created_at"
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    definitions = (
        f"CREATE VIEW memories({columns}) AS {endless} SELECT x, x, x, x, x, x FROM n",
        f"CREATE VIRTUAL TABLE memories USING fts5({columns})",
    )
    for number, definition in enumerate(definitions):
        file = tmp_path / f"{number}.db"
        with sqlite3.connect(file) as base:
            base.execute(definition)
        base.close()

        with pytest.raises(InvalidArgumentError, match="no database of mcp-memory-service"):
            found_in(file, "mcp-memory-service")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mem0", "mem0-history.db"),
        ("mcp-memory-service", "mcp-memory-service.db"),
        ("mempalace", "mempalace/palace/chroma.sqlite3"),
    ],
)
def test_a_damaged_database_is_refused_or_read_without_another_error(
    tmp_path: Path, name: str, file: str
) -> None:
    whole = (PEERS / file).read_bytes()
    damaged = tmp_path / "damaged.db"
    step = len(whole) // 100
    for at in range(100, len(whole), step):
        damaged.write_bytes(whole[:at] + os.urandom(64) + whole[at + 64 :])
        try:
            found = found_in(damaged, name)
        except InvalidArgumentError as error:
            assert re.match("SOURCE: ", str(error))
        else:
            assert all(isinstance(each, Draft | Skipped) for each in found)


def test_reading_leaves_a_database_as_it_was(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes((PEERS / "mcp-memory-service.db").read_bytes())

    found_in(copy, "mcp-memory-service")

    assert copy.read_bytes() == (PEERS / "mcp-memory-service.db").read_bytes()
    assert list(tmp_path.iterdir()) == [copy]


def test_front_matter_that_would_grow_without_end_is_not_expanded(tmp_path: Path) -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(20)
    )
    file = tmp_path / "a.md"
    file.write_text(f"---\n{bomb}tags: *u\ntitle: *u\n---\nwords\n")

    (draft,) = found_in(file, "markdown")

    assert isinstance(draft, Draft)
    assert (draft.content, draft.tags) == ("words", ())


@pytest.mark.parametrize(
    "value", [10**400, -(10**20), float("nan"), float("inf"), "0000-00-00", "x" * 9_999, None, True]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert as_moment(value) is None


@given(st.text(max_size=300))
def test_any_text_is_a_page_whose_parts_hold_it(text: str) -> None:
    page = parse("a.md", text)
    joined = "".join("".join(part.text.split()) for part in sections(page.body))

    assert joined == "".join(page.body.split())
