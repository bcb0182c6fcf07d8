"""Whether two texts of the same words are spelled alike where spelling tells something.

`scp -p` is not `scp -P`, 100 Mb/s are not 100 MB/s, 2⁸ is not 28, and in code the white space
before a line tells what it belongs to. Everywhere else letter case and white space tell nothing.
"""

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.prose import without_code

_EXACT = re.compile(r"\p{N}|(?<!\S)-{1,2}\p{L}|(?<=[\p{L})\]])[/\\._=:@#$%&+~]+(?=[\p{L}(\[])|://")
"""What makes a word one of a command, a path, a name in code, an address or a code."""
_UNIT = re.compile(r"(?!(?i:am|pm)\W*$)\p{L}{1,3}[.,;:)]*")
"""A unit behind a number: "100 Mb", "5 mW"."""
_RAISED = re.compile(r"[²³¹\u2070-\u209c]")
_MARKS = ".,;:!?()[]\"'"
_NUMBER = re.compile(r"[\p{Sc}(]?\p{N}[\p{N}.,:]*")


def are_spelled_alike(one: str, other: str) -> bool:
    """Whether two texts that fold alike are one: what spelling tells in one it tells in both."""
    return one == other or told_by_spelling(one) == told_by_spelling(other)


def told_by_spelling(text: str) -> tuple[object, ...]:
    """The words of a text whose spelling tells something, and how its code is indented."""
    return (*_exact_words(text), *_indents(text))


def spells_otherwise(text: str, known: str) -> bool:
    """Whether a text has a word of another that is spelled otherwise there, and that tells."""
    there = {*map(_bare, _exact_words(known))}
    folded = {*map(fold, there)}
    words = {*map(_bare, _exact_words(text))} - there
    return any(fold(word) in folded for word in words)


def _exact_words(text: str) -> Iterator[str]:
    for before, word in pairwise(("", *text.split())):
        if _EXACT.search(word) or (_NUMBER.fullmatch(before) and _UNIT.fullmatch(word)):
            yield word if word.isascii() else _composed(word)


def _composed(word: str) -> str:
    """A word with its capitals; letters and digits of another width are the same, but no powers."""
    return unicodedata.normalize("NFC" if _RAISED.search(word) else "NFKC", word)


def _bare(word: str) -> str:
    return word.strip(_MARKS)


def _indents(text: str) -> list[int]:
    """How far each line of a text with code is indented, none of prose."""
    if "\n" not in text or without_code(text).strip() == text.strip():
        return []
    lines = [line for line in text.expandtabs().splitlines() if line.strip()]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    least = min(indents)
    return [indent - least for indent in indents]
