"""Names in questions of scripts without spaces, where no capital tells them: "大野くん", "赵一鸣".

A language is a file of `name_words`: adding one takes no code.
"""

from collections.abc import Callable, Iterator
from functools import cache

import regex as re

from zettel.tools.language.languages import find_language
from zettel.tools.language.name_words import NameWords, name_words

NAMES_READ_CHARACTERS = 300
"""Characters that are read of a question."""
SURNAME_LED_MAX_CHARACTERS, SURNAME_LED_MIN_CHARACTERS = 4, 2
"""Of a name without an honorific; one of four has a surname of two."""

_HAN = re.compile(r"\p{Han}+")


def find_unspaced_names(question: str, is_known: Callable[[str], bool]) -> tuple[str, ...]:
    """The names in a question in a script without spaces, in order, without honorifics.

    `is_known` is whether notes hold a name: one that only its surname tells may be another word.
    """
    language = find_language(question)
    words = name_words().get(language)
    if words is None or not words.honorifics:
        return ()
    told = question[:NAMES_READ_CHARACTERS]
    polite = [m["name"] for m in _polite(language).finditer(told)]
    names = [name for name in polite if not _is_role(name, words)]
    return tuple(dict.fromkeys((*names, *_surname_led(told, words, is_known))))


def _is_role(name: str, words: NameWords) -> bool:
    """Whether it is what somebody does or is to others: "お医者さん", "店員さん"."""
    return (
        name in words.no_names
        or (bool(words.surnames) and _is_word(name, words))
        or re.search(words.role_ends, name) is not None
    )


def _is_word(name: str, words: NameWords) -> bool:
    """Whether it ends in an honorific or begins like a word that is no name: "高铁站"."""
    return name.endswith(words.honorifics) or any(map(name.startswith, words.no_names))


def _surname_led(text: str, words: NameWords, is_known: Callable[[str], bool]) -> Iterator[str]:
    if not words.surnames:
        return
    for start in re.finditer(_starts(words), text):
        for size in range(SURNAME_LED_MAX_CHARACTERS, SURNAME_LED_MIN_CHARACTERS - 1, -1):
            name = text[start.start() : start.start() + size]
            behind = re.match(words.behind_asked, text[start.start() + size :])
            if behind and _HAN.fullmatch(name) and not _is_word(name, words) and is_known(name):
                yield name
                break


@cache
def _polite(language: str) -> re.Pattern[str]:
    words = name_words()[language]
    honorifics = "|".join(map(re.escape, words.honorifics))
    if words.surnames:
        name = rf"(?<=^|[^\p{{Han}}]|[{words.before_name}])[{words.surnames}]\p{{Han}}{{0,2}}?"
    else:
        name = (
            r"(?<!\p{Han})\p{Han}{1,5}?|(?<![\p{Katakana}ー])[\p{Katakana}ー]{2,8}"
            r"|^(?![おご])\p{Hiragana}{2,5}?"
        )
    return re.compile(rf"(?P<name>{name})(?:{honorifics})")


def _starts(words: NameWords) -> str:
    return rf"(?<=^|[\s，。；：、！？,.;:!?「“{words.before_name}])(?=[{words.surnames}])"
