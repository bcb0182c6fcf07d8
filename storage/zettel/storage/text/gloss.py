"""Puts texts in other languages into English word by word, for a model that knows English alone.

The words are those of `vocabulary`. A function word is left out, and tells the language.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import takewhile
from threading import Lock
from typing import Protocol, cast
from unicodedata import normalize

import regex
from anyascii import anyascii

from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.vocabulary import MODEL_LANGUAGE, list_lines

WORDS_VERSION = 2
"""Of the lists, which make a part of what a vector says: it is part of the model's id."""
STEMMERS: Mapping[str, str] = {"de": "german", "es": "spanish", "fr": "french"}
"""Of the languages with spaces, in Snowball's names."""
COMPOUNDING = frozenset({"de"})
"""Languages that write compounds as one word, the head last."""
CAPITALISED_NOUNS = frozenset({"de"})
"""Languages in which a capital does not make a name."""
PART_MIN_CHARACTERS = 3
"""Fewest letters of a part of a compound."""
JOINTS = ("", "es", "s", "en", "n")
"""What may stand between two parts of a German compound."""
STREETS = frozenset("allee damm gasse graben platz ring straße strasse ufer weg".split())
"""Last parts of the names of streets."""
VERB_ENDINGS: Mapping[str, Sequence[str]] = {
    "de": ("t", "et", "en", "te", "ten", "ete", "eten", "e", "st", "est", "test", "tet", "etet")
}
"""Of regular forms of verbs, in languages whose stemmer leaves some of them."""
VERB_INFINITIVES: Mapping[str, Sequence[str]] = {"de": ("en", "n")}
NAME_CHARACTERS = range(2, 5)
"""Of a Chinese name that is not in the list."""
PHRASE_MAX_WORDS = 4
"""Most words of an entry."""
LANGUAGE_MIN_WORDS, LANGUAGE_MIN_SHARE, LONE_MIN_SHARE = 3, 0.4, 0.75
"""Fewest words of a list that a sentence has, least share of its words, and least share with one
function word alone, to be of that language: "See ya later" is not Spanish."""
TITLES = frozenset(
    "dr fr frau hr herr herrn m mme mlle madame monsieur prof señor señora sr sra".split()
)
"""What a name follows."""

STEM_BEGINNING_CHARACTERS = 2
"""Letters at the beginning of a word that its stem has, too, in each language's list."""
KNOWN_WORDS = 8_192
"""Words kept with what they are in English: splitting a compound takes 1 ms."""

_WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*")
_ELISION = regex.compile(
    r"(?<!\p{L})(?:[CcDdJjLlMmNnSsTt]|[Qq]u|[Jj]usqu|[Ll]orsqu|[Pp]uisqu)['’](?=\p{L})"
)
_CONTRACTION = regex.compile(r"['’](?:s|t|m|d|re|ve|ll)$")
_VERB_MARK = {
    "de": regex.compile(
        "(?<=^(?:ab|an|auf|aus|bei|da|dar|durch|ein|entgegen|fest|fort|frei|her|herauf|heraus|herein"
        "|herum|herunter|hin|hinaus|hinein|hinzu|los|mit|nach|nieder|über|um|unter|vor|voran|vorbei"
        "|weg|weiter|wieder|zu|zurück|zusammen)?)(?:ge|zu)"
    )
}
"""What stands in a form behind the beginning of a verb: "angemeldet", "anzumelden"."""
_MARK = regex.compile(r"\p{M}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HAN = regex.compile(r"\p{Han}")
_SYLLABLE = regex.compile(r"(?<=[a-z'])(?=[A-Z])")
"""Between two characters, as anyascii spells them: "WangFang"."""
_OTHER_NAME = regex.compile(r"(?=[^\p{Latin}])\p{Lu}[\p{Ll}\p{M}]+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+")


@dataclass(frozen=True, slots=True)
class _Words:
    """A language's list."""

    english: Mapping[str, str]
    """What a form is in English; empty for a function word."""
    longest: int
    """Characters of the longest form."""


def to_english(text: str) -> str:
    """A text with the words of other languages in English, as far as they are known.

    Sentences in English, and in languages without a list, stay as they are; so do names, numbers
    and what is unknown. Order and endings are those of the other language.
    """
    if _UNSPACED.search(text):
        text = _glossed_unspaced(text)
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    own = list(map(_language_of, sentences))
    if not any(own):
        return text
    most = _language_of(text)
    languages = [
        language or (most if _may_be(most, sentence) else "")
        for sentence, language in zip(sentences, own, strict=True)
    ]
    return "".join(
        _glossed(sentence, language) if language else sentence
        for sentence, language in zip(sentences, languages, strict=True)
    )


def other_words(text: str) -> str:
    """The words of a text in English that it does not itself hold; empty for an English one.

    Also its names in letters of their own, such as Cyrillic ones, in Latin letters.
    """
    english, words = to_english(text), list[str]()
    if english != text:
        own = {word.lower() for word in _WORD.findall(text)}
        words = [word for word in _WORD.findall(english) if word.lower() not in own]
    return " ".join((*words, *(anyascii(name) for name in _OTHER_NAME.findall(text))))


def _language_of(text: str) -> str:
    """The language of the most function words of a text; empty for English and others."""
    words = [word.lower() for word in _words_of(text)]
    english = _english_words(words)
    told = Counter(code for word in {*words} - english for code in _function_words().get(word, ()))
    found = (
        (count, known, language)
        for language, count in told.items()
        # Not "am" and "in" in German.
        if count > len(english - _words(language).english.keys())
        and (known := _count_known(words, language)) >= LANGUAGE_MIN_WORDS
        and known >= (LANGUAGE_MIN_SHARE if count > 1 else LONE_MIN_SHARE) * len(words)
    )
    return max(found, default=(0, 0, ""))[-1]


def _may_be(language: str, sentence: str) -> bool:
    """Whether a sentence without function words, in a text of a language, is of that, too."""
    words = [word.lower() for word in _words_of(sentence)]
    if not language or _english_words(words):
        return False
    return _count_known(words, language) >= LANGUAGE_MIN_SHARE * len(words)


def _english_words(words: Sequence[str]) -> set[str]:
    known = _function_words()
    return {w for w in words if MODEL_LANGUAGE in known.get(w, ()) or _CONTRACTION.search(w)}


def _count_known(words: Sequence[str], language: str) -> int:
    return sum(_find(word, language) is not None for word in words)


def _words_of(sentence: str) -> list[str]:
    return _WORD.findall(_ELISION.sub(" ", sentence))


def _glossed(sentence: str, language: str) -> str:
    """A sentence with each word, or words that are in the list as one, in English."""
    sentence = _ELISION.sub(" ", sentence)
    matches = list(_WORD.finditer(sentence))
    words, told, end = [match[0].lower() for match in matches], list[str](), 0
    at = 0
    while at < len(words):
        length = _phrase_length(words[at : at + PHRASE_MAX_WORDS], language)
        found = _words(language).english[" ".join(words[at : at + length])] if length else None
        if not length and not _is_name(sentence, matches, at, language):
            found = _find(words[at], language)
        elif not length:
            found = _find_name(words[at], language)
        first, last = matches[at], matches[at + max(length, 1) - 1]
        told += sentence[end : first.start()], first[0] if found is None else found
        end, at = last.end(), at + max(length, 1)
    return "".join((*told, sentence[end:]))


def _phrase_length(words: Sequence[str], language: str) -> int:
    """How many words at the beginning, two and more, the list has as one; 0 for none."""
    english = _words(language).english
    lengths = range(len(words), 1, -1)
    return next((n for n in lengths if " ".join(words[:n]) in english), 0)


def _is_name(sentence: str, matches: Sequence[regex.Match[str]], at: int, language: str) -> bool:
    """Whether a word is a name: after a title, or by its capital amid the sentence."""
    if at and matches[at - 1][0].lower() in TITLES:
        return True
    inside = at > 0 and sentence[matches[at].start() - 1 :][:1] == " "
    return inside and matches[at][0][0].isupper() and language not in CAPITALISED_NOUNS


def _find_name(word: str, language: str) -> str | None:
    """What a name is in English if the list has it: "Allemagne" is Germany."""
    found = _words(language).english.get(word, "")
    return found if found[:1].isupper() else None


@lru_cache(maxsize=KNOWN_WORDS)
def _find(word: str, language: str) -> str | None:
    """What a word is in English, None if it is unknown; empty for a function word."""
    found = _words(language).english.get(word)
    if found is None and "-" in word:
        parts = [_find(part, language) for part in word.split("-")]
        known = [part for part in parts if part is not None]
        return " ".join(known) if len(known) == len(parts) else None
    if found is None:
        found = _by_stem(_stem(word, language), language)
    if found is None and language in VERB_ENDINGS:
        found = _find_verb(word, language)
    if found is None:
        found = _without_accents(language).get(_plain(word))
    if found is None and language in COMPOUNDING:
        found = _find_parts(word, language)
    return found


def _find_verb(word: str, language: str) -> str | None:
    """What a word is in English as a regular form of a verb in the list."""
    english = _words(language).english
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
    return _words(language).english.get(word) or ended


def _find_modifier(part: str, language: str) -> str | None:
    """What stands before the head in English, perhaps a compound itself."""
    for joint in JOINTS:
        first = part.removesuffix(joint)
        if len(first) + len(joint) == len(part) and len(first) >= PART_MIN_CHARACTERS:
            stemmed = _by_stem(_stem(first, language), language)
            found = _words(language).english.get(first) or stemmed or _find_parts(first, language)
            if found:
                return found
    return None


def _glossed_unspaced(text: str) -> str:
    language = "ja" if _KANA.search(text) else "zh"

    def gloss(match: regex.Match[str]) -> str:
        return f" {' '.join(_segments(match[0], language))} "

    return _UNSPACED.sub(gloss, text)


def _segments(text: str, language: str) -> Iterator[str]:
    """The longest known words from left to right in English; what is unknown in one piece."""
    words, at, unknown = _words(language), 0, 0
    while at < len(text):
        lengths = range(min(words.longest, len(text) - at), 0, -1)
        found = next((n for n in lengths if text[at : at + n] in words.english), 0)
        if found:
            if unknown < at:
                yield _spelled(text[unknown:at], language)
            if english := words.english[text[at : at + found]]:
                yield english
            unknown = at + found
        at += found or 1
    if unknown < at:
        yield _spelled(text[unknown:at], language)


def _spelled(unknown: str, language: str) -> str:
    """What no list has, most often a name, in Latin letters where these tell how it is said.

    Characters in a Japanese text are said otherwise than anyascii spells them.
    """
    if language == "ja" and _HAN.search(unknown):
        return unknown
    if language != "ja" and len(unknown) not in NAME_CHARACTERS:
        return unknown
    return _SYLLABLE.sub(" ", anyascii(unknown)).strip().title()


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
def _words(language: str) -> _Words:
    english = dict[str, str]()
    for line in list_lines(language):
        forms, _, gloss = line.partition("\t")
        for form in forms.split(", "):
            english.setdefault(form, gloss)
    return _Words(english=english, longest=max(map(len, english)))


def is_ordinary_word(word: str, language: str) -> bool:
    """Whether a word in small letters is in a language's list, or made of such; no place's name.

    Args:
        word: Without white space.
        language: One of `STEMMERS`; of others no word is known.
    """
    found = _find(word, language) if language in STEMMERS else None
    return found is not None and not found[:1].isupper()


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
    english, found = _words(language).english, dict[str, str]()
    for form, gloss in english.items():
        plain = _plain(form)
        if plain != form and plain not in english:
            found.setdefault(plain, gloss)
    return found


def _plain(word: str) -> str:
    return _MARK.sub("", normalize("NFD", word))


@cache
def _function_words() -> Mapping[str, Sequence[str]]:
    """Function word -> the languages that have it."""
    found = dict[str, list[str]]()
    for language in (MODEL_LANGUAGE, *STEMMERS):
        for line in takewhile(lambda line: "\t" not in line, list_lines(language)):
            for form in line.split(", "):
                found.setdefault(form, []).append(language)
    return found
