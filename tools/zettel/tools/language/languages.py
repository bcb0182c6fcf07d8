"""In which language a text is, by its small words or its script.

The small words of a language are a file in `small_words`; a language is added by a file.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any

import regex as re

JOINED_LETTERS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー"
"""For a set: letters that stand right beside a word of another script: "RNK-412的状态"."""
LANGUAGE_READ_CHARACTERS = 400
"""Characters that are read of a text: some sixty words."""
_SCRIPTS = re.compile(
    r"(?P<ja>[\p{Hiragana}\p{Katakana}])|(?P<ko>\p{Hangul})|(?P<zh>\p{Han})|(?P<ru>\p{Cyrillic})"
    r"|(?P<ar>\p{Arabic})|(?P<hi>\p{Devanagari})|(?P<el>\p{Greek})|(?P<he>\p{Hebrew})|(?P<th>\p{Thai})"
)
_KANA = re.compile(r"[\p{Hiragana}\p{Katakana}]")
"""Also behind a first word in Han: "木村さん"."""
_WORD = re.compile(r"\p{L}+")
_LEAST_WORDS = 2
"""Small words of a language that a text has at least."""
_TOLD_TEXTS = 256
"""Texts kept with their language, which each reading of a note asks for: 40 µs."""


def find_language(text: str) -> str:
    """The language of a text, such as `de`; empty where its words tell none or several alike.

    A script stands for the language that most write in it.
    """
    return find_language_of_start(text[:LANGUAGE_READ_CHARACTERS])


@lru_cache(maxsize=_TOLD_TEXTS)
def find_language_of_start(text: str) -> str:
    """The language of the first `LANGUAGE_READ_CHARACTERS` of a text."""
    if script := _SCRIPTS.search(text):
        found = script.lastgroup or ""
        return "ja" if found == "zh" and _KANA.search(text) else found
    (first, most), (_, second) = [*_count_words(text).most_common(2), ("", 0), ("", 0)][:2]
    return first if most >= _LEAST_WORDS and most > second else ""


def _count_words(text: str) -> Counter[str]:
    """Language -> how many words of a text are its small words or spelled as only it does."""
    known = _languages()
    told = Counter(chain.from_iterable(known.get(w, ()) for w in _WORD.findall(text.lower())))
    for code, signs in _signs().items():
        told[code] += sum(word not in known for word in signs.findall(text))
    return told


def is_rather(text: str, code: str, others: Sequence[str]) -> bool:
    """Whether a text has more small words of a language than of each of the others.

    For a word that both have: one small word tells enough, as does one spelled as only this one
    does (`leans`).
    """
    text = text[:LANGUAGE_READ_CHARACTERS]
    told, leans = _count_words(text), _tables()[code].get("leans", ())
    own = told[code] + sum(re.search(pattern, text) is not None for pattern in leans)
    return all(own > told[other] for other in others)


def read_languages(text: str, codes: Sequence[str], *, sure: bool) -> Sequence[str]:
    """The languages by whose words a text is read.

    The one that the text is in comes first if its words count in its own texts only; behind it
    those whose words count everywhere.

    Args:
        text: Any.
        codes: The languages that have words.
        sure: Whether the words of the others are left out, too, where the text's language is not
            known: short words, which mean something else in other languages.
    """
    everywhere, told = _everywhere(), find_language(text)
    own = [code for code in codes if code not in everywhere]
    known = [code for code in codes if code in everywhere]
    if not told and not sure:
        return (*known, *own)
    return (*(code for code in own if code == told), *known)


def counts_everywhere(code: str) -> bool:
    """Whether words of a language count in texts that are told to be in another one."""
    return code in _everywhere()


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    """Every language by its code."""
    folder = files("zettel.tools.language").joinpath("small_words")
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


@cache
def _everywhere() -> frozenset[str]:
    return frozenset(code for code, table in _tables().items() if table.get("everywhere"))


@cache
def _signs() -> Mapping[str, re.Pattern[str]]:
    """Language -> the words that only it spells so, in small letters: names are in any text."""
    return {
        code: re.compile(rf"(?<!\p{{L}})(?:{'|'.join(table['signs'])})(?!\p{{L}})")
        for code, table in _tables().items()
        if "signs" in table
    }


@cache
def _languages() -> Mapping[str, Sequence[str]]:
    """Small word -> the languages that have it."""
    words = {code: table.get("words", []) for code, table in _tables().items()}
    small = chain.from_iterable(words.values())
    return {word: [code for code in words if word in words[code]] for word in small}
