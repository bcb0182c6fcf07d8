"""One note as a Markdown file: YAML front matter, then the text as it is.

Links stand in the front matter, one key for each relation, so that the text stays verbatim.
"""

import re
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

import regex

from zettel.storage.notes import Note
from zettel.tools.language.times import iso
from zettel.tools.vault.front_matter import (
    Value,
    dump_front,
    read_front,
    renew_front,
    split_front,
)

SLUG_MAX_CHARACTERS = 48
SLUG_MAX_BYTES = 96
"""Of a file's name without id and suffix: file systems take 255 bytes, some with encryption 143."""
TITLE_MAX_CHARACTERS = 60
"""Of the words that a link shows."""
OWN_KEYS = frozenset(
    {
        *("id", "rev", "namespace", "kind", "state", "subject", "tags", "context"),
        *("happened_at", "valid_until", "session", "source"),
        # Obsidian's own (help.obsidian.md, "Properties").
        *("aliases", "cssclasses", "cssclass", "alias", "tag", "publish", "permalink"),
    }
)
"""Keys of the front matter that are no relation."""
LINK_SUFFIX = " link"
"""Ends the key of a relation that has the name of one of `OWN_KEYS`."""

DATE_KEYS = ("date", "created", "created_at")
"""Keys of a person's own that tell when a new note happened; of links they are relations."""
_NOT_IN_NAMES = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_NOT_IN_TITLES = regex.compile(r"[\[\]|#^\p{C}\s]+")
_NOT_IN_TAGS = regex.compile(r"[^\p{L}\p{M}\p{N}_/-]+")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|#^]+)(?:[#^][^\[\]|]*)?(?:\|([^\[\]]*))?\]\]")
_ID_END = re.compile(r"[0-9a-hjkmnp-tv-z]{8}(?:[0-9a-hjkmnp-tv-z]{18})?")
_RENEWED = frozenset(
    {
        *("id", "rev", "namespace", "state"),
        *("kind", "subject", "tags", "context", "happened_at", "valid_until"),
    }
)
"""Keys that go where the note says nothing for them."""


@dataclass(frozen=True, slots=True)
class FileName:
    """A note's file in the folder."""

    path: str
    """Relative, with `/`."""
    title: str
    """The note's first line, shortened, as a link shows it."""

    @property
    def stem(self) -> str:
        """The name that a link has: that of the file, without folder and suffix."""
        return stem_of(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFile:
    """What a file says."""

    body: str
    """Without white space at the end and empty lines at the beginning."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """Front matter with one value; relations left out."""
    tags: tuple[str, ...] = ()
    links: frozenset[tuple[str, str]] = frozenset()
    """Name of a file, without folder and suffix, and relation."""
    has_front: bool = False


def stem_of(path: str) -> str:
    """A file's name without folder and suffix."""
    return path.rpartition("/")[2].removesuffix(".md")


def file_name(content: str) -> str:
    """The readable part of a note's file name: letters and digits of its first line.

    Safe on all file systems once an id follows: no separators, no dots, no white space.
    """
    words = _NOT_IN_NAMES.sub("-", _first_line(content)[: 4 * SLUG_MAX_CHARACTERS]).strip("-")
    slug = words[:SLUG_MAX_CHARACTERS].encode()[:SLUG_MAX_BYTES].decode(errors="ignore")
    return slug.strip("-").lower() or "note"


def title_of(content: str) -> str:
    """The first line of a note as a link can show it."""
    first = _first_line(content)[: 4 * TITLE_MAX_CHARACTERS]
    return _NOT_IN_TITLES.sub(" ", first)[:TITLE_MAX_CHARACTERS].strip() or "note"


def tag_of(tag: str) -> str:
    """A tag as Obsidian reads it: without white space, and not of digits alone."""
    name = _NOT_IN_TAGS.sub("-", tag).strip("-/")
    return name if name and not name.isdecimal() else f"_{name}"


def render(
    note: Note,
    names: Mapping[str, FileName],
    *,
    there: str = "",
    stems: Container[str] = frozenset(),
) -> str:
    """A note's file.

    Args:
        note: The note.
        names: Of the notes that it may link to; links to others are left out.
        there: The file as it is: what it says besides stays, in its form.
        stems: Names of files that are, or were, of notes.

    Raises:
        ValueError: The front matter that is there cannot be read.
    """
    said: dict[str, int | Value] = {
        "id": note.note_id,
        "rev": note.rev,
        "namespace": note.namespace,
        "state": note.state.value,
        **editable(note),
        "session": note.session,
        "source": note.source,
    }
    links = defaultdict[str, list[str]](list)
    for to, relation in sorted(standing_links(note), key=lambda link: (link[1], link[0])):
        if to in names:
            key = f"{relation}{LINK_SUFFIX}" if relation in OWN_KEYS else relation
            links[key].append(f"[[{names[to].stem}|{names[to].title}]]")
    said = {key: value for key, value in said.items() if value not in ("", [])} | dict(links)
    old, _ = split_front(there)
    front = renew_front(old, _with_own(said, read_front(old), stems)) if old else dump_front(said)
    return f"---\n{front}---\n{note.content}\n"


def _with_own(
    said: Mapping[str, int | Value], there: Mapping[str, Value], stems: Container[str]
) -> dict[str, int | Value]:
    """The keys of a note, and what a person wrote beside them; links to notes are the note's."""
    every = dict(said)
    for key, value in there.items():
        before = [value] if isinstance(value, str) else value
        own = [each for each in before if not _leads_to_note(each, stems)]
        links = said.get(key)
        if key in OWN_KEYS:
            if key not in _RENEWED:
                every.setdefault(key, value)
        elif isinstance(links, list):
            both = dict.fromkeys((*links, *own))
            every[key] = sorted(both, key=lambda e: before.index(e) if e in before else len(before))
        elif own == before:
            every[key] = value
        elif own:
            every[key] = own
    return every


def _leads_to_note(value: str, stems: Container[str]) -> bool:
    """Whether a text is a link to a note, also to one that is gone: its title is not to stay."""
    link = _WIKI_LINK.fullmatch(value.strip())
    if link is None:
        return False
    stem = stem_of(link[1].strip())
    name, _, end = stem.rpartition("-")
    return stem in stems or bool(link[2] and name == file_name(link[2]) and _ID_END.fullmatch(end))


def editable(note: Note) -> dict[str, str | list[str]]:
    """The fields that an edit of the front matter changes, as the file has them."""
    return {
        "kind": note.kind.value,
        "subject": note.subject,
        "tags": [tag_of(tag) for tag in note.tags],
        "context": note.context,
        "happened_at": iso(note.happened_at),
        "valid_until": iso(note.valid_until) if note.valid_until else "",
    }


def standing_links(note: Note) -> set[tuple[str, str]]:
    """Target and relation of the links that stand."""
    return {(link.to, link.relation) for link in note.links if link.stood(None)}


def parse(text: str) -> NoteFile:
    """Read a file that a person may have written.

    Raises:
        ValueError: Its front matter cannot be read; the text says why.
    """
    front, rest = split_front(text)
    if front is None:
        return NoteFile(body=body_of(rest))
    fields, tags, links = dict[str, str](), tuple[str, ...](), set[tuple[str, str]]()
    for key, value in read_front(front).items():
        values = [value] if isinstance(value, str) else value
        if key in DATE_KEYS and isinstance(value, str):
            fields[key] = value
        if key == "tags":
            # Obsidian reads one text as several, too.
            names = values if not isinstance(value, str) else re.split(r"[,\s]+", value)
            tags = tuple(name.removeprefix("#") for name in names if name.strip())
        elif key in OWN_KEYS and isinstance(value, str):
            fields[key] = value
        elif key not in OWN_KEYS:
            relation = key.removesuffix(LINK_SUFFIX) if _is_marked(key) else key
            targets = (match[1] for each in values if (match := _WIKI_LINK.fullmatch(each.strip())))
            links |= {(stem_of(target.strip()), relation) for target in targets}
    return NoteFile(
        body=body_of(rest),
        fields=fields,
        tags=tags,
        links=frozenset(links),
        has_front=True,
    )


def _is_marked(key: str) -> bool:
    return key.endswith(LINK_SUFFIX) and key.removesuffix(LINK_SUFFIX) in OWN_KEYS


def body_of(text: str) -> str:
    """A text without the white space around it that editors add or drop."""
    return text.replace("\r\n", "\n").lstrip("\n").rstrip()


def _first_line(content: str) -> str:
    return next((line for line in content.splitlines() if line.strip()), "")


def same_text(body: str, content: str) -> bool:
    """Whether a file's text is a note's, but for white space that editors add or drop."""
    return body == body_of(content)
