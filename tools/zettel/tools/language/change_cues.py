"""Words by which a text says that something is otherwise than before: "no longer", "switched to".

The words of a language are a file in `change_words`; a language is added by a file. A phrase stands
as whole words, in any case, with up to three words for each "…"; in a language without spaces (one
with a `script`) it stands anywhere.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import regex

from zettel.tools.language.terms import telling_words

CHANGE_CUE_MAX_CHARACTERS = 1_000
"""A longer text is a document, which tells of changes without being one."""
FORMER_MAX_WORDS = 4
"""Words after "instead of" that name what was before."""
_APOSTROPHE = regex.compile(r"['’]\s?")
_GAP = r"\s+(?:\S+\s+){0,3}"
_WITHIN_SENTENCE = r"[^.;:!?\n。！？；：]{0,80}"


@dataclass(frozen=True, slots=True)
class ChangeCue:
    """What in a text tells of a change."""

    phrase: str
    """As it stands in the text."""
    former: frozenset[str]
    """Telling words of what was before, if the text names it."""


@dataclass(frozen=True, slots=True)
class _Language:
    script: regex.Pattern[str] | None
    not_script: regex.Pattern[str] | None
    changed: regex.Pattern[str]
    former: regex.Pattern[str]

    def is_of(self, text: str) -> bool:
        if self.script is not None and not self.script.search(text):
            return False
        return self.not_script is None or not self.not_script.search(text)


def find_change_cue(text: str) -> ChangeCue | None:
    """The words of a text that say that something has changed; None if there are none.

    Args:
        text: A note's; one longer than `CHANGE_CUE_MAX_CHARACTERS` has none.
    """
    if len(text) > CHANGE_CUE_MAX_CHARACTERS:
        return None
    plain = _apart(text)
    for language in _languages():
        if language.is_of(plain) and (found := language.changed.search(plain)):
            return ChangeCue(found[0].replace("' ", "'"), frozenset(_former(language, plain)))
    return None


def _apart(text: str) -> str:
    """The text with a word of its own before each apostrophe: "n' habite plus"."""
    return _APOSTROPHE.sub("' ", text)


def _former(language: _Language, text: str) -> Iterator[str]:
    for found in language.former.finditer(text):
        yield from telling_words(" ".join(found["value"].split()[:FORMER_MAX_WORDS]))


@cache
def _languages() -> Sequence[_Language]:
    folder = files("zettel.tools.language") / "change_words"
    tables = [
        tomllib.loads(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    return tuple(map(_language, tables))


def _language(table: dict[str, str | list[str]]) -> _Language:
    spaced = "script" not in table
    after, before = (
        _any(table.get("former", ()), spaced),
        _any(table.get("former_before", ()), spaced),
    )
    former = rf"{after}\s*(?P<value>{_WITHIN_SENTENCE})"
    if "former_before" in table:
        former = rf"(?P<value>{_WITHIN_SENTENCE}){before}"
    return _Language(
        script=_pattern(table, "script"),
        not_script=_pattern(table, "not_script"),
        changed=regex.compile(_any(table["changed"], spaced), regex.IGNORECASE),
        former=regex.compile(former, regex.IGNORECASE),
    )


def _pattern(table: dict[str, str | list[str]], name: str) -> regex.Pattern[str] | None:
    return regex.compile(str(table[name])) if name in table else None


def _any(phrases: Iterable[str], spaced: bool) -> str:
    # The longest first: "moved to" before "moved".
    found = "|".join(map(_phrase, sorted(phrases, key=len, reverse=True)))
    return rf"\b(?:{found})\b" if spaced else f"(?:{found})"


def _phrase(phrase: str) -> str:
    parts = (r"\s+".join(map(regex.escape, part.split())) for part in _apart(phrase).split("…"))
    return _GAP.join(parts)
