"""One note as a Markdown file: YAML front matter, then the text as it is.

Links stand in the front matter, one key for each relation, so that the text stays verbatim.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

import regex
import yaml

from zettel.storage.notes import Note
from zettel.tools.language.times import iso

FRONT_MAX_CHARACTERS = 65_536
"""Of a front matter: 64 tags and 64 links of the greatest length have some 50,000."""
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

_FENCE = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_NOT_IN_NAMES = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_NOT_IN_TITLES = regex.compile(r"[\[\]|#^\p{C}\s]+")
_NOT_IN_TAGS = regex.compile(r"[^\p{L}\p{M}\p{N}_/-]+")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|#^]+)(?:[#^][^\[\]|]*)?(?:\|[^\[\]]*)?\]\]")

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes texts, lists and mappings alone, and a text of every scalar: no date, no object."""
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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


def render(note: Note, names: Mapping[str, FileName]) -> str:
    """A note's file.

    Links to notes without a name are left out.
    """
    said: dict[str, object] = {
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
    front = yaml.dump(
        {key: value for key, value in said.items() if value not in ("", [])} | dict(links),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=1_000_000,
    )
    return f"---\n{front}---\n{note.content}\n"


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
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found = _FENCE.match(text)
    if found is None:
        return NoteFile(body=_body(text))
    fields, tags, links = dict[str, str](), tuple[str, ...](), set[tuple[str, str]]()
    for key, value in _front(found[1]).items():
        if isinstance(value, str):
            values = [value]
        elif _is_texts(value):
            values = value
        else:
            message = f"{key[:40]!r} holds something else than text or a list of texts"
            raise ValueError(message)
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
        body=_body(text[found.end() :]),
        fields=fields,
        tags=tags,
        links=frozenset(links),
        has_front=True,
    )


def _is_marked(key: str) -> bool:
    return key.endswith(LINK_SUFFIX) and key.removesuffix(LINK_SUFFIX) in OWN_KEYS


def _front(text: str) -> Mapping[str, object]:
    if len(text) > FRONT_MAX_CHARACTERS:
        message = f"its front matter has more than {FRONT_MAX_CHARACTERS:,} characters"
        raise ValueError(message)
    try:
        said: object = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        message = f"its front matter is no YAML ({line[:120]})"
        raise ValueError(message) from None
    if said is None or said == "":
        return {}
    if not _is_mapping(said):
        message = "its front matter is no list of keys and values"
        raise ValueError(message)
    return {str(key): value for key, value in said.items()}


def _is_mapping(value: object) -> TypeGuard[dict[object, object]]:
    return isinstance(value, dict)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)  # pyright: ignore[reportUnknownVariableType]


def _body(text: str) -> str:
    return text.replace("\r\n", "\n").lstrip("\n").rstrip()


def _first_line(content: str) -> str:
    return next((line for line in content.splitlines() if line.strip()), "")


def same_text(body: str, content: str) -> bool:
    """Whether a file's text is a note's, but for white space that editors add or drop."""
    return body == _body(content)
