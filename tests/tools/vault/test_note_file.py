"""A note as a Markdown file: readable, safe, and read back as it was."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.samples import LATER, NOW, make_note

from zettel.storage.notes import Kind, Link, Note
from zettel.tools.vault.front_matter import dump_front, read_front, split_front
from zettel.tools.vault.manifest import (
    FILE_MAX_BYTES,
    VAULT_FILE,
    KnownFile,
    Vault,
    VaultError,
    VaultManifest,
    is_safe,
)
from zettel.tools.vault.note_file import (
    OWN_KEYS,
    FileName,
    editable,
    file_name,
    parse,
    render,
    same_text,
    tag_of,
    title_of,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
NASTY = st.sampled_from(
    [
        *("../../etc/passwd", "CON", "a/b\\c", "---\nid: x\n---", "[[x|y]]", "!!python/object:os"),
        *(
            "&a [*a]",
            "con. ",
            ".hidden",
            "\u202eexe.md",
            "true",
            "2026-01-01",
            "'",
            '"',
            "\x85",
            "é",
        ),
    ]
)
WORDS = st.one_of(NASTY, TEXTS)


def noted(content: str, subject: str, context: str, tags: list[str], relation: str) -> Note:
    """A note with these words and a link."""
    return replace(
        make_note(content),
        subject=subject,
        context=context,
        tags=tuple(tags),
        kind=Kind.SEMANTIC,
        valid_until=LATER,
        links=(Link(to="B", relation=relation, made_at=NOW),),
    )


NOTES = st.builds(
    noted,
    WORDS.filter(lambda text: bool(text.strip())),
    WORDS,
    WORDS,
    st.lists(WORDS, max_size=3),
    st.sampled_from(["supports", "tags", "id", "own word", "ja"]),
)
NAMES = {"B": FileName("farm/bees-1.md", "Bees"), "A": FileName("farm/a-1.md", "A")}


@given(NOTES)
def test_a_file_says_what_its_note_says_whatever_that_is(note: Note) -> None:
    read = parse(render(note, NAMES))

    said = editable(note)
    assert same_text(read.body, note.content)
    assert {name: read.fields.get(name, "") for name in said if name != "tags"} == {
        name: value for name, value in said.items() if name != "tags"
    }
    assert list(read.tags) == said["tags"]
    assert read.links == {("bees-1", note.links[0].relation)}
    assert (read.fields["id"], read.fields["rev"]) == (note.note_id, "1")


@given(NOTES)
def test_the_front_matter_is_plain_yaml_for_other_programs(note: Note) -> None:
    front = render(note, NAMES).split("\n---\n")[0]

    said = yaml.safe_load(front.removeprefix("---\n"))

    assert (said["id"], said.get("subject", "")) == (note.note_id, note.subject)


@given(NOTES, st.dictionaries(WORDS, st.one_of(WORDS, st.lists(WORDS, max_size=3)), max_size=4))
def test_what_a_person_wrote_beside_the_keys_of_a_note_stays_in_its_file(
    note: Note, own: dict[str, str | list[str]]
) -> None:
    there = f"---\n# mine\n{dump_front(own)}# end\n---\nx\n"

    text = render(note, NAMES, there=there)

    said = read_front(split_front(text)[0] or "")
    ours = OWN_KEYS | {note.links[0].relation}
    assert {key: said[key] for key in own.keys() - ours} == {
        key: value for key, value in own.items() if key not in ours
    }
    assert said["id"] == note.note_id
    assert render(note, NAMES, there=text) == text


@given(WORDS)
def test_a_file_name_names_no_other_place_and_a_title_ends_no_link(content: str) -> None:
    name, title = f"{file_name(content)}-1yds942f.md", title_of(content)

    assert is_safe(f"farm/{name}")
    assert not set(name) & set('/\\:*?"<>|\0\n\r\t ')
    assert not name.startswith((".", "-"))
    assert len(name.encode()) <= 143
    assert not set(title) & set("[]|#^\n\r")


@given(WORDS)
def test_a_tag_is_one_that_obsidian_reads(tag: str) -> None:
    name = tag_of(tag)

    assert name
    assert not name.isdecimal()
    assert not any(letter.isspace() or letter in "#,[]" for letter in name)


@given(TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    for given_text in (text, f"---\n{text}\n---\nbees"):
        try:
            parse(given_text)
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize(
    "front",
    [
        "a: [" * 20_000,
        "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "subject: {deep: 1}",
        "- a\n- b",
        "subject: 'x",
        f"subject: {'x' * 70_000}",
        "? [a]\n: b",
    ],
)
def test_front_matter_that_is_none_is_refused_with_a_reason(front: str) -> None:
    with pytest.raises(ValueError, match=r"front matter|holds something else"):
        parse(f"---\n{front}\n---\nbees")


@pytest.mark.parametrize(
    "path",
    ["../a.md", "/a.md", "a/../b.md", "a.txt", "a\\b.md", "a//b.md", "./a.md", "x\0.md", ""],
)
def test_a_path_outside_the_folder_is_refused(path: str, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    vault.folder.mkdir()
    known = KnownFile(id="01ARZ3NDEKTSV4RRFFQ69G5FAV", rev=1, sha256="")
    vault.write_manifest(VaultManifest(store="s", files={path: known}))

    with pytest.raises(VaultError):
        vault.read_manifest()
    for use in (vault.read, vault.remove, partial(vault.write, content=b"x")):
        with pytest.raises(VaultError):
            use(path)


def test_links_of_the_file_system_are_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "vault", tmp_path / "outside"
    (folder / "farm").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.md").write_text("private")
    (folder / "farm" / "a.md").symlink_to(outside / "a.md")
    (folder / "out").symlink_to(outside)
    vault = Vault(folder)

    assert list(vault.scan()) == []
    with pytest.raises(VaultError):
        vault.read("farm/a.md")
    with pytest.raises(VaultError):
        vault.write("out/b.md", b"x")
    vault.write("farm/a.md", b"x")
    assert (outside / "a.md").read_text() == "private"
    assert (folder / "farm" / "a.md").stat().st_mode & 0o777 == 0o600
    (folder / "big.md").write_bytes(b"x" * (FILE_MAX_BYTES + 1))
    with pytest.raises(VaultError):
        vault.read("big.md")
    (folder / VAULT_FILE).write_text("{")
    with pytest.raises(VaultError):
        vault.read_manifest()
