"""The lists of words in other languages, and the English words that they hold.

A language is a file in `word_lists`: a line for each word, its forms and, behind a tab, what it is
in English. The lines before, without a tab, are function words. English has these alone.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

MODEL_LANGUAGE = "en"
LANGUAGES = ("de", "es", "fr", "ja", "zh")
"""With a list of words and what they are in English."""
_ENDING = re.compile(r"(?:ings?|ed|d|es|s|ly|ers?|ions?|ments?)$")
"""Of an English word that the lists hold without it."""


def list_lines(language: str) -> Iterator[str]:
    """The lines of a language's list, without their ends."""
    file = files("zettel.storage.text") / "word_lists" / f"{language}.tsv"
    with file.open(encoding="utf-8") as lines:
        yield from (line.rstrip("\n") for line in lines)


@cache
def ordinary_words() -> frozenset[str]:
    """English words that are no names, some 16,000. Of other languages none: "paris" is a plural.

    Read from the lines: what a list is kept as to translate takes ten times the memory.
    """
    found = set(list_lines(MODEL_LANGUAGE))
    for language in LANGUAGES:
        for line in list_lines(language):
            found.update(word for word in line.partition("\t")[2].split() if word.islower())
    return frozenset(found)


def is_ordinary_english(word: str) -> bool:
    """Whether a word in small letters is one of `ordinary_words`, with an ending or without."""
    known, base = ordinary_words(), _ENDING.sub("", word)
    forms = [word, base, f"{base}e", base[:-1] if base[-1:] == base[-2:-1] else base]
    forms += [f"{base[:-1]}y"] if base.endswith("i") else []
    return any(len(form) > 2 and form in known for form in forms)
