"""The names in a question, and the notes that mention them."""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import regex as re
from numpy.typing import NDArray

from zettel.storage.notes import Outline, fold, normalise
from zettel.storage.text.vocabulary import (
    STEMMERS,
    is_ordinary_english,
    is_ordinary_word,
    names_in_other_languages,
)
from zettel.tools.language.accents import other_spellings, without_accents
from zettel.tools.language.languages import JOINED_LETTERS, find_language
from zettel.tools.language.name_words import name_words, titles
from zettel.tools.language.names import NAME_MAX_CHARACTERS, ORDINARY_WORDS
from zettel.tools.language.terms import TermIndex, plain_name, terms
from zettel.tools.language.time_words import is_day_month_or_count
from zettel.tools.language.unspaced_names import find_unspaced_names

_WORD = re.compile(r"(?!\p{Ll}{1,6}['’]\p{Lu})[\p{L}\p{N}_][\p{L}\p{M}\p{N}_'’-]*")
"""A small word without its vowel is no part of one: "d'Irène"."""
_OPENING = re.compile(r"(?<=(?:^|[.!?…:;\n])[\s\"“(\[¿¡]*)")
"""Where a word opens a sentence; looks back as far as the word before."""
_TITLE = re.compile(
    r"(?:\p{Lu}['’])?\p{Lu}[\p{Ll}\p{M}]+(?:\p{Lu}+[\p{Ll}\p{M}]*|[-'’]\p{Lu}?[\p{Ll}\p{M}]+)*"
)
"""Also with capitals inside: "MongoDB", "McDonald"."""
_SHORT = re.compile(r"\p{Lu}\p{Ll}{3,}(?=\p{Lu})")
"""What stands before the capitals inside a name, which people call it by: "Mongo"."""
_NAME_BEHIND = re.compile(r"\.?\s+\p{Lu}")
_POSSESSIVE_END = re.compile(r"['’]s$")
_CALLS = (
    *("alright", "aw", "aww", "awesome", "bye", "congrats", "congratulations", "cool", "dear"),
    *("good (?:job|luck|morning|news|night)", "goodbye", "great(?: job| news)?", "hello", "hey"),
    *("hi", "nice", "no(?: problem)?", "of course", "oh", "ok", "okay", "right", "same here"),
    *("see you", "sorry", "sure", "thanks", "thank you", "welcome", "well done", "woohoo", "wow"),
    *("yay", "yeah", "yep", "yes", "yo", "yup"),
)
"""Words said before the name of the person who is addressed (LoCoMo's turns)."""
_CALL = 24
"""Most characters of a call."""
_LIST = 80
"""Characters before a name in which the names listed before it are looked for."""
NOTE_MAX_MENTIONS = 200
"""Most places of a name that are read in one note."""
_JOINED = re.compile(f"[{JOINED_LETTERS}]")
_WITHIN = rf"(?:(?![{JOINED_LETTERS}])\w)"
"""A letter or digit beside which a name is only a part of a word."""
_AFTER_CALLED = re.compile(r"\s*(?:[,.!?…]|$)")
_BEFORE_CALLED = re.compile(rf"(?:^|[,.!?…]\s*|\b(?:{'|'.join(_CALLS)})\s+)$", re.IGNORECASE)
_LISTED = re.compile(r"[:,]\s+\p{Lu}[^,:.!?…\n]*,\s*$")
"""What stands before the last of some names: "offers: Vogel & Sohn, Kranich, Brill."."""

_Places = Mapping[int, Sequence[re.Match[str]]]
"""Row of a note -> where it holds a name."""

FAMILY_NAME_MAX_CHARACTERS = 3
"""Most letters of a family's name in a script without spaces."""
SMALL_NAME_MIN_CHARACTERS = 3
"""Fewest letters of a name that a question has in small letters."""
QUESTION_MAX_WORDS = 25
"""Most words of a question; a longer text is a passage to be found, not about the names in it."""


def is_passage(text: str) -> bool:
    """Whether a text is too long for a question."""
    return len(text.split()) > QUESTION_MAX_WORDS


_GERMAN = frozenset(
    "bei beim bin bist das dem der des ein eine einem einen einer es für habe haben hat hatte hätte"
    " ich ist kann mein meine meinem meinen meiner meines muss nach nicht sich sind und uns unser"
    " unsere unserem unseren unserer von wann warum wer werden wie wieso wird wir wo welche welchem"
    " welchen welcher welches woran worum zu zum zur über auf darf soll sollte wem wen".split()
)
"""Words of which a German question has two, and hardly any other."""
_GERMAN_OPENING = re.compile(
    r"\W*(?:wie(?! (?:is|zijn|heeft|hebben|gaat|komt|was|kan|moet|wil|werkt|doet|van)(?!\w))"
    r"|wann|wer|wem|wen|wessen|warum|wieso|weshalb|wohin|woher|welche[mnrs]?"
    r"|wo(?:mit|von|für|ran|rauf|raus|rum|rin|zu|bei|nach|durch|gegen))(?!\w)",
    re.IGNORECASE,
)
"""A word with which a German question opens, and no English one; Dutch has its own "wie"."""


def _is_german(text: str) -> bool:
    """Whether a text is in German, where every noun is capitalised."""
    if _GERMAN_OPENING.match(text):
        return True
    words = (fold(match.group()) for match in _WORD.finditer(text))
    return len(_GERMAN.intersection(words)) >= 2 or find_language(text) == "de"


def find_asked_names(question: str, mentions: "Mentions | None" = None) -> tuple[str, ...]:
    """The words of a question that are spelled like names, in order: "Ana", "Silva", "大野".

    In German only after a title ("Frau Groth"); the title is none. At most `QUESTION_MAX_WORDS`:
    more are only in a text without spaces.

    In a question without capitals names are words that notes have as names ("delphine"). In a
    script without capitals many words that look like names are some only if notes have them.
    """
    if is_passage(question):
        return ()

    def is_known(name: str) -> bool:
        return mentions is not None and mentions.count(fold(name)) > 0

    return (
        *(_capitalised(question) or (_in_small_letters(question, mentions) if mentions else ())),
        *find_unspaced_names(question, is_known),
    )[:QUESTION_MAX_WORDS]


def _in_small_letters(question: str, mentions: "Mentions") -> tuple[str, ...]:
    """The names in a question without capitals, as notes spell them; no word of a language's list.

    Of 2,434 questions of 23 sets 119 name somebody so; two of what nobody told are no longer
    `found`, and all that is known stays so (November 2026).
    """
    words = [_POSSESSIVE_END.sub("", match.group()) for match in _WORD.finditer(question)]
    if any(word[0].isupper() and fold(word) not in ORDINARY_WORDS for word in words[1:]):
        return ()
    language = find_language(question)
    called = (
        mentions.spelled(fold(word))
        for word in words
        if len(word) >= SMALL_NAME_MIN_CHARACTERS
        and not is_ordinary_english(fold(word))
        and not (language in STEMMERS and is_ordinary_word(fold(word), language))
    )
    return tuple(dict.fromkeys(name for name in called if name and _tells(name)))


def _capitalised(question: str) -> tuple[str, ...]:
    german = _is_german(question)
    if not any(match.group()[0].islower() for match in _WORD.finditer(question)):
        return ()  # all capitalised: no word is spelled apart
    named = (
        m
        for m in _WORD.finditer(question)
        if not _OPENING.match(question, m.start()) or _is_titled(question, m.start())
    )
    if german:
        named = (m for m in named if _is_titled(question, m.start()))
    named = (m for m in named if not _is_title(question, m))
    spelled = (_POSSESSIVE_END.sub("", match.group()) for match in named)
    names = dict.fromkeys(w for w in spelled if _TITLE.fullmatch(w) and _tells(w))
    return tuple(names)


def names_called(name: str) -> tuple[str, ...]:
    """What notes may call what a question calls so, folded: "PostgreSQL" also "Postgres"."""
    short = [fold(found.group()) for found in (_SHORT.match(name),) if found]
    return (fold(name), *short, *(f"{one}s" for one in short))


def _is_title(text: str, word: re.Match[str]) -> bool:
    """Whether a word is a title with a name behind it; "Don" alone is a name."""
    return fold(word.group()) in titles() and _NAME_BEHIND.match(text, word.end()) is not None


def _is_titled(text: str, start: int) -> bool:
    """Whether a title stands before a word."""
    before = text[max(start - _CALL, 0) : start].rstrip(" .").rpartition(" ")[2]
    return fold(before) in titles()


def _tells(word: str) -> bool:
    folded, english = fold(word), name_words()["en"].no_names
    days = folded.endswith("days") and is_day_month_or_count(folded)  # "on Wednesdays"
    # Of "our Japanese co-author" notes need not hold "Japanese".
    named = folded not in ORDINARY_WORDS and folded not in english
    return not days and named and bool(terms(word))


def is_addressed(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is the person addressed, not the topic: "Hi Ana!"."""
    before = _BEFORE_CALLED.search(text[max(start - _CALL, 0) : start]) is not None
    if not (before and _AFTER_CALLED.match(text, end)):
        return False
    return _LISTED.search(text[max(start - _LIST, 0) : start]) is None


class Mentions:
    """The notes that mention a name, looked up on demand and cached.

    `in_talk` is whether they are turns of people who may address each other: "Anouk, thanks!". In
    a note of nobody else the same place is an apposition's: "Anouk, born in 1990, keeps the keys".
    """

    def __init__(self, outlines: Sequence[Outline], said: TermIndex, *, in_talk: bool) -> None:
        self._outlines = outlines
        self._said = said
        self._in_talk = in_talk
        self._found = dict[str, _Found]()

    def count(self, name: str) -> int:
        """The number of notes that hold a folded name in any role."""
        return self._look(name).held

    def known(self, name: str) -> str:
        """A folded name as notes hold it.

        One of several ("the two Mareks") without the ending; of a whole name in a script without
        spaces ("大野翔太") the beginning, which is the family's.
        """
        if _JOINED.match(name) and not self.count(name):
            sizes = range(min(len(name), FAMILY_NAME_MAX_CHARACTERS), 0, -1)
            return next((name[:size] for size in sizes[:-1] if self.count(name[:size])), name)
        one = name.removesuffix("s")
        return one if self.count(one) and not self.count(name) else name

    def speak_of(self, name: str) -> list[int]:
        """Rows of the notes about others that mention a folded name, not only as the addressee."""
        return self._look(name).spoken

    def address(self, name: str) -> list[int]:
        """Rows of the notes that address a folded name: "Hi Ana!"."""
        return self._look(name).addressed

    def spelled(self, name: str) -> str:
        """A folded word as names of notes have it; empty if none does, or a note as a word."""
        return self._look(name).spelled

    def _look(self, name: str) -> "_Found":
        if name not in self._found:
            found = self._read(name)
            # Notes may name a place in another language ("Vienna", "Wien"), or spell out umlauts.
            others = (*sorted(names_in_other_languages(name)), *other_spellings(name))
            if not found.held:
                found = next((read for read in map(self._read, others) if read.held), found)
            self._found[name] = found
        return self._found[name]

    def _read(self, name: str) -> "_Found":
        told = [self._said.postings(term)[0] for term in terms(name)]
        if told:  # "Silkes Schwester", "the Mareks"
            owned = self._said.postings(f"{terms(name)[-1]}s")[0]
            told[-1] = np.union1d(told[-1], owned)
        if not told or len(name) > NAME_MAX_CHARACTERS:
            return _Found(0, [], [], "")
        plain = plain_name(name)
        spelled = _spelled(plain)
        there: NDArray[np.intp] = reduce(np.intersect1d, told)
        texts = {
            row: without_accents(normalise(self._outlines[row].content)) for row in map(int, there)
        }
        found = {
            row: list(islice(filter(_is_name, spelled.finditer(text)), NOTE_MAX_MENTIONS))
            for row, text in texts.items()
        }
        held, rows, addressing = 0, list[int](), list[int]()
        for row, matches in _as_names(found).items():
            subject = plain_name(self._outlines[row].subject)
            held += bool(matches)
            own = plain in subject.split() or plain == subject
            addressed = [is_addressed(texts[row], *match.span()) for match in matches]
            if any(addressed):
                addressing.append(row)
            calls = (self._in_talk or subject) and all(addressed)
            if matches and not own and not calls:
                rows.append(row)
        return _Found(held, rows, addressing, self._as_in_names(plain, found))

    def _as_in_names(self, plain: str, found: _Places) -> str:
        """A word as a name of these notes has it; empty if it also stands there as a word."""
        if any(match.group()[0].islower() for of in found.values() for match in of):
            return ""
        names = chain.from_iterable(self._outlines[row].entities for row, of in found.items() if of)
        words = chain.from_iterable(map(str.split, names))
        return next((w for w in words if plain_name(w) == plain and _TITLE.fullmatch(w)), "")


class _Found(NamedTuple):
    """What notes say of a name."""

    held: int
    """How many hold it in any role."""
    spoken: list[int]
    """Rows of those about others that mention it, not only as the addressee."""
    addressed: list[int]
    spelled: str
    """As `Mentions.spelled` gives it."""


def _spelled(name: str) -> re.Pattern[str]:
    """Where a name stands by itself; beside letters of a script without spaces it does."""
    first, last = (_JOINED.match(letter) for letter in (name[0], name[-1]))
    before, after = "" if first else rf"(?<!{_WITHIN})", "" if last else rf"(?!{_WITHIN})"
    return re.compile(f"{before}{re.escape(name)}(?P<owner>s)?{after}", re.IGNORECASE)


def _is_name(match: re.Match[str]) -> bool:
    """Whether a match is no other word: "marks" is none of Mark, as "Marks" may be."""
    return not (match["owner"] and match[0][0].islower())


def _as_names(found: _Places) -> _Places:
    """Leave out lower-case matches if they are the majority, but not all: "New York", "a new"."""
    capital = {row: [m for m in of if not m.group()[0].islower()] for row, of in found.items()}
    capitals, places = (sum(map(len, rows.values())) for rows in (capital, found))
    return capital if 0 < 2 * capitals < places else found
