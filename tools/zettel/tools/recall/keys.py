"""The note first of which a question repeats what it is known to answer."""

from collections.abc import Iterable, Sequence

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.terms import terms
from zettel.tools.ranking.ranked import Confidence, Ranked
from zettel.tools.ranking.weights import KEY_SIGNAL, KEY_WEIGHT
from zettel.tools.recall.places import placed_first
from zettel.tools.recall.search import Found
from zettel.tools.state.memory import Memory
from zettel.tools.trust import TrustView

KEYS_READ_NOTES = 20
"""The best notes of a ranking whose questions are read: two pages of ten."""
KEY_CONFIDENCE = 0.9
"""Confidence at least: an LLM worded the question from the note."""
KEY_MIN_JACCARD = 0.75
"""Least Jaccard similarity of the telling words: one of seven may be another."""
_WORD = re.compile(r"[\p{L}\p{M}\p{N}_'’-]+")
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
_OWN = re.compile(r"[\p{Lu}\p{N}]")


async def key_first(
    memory: Memory, query: str, ranked: Sequence[Ranked], searched: Found, reader: TrustView
) -> tuple[tuple[Ranked, ...], Confidence] | None:
    """Move the note first that is known to answer the question; None if none of the best is.

    No note moves before one that the reader trusts more.
    """
    best = [one.note_id for one in ranked[:KEYS_READ_NOTES]]
    known = {note.note_id: note.questions for note in await memory.store.get(best)}
    answering = (i for i in best if i in known and repeats_key(query, known[i]))
    if (note_id := next(answering, None)) is None:
        return None
    corpus = searched.first.corpus
    placed = placed_first(ranked, note_id, corpus, reader, signal=KEY_SIGNAL, weight=KEY_WEIGHT)
    if placed[0].note_id != note_id:
        return None
    confidence = max(KEY_CONFIDENCE, memory.found_from)
    return placed, Confidence(verdict="found", confidence=confidence)


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
