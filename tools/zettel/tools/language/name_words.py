"""The words that tell names and nouns from others, a file of `name_words` for each language."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import regex as re
from pydantic import BaseModel, ConfigDict

LANGUAGE_CHARACTERS = 2_000
"""Characters of a text that tell its language."""
DEFAULT_LANGUAGE = "en"
WORD_LIST_MIN_WORDS = 4
"""Words from which a text without function words is a list."""
_WORD = re.compile(r"\p{L}+")


class NameWords(BaseModel):
    """A language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capitalised_nouns: bool = False
    adjectives_follow: bool = False
    adjectives: str = ""
    infinitives: str = ""
    titles: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    states: tuple[str, ...] = ()
    introductions: tuple[str, ...] = ()
    openers: frozenset[str] = frozenset()
    greetings: frozenset[str] = frozenset()
    nouns: str = ""
    no_names: frozenset[str] = frozenset()
    determiners: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()
    before_verb: frozenset[str] = frozenset()
    before_place: frozenset[str] = frozenset()
    verb_forms: frozenset[str] = frozenset()
    object_verbs: frozenset[str] = frozenset()
    clause_verbs: frozenset[str] = frozenset()
    singular_verbs: frozenset[str] = frozenset()
    plural_verbs: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    before_names: frozenset[str] = frozenset()
    conjunctions: frozenset[str] = frozenset()
    auxiliaries: frozenset[str] = frozenset()
    nouns_like_verbs: frozenset[str] = frozenset()
    plain_heads: frozenset[str] = frozenset()
    plain_kinds: frozenset[str] = frozenset()
    common_nouns: frozenset[str] = frozenset()
    joints: frozenset[str] = frozenset()
    short_forms: frozenset[str] = frozenset()
    relatives: frozenset[str] = frozenset()
    names_in_s: frozenset[str] = frozenset()
    function_words: frozenset[str] = frozenset()
    plain_words: frozenset[str] = frozenset()
    honorifics: tuple[str, ...] = ()
    surnames: str = ""
    behind_name: str = ""
    before_name: str = ""
    calls: str = ""
    behind_asked: str = ""
    role_ends: str = "(?!)"


@cache
def name_words() -> Mapping[str, NameWords]:
    """Every language by its code."""
    folder = files("zettel.tools.language").joinpath("name_words")
    return {
        file.name.removesuffix(".toml"): NameWords.model_validate(
            tomllib.loads(file.read_text(encoding="utf-8"))
        )
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


@cache
def titles() -> frozenset[str]:
    """What stands before a name, in any language."""
    return frozenset[str]().union(*(words.titles for words in name_words().values()))


@cache
def short_forms() -> frozenset[str]:
    """What begins a name with a full stop behind it, in any language."""
    return frozenset[str]().union(*(words.short_forms for words in name_words().values()))


def read_language(text: str) -> NameWords:
    """The language of most of a text's function words.

    At a draw, the one with most of its articles and verbs. Of a list without any: one that
    capitalises nouns if most words have a capital, else English.
    """
    said: list[str] = _WORD.findall(text[:LANGUAGE_CHARACTERS])
    folded = [word.lower() for word in said]
    spaced = {code: words for code, words in name_words().items() if words.determiners}
    plain = [*folded[:1], *said[1:]]  # "Le Guin" has no article
    known = {
        code: (
            sum(map(words.function_words.__contains__, folded)),
            sum(map(words.determiners.__contains__, plain)),
            sum(map(words.verbs.__contains__, folded)),
        )
        for code, words in spaced.items()
    }
    best = max(known, key=lambda code: (*known[code], code == DEFAULT_LANGUAGE))
    if not known[best][0] and len(said) >= WORD_LIST_MIN_WORDS:
        if 2 * sum(word[0].isupper() for word in said) > len(said):
            return next(words for words in spaced.values() if words.capitalised_nouns)
    return spaced[best]


def names_nobody(word: str, language: NameWords) -> bool:
    """Whether a word in small letters names nobody in a text of a language, nor in English."""
    return any(
        word in words.no_names or word in words.function_words or word in words.common_nouns
        for words in (language, name_words()[DEFAULT_LANGUAGE])
    )
