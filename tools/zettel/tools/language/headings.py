"""Headings of a document, in Markdown or plain text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import regex as re

HEADING_MAX_CHARACTERS = 100
"""A longer line is a sentence."""
PLAIN_MAX_CHARACTERS = 60
"""Of a heading without a mark: a line of its own between two blank ones."""
PLAIN_MAX_RUN = 2
"""Such lines one after the other, as a title and a heading; more are a list."""
BOLD_LEVEL, PLAIN_LEVEL = 7, 8
"""Below the six levels of Markdown."""

_LINE = re.compile(r"[^\n]*+\n|[^\n]++$")
_FENCE = re.compile(r"[ ]{0,3}(?:```|~~~)")
_MARKED = re.compile(r"(#{1,6})[ \t]+\S")
_BOLD = re.compile(r"(?:\*\*[^*\n]+\*\*|__[^_\n]+__):?")
_UNDERLINE = re.compile(r"=={2,}|--{2,}")
_BARE = re.compile(r"[\p{L}\p{N}§][^\n]*")
_SAID = re.compile(r"[.!?,;…。！？，；、]['\"”’»)\]]*$")
"""Endings of sentences, clauses and salutations, which headings lack."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; its section ends at the next one of its level or above."""

    start: int
    end: int
    """Of its words, with their mark, in characters."""
    level: int
    """1 to 6 as in Markdown, `BOLD_LEVEL` or `PLAIN_LEVEL`."""


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    words: str
    """Without white space around them."""
    code: bool
    """Whether it is fenced code, or the fence."""


def find_headings(text: str) -> list[Heading]:
    """The headings of a text, in order; none within fenced code.

    They are marked (`## Heating`), underlined, bold lines of their own (`**Heating**`), or short
    plain lines between blank ones that end as no sentence does.
    """
    lines = [_Line(0, "", code=False), *_lines(text), _Line(len(text), "", code=False)]
    told = [at for at, line in enumerate(lines) if line.words]
    levels = {at: _level(lines, at) for at in told}
    for plain, run in groupby(told, lambda at: levels[at] == PLAIN_LEVEL):
        places = list(run)
        if plain and (len(places) > PLAIN_MAX_RUN or places[-1] == told[-1]):
            levels.update(dict.fromkeys(places, 0))
    found = ((lines[at], level) for at, level in levels.items() if level)
    return [Heading(line.start, line.start + len(line.words), level) for line, level in found]


def _lines(text: str) -> Iterator[_Line]:
    fenced = False
    for line in _LINE.finditer(text):
        fence = _FENCE.match(text, *line.span()) is not None
        fenced ^= fence
        words = line.group().strip()
        yield _Line(text.find(words, line.start()), words, code=fenced or fence)


def _level(lines: Sequence[_Line], at: int) -> int:
    """The level of a line as a heading; 0 if it is none."""
    before, line, behind = lines[at - 1 : at + 2]
    if line.code or len(line.words) > HEADING_MAX_CHARACTERS:
        return 0
    if marked := _MARKED.match(line.words):
        return len(marked[1])
    if _BOLD.fullmatch(line.words):
        return BOLD_LEVEL
    if before.words or not _BARE.fullmatch(line.words) or _SAID.search(line.words):
        return 0
    if _UNDERLINE.fullmatch(behind.words):
        return 1 if behind.words[0] == "=" else 2
    return PLAIN_LEVEL if not behind.words and len(line.words) <= PLAIN_MAX_CHARACTERS else 0
