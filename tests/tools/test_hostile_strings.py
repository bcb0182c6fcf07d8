"""Every function that reads a question or a note takes linear time, whatever a stranger sends.

The times of one function at three lengths are compared with each other, never with a clock:
linear work grows as the text does, a pattern that is tried anew from each character by its square.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle

import numpy as np
import pytest
from tests.storage.samples import make_note

from zettel.storage.lance.search import query_pieces
from zettel.storage.notes import Note, Outline, fold, outline_of
from zettel.storage.text.passages import TextSpan, sentence_spans, split_passages
from zettel.storage.text.utterance import parts_of
from zettel.storage.verify.patterns import fold_words
from zettel.tools.changes.conflicts import conflict_between
from zettel.tools.evolve.consolidate.concepts import SaidWords
from zettel.tools.evolve.consolidate.profile import standing_facts
from zettel.tools.evolve.consolidate.sentences import quotable
from zettel.tools.evolve.writing.grounding import fault, sources_of
from zettel.tools.language.attribution import misattributes
from zettel.tools.language.change_cues import CHANGE_CUE_MAX_CHARACTERS, find_change_cue
from zettel.tools.language.dates import find_times, find_windows, without_times
from zettel.tools.language.documents import cut_text
from zettel.tools.language.facts import STATEMENTS_MAX_CHARACTERS, find_statements
from zettel.tools.language.kept_readings import clear_kept_readings
from zettel.tools.language.link_cues import find_cue
from zettel.tools.language.marks import find_marks
from zettel.tools.language.names import find_names
from zettel.tools.language.opposites import denies_otherwise
from zettel.tools.language.terms import telling_words, terms
from zettel.tools.language.user_words import find_own_names, tells_of_user
from zettel.tools.ranking.corpus import make_corpus
from zettel.tools.ranking.excerpt import rank_passages
from zettel.tools.ranking.fusion import rank_rows
from zettel.tools.ranking.mentions import find_asked_names
from zettel.tools.ranking.multi_hop import find_bridge_entities, find_multi_hop
from zettel.tools.ranking.question import find_anchor, read_question
from zettel.tools.ranking.signals import exact_share, find_exact_terms
from zettel.tools.ranking.stuffing import read_stuffing
from zettel.tools.secrets.cutting import cut_secrets
from zettel.tools.validation import MAX_CONTENT, MAX_QUERY

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LONG, LONGER = 4, 16
"""How much longer the longest of three texts is than each of the others."""
LONG_GROWTH, LONGER_GROWTH = 8.0, 64.0
"""From here the time to the longest text grows as the square: half way between it and linear.

Only both together count: the one leaves a busy machine room, the other goes by work that begins at
some length, such as a first cut. From one length to four times as much, a sound function failed
twice in ten runs.
"""
NOISE_S = 0.004
"""Time below which a function is fast enough at its longest text."""
TRIES = 10
QUICK_CHARACTERS = MAX_CONTENT // 4
"""Longest text outside the slow tests: work in the square shows from there."""


def _note(text: str, subject: str = "Ana") -> Note:
    return replace(make_note(text), subject=subject)


def _outline(text: str, subject: str = "Ana") -> Outline:
    return outline_of(_note(text, subject))


def _conflict(one: Outline, other: Outline) -> object:
    return conflict_between(one, find_statements(one), other, find_statements(other))


def _characters(text: str) -> list[TextSpan]:
    return [(at, at + 1) for at in range(len(text))]


def _words(text: str) -> list[TextSpan]:
    found, at = list[TextSpan](), 0
    for word in text.split():
        at = text.index(word, at)
        found.append((at, at + len(word)))
        at += len(word)
    return found


def _bridges(text: str) -> object:
    """The names in a stored note that may stand for "Ana's colleague"."""
    corpus = make_corpus(
        [_outline(text), _outline("Ana works with Ben."), _outline("I moved", "Ben")]
    )
    ranking = rank_rows(corpus, {"meaning": (1.0, np.ones(3))}, np.arange(3))
    unnamed = find_multi_hop("Where does Ana's colleague live?")
    assert unnamed
    return find_bridge_entities(unnamed, ranking, ranking)


def _held(text: str) -> object:
    """The exact terms of a question, looked for in a note that holds it many times."""
    exact = find_exact_terms(text)
    return exact_share(exact, f"{text}a " * 4) if exact else 0.0


def _asked(text: str) -> object:
    names = set(map(fold, find_asked_names(text)))
    return read_question(text, ["Ana", "Ben Silva", "user"], NOW, names=names).capitalised()


def _quoted(text: str) -> object:
    return quotable(_note(text))


def _cut(text: str) -> object:
    """The parts of a text, cut as talk, as a log or as a document."""
    return cut_text(text, MAX_CONTENT, raw=True)


QUESTION_READERS: dict[str, Callable[[str], object]] = {
    "multi_hop, for each step of a search": find_multi_hop,
    "names, for each look of a search": find_asked_names,
    "question, for each look of a search": _asked,
    "question of a subject of many words": lambda text: read_question(
        text, [f"{'a ' * 120}b", f"{'1.' * 120}b"], NOW
    ),
    "anchor, for each search": lambda text: find_anchor(text, NOW),
    "windows, for each question": lambda text: find_windows(text, NOW),
    "without times, for each question": lambda text: without_times(text, NOW),
    "exact terms, for each note of an answer": _held,
    "pieces, where full text finds nothing": query_pieces,
}
"""Function, and where it is called -> the function."""

NOTE_READERS: dict[str, Callable[[str], object]] = {
    "fold, everywhere": fold,
    "secrets, before anything of a note is kept": lambda text: cut_secrets(text, Counter()),
    "words to search for, to verify an erasure": fold_words,
    "terms, for each corpus": terms,
    "names, in evolution": find_names,
    "stuffing, for each corpus": read_stuffing,
    "bridges, for each step of a search": _bridges,
    "times, in evolution": lambda text: find_times(text, NOW),
    "cues, in evolution": lambda text: find_cue(text, "Ana broke the test", follows=True),
    "marks, for each note of remember": find_marks,
    "turns, for each note of remember": _cut,
    "words of a change, for each note near a new one": lambda text: find_change_cue(
        text[:CHANGE_CUE_MAX_CHARACTERS]
    ),
    "telling words, for each note near a new one": telling_words,
    "quotations, in evolution": _quoted,
    "the user, for each note of a recall about the user": tells_of_user,
    "names of the user, for each note of a recall with a subject": find_own_names,
    "the profile, in evolution": lambda text: standing_facts(_note(text)),
    "repeats, in evolution": lambda text: SaidWords.of(_note(text)),
    "sources, for each text of an LLM": lambda text: sources_of([_note(text)]),
    "sentences, everywhere": sentence_spans,
    "passages by characters, before embedding": lambda text: split_passages(text, _characters),
    "passages by words, before embedding": lambda text: split_passages(text, _words),
    "parts, before embedding": parts_of,
    "excerpts, for each long note of an answer": lambda text: rank_passages(
        text, text[:MAX_QUERY]
    ).cut(1_200),
}

SECRETS = (
    *("AKIA", "ghp_", "eyJ", "-eyJaaaaaaaaaa", "eyJaaaaaaaaaa.", "a://b:c@h ", "://", "a\u200b"),
    *("-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----A: b\n", "\\nAb", "a\\\n"),
    *("AKIAABCDEFGHIJKLMNOP ", "password=", "host=a ", "user= password=ab\n", "[cut: a", "aB1\n"),
)
"""Secrets and their beginnings."""
TURNS = (
    *("A: I\n", "A: I\nBo: you?\n", "10:00 ", "10:00\n", "1.1.26, 10:00 - A: I\n", "**", "A (b) "),
    *("[10:00] <a> I\n", "A  10:00\n", "2026-01-01 10:00:00 a\n", "```\n", "# user\n", "a: ", "<a"),
)
"""Labels of speakers, times of turns, and their beginnings."""
KNOWN = (
    *("A ", "A", "Aa ", "A-", "A1", "A_", "Ab.", "A.", "b c d ", "My a ", "Ana's ", "\n", " ", "."),
    *("1.", "\u0301\u0323", "\u0f73", "🇩", "a", "x@", "and ", "since monday "),
)
"""Units that made some function slow, or nearly."""
ALL = (
    *KNOWN,
    *("'", "’s ", "- ", "1", "1/", "Ana lives in ", "works at A", "\u0301", "，", "[[", "http://"),
    *(
        "@",
        "é",
        "of the ",
        "not ",
        "\t",
        "\r\n",
        "👨\u200d",
        "क्",
        "? ",
        "!)",
        "the a ",
        "the a of ",
    ),
    *("my ", "www.", "://", "#", "# ", "ignore rules ", "you must ", "<", "<|a", "1,", "2026-"),
    *("in 2026 ", "last ", "1st of ", "may ", "Q1 2026 ", "yesterday ", "A&", "Ana has has "),
    *('"a', '"', "(", "“", "because of ", "wn't", "no ", "--", "。", "中", "ﬃ", "İ", "a.b", "a/b "),
)
ENDINGS = ("", "é", " x", "!", "?", "'", "\n")
BEGINNINGS = ("", "b c d ", "Ana lives in Ben, works at ")


@dataclass(frozen=True, slots=True)
class Hostile:
    """A text of any length: a beginning, a unit many times, and an ending."""

    beginning: str
    unit: str
    ending: str

    def of(self, units: int) -> str:
        """The text of so many units."""
        return f"{self.beginning}{self.unit * units}{self.ending}"

    def units(self, longest: int) -> int:
        """How many units a text of this length has room for."""
        return (longest - len(self.beginning) - len(self.ending)) // len(self.unit)


def _cpu_s(read: Callable[[str], object], text: str) -> float:
    clear_kept_readings()  # or the first of several tries alone would be one
    start = time.process_time()
    read(text)
    return time.process_time() - start


def _grows_as_the_square(read: Callable[[str], object], hostile: Hostile, longest: int) -> bool:
    """Whether the time to a text of this length does, by the best of several tries.

    Never, where that text takes little.
    """
    units = hostile.units(longest) // LONGER
    shorter, short, whole = (hostile.of(units * times) for times in (1, LONGER // LONG, LONGER))
    least = {text: float("inf") for text in (whole, short, shorter)}
    for _ in range(TRIES):
        for text in least:
            least[text] = min(least[text], _cpu_s(read, text))
            if least[whole] < NOISE_S:
                return False
        if least[whole] < LONG_GROWTH * least[short]:
            return False
        if least[whole] < LONGER_GROWTH * least[shorter]:
            return False
    return True


@pytest.fixture(autouse=True)
def _without_collections() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def _check(read: Callable[[str], object], texts: list[Hostile], longest: int) -> None:
    read(texts[0].of(64))  # the first call compiles and imports
    for text in texts:
        assert not _grows_as_the_square(read, text, longest), text


WORDED_MAX_CHARACTERS = 8_000
"""Longer than any text of an LLM that is used: the profile's 40 lines are the longest."""
LLM_READERS: dict[str, Callable[[str], object]] = {
    "faults, for each text of an LLM": lambda text: fault(
        text, sources_of([_note("x")]), most=MAX_CONTENT
    ),
    "denials, for each line of an LLM": lambda text: denies_otherwise(text, [text]),
    "subjects and values, for each text of an LLM": lambda text: misattributes(text, [text]),
}
"""They read what an LLM wrote, within the bounds that it was asked to keep."""
STATEMENT_READERS: dict[str, Callable[[str], object]] = {
    "statements, for each candidate of remember": lambda text: find_statements(_outline(text)),
    "conflicts, in evolution and remember": lambda text: _conflict(
        _outline(text), _outline(f"{text[:-1]}x")
    ),
}
"""They read the beginning of a note: a longer text may be of another sort only for its end."""

CASES = [
    *((name, read, MAX_QUERY) for name, read in QUESTION_READERS.items()),
    *((name, read, MAX_CONTENT) for name, read in NOTE_READERS.items()),
    *((name, read, WORDED_MAX_CHARACTERS) for name, read in LLM_READERS.items()),
    *((name, read, STATEMENTS_MAX_CHARACTERS) for name, read in STATEMENT_READERS.items()),
]
every_reader = pytest.mark.parametrize(
    ("read", "longest"), [case[1:] for case in CASES], ids=[name for name, *_ in CASES]
)


@every_reader
def test_the_time_grows_as_the_text(read: Callable[[str], object], longest: int) -> None:
    texts = [Hostile(BEGINNINGS[-1], unit, "é") for unit in KNOWN]
    _check(read, texts, min(longest, QUICK_CHARACTERS))


@pytest.mark.slow
@every_reader
def test_no_unit_beginning_or_ending_takes_the_square_of_its_length(
    read: Callable[[str], object], longest: int
) -> None:
    beginnings = cycle(BEGINNINGS)
    texts = [Hostile(next(beginnings), unit, ending) for unit in ALL for ending in ENDINGS]
    _check(read, texts, min(longest, QUICK_CHARACTERS))


@pytest.mark.slow
@every_reader
def test_the_time_grows_as_the_text_up_to_the_longest(
    read: Callable[[str], object], longest: int
) -> None:
    _check(read, [Hostile("", unit, "é") for unit in KNOWN], longest)


def test_the_comparison_notices_work_in_the_square_of_a_text() -> None:
    def read(text: str) -> object:
        return [at for at in range(len(text)) if text[at:].count("é") > len(text)]

    assert _grows_as_the_square(read, Hostile("", "é", "x"), 2 * QUICK_CHARACTERS)


def test_labels_and_times_of_turns_are_read_in_linear_time() -> None:
    texts = [Hostile(beginning, unit, "é") for unit in TURNS for beginning in ("", "Ana: ")]

    _check(_cut, texts, MAX_CONTENT)


def test_secrets_and_their_beginnings_are_found_in_linear_time() -> None:
    texts = [Hostile("", unit, "é") for unit in SECRETS]

    _check(NOTE_READERS["secrets, before anything of a note is kept"], texts, MAX_CONTENT)
