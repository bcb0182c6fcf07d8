"""The lists of words in other languages, what each word is in English, and the words of English.

A language is a file in `word_lists`: a line for each word, its forms and, behind a tab, what it is
in English. The lines before, without a tab, are function words. English has these alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from threading import Lock
from typing import Protocol, cast
from unicodedata import normalize

import regex

MODEL_LANGUAGE = "en"
LONG_LISTS = ("de", "es", "fr", "ja", "zh")
"""Languages of which most words are known, so that one that is not is rather a name."""
SHORT_LISTS = ("it", "nl", "pl", "pt", "ru", "sv", "tr")
"""Languages of which the most frequent words are known, and everyday words of trades."""
STEMMERS: Mapping[str, str] = {
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
"""Of the languages with spaces, in Snowball's names."""
COMPOUNDING = frozenset({"de", "nl", "sv"})
"""Languages that write compounds as one word, the head last."""
CAPITALISED_NOUNS = frozenset({"de"})
"""Languages in which a capital does not make a name."""
PART_MIN_CHARACTERS = 3
"""Fewest letters of a part of a compound."""
JOINTS = ("", "es", "s", "en", "n")
"""What may stand between two parts of a German, Dutch or Swedish compound."""
STREETS = frozenset(
    "allee damm dijk gasse graben gracht kade laan platz plein ring straat straße strasse ufer"
    " weg".split()
)
"""Last parts of the names of streets."""
VERB_ENDINGS: Mapping[str, Sequence[str]] = {
    "de": ("t", "et", "en", "te", "ten", "ete", "eten", "e", "st", "est", "test", "tet", "etet")
}
"""Of regular forms of verbs, in languages whose stemmer leaves some of them."""
VERB_INFINITIVES: Mapping[str, Sequence[str]] = {"de": ("en", "n")}
STEM_BEGINNING_CHARACTERS = 2
"""Letters at the beginning of a word that its stem has, too, in each language's list."""
STEMMED_MIN_CHARACTERS = 4
"""Fewest letters of a word that a short list is asked for by its stem: Turkish "iş" is no
"işte"."""
KNOWN_WORDS = 8_192
"""Words kept with what they are in English: splitting a compound takes 1 ms."""

_ENDING = re.compile(r"(?:ings?|ed|d|es|s|ly|ers?|ions?|ments?)$")
"""Of an English word that the lists hold without it."""
_VERB_MARK = {
    "de": regex.compile(
        "(?<=^(?:ab|an|auf|aus|bei|da|dar|durch|ein|entgegen|fest|fort|frei|her|herauf|heraus|herein"
        "|herum|herunter|hin|hinaus|hinein|hinzu|los|mit|nach|nieder|über|um|unter|vor|voran|vorbei"
        "|weg|weiter|wieder|zu|zurück|zusammen)?)(?:ge|zu)"
    )
}
"""What stands in a form behind the beginning of a verb: "angemeldet", "anzumelden"."""
_MARK = regex.compile(r"\p{M}")


def list_lines(language: str) -> Iterator[str]:
    """The lines of a language's list, without their ends."""
    file = files("zettel.storage.text") / "word_lists" / f"{language}.tsv"
    with file.open(encoding="utf-8") as lines:
        yield from (line.rstrip("\n") for line in lines)


@cache
def ordinary_words() -> frozenset[str]:
    """English words that are no names, some 16,000. Of other languages none: "paris" is a plural.

    Read from the lines: what a list is kept as to translate takes ten times the memory.
    """
    found = set(list_lines(MODEL_LANGUAGE))
    for language in LONG_LISTS:
        for line in list_lines(language):
            found.update(word for word in line.partition("\t")[2].split() if word.islower())
    return frozenset(found)


def is_ordinary_english(word: str) -> bool:
    """Whether a word in small letters is one of `ordinary_words`, with an ending or without."""
    known, base = ordinary_words(), _ENDING.sub("", word)
    forms = [word, base, f"{base}e", base[:-1] if base[-1:] == base[-2:-1] else base]
    forms += [f"{base[:-1]}y"] if base.endswith("i") else []
    return any(len(form) > 2 and form in known for form in forms)


@dataclass(frozen=True, slots=True)
class WordList:
    """A language's list."""

    english: Mapping[str, str]
    """What a form is in English; empty for a function word."""
    longest: int
    """Characters of the longest form."""


@lru_cache(maxsize=KNOWN_WORDS)
def find_word(word: str, language: str) -> str | None:
    """What a word is in English, None if it is unknown; empty for a function word."""
    found = word_list(language).english.get(word)
    if found is None and "-" in word:
        parts = [find_word(part, language) for part in word.split("-")]
        known = [part for part in parts if part is not None]
        return " ".join(known) if len(known) == len(parts) else None
    if found is None:
        found = _find_form(word, language)
    if found is None and language in COMPOUNDING:
        found = _find_parts(word, language)
    return found


def _find_form(word: str, language: str) -> str | None:
    """What a word is in English as a form of one in the list."""
    found = word_list(language).english.get(word)
    if found is None and (language in LONG_LISTS or len(word) >= STEMMED_MIN_CHARACTERS):
        found = _by_stem(_stem(word, language), language)
    if found is None and language in VERB_ENDINGS:
        found = _find_verb(word, language)
    if found is None:
        found = _without_accents(language).get(_plain(word))
    return found


def _find_verb(word: str, language: str) -> str | None:
    """What a word is in English as a regular form of a verb in the list."""
    english = word_list(language).english
    roots = (
        root
        for form in dict.fromkeys((word, _VERB_MARK[language].sub("", word, count=1)))
        for ending in VERB_ENDINGS[language]
        if (root := form.removesuffix(ending)) != form
    )
    infinitives = (root + end for root in roots for end in VERB_INFINITIVES[language])
    return next((found for verb in infinitives if (found := english.get(verb))), None)


def _find_parts(word: str, language: str) -> str | None:
    """The parts of a compound in English, its head the longest that is known.

    The name of a street stays before them: other languages call it by it, too.
    """
    for at in range(PART_MIN_CHARACTERS, len(word) - PART_MIN_CHARACTERS + 1):
        head = _find_head(word[at:], language)
        modifier = _find_modifier(word[:at], language) if head else None
        if modifier:
            name = f"{word} " if word[at:] in STREETS else ""
            return f"{name}{modifier} {head}"
    return None


def _find_head(word: str, language: str) -> str | None:
    """The last part of a compound in English; None unless it is a whole word.

    "Brück" is none: "Wallbrück" is a name.
    """
    stem = _stem(word, language)
    ended = _by_stem(stem, language) if len(stem) < len(word) else None
    return word_list(language).english.get(word) or ended


def _find_modifier(part: str, language: str) -> str | None:
    """What stands before the head in English, perhaps a compound itself."""
    for joint in JOINTS:
        first = part.removesuffix(joint)
        if len(first) + len(joint) == len(part) and len(first) >= PART_MIN_CHARACTERS:
            stemmed = _by_stem(_stem(first, language), language)
            found = (
                word_list(language).english.get(first) or stemmed or _find_parts(first, language)
            )
            if found:
                return found
    return None


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


@cache
def _stemmer(language: str) -> _Stemmer:
    # Late: it imports the stemmers of 34 languages, which English texts do without.
    from snowballstemmer import stemmer  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    return cast("_Stemmer", stemmer(STEMMERS[language]))


_STEMMING = Lock()
"""A stemmer keeps the word it works on in itself: two threads at once read each other's letters."""


def _stem(word: str, language: str) -> str:
    if language not in STEMMERS:
        return word
    with _STEMMING:
        return _stemmer(language).stemWord(word)


@cache
def word_list(language: str) -> WordList:
    """The list of a language, read once."""
    english = dict[str, str]()
    for line in list_lines(language):
        forms, _, gloss = line.partition("\t")
        for form in forms.split(", "):
            english.setdefault(form, gloss)
    return WordList(english=english, longest=max(map(len, english)))


def names_in_other_languages(name: str) -> frozenset[str]:
    """What a name is called in the languages with a list, in small letters: "Vienna", "Wien"."""
    return _names_in_other_languages().get(name.lower(), frozenset())


@cache
def _names_in_other_languages() -> Mapping[str, frozenset[str]]:
    """Some 4,500 names, read from the lines as `ordinary_words` are.

    Of an inflecting language the first form: the others are no names ("Wiener"). Of long lists,
    since the short ones have a line for each form ("marcu" is March, and begins Marcus).
    """
    alike, found = dict[str, set[str]](), dict[str, frozenset[str]]()
    for language in LONG_LISTS:
        for line in list_lines(language):
            forms, _, name = line.partition("\t")
            if name[:1].isupper() and name.isalpha():
                names = forms.split(", ")[: 1 if language in STEMMERS else None]
                alike.setdefault(name.lower(), {name.lower()}).update(names)
    for names in alike.values():
        found |= {name: found.get(name, frozenset()) | names for name in names}
    return found


def is_ordinary_word(word: str, language: str) -> bool:
    """Whether a word in small letters is in a language's list, or made of such; no place's name.

    Args:
        word: Without white space.
        language: One of `STEMMERS`; of others no word is known.
    """
    found = find_word(word, language) if language in STEMMERS else None
    return found is not None and not found[:1].isupper()


def is_listed(word: str, language: str) -> bool:
    """Whether a language's list has a word in small letters in some form; no compound of others."""
    if language in STEMMERS:
        return _find_form(word, language) is not None
    return word in word_list(language).english


def _by_stem(stem: str, language: str) -> str | None:
    """What the word is with this stem of its first form: its others are those it does not tell."""
    beginning = _beginning(stem)
    known = beginning in _first_forms(language)
    return _stems(beginning, language).get(stem) if known else None


@cache
def _stems(beginning: str, language: str) -> Mapping[str, str]:
    """The stems with a beginning: those of a whole list take half a second."""
    found = dict[str, str]()
    for form, gloss in _first_forms(language)[beginning]:
        found.setdefault(_stem(form, language), gloss)
    return found


@cache
def _first_forms(language: str) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The first form of each word and what it is, by the beginning of its stem."""
    found = dict[str, list[tuple[str, str]]]()
    for line in list_lines(language):
        forms, _, gloss = line.partition("\t")
        if gloss:
            form = forms.partition(", ")[0]
            # The stem of "d'abord" is "abord", that of "hs" is "h".
            odd = "'" in form or len(form) <= STEM_BEGINNING_CHARACTERS
            beginning = _beginning(_stem(form, language) if odd else form)
            found.setdefault(beginning, []).append((form, gloss))
    return found


def _beginning(word: str) -> str:
    """What a word has in common with its stem, which may lose accents."""
    return _plain(word[:STEM_BEGINNING_CHARACTERS])


@cache
def _without_accents(language: str) -> Mapping[str, str]:
    """What a form is that is typed without its accents: "cumpleanos"."""
    english, found = word_list(language).english, dict[str, str]()
    for form, gloss in english.items():
        plain = _plain(form)
        if plain != form and plain not in english:
            found.setdefault(plain, gloss)
    return found


def _plain(word: str) -> str:
    return _MARK.sub("", normalize("NFD", word))
