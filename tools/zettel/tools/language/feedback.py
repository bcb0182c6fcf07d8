"""What a text asks to be done or left: a user's feedback, as an order or as what somebody wants.

The words of a language are a file in `feedback_words`: adding one takes no code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import regex as re
from pydantic import BaseModel, ConfigDict

from zettel.storage.notes import fold
from zettel.storage.text.utterance import asks
from zettel.tools.language.terms import telling_words
from zettel.tools.language.word_files import read_word_files, spell_words

FEEDBACK_MAX_CHARACTERS = 400
"""A longer text is a document, which has orders in it without being one."""
WANTED_MIN_CHARACTERS = 4
"""Fewest letters of a word that says what is wanted, and those that count: "mock" in "mocks"."""
SAME_MIN_WORDS, SAME_MIN_SHARE = 2, 0.5
"""Fewest words, and least share of the words of the shorter, of which two pieces of feedback want
the same. Set on made-up feedback in six languages: benchmarks/RESULTS.md."""

_CLAUSE_END = re.compile(r"[,;:.!?](?=\s|$)|[()—–\n。，；！？、：]|\s-\s")
_WORD = re.compile(r"[\p{L}\p{M}]+")
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")


class _Table(BaseModel):
    """A language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inside: bool = False
    orders: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    denies: tuple[str, ...] = ()
    denied_before: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is to be done, what is to be left, and where or when, by the words that tell it."""

    done: frozenset[str]
    left: frozenset[str]
    places: frozenset[str]
    is_order: bool
    """Whether it tells somebody to do or to leave it, rather than what somebody wants."""

    def says_same(self, other: "Feedback") -> bool:
        """Whether both want the same."""
        mine, yours = self._all, other._all
        least = max(SAME_MIN_WORDS, SAME_MIN_SHARE * min(len(mine), len(yours)))
        same = len(mine & yours) - 2 * self._contrary(other)
        return same >= least and self._alike(other) > 0 and not self.reverses(other)

    def reverses(self, other: "Feedback") -> bool:
        """Whether one wants left what the other wants, of more words than they agree on.

        Not if it wants so in another place: "use mocks for the mail service". Nor if what the one
        leaves is where the other does something: "never commit to main", "run it before a commit".
        """
        opposed = other.done & self.left or self.done & other.left
        return (
            bool(opposed)
            and self._contrary(other) > self._alike(other)
            and self.places <= other._all
        )

    def _alike(self, other: "Feedback") -> int:
        return len(self.done & other.done) + len(self.left & other.left)

    def _contrary(self, other: "Feedback") -> int:
        yours, mine = other.done | other.places, self.done | self.places
        return len(yours & self.left) + len(mine & other.left)

    @property
    def _all(self) -> frozenset[str]:
        return self.done | self.left | self.places


def read_feedback(text: str) -> Feedback | None:
    """What a text asks to be done and left; None where it asks for nothing."""
    if len(text) > FEEDBACK_MAX_CHARACTERS or asks(text):
        return None
    plain = text.replace("’", "'")
    clauses = list(_clauses(plain))
    orders = any(_pattern("orders").match(clause) for clause in clauses)
    if not orders and not _pattern("wants").search(plain) and not _pattern("allows").search(plain):
        return None
    done, left, places = set[str](), set[str](), set[str]()
    for clause in clauses:
        wanted, unwanted = _parted(clause)
        for part, of in ((wanted, done), (unwanted, left)):
            what, where = _placed(part)
            of |= _words(what)
            places |= _words(where)
    both = done & left  # "an aisle seat, never a window seat"
    done, left = done - both, left - both
    return Feedback(
        frozenset(done), frozenset(left), frozenset((places | both) - done - left), orders
    )


def _clauses(text: str) -> Iterator[str]:
    for part in _CLAUSE_END.split(text):
        starts = [0, *(found.start() for found in _pattern("turns").finditer(part)), len(part)]
        for start, end in pairwise(starts):
            if clause := part[start:end].strip():
                yield clause


def _parted(clause: str) -> tuple[str, str]:
    """What a clause wants done, and what it wants left."""
    if found := _pattern("denied_before").search(clause):
        return clause[found.end() :], clause[: found.start()]
    if found := _pattern("denies").search(clause):
        return clause[: found.start()], clause[found.end() :]
    return clause, ""


def _placed(part: str) -> tuple[str, str]:
    """What a part of a clause tells, and where or when."""
    found = _pattern("places").search(part.lstrip(), 1)
    return (found.string[: found.start()], found.string[found.end() :]) if found else (part, "")


def _words(text: str) -> set[str]:
    """The words that tell what is wanted, by their beginnings."""
    rest = _pattern("idle").sub(" ", text)
    spaced = (word for word in _WORD.findall(fold(rest)) if not _UNSPACED.search(word))
    found = {w[:WANTED_MIN_CHARACTERS] for w in spaced if len(w) >= WANTED_MIN_CHARACTERS}
    return found | {word for word in telling_words(rest) if _UNSPACED.search(word)}


@cache
def _tables() -> Mapping[str, _Table]:
    """Every language by its code."""
    read = read_word_files("feedback_words")
    return {code: _Table.model_validate(table) for code, table in read.items()}


@cache
def _pattern(name: str) -> "re.Pattern[str]":
    spelled = (spell_words(getattr(t, name), inside=t.inside) for t in _tables().values())
    return re.compile("|".join(filter(None, spelled)), re.IGNORECASE)
