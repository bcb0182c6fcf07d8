"""The parts of an utterance and their weights in its vector.

The vector of "Guess what. I have moved to Lyon. Can you find me a gym?" lies near none of the three
parts, so statements outweigh the opening and the final questions.
"""

from collections.abc import Sequence
from itertools import takewhile

import regex

from zettel.storage.text.passages import sentence_spans

QUESTION_WEIGHT = 0.3
"""Weight of final questions; fitted on the generator's worlds and LoCoMo's development half."""
OPENING_WEIGHT = 0.15
"""Weight of an opening; fitted as `QUESTION_WEIGHT`. Above 0, because "I quit." is one too."""
OPENING_MAX_WORDS = 3
"""Maximum number of words of a sentence in an opening: "By the way.", "Hey Mel!"."""

_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_WORD = regex.compile(rf"{_UNSPACED}|[\w--{_UNSPACED}]+", regex.VERSION1)
"""Each character of a script without spaces is a word."""
_CLOSING = " \t\n\"'”’»)]*_"
_ASKING = ("?", "？", "؟")
_TELLING = (".", "!", "…", "。", "！")


def asks(text: str) -> bool:
    """Whether a text ends in a question."""
    return text.rstrip(_CLOSING).endswith(_ASKING)


def without_questions(text: str) -> str:
    """A text without the questions at its end: empty where it only asks."""
    return text if not asks(text) else text[: _final_questions_start(text, _sentences(text))]


def parts_of(text: str) -> list[tuple[str, float]]:
    """Split a text into statements, final questions and opening.

    Returns:
        The non-empty parts in this order, with weights that add up to 1. Together they are the
        text without white space around them; most texts are one part.
    """
    spans = _sentences(text)
    told_from, asked_from = 0, _final_questions_start(text, spans)
    spans = [span for span in spans if span[0] < asked_from]
    # Sentences before nothing but questions are statements, not an opening.
    for start, end in spans[:-1]:
        if not _opens(text[start:end]):
            break
        told_from = end
    opening, told, asked = text[:told_from], text[told_from:asked_from], text[asked_from:]
    rest = 1 - OPENING_WEIGHT if opening else 1.0
    parts = (
        (told, rest * (1 - QUESTION_WEIGHT) if asked else rest),
        (asked, rest * QUESTION_WEIGHT),
    )
    there = [
        (part.strip(), weight)
        for part, weight in (*parts, (opening, OPENING_WEIGHT))
        if part.strip()
    ]
    return there if spans and len(there) > 1 else [(text, 1.0)]


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence with words stands."""
    return [span for span in sentence_spans(text) if _WORD.search(text, *span)]


def _final_questions_start(text: str, spans: Sequence[tuple[int, int]]) -> int:
    """Where the questions begin with which a text ends: at its end if it ends in none."""
    starts = [start for start, _ in takewhile(lambda s: asks(text[slice(*s)]), reversed(spans))]
    return starts[-1] if starts else len(text)


def _opens(sentence: str) -> bool:
    brief = len(_WORD.findall(sentence)) <= OPENING_MAX_WORDS
    return brief and sentence.rstrip(_CLOSING).endswith(_TELLING)
