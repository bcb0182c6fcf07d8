"""Questions that a note is known to answer, and whether a question nearly repeats one of them."""

from collections.abc import Iterable

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.terms import terms

KEY_MIN_JACCARD = 0.75
"""Least Jaccard similarity of the telling words: one of seven may be another."""
_WORD = re.compile(r"[\p{L}\p{M}\p{N}_'’-]+")
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
_OWN = re.compile(r"[\p{Lu}\p{N}]")


def repeats_key(question: str, keys: Iterable[str]) -> bool:
    """Whether a question nearly repeats one of these: it may ask in other small words.

    Names, numbers and, in German, nouns must be the same: they are what is asked about. So must
    all words of scripts without spaces.
    """
    return any(_repeats(question, key) for key in keys)


def _repeats(question: str, key: str) -> bool:
    one, other = (_WORD.findall(text) for text in (question, key))
    if list(map(fold, one)) == list(map(fold, other)):
        return bool(one)
    if _UNSPACED.search(question):
        return False
    asked, known = set(terms(question)), set(terms(key))
    shared = len(asked & known)
    if shared < KEY_MIN_JACCARD * len(asked | known) or not shared:
        return False
    return _names(one) == _names(other)


def _names(words: list[str]) -> set[str]:
    """Words that are capitalised behind the first, or hold a digit."""
    return {
        fold(word)
        for at, word in enumerate(words)
        if _OWN.search(word if at else word[1:]) or word.isdecimal()
    }
