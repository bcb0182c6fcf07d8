"""Whether a text says of one thing what its sources say of another: another doer, day or number.

It compares clauses, each by its words, and is silent where a pronoun may stand for a name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import regex as re

from zettel.storage.notes import fold, normalise
from zettel.storage.text.gloss import CAPITALISED_NOUNS, is_ordinary_word
from zettel.tools.language.name_words import titles
from zettel.tools.language.numerals import in_digits, language_of, number_values
from zettel.tools.language.opposites import (
    clause_ends,
    converses,
    is_article,
    is_pronoun,
    positions,
    routes,
    small_words,
    without_day_points,
    word_stem,
)
from zettel.tools.language.time_words import is_day_month_or_count

SAID_MAX_CLAUSES, KNOWN_MAX_CLAUSES = 24, 120
"""Clauses of a text and of its sources that are compared: of a gist, and of a note as it is shown.
Their product bounds the time."""
PENDING_MAX_WORDS = 16
"""Words of names alone that are joined to the next clause."""
DOER_MAX_WORDS = 6
"""Words before an act in which its doers are looked for."""
POSITION_WORDS, POSITION_CHARACTERS, POSITIONS_MAX = 3, 60, 64
"""Words and characters behind "before" or "from" in which what it stands to begins, and places of
such a word that are read."""

_TOKEN = re.compile(r"[\p{L}\p{M}\p{N}_]+(?:[.,:/'’][\p{L}\p{M}\p{N}_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")


@dataclass(frozen=True)
class _Clause:
    """Words of a clause in order, numbers in digits."""

    words: tuple[str, ...]
    language: str

    @cached_property
    def folded(self) -> tuple[str, ...]:
        return tuple(map(fold, self.words))

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Of each word; empty for small words, numbers and days."""
        return tuple(
            "" if _is_value(word) else word_stem(_POSSESSIVE.sub("", word)) for word in self.folded
        )

    @cached_property
    def said(self) -> frozenset[str]:
        return frozenset(filter(None, self.stems))

    @cached_property
    def days(self) -> frozenset[str]:
        """Days of the week and months, by their first letters."""
        return frozenset(word.removesuffix("s") for word in self.folded if _is_day(word))

    @cached_property
    def counted(self) -> Sequence[tuple[str, str, str]]:
        """Each number with the stem before it and the one behind it."""
        beside = ("", *self.stems, "")
        return [
            (word, beside[at], beside[at + 2])
            for at, word in enumerate(self.folded)
            if word[0].isdigit()
        ]

    @cached_property
    def opening(self) -> frozenset[str]:
        """The names with which it begins."""
        found = set[str]()
        for word, folded in zip(self.words, self.folded, strict=True):
            if is_pronoun(folded, self.language):
                break
            if _is_named(word, folded, self.language):
                found.add(folded)
            elif found or folded not in _LEADING:
                break
        return frozenset(found)

    @cached_property
    def has_pronoun(self) -> bool:
        return any(is_pronoun(word, self.language) for word in self.folded)

    @cached_property
    def doers(self) -> Mapping[str, Sequence[frozenset[str]]]:
        """Stem -> for each of its places the names before it, but for small words in between."""
        found = dict[str, list[frozenset[str]]]()
        for at, stem in enumerate(self.stems):
            if stem and not (at and self.words[at][0].isupper()):
                found.setdefault(stem, []).append(self._names_before(at))
        return found

    @cached_property
    def counts(self) -> frozenset[str]:
        """Numbers, each with what it counts or numbers."""
        found = set[str]()
        for number, before, after in self.counted:
            found |= {f"{beside} {number}" for beside in (f"<{before}", f">{after}") if beside[1:]}
        return frozenset(found)

    @cached_property
    def places(self) -> frozenset[str]:
        """Names behind a small word, each with it: "in Graz"."""
        beside = zip(self.folded, self.words[1:], self.folded[1:], strict=False)
        return frozenset(
            f"{small} {folded}"
            for small, word, folded in beside
            if small in small_words()
            and small not in _JOINING
            and _is_named(word, folded, self.language)
        )

    @cached_property
    def plain(self) -> frozenset[str]:
        """Its words, without the ending of a possessive."""
        return frozenset(_POSSESSIVE.sub("", word) for word in self.folded)

    def before(self, side: "re.Pattern[str]") -> frozenset[str]:
        """The names before the words of a side."""
        places = (at for at, word in enumerate(self.folded) if side.fullmatch(word))
        return frozenset(name for at in places for name in self._names_before(at))

    def _names_before(self, at: int) -> frozenset[str]:
        names = set[str]()
        for before in range(at - 1, max(-1, at - 1 - DOER_MAX_WORDS), -1):
            word, folded = self.words[before], self.folded[before]
            if is_pronoun(folded, self.language):
                break
            if _is_named(word, folded, self.language):
                names.add(folded)
            elif names and folded in _JOINING:
                continue
            elif names or folded not in small_words() or is_article(folded, self.language):
                break
        return frozenset(names)


_LEADING = frozenset({"and", "but", "und", "aber", "et", "mais", "y", "pero", "so"})
_JOINING = _LEADING


def gives_to_another(text: str, sources: Sequence[str]) -> bool:
    """Whether a text tells the doer, day, number or side of something otherwise than its sources.

    Args:
        text: What was written of the sources.
        sources: Their texts.
    """
    told = "\n".join(sources)
    known = _clauses(told, told)[:KNOWN_MAX_CLAUSES]
    said = _clauses(text, told)[:SAID_MAX_CLAUSES]
    differs: tuple[Callable[[_Clause, Sequence[_Clause], Sequence[_Clause]], bool], ...] = (
        _acts_otherwise,
        _takes_part_otherwise,
        _counts_otherwise,
        _belongs_otherwise,
        _has_otherwise,
    )
    if any(check(clause, said, known) for clause in said for check in differs):
        return True
    return _stands_otherwise(text, told)


def _acts_otherwise(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether somebody does what only another does in the sources."""
    everyone = frozenset[str]().union(*(other.plain for other in known))
    for stem, places in clause.doers.items():
        others = {found for other in known for found in other.doers.get(stem, ())}
        if not others or frozenset() in others:
            continue
        doing = frozenset[str]().union(*others)
        if any(doers and doers <= everyone - doing for doers in set(places)):
            return True
    return False


def _takes_part_otherwise(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether somebody buys in it who only sells in the sources."""
    for sides in converses():
        said, told = [clause.before(s) for s in sides], [_doing(s, known) for s in sides]
        if any(said[side] & told[1 - side] - told[side] for side in (0, 1)):
            return True
    return False


def _doing(side: "re.Pattern[str]", clauses: Sequence[_Clause]) -> frozenset[str]:
    return frozenset(name for clause in clauses for name in clause.before(side))


def _counts_otherwise(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether a number stands before what only other numbers stand before in the sources."""
    counted = {(after, number) for number, _before, after in clause.counted if after}
    told = {(after, n) for other in known for n, _before, after in other.counted} if counted else ()
    others = dict[str, set[str]]()
    unread = set[str]()
    for after, number in told:
        values = number_values(number)
        others.setdefault(after, set()).update(values)
        if not values:
            unread.add(after)
    for after, number in counted:
        values = number_values(number)
        if values and after in others and after not in unread and values.isdisjoint(others[after]):
            return True
    return False


def _belongs_otherwise(clause: _Clause, said: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether a value is told of what the sources tell of another value of its sort.

    The clauses that have the value have none of the words that tell the other clause apart.
    """
    names = {word_stem(name) for other in (*said, *known) for name in other.opening}
    told, shared = clause.said - names, _shared(known)
    for sort in (_days, _openings, _counts):
        mentioned = {value for other in said for value in sort(other)}
        for value in sort(clause):
            having = [other for other in known if value in _present(other, sort)]
            words = {word for other in having for word in other.said}
            if not having or not told - words or told & words - shared:
                continue
            for other in known:
                rivals = sort(other)
                if (
                    rivals
                    and other not in having
                    and not other.has_pronoun
                    and not rivals & mentioned
                    and told & other.said - words
                    and any(_kind(value) == _kind(rival) for rival in rivals)
                ):
                    return True
    return False


def _has_otherwise(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether somebody has the value that the sources tell of another, and not the own one."""
    if not clause.opening:
        return False
    own = [other for other in known if clause.opening & other.opening and clause.said & other.said]
    foreign = [
        other for other in known if other.opening and other.opening.isdisjoint(clause.opening)
    ]
    for sort in (_days, _counts, _places):
        for value in sort(clause):
            rivals = {r for other in own for r in sort(other) if _kind(r) == _kind(value)}
            if (
                any(value in sort(other) for other in foreign)
                and not any(value in sort(other) for other in known if other not in foreign)
                and rivals
                and rivals.isdisjoint(sort(clause))
            ):
                return True
    return False


def _shared(known: Sequence[_Clause]) -> frozenset[str]:
    """Stems of more than one clause, which tell none apart."""
    seen, shared = set[str](), set[str]()
    for clause in known:
        shared |= clause.said & seen
        seen |= clause.said
    return frozenset(shared)


def _days(clause: _Clause) -> frozenset[str]:
    return clause.days


def _openings(clause: _Clause) -> frozenset[str]:
    return clause.opening


def _counts(clause: _Clause) -> frozenset[str]:
    return clause.counts


def _places(clause: _Clause) -> frozenset[str]:
    return clause.places


def _present(clause: _Clause, sort: object) -> frozenset[str]:
    """Every place where a clause has values of a sort: a name counts wherever it stands."""
    if sort is _openings:
        return clause.plain
    return clause.counts if sort is _counts else clause.days


def _kind(value: str) -> str:
    """What stands beside a value; nothing beside days and doers."""
    return value.rpartition(" ")[0]


def _stands_otherwise(text: str, told: str) -> bool:
    """Whether a thing stands on the other side of a word such as "before", or of a journey."""
    plain, known_plain = (fold(in_digits(part, language_of(part))) for part in (text, told))
    for sides in positions():
        said = [_behind(side, plain) for side in sides]
        known = [_behind(side, known_plain) for side in sides] if any(said) else []
        if any(known) and any(said[side] & known[1 - side] - known[side] for side in (0, 1)):
            return True
    for sides in routes():
        said = [_behind(side, plain) for side in sides]
        known = [_behind(side, known_plain) for side in sides] if any(said) else []
        if known and all(known):
            others = [known[1 - side] - known[side] for side in (0, 1)]
            if all(said[side] <= others[side] for side in (0, 1)):
                return True
    return False


def _behind(side: "re.Pattern[str]", plain: str) -> frozenset[str]:
    """The first stem behind each place of a word."""
    found = set[str]()
    for match in islice(side.finditer(plain), POSITIONS_MAX):
        near = _TOKEN.findall(plain, match.end(), match.end() + POSITION_CHARACTERS)
        for word in near[:POSITION_WORDS]:
            stem = word if word[0].isdigit() else word_stem(_POSSESSIVE.sub("", word))
            if stem:
                found.add(stem)
                break
    return frozenset(found)


def _clauses(text: str, among: str) -> list[_Clause]:
    """Clauses of a text; what has no word of its own belongs to the next, or to the one before."""
    language = language_of(text, among=among)
    told = in_digits(without_day_points(normalise(text).replace("’", "'")), language)
    lower, found, end = told.lower(), list[_Clause](), 0
    lower = told if len(lower) != len(told) else lower
    pending = list[str]()
    for match in [*clause_ends().finditer(lower), None]:
        stop = match.start() if match else len(told)
        words: list[str] = _TOKEN.findall(told, end, stop)
        if words:
            clause = _Clause((*pending, *words), language)
            whole = len(clause.words) >= PENDING_MAX_WORDS or _has_own(clause)
            pending = [] if whole else list(clause.words)
            if whole:
                found.append(clause)
        if match and pending and match[0].isalpha():
            pending.append(match[0])
        end = match.end() if match else stop
    if pending and found:
        found[-1] = _Clause((*found[-1].words, *pending), language)
    elif pending:
        found.append(_Clause(tuple(pending), language))
    return found


def _has_own(clause: _Clause) -> bool:
    """Whether it says more than names and values."""
    return any(
        stem and not word[0].isupper()
        for stem, word in zip(clause.stems, clause.words, strict=True)
    )


def _is_named(word: str, folded: str, language: str) -> bool:
    """Whether a word may be a name: with a capital, no small word, day or title; no noun."""
    if not word[0].isupper() or folded in small_words() or _is_value(folded) or folded in titles():
        return False
    return language not in CAPITALISED_NOUNS or not is_ordinary_word(folded, language)


def _is_day(folded: str) -> bool:
    return is_day_month_or_count(folded) and folded not in small_words() and not folded[0].isdigit()


def _is_value(folded: str) -> bool:
    return folded[0].isdigit() or _is_day(folded)
