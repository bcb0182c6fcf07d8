"""Texts that share a word with every question and tell nothing.

They still are found and keep their place; they only do not make an answer `found`.
"""

import re
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

READ_CHARACTERS = 4_000
"""Characters that are read of a text."""
STUFFED_MIN_CHARACTERS = 40
"""Shorter texts hold too few words to match everything."""
LIST_MIN_WORDS = 12
"""Words one after the other, without punctuation or a small word between, from which on they are a
list. In `benchmarks/attacks/ordinary.jsonl` and LoCoMo's development half the most is 9."""
SMALL_WORD_LETTERS = 2
REPEATED_MIN_WORDS, REPEATED_MIN_SHARE = 30, 0.5
"""Words from which repeats count, and the share of pairs of words said before from which on a text
repeats itself."""
ASKING_MIN_SENTENCES, ASKING_MIN_SHARE = 4, 0.7
"""Questions from which on a text asks everything, and their least share of its sentences."""

_TOKEN = re.compile(r"[^\W_][\w'’-]*|[.!?…]+|[^\w\s]|[\n\r]")
"""A word, the end of a sentence, or what else parts words."""
_ENDS = frozenset(".!?…")
_SMALL_WORDS = frozenset(
    # English
    "about after all and any are because been before but did does for from had has have her him his"
    " how into its may more much not now off only our out over own she should than that the their"
    " them then there they this too under until very was were when which while will with would you"
    " your"
    # German, Dutch
    " aber als auch auf aus bei das dass dem den der des die ein eine einen einer für hat ich ihr"
    " ist kein mit nach nicht noch nur oder sein sich sie sind und uns von vor war wie wir wird zum"
    " zur aan dat een het maar met naar niet ook van voor werd wordt zijn"
    # French, Spanish, Portuguese, Italian
    " aux avec ces dans des elle est les leur mais nous par pas plus pour que qui sans ses son sont"
    " sur une vous como con del ella era las los más muy para pero por sin sus una com dos ele foi"
    " mas não nos das uma che chi con dei del della gli nel non per più sono"
    # Polish, Turkish, Nordic, Finnish
    " czy jak jest nie oraz się tak için bir daha gibi att där det ett för har inte med och som"
    " till var ikke jeg hän kun mutta niin olen oli ovat että".split()
)
"""Words of languages that part words by spaces, without which there are no sentences; besides
them every word of `SMALL_WORD_LETTERS` counts."""


class Stuffing(IntEnum):
    """How little a text tells."""

    TELLS = 0
    LISTS = 1
    """A long list with commas, such as people make of what to buy."""
    STUFFED = 2
    """A list without even commas, the same words again and again, or only questions."""


def read_stuffing(text: str) -> Stuffing:
    """How little a text tells, in time linear in its first `READ_CHARACTERS`."""
    if len(text) < STUFFED_MIN_CHARACTERS:
        return Stuffing.TELLS
    words, endings = list[str](), list[str]()
    unbroken = listed = longest_unbroken = longest_listed = 0
    for token in _TOKEN.findall(text[:READ_CHARACTERS].lower()):
        if not token[0].isalnum():
            unbroken = 0
            if token[0] in _ENDS:
                endings.append(token)
                listed = 0
            continue
        words.append(token)
        if len(token) <= SMALL_WORD_LETTERS or token in _SMALL_WORDS:
            unbroken = listed = 0
        else:
            unbroken, listed = unbroken + 1, listed + 1
            longest_unbroken = max(longest_unbroken, unbroken)
            longest_listed = max(longest_listed, listed)
    if longest_unbroken >= LIST_MIN_WORDS or _repeats(words) or _asks_everything(endings):
        return Stuffing.STUFFED
    return Stuffing.LISTS if longest_listed >= LIST_MIN_WORDS else Stuffing.TELLS


def _repeats(words: Sequence[str]) -> bool:
    if len(words) < REPEATED_MIN_WORDS:
        return False
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) >= REPEATED_MIN_SHARE


def _asks_everything(endings: Sequence[str]) -> bool:
    asking = sum(ending.endswith("?") for ending in endings)
    return asking >= max(ASKING_MIN_SENTENCES, ASKING_MIN_SHARE * len(endings))
