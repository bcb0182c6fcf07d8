"""Puts texts in other languages into English word by word, for a model that knows English alone.

The words are those of `vocabulary`. A function word is left out, and tells the language.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, takewhile

import regex
from anyascii import anyascii

from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.vocabulary import (
    CAPITALISED_NOUNS,
    MODEL_LANGUAGE,
    SHORT_LISTS,
    STEMMERS,
    find_word,
    list_lines,
    word_list,
)

WORDS_VERSION = 4
"""Of the lists, which make a part of what a vector says, and, from 3, of longer notes' sentences
with vectors of their own: it is part of the model's id."""
ADDED_IN: Mapping[str, int] = dict.fromkeys(SHORT_LISTS, 4)
"""Language -> the version that first had it. With vectors of an earlier one its texts stay as they
are: a question in English words would be far from a note in its own."""
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

_WORD = regex.compile(r"(?<!\p{N})[\p{L}\p{M}]++(?:['’-][\p{L}\p{M}]++)*+(?!\p{N})")
"""Not of a code such as "e2e"."""
_ELISION = regex.compile(
    r"(?<!\p{L})(?:[CcDdJjLlMmNnSsTt]|[Qq]u|[Jj]usqu|[Ll]orsqu|[Pp]uisqu)['’](?=\p{L})"
)
_CONTRACTION = regex.compile(r"['’](?:s|t|m|d|re|ve|ll)$")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HAN = regex.compile(r"\p{Han}")
_SYLLABLE = regex.compile(r"(?<=[a-z'])(?=[A-Z])")
"""Between two characters, as anyascii spells them: "WangFang"."""
_CYRILLIC = regex.compile(r"\p{Cyrillic}")
_NOT_LATIN = regex.compile(r"(?!\p{Latin})\p{L}")
_OTHER_NAME = regex.compile(r"(?=[^\p{Latin}])\p{Lu}[\p{Ll}\p{M}]+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+")


def to_english(text: str, version: int = WORDS_VERSION) -> str:
    """A text with the words of other languages in English, as far as they are known.

    Sentences in English, and in languages without a list, stay as they are; so do names, numbers
    and what is unknown, but for its Cyrillic letters. Order and endings are those of the other
    language.

    Args:
        text: Any.
        version: Of the lists; languages that came later stay as they are.
    """
    if _UNSPACED.search(text):
        text = _glossed_unspaced(text)
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    own = [_language_of(sentence, version) for sentence in sentences]
    if not any(own):
        return text
    most = _language_of(text, version)
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
    names = dict.fromkeys(map(anyascii, _OTHER_NAME.findall(text)))
    return " ".join((*words, *(name for name in names if name not in words)))


def _language_of(text: str, version: int) -> str:
    """The language of the most function words of a text; empty for English and others.

    Of the languages in Cyrillic letters only Russian has a list.
    """
    words = list(map(_lower, _words_of(text)))
    in_cyrillic = [word for word in words if _CYRILLIC.match(word)]
    if 2 * len(in_cyrillic) > len(words):
        known = ADDED_IN["ru"] <= version and _count_known(words, "ru")
        return "ru" if known >= max(1, LANGUAGE_MIN_SHARE * len(words)) else ""
    english = _english_words(words)
    told = Counter(code for word in {*words} - english for code in _function_words().get(word, ()))
    found = (
        (count + known, language not in ADDED_IN, language)
        for language, count in told.items()
        # Not "am" and "in" in German.
        if ADDED_IN.get(language, 0) <= version
        and (language not in ADDED_IN or count > 1 or _has_long_function_word(words, language))
        and count > _count_others(english, language)
        and (known := _count_known(words, language)) >= LANGUAGE_MIN_WORDS
        and known >= (LANGUAGE_MIN_SHARE if count > 1 else LONE_MIN_SHARE) * len(words)
    )
    return max(found, default=(0, False, ""))[-1]


def _has_long_function_word(words: Sequence[str], language: str) -> bool:
    """Whether a text has one of two letters or more: "e" and "o" alone identify no language."""
    known = _function_words()
    return any(len(word) > 1 and language in known.get(word, ()) for word in words)


def _may_be(language: str, sentence: str) -> bool:
    """Whether a sentence without function words, in a text of a language, is of that, too."""
    words = list(map(_lower, _words_of(sentence)))
    if not language or _english_words(words):
        return False
    return _count_known(words, language) >= LANGUAGE_MIN_SHARE * len(words)


def _english_words(words: Sequence[str]) -> set[str]:
    known = _function_words()
    return {w for w in words if MODEL_LANGUAGE in known.get(w, ()) or _CONTRACTION.search(w)}


def _count_others(words: Collection[str], language: str) -> int:
    """How many English function words a language's list has not."""
    return len({*words} - _shared_words(language))


@cache
def _shared_words(language: str) -> frozenset[str]:
    """English function words that a language's list has as well.

    Read from the lines: a whole list, kept for one "mag" in an English text, takes 3 MiB.
    """
    english = {*list_lines(MODEL_LANGUAGE)}
    forms = (line.partition("\t")[0].split(", ") for line in list_lines(language))
    return frozenset(english.intersection(chain.from_iterable(forms)))


def _count_known(words: Sequence[str], language: str) -> int:
    return sum(find_word(word, language) is not None for word in words)


def _words_of(sentence: str) -> list[str]:
    return _WORD.findall(_ELISION.sub(" ", sentence))


def _lower(word: str) -> str:
    """In small letters, Turkish "İş" as well, which would have an accent."""
    return word.replace("İ", "i").lower()


def _glossed(sentence: str, language: str) -> str:
    """A sentence with each word, or words that are in the list as one, in English."""
    sentence = _ELISION.sub(" ", sentence)
    matches = list(_WORD.finditer(sentence))
    words, told, end = [_lower(match[0]) for match in matches], list[str](), 0
    at = 0
    while at < len(words):
        length = _phrase_length(words[at : at + PHRASE_MAX_WORDS], language)
        found = word_list(language).english[" ".join(words[at : at + length])] if length else None
        if not length and not _is_name(sentence, matches, at, language):
            found = find_word(words[at], language)
        elif not length:
            found = _find_name(words[at], language)
        first, last = matches[at], matches[at + max(length, 1) - 1]
        told += sentence[end : first.start()], _in_latin(first[0]) if found is None else found
        end, at = last.end(), at + max(length, 1)
    return "".join((*told, sentence[end:]))


def _in_latin(unknown: str) -> str:
    """A word that no list has, most often a name, in Latin letters."""
    return anyascii(unknown) if _NOT_LATIN.match(unknown) else unknown


def _phrase_length(words: Sequence[str], language: str) -> int:
    """How many words at the beginning, two and more, the list has as one; 0 for none."""
    english = word_list(language).english
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
    found = word_list(language).english.get(word, "")
    return found if found[:1].isupper() else None


def _glossed_unspaced(text: str) -> str:
    language = "ja" if _KANA.search(text) else "zh"

    def gloss(match: regex.Match[str]) -> str:
        return f" {' '.join(_segments(match[0], language))} "

    return _UNSPACED.sub(gloss, text)


def _segments(text: str, language: str) -> Iterator[str]:
    """The longest known words from left to right in English; what is unknown in one piece."""
    words, at, unknown = word_list(language), 0, 0
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


@cache
def _function_words() -> Mapping[str, Sequence[str]]:
    """Function word -> the languages that have it."""
    found = dict[str, list[str]]()
    for language in (MODEL_LANGUAGE, *STEMMERS):
        for line in takewhile(lambda line: "\t" not in line, list_lines(language)):
            for form in line.split(", "):
                found.setdefault(form, []).append(language)
    return found
