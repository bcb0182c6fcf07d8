"""Folders of Markdown, Claude Code's memory among them.

A short file is a note, a long one is cut at its headings.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath

import yaml

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.ids import is_id
from zettel.storage.notes import PART_OF, Kind
from zettel.tools.imports.drafts import (
    Draft,
    DraftLink,
    Skipped,
    SourcePart,
    as_mapping,
    as_moment,
    as_text,
    as_texts,
)
from zettel.tools.imports.files import read_text, unreadable, walk

SUFFIXES = (".md", ".markdown")
WHOLE_MAX_CHARACTERS = 2_000
"""Up to which a file is one note: some 500 tokens, what a recall shows of several notes."""
FRONT_MATTER_MAX_CHARACTERS = 16_384
HEADINGS_SHOWN = " > "
"""Between the headings above a part, in its context."""
OTHER_TEXTS = (".txt", ".text", ".rst", ".org", ".csv", ".tsv", ".html", ".htm", ".rtf")
"""Ends of the names of files in a folder that hold texts as well, but are not read."""
INSTRUCTION_NAMES = ("CLAUDE.md", "CLAUDE.local.md")
CLAUDE_INDEX = "MEMORY.md"
"""Of a memory folder, beside a file for each topic."""
CLAUDE_PATTERNS = (
    *INSTRUCTION_NAMES,
    *(f".claude/{name}" for name in INSTRUCTION_NAMES),
    *("rules/*.md", ".claude/rules/*.md"),
    *("memory/*.md", "projects/*/memory/*.md"),
    *("agent-memory/*/*.md", ".claude/agent-memory/*/*.md"),
)
"""Where it keeps what it remembers, below a project, `~/.claude`, or a project's folder there
(code.claude.com/docs/en/memory)."""


_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_WIKI_LINK = re.compile(
    r"\[\[([^\[\]|#\n]{1,256})(?:#[^\[\]|\n]{0,256})?(?:\|[^\[\]\n]{0,256})?\]\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownPage:
    """One Markdown file."""

    name: str
    """Its path below the folder, with `/`."""
    fields: Mapping[str, object]
    """Its front matter."""
    body: str

    @property
    def title(self) -> str:
        """By its front matter, else its first heading, else its file's name."""
        if stated := as_text(self.fields.get("title")):
            return stated
        heading = _HEADING.fullmatch(self.body.lstrip().split("\n", 1)[0].rstrip())
        return heading[2] if heading and heading[2] else PurePosixPath(self.name).stem

    @property
    def tags(self) -> tuple[str, ...]:
        """By its front matter."""
        return tuple(tag.lstrip("#") for tag in as_texts(self.fields.get("tags")))

    @property
    def moment(self) -> datetime | None:
        """By its front matter: a file's own time is that of a copy as a rule."""
        names = ("happened_at", "date", "created", "created_at")
        values = (self.fields.get(name) for name in names)
        return next((moment for value in values if (moment := _moment(value))), None)

    @property
    def note_id(self) -> str:
        """By its front matter the note that it was written from; others have ULIDs, too."""
        stated = as_text(self.fields.get("id"))
        return stated if is_id(stated) else ""

    @property
    def is_exported(self) -> bool:
        """Whether `zettel export` wrote it: one note, however long."""
        return bool(self.note_id) and {"rev", "namespace", "state"} <= self.fields.keys()

    @property
    def names(self) -> tuple[str, ...]:
        """Names by which other pages link to it, folded."""
        path = PurePosixPath(self.name).with_suffix("")
        permalink = as_text(self.fields.get("permalink"))
        names = (str(path), path.name, self.title, permalink)
        return tuple(dict.fromkeys(name.casefold() for name in names if name))


def _moment(value: object) -> datetime | None:
    # YAML reads a date as one.
    return as_moment(value.isoformat() if isinstance(value, date) else value)


def parse(name: str, text: str) -> MarkdownPage:
    """A page from its text; front matter that is no YAML is left in the body."""
    found = _FRONT_MATTER.match(text[:FRONT_MATTER_MAX_CHARACTERS])
    if not found:
        return MarkdownPage(name=name, fields={}, body=text)
    try:
        fields: object = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        # PyYAML lets through what its readers of stated types ("!!bool abc") fail with.
        return MarkdownPage(name=name, fields={}, body=text)
    known = as_mapping(fields)
    if not known:
        return MarkdownPage(name=name, fields={}, body=text)
    named = {str(key): value for key, value in known.items()}
    return MarkdownPage(name=name, fields=named, body=text[found.end() :])


def pages(path: Path, found: Sequence[Path] | None = None) -> Iterator[MarkdownPage | Skipped]:
    """The pages of a folder, or one file; those that cannot be read are skipped.

    `found` are the files below it, if not all with Markdown's suffixes.
    """
    folder = path if path.is_dir() else path.parent
    real = folder.resolve()
    for file in (path,) if path.is_file() else (found or walk(path, SUFFIXES)):
        name = file.relative_to(folder).as_posix()
        if file.resolve() != real / name:
            yield Skipped(where=name, reason="a link, which is not followed")
            continue
        try:
            page = parse(name, read_text(file))
        except InvalidArgumentError as error:
            yield Skipped(where=name, reason=str(error).removeprefix("SOURCE: "))
            continue
        yield page if page.body.strip() else Skipped(where=name, reason="an empty file")


def detect(path: Path) -> bool:
    """Whether it is a Markdown file, or a folder with one."""
    if path.is_file():
        return path.suffix.lower() in SUFFIXES
    return path.is_dir() and next(walk(path, SUFFIXES), None) is not None


def read(path: Path) -> Iterator[SourcePart]:
    """A short file is a note; of a long one each part below a heading, linked to the first.

    Files of a folder with texts in other formats are skipped.
    """
    scope, keys = scope_of(path), dict[str, str]()
    for file in walk(path, OTHER_TEXTS) if path.is_dir() else ():
        reason = "not Markdown: name the file, with --from markdown, if it is to be read as such"
        yield Skipped(where=file.relative_to(path).as_posix(), reason=reason)
    for page in pages(path):
        if isinstance(page, MarkdownPage):
            keys |= {name: key_of(scope, page) for name in page.names if name not in keys}
    for page in pages(path):
        yield from (page,) if isinstance(page, Skipped) else drafts_of(page, scope, keys)
    if not keys:
        problem = "holds no Markdown with text"
        raise unreadable(path, problem, f"Name a folder of {' or '.join(SUFFIXES)} files.")


def scope_of(path: Path) -> str:
    """Tells the pages of two folders apart that have the same names."""
    return str((path if path.is_dir() else path.parent).resolve())


def key_of(scope: str, page: MarkdownPage) -> str:
    """Key of a page's first note."""
    return f"{scope}\n{page.name}"


def drafts_of(
    page: MarkdownPage, scope: str, keys: Mapping[str, str], *, kind: Kind = Kind.SEMANTIC
) -> Iterator[Draft]:
    """The notes of a page.

    `keys` are by the folded name of a page: that of its first note, for links.
    """
    if page.is_exported:
        yield _exported(page, scope, keys)
        return
    first, seen = key_of(scope, page), Counter[str]()
    for number, part in enumerate(sections(page.body)):
        above = HEADINGS_SHOWN.join(part.headings)
        seen[above] += 1
        key = first if not number else f"{first}\n{above}\n{seen[above]}"
        links = [DraftLink(PART_OF, first)] if number else []
        links += [link for link in wiki_links(part.text, keys) if link.key not in (first, key)]
        yield Draft(
            key=key,
            content=part.text,
            kind=kind,
            context=_context(page, part.headings),
            tags=page.tags,
            source=page.name,
            happened_at=page.moment,
            links=tuple(dict.fromkeys(links)),
            whole=first if number else "",
            note_id=page.note_id,
        )


def _exported(page: MarkdownPage, scope: str, keys: Mapping[str, str]) -> Draft:
    """The note of a file that Zettel wrote, whose store may be lost.

    Without its context, which evolution makes anew.
    """
    said, kind = page.fields, as_text(page.fields.get("kind"))
    links = [
        DraftLink(relation, link.key)
        for relation, values in said.items()
        for value in as_texts(values)
        for link in wiki_links(value, keys)
    ]
    return Draft(
        key=key_of(scope, page),
        content=page.body.strip("\n"),
        kind=Kind(kind) if kind in {*Kind} - {Kind.CONCEPT} else Kind.SEMANTIC,
        subject=as_text(said.get("subject")),
        tags=page.tags,
        session=as_text(said.get("session")),
        source=as_text(said.get("source")) or page.name,
        happened_at=page.moment,
        valid_until=_moment(said.get("valid_until")),
        links=tuple(dict.fromkeys(links)),
        note_id=page.note_id,
    )


def wiki_links(text: str, keys: Mapping[str, str]) -> Iterator[DraftLink]:
    """The links of a text to pages that are there."""
    for match in _WIKI_LINK.finditer(text):
        if key := keys.get(match[1].strip().casefold()):
            yield DraftLink("related", key)


def _context(page: MarkdownPage, headings: Sequence[str]) -> str:
    above = [page.title, *(heading for heading in headings[:-1] if heading != page.title)]
    lines = (HEADINGS_SHOWN.join(above), as_text(page.fields.get("description")))
    return ". ".join(filter(None, lines))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page."""

    headings: tuple[str, ...]
    """Above it, its own last."""
    text: str
    """With its own heading."""


def sections(body: str) -> list[Section]:
    """The parts of a text: itself if it is short, else cut at each heading (CommonMark, ATX).

    A heading without a text of its own is left out; it stands above those below it.
    """
    if len(body) <= WHOLE_MAX_CHARACTERS:
        return [Section((), body.strip())] if body.strip() else []
    parts, above, lines, fence = list[Section](), list[tuple[int, str]](), list[str](), ""

    def close() -> None:
        text = "\n".join(lines).strip()
        if text and not _HEADING.fullmatch(text):
            parts.append(Section(tuple(title for _, title in above), text))
        lines.clear()

    for line in body.splitlines():
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else _HEADING.fullmatch(line)
        if heading:
            close()
            level = len(heading[1])
            above[:] = [(depth, title) for depth, title in above if depth < level]
            above.append((level, heading[2]))
        lines.append(line)
    close()
    return parts


def _claude_files(path: Path) -> list[Path]:
    patterns = (*CLAUDE_PATTERNS, "*.md") if (path / CLAUDE_INDEX).is_file() else CLAUDE_PATTERNS
    return list(dict.fromkeys(file for each in patterns for file in sorted(path.glob(each))))


def detect_claude_code(path: Path) -> bool:
    """Whether it is a CLAUDE.md, or a folder that Claude Code keeps memory in."""
    if path.is_file():
        return path.name in INSTRUCTION_NAMES
    return path.is_dir() and bool(_claude_files(path))


def read_claude_code(path: Path) -> Iterator[SourcePart]:
    """Instructions are procedural notes, remembered topics semantic ones; `@` imports are text."""
    files = _claude_files(path) if path.is_dir() else [path]
    if not files:
        problem = "holds no memory of Claude Code"
        raise unreadable(path, problem, "Name a project, ~/.claude, or a CLAUDE.md.")
    scope = scope_of(path)
    for page in pages(path, files):
        if isinstance(page, Skipped):
            yield page
            continue
        named = page.name.split("/")
        ordered = named[-1] in INSTRUCTION_NAMES or "rules" in named[:-1]
        kind = Kind.PROCEDURAL if ordered else Kind.SEMANTIC
        yield from drafts_of(page, scope, {}, kind=kind)
