"""What a text asks to be done or left: a user's feedback, as an order or as what somebody wants.

The words of a language are a file in `feedback_words`: adding one takes no code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.utterance import asks
from zettel.tools.language.terms import telling_words
from zettel.tools.language.word_files import WordTable, spell_any, word_tables

FEEDBACK_MAX_CHARACTERS = 400
"""A longer text is a document, which has orders in it without being one."""
WANTED_MIN_CHARACTERS, WANTED_CHARACTERS = 3, 4
"""Fewest letters of a word that says what is wanted, and those that count: "mock" in "mocks"."""
SAME_MIN_WORDS, SAME_MIN_SHARE = 2, 0.5
"""Fewest words, and least share of the words of the shorter, of which two pieces of feedback want
the same. Set on made-up feedback in six languages: benchmarks/RESULTS.md."""

_CLAUSE_END = re.compile(r"[,;:.!?](?=\s|$)|[()—–\n。，；！？、：]|\s-\s")
_WORD = re.compile(r"[\p{L}\p{M}]+")
_ENDING = re.compile(r"(?:(?<=(\p{L}))\1(?:ing|ed)|ing|ed|(?<!s)s)$")
"""Of English words, without which "ask" and "asking" begin alike."""
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")


class _Table(WordTable):
    """A language's file: `en.toml` explains it."""

    orders: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    denies: tuple[str, ...] = ()
    denied_before: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    omissions: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    befores: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


_tables = word_tables("feedback_words", _Table)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is to be done, what is to be left, and where or when, by the words that tell it."""

    done: frozenset[str]
    left: frozenset[str]
    places: frozenset[str]
    is_order: bool
    """Whether it tells somebody to do or to leave it, rather than what somebody wants."""
    later: frozenset[str] = frozenset()
    """Of the places what is to come after the rest: "commit" in "run it before a commit"."""
    may_report: bool = False
    """Whether it may as well say how something is: "No adverbs", "No fever"."""
    complains: bool = False
    """Whether it says what was done or left out again: "You used mocks again"."""
    is_wish: bool = True
    """Whether it says what is wanted, rather than only what was done again."""
    wording: tuple[str, ...] = ()
    """The words in order, those that tell what is wanted as they count."""

    def says_same(self, other: "Feedback") -> bool:
        """Whether both want the same.

        Of one word each only what is to be left, which is no act of a moment ("Please continue"),
        where one of them is no mere report.
        """
        mine, yours = self._all, other._all
        if self._swaps(other):
            return False
        if len(mine) == len(yours) == 1:
            return self.left == other.left == mine and not (self.may_report and other.may_report)
        least = max(SAME_MIN_WORDS, SAME_MIN_SHARE * min(len(mine), len(yours)))
        if self.reverses(other) or other.reverses(self):
            return False
        if self._is_turned(other) or other._is_turned(self):
            return len(mine & yours) >= least
        same = len(mine & yours) - 2 * self._contrary(other)
        return same >= least and self._alike(other) > 0

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

    def _swaps(self, other: "Feedback") -> bool:
        """Whether the other says it in the same words but for what is wanted, as lists of rules do.

        "Ask before you rename files", "Ask before you delete files": nobody repeats a wish so.
        """
        if len(self.wording) != len(other.wording):
            return False
        pairs = zip(self.wording, other.wording, strict=True)
        swapped = [(mine, yours) for mine, yours in pairs if mine != yours]
        return 0 < len(swapped) <= len(self.wording) / 2 and all(
            mine in self._all - other._all and yours in other._all - self._all
            for mine, yours in swapped
        )

    def _is_turned(self, other: "Feedback") -> bool:
        """Whether one says the other's order in the negative: "Y before X", "no X before Y"."""
        return bool(self.left & other.later and self.later & other.done)

    def _alike(self, other: "Feedback") -> int:
        mine, yours = self._where_left, other._where_left
        left = (self.left & (other.left | yours)) | (other.left & mine)
        return len(self.done & other.done) + len(left)

    def _contrary(self, other: "Feedback") -> int:
        return len(other._wanted & self.left) + len(self._wanted & other.left)

    @property
    def _wanted(self) -> frozenset[str]:
        """What is done, and where it is."""
        return self.done | self.places if self.done else frozenset()

    @property
    def _where_left(self) -> frozenset[str]:
        """Where something is left, if nothing is done there."""
        return frozenset() if self.done else self.places

    @property
    def _all(self) -> frozenset[str]:
        return self.done | self.left | self.places


def read_feedback(text: str) -> Feedback | None:
    """What a text asks to be done and left; None where it asks for nothing."""
    if len(text) > FEEDBACK_MAX_CHARACTERS or asks(text):
        return None
    plain = text.replace("’", "'")
    clauses = list(_clauses(plain))
    orders = [clause for clause in clauses if _pattern("orders").match(clause)]
    complains = any(map(_complaint, clauses))
    wants = _pattern("wants").search(plain) is not None
    is_wish = bool(orders or wants or _pattern("allows").search(plain))
    if not is_wish and not complains:
        return None
    told = _Words()
    for clause in clauses:
        first = _pattern("befores").match(clause)
        if first and any(_words(other) for other in orders if other is not clause):
            told.later |= _words(clause[first.end() :])
        else:
            _read_clause(clause, told)
    done = told.done | told.manners
    both = done & told.left  # "an aisle seat, never a window seat"
    done, left = done - both, told.left - both
    places = (told.places | told.later | both) - done - left
    return Feedback(
        frozenset(done),
        frozenset(left),
        frozenset(places | told.manners),
        bool(orders),
        later=frozenset(told.later - done - left),
        may_report=not wants and all(map(_pattern("reports").match, orders)),
        complains=complains,
        is_wish=is_wish,
        wording=tuple(_wording(plain)),
    )


@dataclass(slots=True)
class _Words:
    """The words of a text's clauses by what they tell."""

    done: set[str] = field(default_factory=set[str])
    left: set[str] = field(default_factory=set[str])
    places: set[str] = field(default_factory=set[str])
    later: set[str] = field(default_factory=set[str])
    manners: set[str] = field(default_factory=set[str])
    """How something is done, which is wanted, too: "in French"."""

    def put_place(self, place: str, where: str) -> None:
        """Adds what stands behind a word for a place."""
        of = self.later if _pattern("befores").fullmatch(place) else self.places
        of |= _words(where)


def _read_clause(clause: str, told: _Words) -> None:
    wanted, unwanted = _parted(clause)
    what, place, where = _placed(wanted)
    if place and _is_bare_order(what) and not _pattern("befores").fullmatch(place):
        told.manners |= _words(where)
    told.done |= _words(what)
    told.put_place(place, where)
    unwanted, needed = _needed(unwanted)
    what, place, where = _placed(needed or unwanted)
    told.put_place(place, where)
    if needed:
        told.done |= _words(what)
        told.later |= _words(unwanted)
    else:
        told.left |= _words(what)


def _clauses(text: str) -> Iterator[str]:
    for part in _CLAUSE_END.split(text):
        starts = [0, *(found.start() for found in _pattern("turns").finditer(part)), len(part)]
        for start, end in pairwise(starts):
            if clause := part[start:end].strip():
                yield clause


def _parted(clause: str) -> tuple[str, str]:
    """What a clause wants done, and what it wants left."""
    if found := _pattern("omissions").match(clause):
        return clause[found.end() :], ""
    if _pattern("complaints").match(clause):
        return "", clause
    if _pattern("forbids").search(clause):
        return "", clause
    if found := _pattern("denied_before").search(clause):
        return clause[found.end() :], clause[: found.start()]
    if found := _pattern("denies").search(clause):
        return clause[: found.start()], clause[found.end() :]
    return clause, ""


def _complaint(clause: str) -> bool:
    return bool(_pattern("omissions").match(clause) or _pattern("complaints").match(clause))


def _needed(unwanted: str) -> tuple[str, str]:
    """What is not wanted by itself, and what must come with it: "never commit without a test"."""
    found = _pattern("needs").search(unwanted)
    if found and _words(unwanted[found.end() :]):
        return unwanted[: found.start()], unwanted[found.end() :]
    return unwanted, ""


def _placed(part: str) -> tuple[str, str, str]:
    """What a part of a clause tells, the word for a place behind it, and where or when."""
    found = _pattern("places").search(part.lstrip(), 1)
    if not found:
        return part, "", ""
    return found.string[: found.start()], found[0], found.string[found.end() :]


def _is_bare_order(told: str) -> bool:
    """Whether nothing is told but an order, so that what follows tells how: "Answer in French"."""
    rest = told
    while found := _pattern("orders").match(rest):
        rest = rest[found.end() :].lstrip()
    return not rest and bool(told)


def _words(text: str) -> set[str]:
    """The words that tell what is wanted, by their beginnings."""
    rest = _pattern("idle").sub(" ", text)
    spaced = (word for word in _WORD.findall(fold(rest)) if not _UNSPACED.search(word))
    found = {_stem(word) for word in spaced if len(word) >= WANTED_MIN_CHARACTERS}
    return found | {word for word in telling_words(rest) if _UNSPACED.search(word)}


def _wording(text: str) -> Iterator[str]:
    for word in _WORD.findall(fold(_pattern("idle").sub(" ", text))):
        yield _stem(word) if len(word) >= WANTED_MIN_CHARACTERS else word


def _stem(word: str) -> str:
    """The letters of a word that count; "log" of "logs" and "logged"."""
    bare = _ENDING.sub("", word)
    return (bare if len(bare) >= WANTED_MIN_CHARACTERS else word)[:WANTED_CHARACTERS]


@cache
def _pattern(name: str) -> "re.Pattern[str]":
    return re.compile(spell_any(_tables().values(), name), re.IGNORECASE)
