"""Two statements that agree but for one value: "listens on port 8080" and "on port 9090".

By the words' order alone, so in any language: both begin alike, one short stretch differs, and
they end alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product, takewhile

import regex

from zettel.storage.notes import fold
from zettel.tools.language.change_cues import holds_one_value, tells_of_now, without_now
from zettel.tools.language.terms import terms
from zettel.tools.language.time_words import is_day_month_or_count, is_side

SLOT_MAX_CHARACTERS = 600
"""A longer text is a document; its sentences are not compared."""
SLOT_MAX_SENTENCES = 6
"""Sentences of a text that are compared."""
VALUE_MAX_TOKENS, VALUE_MAX_CHARACTERS = 4, 8
"""Longest stretch that differs, in words and in characters of scripts without spaces."""
WORD_MAX_TOKENS = 2
"""Longest value within a sentence, where it is neither a number nor comes after words that hold one
value: more words are another statement ("the deploy is watched by Ben", "the deploy broke, says
Ben")."""
BEFORE_MIN_TOKENS, BEFORE_MIN_CHARACTERS = 2, 3
"""Fewest words and characters before a value: a statement that begins with what differs is about
somebody else ("Ana likes tea", "Ben likes tea")."""
FRAME_MIN_WORDS = 3
"""Fewest telling words around a value; one is enough around a number or a day and after words
that hold one value at a time ("prefers"). With two, "the user likes" jazz would end that he likes
tea."""
WHOLE_MIN_SHARE = 0.6
"""Least share of its text of a sentence whose value is a mere word: in talk sentences begin
alike that state nothing ("Wow, that sounds great")."""
FRAME_WORD_MIN_CHARACTERS = 4
"""Fewest letters of a word that tells what a statement is about."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"
_NUMBER = r"\p{N}{1,3}(?:[ \u00a0\u202f]\p{N}{3})+(?!\p{N})|\p{N}+(?:[.,:/-]\p{N}+)*"
_TOKEN = regex.compile(
    rf"{_NUMBER}|[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\p{{L}}\p{{M}}\p{{N}}_@/~.'’&+#-])+"
)
_APART = regex.compile(rf"(?<=[{_UNSPACED}]) | (?=[{_UNSPACED}])")
"""Spaces that these languages are written without."""
_SENTENCE = regex.compile(r"(?:[^.!?？！。；;\n]|[.!?](?=\S))+[.!?？！。；;]*")
_PERCENT = "%"
_NAMED_NUMBER = regex.compile(
    r"(?<![\p{N}.,])(?P<percent>\p{N}+(?:[.,]\p{N}+)?)\s?%"
    r"|(?<![\w-])(?P<name>\p{L}[\w.-]{2,}\w)(?:[\"'`]?\s?[=:]\s?[\"'`]?|\s(?:is\s)?)"
    r"(?P<number>\p{N}++(?:[.:]\p{N}++)*+)(?![\w%]|\s?%)"
)
_COUNTED = regex.compile(r"(?<![\w.,:/-])(?P<number>\p{N}+(?:[.,]\p{N}+)*) (?P<name>\p{L}{3,})")
_SLOT_NAME = regex.compile(
    r"(?<name>\p{L}[\p{L}_-]{3,})(?:\s?[=:]|\s(?:is|are|ist|sind|lautet|est|sont|es|son))\s"
)
_IS = frozenset(
    "is are was were has have had will of ist sind war waren hat haben wird est sont était a ont"
    " sera es son está están era tiene tienen fue".split()
)
"""Words behind a number that is part of a name: "tank 2 is cleaned", "volume 6 of"."""
_BE = frozenset(
    "am is are was were ist sind war waren est sont était es son está están era è sono é são"
    " zijn waren".split()
)
"""Verbs after which one thing is told at a time."""
_CLAUSE_END = regex.compile(r"[,，、](?!\p{N})")
_CHARACTER = regex.compile(rf"[{_UNSPACED}]")
_MEANING = regex.compile(r"[\p{Han}\p{Katakana}]")
_DIGIT = regex.compile(r"\p{N}")


@dataclass(frozen=True, slots=True)
class OtherValue:
    """What differs between two statements."""

    old: str
    new: str
    is_share: bool = False
    """Whether both are shares in percent."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or its first clause."""

    tokens: Sequence[str]
    whole: bool
    """Whether it is most of its text."""
    of_now: bool = False
    """Whether it says that it is so now, in words that are no tokens."""


def find_other_value(younger: Sequence[Sentence], older: Sequence[Sentence]) -> OtherValue | None:
    """The value that a text states otherwise than an older one; None if there is none."""
    pairs = product(younger, older)
    return next((found for new, old in pairs if (found := _other_value(new, old))), None)


def find_other_number(
    younger: Mapping[str, set[str]], older: Mapping[str, set[str]]
) -> OtherValue | None:
    """A number that both texts give to one name, as "Node 22" and "Node 20"; None if there is none.

    Each text gives the name one number, and the numbers differ.
    """
    for name, told in younger.items():
        if len(told) == len(older.get(name, ())) == 1 and told != older[name]:
            [before], [now] = older[name], told
            if name == _PERCENT:
                return OtherValue(f"{before} %", f"{now} %", is_share=True)
            return OtherValue(f"{name} {before}", f"{name} {now}")
    return None


def find_other_label(
    younger: Mapping[str, set[str]], older: Mapping[str, set[str]]
) -> OtherValue | None:
    """A time of day that both give to one name, where they give another the same: "lunch 12:00"."""
    times = [
        {k: v for k, v in one.items() if all(map(_CLOCK.fullmatch, v))} for one in (younger, older)
    ]
    same = any(told == times[1].get(name) for name, told in times[0].items())
    return find_other_number(*times) if same else None


_CLOCK = regex.compile(r"\p{N}{1,2}[:.]\p{N}{2}")
_VERSION = regex.compile(r"(?!version|release|build)\S+ \p{N}{1,3}\.\p{N}{1,3}\.\p{N}{1,3}")


def is_version(value: OtherValue) -> bool:
    """Whether it is the version of something: "flutter 3.29.2"."""
    return all(map(_VERSION.fullmatch, (value.old, value.new)))


def named_numbers(text: str) -> dict[str, set[str]]:
    """Name, folded -> the numbers that a text gives it; none of a document.

    A name is a telling word before a number ("pool_size is 8", "version 3"), not "from" or "hasta";
    a share in percent has "%" as its name.
    """
    numbers = dict[str, set[str]]()
    if len(text) > SLOT_MAX_CHARACTERS or not _DIGIT.search(text):
        return numbers
    for match in _NAMED_NUMBER.finditer(fold(text)):
        name = match["name"] or _PERCENT
        if name == _PERCENT or _is_name(name):
            numbers.setdefault(name, set()).add(match["number"] or match["percent"])
    return numbers


def find_other_count(younger: str, older: str) -> OtherValue | None:
    """How many of something a text tells otherwise: "2000 rows", "5000 rows"; None if nothing.

    Each text tells one number of them, and the numbers differ.
    """
    new, old = counted_things(younger), counted_things(older)
    for name, told in new.items():
        if len(told) == len(old.get(name, ())) == 1 and told != old[name]:
            return OtherValue(f"{next(iter(old[name]))} {name}", f"{next(iter(told))} {name}")
    return None


def counted_things(text: str) -> dict[str, set[str]]:
    """What a text counts, folded -> its numbers; none of a document."""
    numbers = dict[str, set[str]]()
    if len(text) <= SLOT_MAX_CHARACTERS:
        for match in _COUNTED.finditer(fold(text)):
            if terms(name := match["name"]) and not is_day_month_or_count(name):
                numbers.setdefault(name, set()).add(match["number"])
    return numbers


def _is_name(word: str) -> bool:
    of_time = is_day_month_or_count(word) or is_side(word) or tells_of_now(word)
    return bool(terms(word)) and not of_time


def shares_slot_name(younger: str, older: str) -> bool:
    """Whether both texts give a value to one name: "my address is …" and "Home address: …"."""
    return not _slot_names(younger).isdisjoint(_slot_names(older))


def _slot_names(text: str) -> set[str]:
    names = (match["name"] for match in _SLOT_NAME.finditer(fold(text[:SLOT_MAX_CHARACTERS])))
    return set(chain.from_iterable(map(terms, names)))


def read_sentences(text: str) -> Sequence[Sentence]:
    """Each sentence and its first clause, none of a document.

    Questions and exclamations state nothing.
    """
    if len(text) > SLOT_MAX_CHARACTERS:
        return ()
    return [
        _read(part, whole=len(sentence) >= WHOLE_MIN_SHARE * len(text))
        for sentence in islice(_SENTENCE.findall(text), SLOT_MAX_SENTENCES)
        if sentence[-1] not in "?？!！"
        for part in dict.fromkeys((sentence, _CLAUSE_END.split(sentence, maxsplit=1)[0]))
    ]


def _read(part: str, *, whole: bool) -> Sentence:
    if not tells_of_now(part):
        return Sentence(_tokens(part), whole)
    # Which parts "l'ufficio" by a space.
    return Sentence(_tokens(without_now(part).replace("' ", "'")), whole, of_now=True)


def _tokens(sentence: str) -> list[str]:
    return [word for token in _TOKEN.findall(fold(sentence)) if (word := token.strip(".'’-"))]


def _other_value(younger: Sentence, older: Sentence) -> OtherValue | None:
    new, old = younger.tokens, older.tokens
    before = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(new, old, strict=False)))
    if not _is_enough(new[:before]):
        return None
    rest = min(len(new), len(old)) - before
    ends = zip(reversed(new), reversed(old), strict=False)
    after = sum(1 for _ in islice(takewhile(lambda pair: pair[0] == pair[1], ends), rest))
    frame = [*new[:before], *new[len(new) - after :]]
    values = old[before : len(old) - after], new[before : len(new) - after]
    if not all(values) or not all(map(_is_short, values)):
        return None
    if _number_names(new[:before], new[len(new) - after :], *values):
        return None
    # "Is now in Mainz" ends "is in Bonn"; "has a dog now" does not end "has a cat".
    is_now = younger.of_now and not _BE.isdisjoint(new[max(before - 2, 0) : before])
    sure = is_now or _are_numbers(*values) or holds_one_value(" ".join(new[:before]))
    short = not after or all(map(_is_word, values))
    if not sure and not (younger.whole and older.whole and short):
        return None
    if (not sure and _tell_else(*values)) or _has_condition(*values):
        return None
    if _told(frame) < (1 if sure else FRAME_MIN_WORDS) or max(map(len, values)) > len(frame):
        return None
    was, becomes = (_APART.sub("", " ".join(value)) for value in values)
    return OtherValue(was, becomes)


def _is_short(value: Sequence[str]) -> bool:
    # Scripts are looked at last: nearly every pair of sentences is told apart by its length.
    size = len(value)
    return size <= VALUE_MAX_TOKENS or (size <= VALUE_MAX_CHARACTERS and _is_unspaced(value))


def _is_word(value: Sequence[str]) -> bool:
    return _is_unspaced(value) or len(value) <= WORD_MAX_TOKENS


def _is_enough(before: Sequence[str]) -> bool:
    size = len(before)
    return size >= BEFORE_MIN_CHARACTERS or (size >= BEFORE_MIN_TOKENS and not _is_unspaced(before))


def _tell_else(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether they begin with two small words, as two things told do: "in Lyon", "for schools"."""
    first = old[0], new[0]
    joined = len(old) > 1 and len(new) > 1 and first[0] != first[1]
    return joined and not _is_unspaced(first) and not any(map(terms, first))


def _has_condition(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether a number is told to be none for some alone: "9 euros", then "free for schools"."""
    numbers = [any(map(_is_number, value)) for value in (old, new)]
    small = any(len(token) < FRAME_WORD_MIN_CHARACTERS for token in new[1:-1])
    return numbers == [True, False] and small


def _is_unspaced(tokens: Sequence[str]) -> bool:
    return any(_CHARACTER.match(token) for token in tokens)


def _are_numbers(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether both have a number or a day, and the new one all words that the old has beside it."""
    words = [{token for token in value if not _is_number(token)} for value in (old, new)]
    return all(any(map(_is_number, value)) for value in (old, new)) and words[0] <= words[1]


def _is_number(token: str) -> bool:
    return _DIGIT.search(token) is not None or is_day_month_or_count(token)


def _number_names(
    before: Sequence[str], after: Sequence[str], old: Sequence[str], new: Sequence[str]
) -> bool:
    """Whether two numbers only say of which of several things something is told."""
    return (
        len(old) == len(new) == 1
        and all(map(_DIGIT.search, (*old, *new)))
        and len(before[-1]) >= FRAME_WORD_MIN_CHARACTERS
        and bool(_IS.intersection(after[:1]))
    )


def _told(frame: Sequence[str]) -> float:
    """Telling words around a value; of scripts without spaces two characters are one."""
    words = sum(len(token) >= FRAME_WORD_MIN_CHARACTERS for token in frame)
    return words + sum(_MEANING.match(token) is not None for token in frame) / 2
