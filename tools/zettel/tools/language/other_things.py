"""Whether a note tells of another thing than a question asks for, however alike they are.

"Hive 5 has a new queen" is no news of hive 3, "Kiln B is dry" none of kiln A, nor "Ben is allergic
to walnuts" of Anna.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import regex as re

from zettel.storage.notes import Outline, fold
from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.names import find_names
from zettel.tools.language.ordered_lists import items
from zettel.tools.language.question_words import asks_whether_still, function_terms
from zettel.tools.language.terms import STEM_CHARACTERS, terms
from zettel.tools.language.time_words import is_day_month_or_count

ALIGNED_MAX_WORDS = 16
"""Longest notes, in telling words, of which the places of words are compared: in long ones two
words have the same neighbour by chance."""
SMALL_WORD_CHARACTERS = 2
"""Letters of a word that tells nothing: "du garage", "de la cave"."""
_NUMBER = re.compile(r"\p{N}+(?:[.,:]\p{N}+)*(?:\p{Latin}(?!\p{L}))?")
"""A number, perhaps with a letter: "class 7B"."""
_LETTER = re.compile(
    r"(?<=\p{L}{2}[ -])(?!I(?!\p{L}))\p{Lu}(?![\p{L}\p{M}\p{N}&/-]|['’](?!s\b))"
    r"(?:(?!\.)|(?<=(?<!\p{L})\p{Ll}\p{L}+[ -]\p{Lu}))"
)
"""A letter that tells which of several ("kiln A"), no initial ("Ana J. Smith")."""
_DIGIT = re.compile(r"\p{N}")
_WORD = re.compile(r"[\p{L}\p{M}]+")
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
_PARTICLE = re.compile(r"\A\p{Hiragana}")
_EDGE = ""


def is_of_another(question: str, first: Outline, other: Outline) -> bool:
    """Whether a note has something else in place of what the question and the first note name.

    That is another number or name, or another word before the same word or at the beginning. What
    only leaves it out ("the port is 9090 now") may be of the same thing. Measured on 150 pairs of
    notes on two things and 100 on one (benchmarks/RESULTS.md).
    """
    if asks_whether_still(question):  # it names the old value of the same thing
        return False
    asked, told, told_else = (_labels(one) for one in (question, first.content, other.content))
    if asked & told - told_else and told_else - told - asked:
        return True
    meant, notes, of_first, of_other = _read(question, first, other)
    own = set(of_other).difference(of_first, meant, _words_of_change(other.content))
    if own and _has_others(meant, notes, of_first, of_other, own):
        return True
    return _is_of_another_part(meant, notes, of_first, of_other, first.content)


def is_of_another_part(question: str, first: Outline, other: Outline) -> bool:
    """Whether the first note tells of several, and the other of another than is asked for."""
    return _is_of_another_part(*_read(question, first, other), first.content)


def are_labelled_apart(one: str, other: str) -> bool:
    """Whether two texts each say by a letter of which of several they tell: "kiln A", "kiln B"."""
    letters = {*_LETTER.findall(one)}, {*_LETTER.findall(other)}
    return all(letters) and letters[0].isdisjoint(letters[1])


def speak_of_one_thing(first: Outline, other: Outline) -> bool:
    """Whether two notes may be of one thing, not only of one person, place or product.

    They have a telling word in common that is no name, or both hold a number; or the other tells of
    a change.
    """
    told = first.content, other.content
    names = frozenset(terms(" ".join(name for text in told for name in find_names(text))))
    small = function_terms(*told)
    of_first, of_other = ({*_keys(terms(text), names, small)} - names for text in told)
    if of_first & of_other or find_change_cue(other.content) is not None:
        return True
    return all(_DIGIT.search(text) for text in told)


class _Words:
    """The words of a note and of its names, and the small ones, which tell nothing."""

    def __init__(self, note: Outline, small: frozenset[str]) -> None:
        self._terms, self.small = terms(f"{note.subject} {note.content}"), small
        self.subject = frozenset(terms(note.subject))
        days = filter(is_day_month_or_count, _WORD.findall(fold(note.content)))
        self._days = {day[:STEM_CHARACTERS] for day in days}
        names = (note.subject, *find_names(note.content))
        self._names = [words for name in names if (words := frozenset(terms(name)))]
        self.name_words = frozenset[str]().union(*self._names)

    def keys(self, names: frozenset[str]) -> list[str]:
        """What its telling words are compared by, in order."""
        return _keys(self._terms, names, self.small)

    def names_any(self, words: set[str], *, apart: Iterable[str]) -> bool:
        """Whether it has a name with one of these words, but none of those apart."""
        rest = frozenset(apart)
        return any(name & words and name.isdisjoint(rest) for name in self._names)

    def counts_any(self, words: set[str], told: Sequence[str]) -> bool:
        """Whether one of these words stands behind a number of it: "5 mg of ramipril".

        No day or month, and `told` are its telling words, without "mg".
        """
        return any(
            word in words and word not in self._days and _NUMBER.fullmatch(number)
            for number, word in pairwise(told)
        )


_Read = tuple[set[str], tuple[_Words, _Words], list[str], list[str]]


def _read(question: str, first: Outline, other: Outline) -> _Read:
    """The words that are meant, both notes, and what their words are compared by."""
    small = function_terms(question, first.content, other.content)
    notes = _Words(first, small), _Words(other, small)
    known = notes[0].name_words | notes[1].name_words
    meant = {_key(term, known) for term in terms(question)}
    return meant, notes, notes[0].keys(known), notes[1].keys(known)


def _has_others(
    meant: set[str],
    notes: tuple[_Words, _Words],
    of_first: Sequence[str],
    of_other: Sequence[str],
    own: set[str],
) -> bool:
    """Whether the other note has words of its own in place of those that are meant."""
    lost = meant.intersection(of_first).difference(of_other)
    if not lost:
        return False
    if notes[0].names_any(lost, apart=of_other) and notes[1].names_any(
        own, apart=meant.union(of_first)
    ):
        return True
    if max(len(of_first), len(of_other)) > ALIGNED_MAX_WORDS:
        return False
    if notes[0].counts_any(lost, of_first) and notes[1].counts_any(own, of_other):
        return True
    return _stand_alike(_around(of_first, lost), _around(of_other, own))


def _is_of_another_part(
    meant: set[str],
    notes: tuple[_Words, _Words],
    of_first: Sequence[str],
    of_other: Sequence[str],
    content: str,
) -> bool:
    """Whether the first note tells of several, and the other of another than is asked for.

    By names of both parts, or by words that stand alike in both: "the blue van is at Gate 3; the
    red van at Gate 7".
    """
    known = notes[0].name_words | notes[1].name_words
    items_told = items(_without_heading(content))
    parts = [_keys(terms(item), known, notes[0].small) for item in items_told]
    clause = _asked_clause(parts, meant.difference(of_other), known)
    both = notes[0].subject & notes[1].subject  # is of every part
    own = set(of_other).intersection(of_first).difference(clause, meant, both)
    if not (clause and own):
        return False
    apart = [{*part}.difference(clause) for part in parts]
    if set(clause).isdisjoint(of_other) and any(_is_mostly_of(part, own) for part in apart):
        return True
    named = notes[1].names_any(own, apart=meant.union(clause))
    if named and notes[0].names_any(set(clause), apart=of_other):
        return True
    lost = meant.intersection(clause).difference(of_other)
    alike = _stand_alike(_around(clause, lost), _around(of_first, own))
    return alike and _has_others(meant, notes, clause, of_other, own)


def _without_heading(content: str) -> str:
    """A text without a first line that is of every part: "Scanner, mail settings:"."""
    first, _, rest = content.partition("\n")
    return rest if first.rstrip().endswith(":") and rest.strip() else content


def _asked_clause(
    parts: Sequence[Sequence[str]], asked: set[str], names: frozenset[str]
) -> Sequence[str]:
    """That part of a note that has more of the words asked for than each other part.

    A name tells more than any number of other words.
    """
    held = [asked.intersection(part) for part in parts]
    counts = [(len(one & names), len(one)) for one in held]
    most = max(counts, default=(0, 0))
    return parts[counts.index(most)] if len(parts) > 1 and counts.count(most) == 1 else ()


def _is_mostly_of(part: set[str], own: set[str]) -> bool:
    """Whether more than half of a part's words, numbers aside, are among some."""
    told = {word for word in part if not _DIGIT.search(word)}
    return 2 * len(told & own) > len(told)


def _words_of_change(text: str) -> set[str]:
    """The first and the last word of what says that something has changed: "handed … over"."""
    cue = find_change_cue(text)
    said = cue.phrase.split() if cue else []
    return {_key(term, frozenset()) for word in (*said[:1], *said[-1:]) for term in terms(word)}


def _labels(text: str) -> set[str]:
    """Its numbers, and the letters that tell which of several."""
    return {*_NUMBER.findall(fold(text)), *_LETTER.findall(text)}


def _keys(told: Iterable[str], names: frozenset[str], small: frozenset[str]) -> list[str]:
    return [_key(term, names) for term in told if _tells(term, small)]


def _key(term: str, names: frozenset[str]) -> str:
    """What a term is compared by: numbers and names as a whole, other words by their beginning."""
    return term if term in names or _DIGIT.search(term) else term[:STEM_CHARACTERS]


def _tells(term: str, small: frozenset[str]) -> bool:
    if _DIGIT.search(term):
        return True
    if _UNSPACED.search(term):
        return _PARTICLE.match(term) is None
    return len(term) > SMALL_WORD_CHARACTERS and term not in small


def _around(words: Sequence[str], some: set[str]) -> set[tuple[str, str]]:
    """The neighbours of each of some words."""

    def found() -> Iterator[tuple[str, str]]:
        beside = [_EDGE, *words, _EDGE]
        for at, word in enumerate(words):
            if word in some:
                yield beside[at], beside[at + 2]

    return set(found())


def _stand_alike(lost: set[tuple[str, str]], own: set[tuple[str, str]]) -> bool:
    """Whether words of one text and of another stand before the same word, or at the beginning.

    Before a number may be a verb ("Hugo weighs 32", "Hugo has 34").
    """
    before, before_own = ({after for _, after in pairs if after} for pairs in (lost, own))
    same = {word for word in before & before_own if not _DIGIT.search(word)}
    at_end = {pair for pair in lost & own if not pair[1]}
    starts = [any(not left for left, _ in pairs) for pairs in (lost, own)]
    return bool(same or at_end) or all(starts)
