"""basic-memory: Markdown with observations `- [category] text #tag` and relations `- rel [[X]]`."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from zettel.storage.notes import Kind
from zettel.tools.imports import markdown
from zettel.tools.imports.drafts import Draft, DraftLink, Skipped, SourcePart, as_text
from zettel.tools.imports.files import unreadable
from zettel.tools.imports.markdown import MarkdownPage

DETECT_MAX_PAGES = 20
CATEGORY_KINDS: Mapping[str, Kind] = dict.fromkeys(
    ("method", "technique", "process", "procedure", "howto", "step", "tip", "rule"),
    Kind.PROCEDURAL,
)
"""By an observation's category; the others are semantic."""

_OBSERVATION = re.compile(r"[-*] \[(?![ xX-]\])([^\[\]()\n]{1,64})\] +(.+)")
_RELATION = re.compile(r"[-*] ([^\[\]\n]{0,64}?) *\[\[([^\[\]|#\n]{1,256})\]\](?: *\(([^\n]*)\))?")
_TAG = re.compile(r"(?<!\S)#([\w/-]{1,64})")
_ASIDE = re.compile(r"\s*\(([^()]*)\)\s*$")
_LONE_HEADING = re.compile(r"#{1,6}\s.*")


def detect(path: Path) -> bool:
    """Whether one of the first pages has a permalink and an observation or a relation."""
    if not path.is_dir():
        return False
    found = islice(markdown.pages(path), DETECT_MAX_PAGES)
    return any(
        isinstance(page, MarkdownPage)
        and "permalink" in page.fields
        and any(_OBSERVATION.match(x) or _RELATION.match(x) for x in page.body.splitlines())
        for page in found
    )


def read(path: Path) -> Iterator[SourcePart]:
    """The text of a page is a note that has its relations, each observation one more."""
    scope, keys = markdown.scope_of(path), dict[str, str]()
    for page in markdown.pages(path):
        if isinstance(page, MarkdownPage):
            keys |= {name: _key(scope, page) for name in page.names if name not in keys}
    for page in markdown.pages(path):
        yield from (page,) if isinstance(page, Skipped) else _drafts(page, scope, keys)
    if not keys:
        raise unreadable(path, "holds no Markdown with text", "Name the project's folder.")


def _key(scope: str, page: MarkdownPage) -> str:
    """By its permalink, which a page keeps when its file is moved."""
    return as_text(page.fields.get("permalink")) or markdown.key_of(scope, page)


def _drafts(page: MarkdownPage, scope: str, keys: Mapping[str, str]) -> Iterator[Draft]:
    key, observations = _key(scope, page), list[re.Match[str]]()
    relations, rest = list[DraftLink](), list[str]()
    for line in page.body.splitlines():
        if found := _OBSERVATION.fullmatch(line.strip()):
            observations.append(found)
            continue
        rest.append(line)
        if (related := _RELATION.fullmatch(line.strip())) and (
            to := keys.get(related[2].strip().casefold())
        ):
            relations.append(DraftLink(related[1] or "related", to))
    text = _without_lone_headings(rest)
    links = [*relations, *markdown.wiki_links(text, keys)]
    tied = {link.key for link in relations}
    yield Draft(
        key=key,
        content=text or page.title,
        kind=Kind.SEMANTIC,
        subject=page.title,
        tags=page.tags,
        source=page.name,
        happened_at=page.moment,
        links=tuple(
            dict.fromkeys(
                link
                for link in links
                if link.key != key and (link in relations or link.key not in tied)
            )
        ),
    )
    for observation in observations:
        yield _observation(observation, page, key)


def _observation(found: re.Match[str], page: MarkdownPage, key: str) -> Draft:
    category, text = found[1].strip(), found[2].strip()
    words = _TAG.sub("", text).strip()
    aside = _ASIDE.search(words)
    return Draft(
        # An observation has no id: it is its line.
        key=f"{key}\n{found[0].strip()}",
        content=" ".join((words[: aside.start()] if aside else words).split()) or text,
        kind=CATEGORY_KINDS.get(category.casefold(), Kind.SEMANTIC),
        subject=page.title,
        context=aside[1] if aside else "",
        tags=tuple(dict.fromkeys((category, *_TAG.findall(text), *page.tags))),
        source=page.name,
        happened_at=page.moment,
        links=(DraftLink("about", key),),
        whole=key,
    )


def _without_lone_headings(lines: list[str]) -> str:
    """The lines without headings that have nothing below them."""
    kept = list[str]()
    for line in reversed(lines):
        below = next((other for other in reversed(kept) if other.strip()), "")
        if _LONE_HEADING.fullmatch(line) and (not below or _is_above(line, below)):
            continue
        kept.append(line)
    text = "\n".join(reversed(kept)).strip()
    return "" if _LONE_HEADING.fullmatch(text) else text


def _is_above(heading: str, below: str) -> bool:
    """Whether the next line is a heading that does not belong below this one."""
    if not _LONE_HEADING.fullmatch(below):
        return False
    return len(below.split()[0]) <= len(heading.split()[0])
