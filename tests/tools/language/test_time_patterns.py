"""Every time that a language's file spells is looked for: no pattern is left out unseen."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from random import Random
from typing import Any

import pytest

from zettel.tools.language.dates import find_times
from zettel.tools.language.time_words import _languages as languages  # pyright: ignore[reportPrivateUsage]

codes: Any = import_module("re._constants")
parser: Any = import_module("re._parser")
EXAMPLES = 40
CLASSES: dict[Any, str] = {
    codes.CATEGORY_DIGIT: "7",
    codes.CATEGORY_WORD: "x",
    codes.CATEGORY_SPACE: " ",
}


def spelled(parsed: Iterable[Any], random: Random) -> str:
    """A text that a parsed regular expression matches, but perhaps for what is beside it."""
    told = ""
    for code, value in parsed:
        match code:
            case codes.LITERAL:
                told += chr(value)
            case codes.IN:
                told += random.choice([_character(*one) for one in value])
            case codes.BRANCH:
                told += spelled(random.choice(value[1]), random)
            case codes.SUBPATTERN:
                told += spelled(value[-1], random)
            case codes.MAX_REPEAT | codes.POSSESSIVE_REPEAT:
                least, most, part = value
                times = random.randint(least, min(most, least + 1))
                told += "".join(spelled(part, random) for _ in range(times))
            case codes.ASSERT if told or value[0] < 0:
                told += spelled(value[1], random)
            case _:
                pass
    return told


def _character(code: Any, value: Any) -> str:
    if code == codes.LITERAL:
        return chr(value)
    return chr(value[0]) if code == codes.RANGE else CLASSES.get(value, "-")


@pytest.mark.parametrize("language", sorted(languages()))
def test_whatever_a_pattern_spells_holds_what_every_time_of_its_language_does(
    language: str,
) -> None:
    random, known, tried = Random(0), languages()[language], 0
    for pattern in (*known.patterns, *known.alone):
        parsed = parser.parse(pattern.spelled.pattern, re.IGNORECASE)
        texts = (spelled(parsed, random) for _ in range(EXAMPLES))
        found = [match.group() for text in texts if (match := pattern.spelled.search(text))]
        tried += bool(found)
        assert all(known.holds.search(time.lower()) for time in found), pattern.english

    assert tried >= 0.99 * len((*known.patterns, *known.alone))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Wir essen am Heiligen Abend bei Oma", "2026-12-24"),
        ("The report is due by close of business tomorrow", "2026-11-21"),
        ("The shop is closed from July", "2027-07-01"),
        ("大みそかに母が来る", "2026-12-31"),
    ],
)
def test_a_time_that_no_other_word_gives_away_is_read(text: str, first: str) -> None:
    found = find_times(text, datetime(2026, 11, 20, 12, tzinfo=UTC))

    assert [span.start.date().isoformat() for span in found] == [first]
