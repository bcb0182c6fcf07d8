"""Misattribution: a text gives an act, day, number or place to another subject than its sources.

Clauses are compared by their words. A clause whose pronoun may stand for a name decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import attrgetter

import regex as re

from zettel.storage.notes import fold, normalise
from zettel.storage.text.vocabulary import CAPITALISED_NOUNS, is_ordinary_word
from zettel.tools.language.name_words import titles
from zettel.tools.language.numerals import in_digits, language_of, number_values
from zettel.tools.language.opposites import (
    clause_ends,
    converses,
    is_article,
    is_conjunction,
    is_pronoun,
    positions,
    routes,
    small_words,
    without_day_points,
    word_stem,
)
from zettel.tools.language.time_words import is_day_month_or_count

TEXT_MAX_CLAUSES, SOURCES_MAX_CLAUSES = 24, 120
"""Clauses compared: of a gist, and of the notes shown to an LLM. Their product bounds the time."""
PENDING_MAX_WORDS = 16
"""Longest run of names and values that is joined to the next clause."""
SUBJECT_MAX_WORDS = 6
"""Words before a verb that are searched for its subjects."""
POSITION_WORDS, POSITION_CHARACTERS, POSITIONS_MAX = 3, 60, 64
"""Words and characters searched behind "before" or "from", and occurrences of it that are read."""

_TOKEN = re.compile(r"[\p{L}\p{M}\p{N}_]+(?:[.,:/'’][\p{L}\p{M}\p{N}_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")


@dataclass(frozen=True)
class _Clause:
    """The words of a clause, with numbers in digits."""

    words: tuple[str, ...]
    language: str

    @cached_property
    def folded(self) -> tuple[str, ...]:
        return tuple(map(fold, self.words))

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """The stem of each word; empty for function words, numbers and days."""
        return tuple(
            "" if _is_value(word) else word_stem(_POSSESSIVE.sub("", word)) for word in self.folded
        )

    @cached_property
    def said(self) -> frozenset[str]:
        return frozenset(filter(None, self.stems))

    @cached_property
    def days(self) -> frozenset[str]:
        """Days of the week and months, without a plural s."""
        return frozenset(word.removesuffix("s") for word in self.folded if _is_day(word))

    @cached_property
    def counted(self) -> Sequence[tuple[str, str, str]]:
        """Each number with the stems before and behind it."""
        beside = ("", *self.stems, "")
        return [
            (word, beside[at], beside[at + 2])
            for at, word in enumerate(self.folded)
            if word[0].isdigit()
        ]

    @cached_property
    def opening(self) -> frozenset[str]:
        """The names at its beginning."""
        found = set[str]()
        for word, folded in zip(self.words, self.folded, strict=True):
            if is_pronoun(folded, self.language):
                break
            if _is_named(word, folded, self.language):
                found.add(folded)
            elif found or not is_conjunction(folded, self.language):
                break
        return frozenset(found)

    @cached_property
    def has_pronoun(self) -> bool:
        return any(is_pronoun(word, self.language) for word in self.folded)

    @cached_property
    def doers(self) -> Mapping[str, Sequence[frozenset[str]]]:
        """Stem -> the names right before each of its occurrences, function words aside."""
        found = dict[str, list[frozenset[str]]]()
        for at, stem in enumerate(self.stems):
            if stem and not (at and self.words[at][0].isupper()):
                found.setdefault(stem, []).append(self._names_before(at))
        return found

    @cached_property
    def counts(self) -> frozenset[str]:
        """Numbers, each with the word before or behind it."""
        found = set[str]()
        for number, before, after in self.counted:
            found |= {f"{beside} {number}" for beside in (f"<{before}", f">{after}") if beside[1:]}
        return frozenset(found)

    @cached_property
    def places(self) -> frozenset[str]:
        """Names behind a function word, with that word: "in Graz"."""
        beside = zip(self.folded, self.words[1:], self.folded[1:], strict=False)
        return frozenset(
            f"{small} {folded}"
            for small, word, folded in beside
            if small in small_words()
            and not is_conjunction(small, self.language)
            and _is_named(word, folded, self.language)
        )

    @cached_property
    def plain(self) -> frozenset[str]:
        """Its words, folded, without the possessive ending."""
        return frozenset(_POSSESSIVE.sub("", word) for word in self.folded)

    def before(self, side: "re.Pattern[str]") -> frozenset[str]:
        """The names before the words that a pattern matches."""
        places = (at for at, word in enumerate(self.folded) if side.fullmatch(word))
        return frozenset(name for at in places for name in self._names_before(at))

    def _names_before(self, at: int) -> frozenset[str]:
        names = set[str]()
        for before in range(at - 1, max(-1, at - 1 - SUBJECT_MAX_WORDS), -1):
            word, folded = self.words[before], self.folded[before]
            if is_pronoun(folded, self.language):
                break
            if _is_named(word, folded, self.language):
                names.add(folded)
            elif names and is_conjunction(folded, self.language):
                continue
            elif names or folded not in small_words() or is_article(folded, self.language):
                break
        return frozenset(names)


_DAYS: Callable[[_Clause], frozenset[str]] = attrgetter("days")
_OPENING: Callable[[_Clause], frozenset[str]] = attrgetter("opening")
_PLAIN: Callable[[_Clause], frozenset[str]] = attrgetter("plain")
_COUNTS: Callable[[_Clause], frozenset[str]] = attrgetter("counts")
_PLACES: Callable[[_Clause], frozenset[str]] = attrgetter("places")


def misattributes(text: str, sources: Sequence[str]) -> bool:
    """Whether a text changes the subject, day, number, place or order of what its sources state."""
    told = "\n".join(sources)
    known = _clauses(told, told)[:SOURCES_MAX_CLAUSES]
    said = _clauses(text, told)[:TEXT_MAX_CLAUSES]
    differs: tuple[Callable[[_Clause, Sequence[_Clause], Sequence[_Clause]], bool], ...] = (
        _has_other_subject,
        _has_swapped_roles,
        _has_other_number,
        _has_value_of_other_clause,
        _has_value_of_other_name,
    )
    if any(check(clause, said, known) for clause in said for check in differs):
        return True
    return _has_other_order(text, told)


def _has_other_subject(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether a verb has a subject that it never has in the sources, where others have it."""
    everyone = frozenset[str]().union(*(other.plain for other in known))
    for stem, places in clause.doers.items():
        others = {found for other in known for found in other.doers.get(stem, ())}
        if not others or frozenset() in others:
            continue
        doing = frozenset[str]().union(*others)
        if any(doers and doers <= everyone - doing for doers in set(places)):
            return True
    return False


def _has_swapped_roles(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether the buyer is the seller in the sources, and the like for other converse verbs."""
    for sides in converses():
        said, told = [clause.before(s) for s in sides], [_names_at(s, known) for s in sides]
        if any(said[side] & told[1 - side] - told[side] for side in (0, 1)):
            return True
    return False


def _names_at(side: "re.Pattern[str]", clauses: Sequence[_Clause]) -> frozenset[str]:
    return frozenset(name for clause in clauses for name in clause.before(side))


def _has_other_number(clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]) -> bool:
    """Whether a noun has a number that it never has in the sources, where it has others."""
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


def _has_value_of_other_clause(
    clause: _Clause, said: Sequence[_Clause], known: Sequence[_Clause]
) -> bool:
    """Whether a statement has a day, name or number that the sources give to another statement.

    The source clauses with this value lack the distinctive words of the statement, and a clause
    with those words gives another value of the same type.
    """
    names = {word_stem(name) for other in (*said, *known) for name in other.opening}
    told, shared = clause.said - names, _shared(known)
    for values, occurring in ((_DAYS, _DAYS), (_OPENING, _PLAIN), (_COUNTS, _COUNTS)):
        mentioned = {value for other in said for value in values(other)}
        for value in values(clause):
            having = [other for other in known if value in occurring(other)]
            words = {word for other in having for word in other.said}
            if not having or not told - words or told & words - shared:
                continue
            for other in known:
                rivals = values(other)
                if (
                    rivals
                    and other not in having
                    and not other.has_pronoun
                    and not rivals & mentioned
                    and told & other.said - words
                    and any(_context(value) == _context(rival) for rival in rivals)
                ):
                    return True
    return False


def _has_value_of_other_name(
    clause: _Clause, _: Sequence[_Clause], known: Sequence[_Clause]
) -> bool:
    """Whether a name has a day, number or place that the sources give to another name only."""
    if not clause.opening:
        return False
    own = [other for other in known if clause.opening & other.opening and clause.said & other.said]
    foreign = [
        other for other in known if other.opening and other.opening.isdisjoint(clause.opening)
    ]
    for values in (_DAYS, _COUNTS, _PLACES):
        for value in values(clause):
            rivals = {r for other in own for r in values(other) if _context(r) == _context(value)}
            if (
                any(value in values(other) for other in foreign)
                and not any(value in values(other) for other in known if other not in foreign)
                and rivals
                and rivals.isdisjoint(values(clause))
            ):
                return True
    return False


def _shared(known: Sequence[_Clause]) -> frozenset[str]:
    """Stems that occur in more than one clause, and distinguish none."""
    seen, shared = set[str](), set[str]()
    for clause in known:
        shared |= clause.said & seen
        seen |= clause.said
    return frozenset(shared)


def _context(value: str) -> str:
    """The word beside a value; empty for days and names."""
    return value.rpartition(" ")[0]


def _has_other_order(text: str, told: str) -> bool:
    """Whether "before" and "after", or "from" and "to", are exchanged."""
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
    """The first stem behind each match of a pattern."""
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
    """The clauses of a text. One of names and values alone is joined to the next."""
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
            whole = len(clause.words) >= PENDING_MAX_WORDS or _has_statement(clause)
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


def _has_statement(clause: _Clause) -> bool:
    """Whether it has a word that is no name, value or function word."""
    return any(
        stem and not word[0].isupper()
        for stem, word in zip(clause.stems, clause.words, strict=True)
    )


def _is_named(word: str, folded: str, language: str) -> bool:
    """Whether a capitalised word may be a name: no function word, day, title or German noun."""
    if not word[0].isupper() or folded in small_words() or _is_value(folded) or folded in titles():
        return False
    return language not in CAPITALISED_NOUNS or not is_ordinary_word(folded, language)


def _is_day(folded: str) -> bool:
    return is_day_month_or_count(folded) and folded not in small_words() and not folded[0].isdigit()


def _is_value(folded: str) -> bool:
    return folded[0].isdigit() or _is_day(folded)
