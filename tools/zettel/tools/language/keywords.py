"""Keywords: the names and nouns of a note that are rare among its neighbours."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import regex as re

from zettel.tools.language.name_words import NameWords, name_words, names_nobody, read_language
from zettel.tools.language.names import is_common_acronym
from zettel.tools.language.prose import without_code

NOTE_MAX_KEYWORDS = 6
"""Most keywords of a note (A-MEM, arXiv 2502.12110: "several")."""
WORD_MIN_CHARACTERS = 3
PHRASE_MIN_CHARACTERS, PHRASE_MAX_CHARACTERS = 2, 6
"""Characters of a keyword in a script without spaces."""
PHRASE_MIN_NOTES = 2
"""Notes that hold a row of characters which is taken for a word, in a script without spaces."""
READ_MAX_CHARACTERS = 8_000
"""Characters of a text that are read."""

_TOKEN = re.compile(
    r"[\p{Latin}\p{Greek}\p{Cyrillic}][\p{Latin}\p{Greek}\p{Cyrillic}\p{M}\p{N}]*"
    r"(?:[-_.][\p{Latin}\p{Greek}\p{Cyrillic}\p{N}]+)*|['’](?=\p{L})|[^\s\p{L}\p{N}]"
)
_HAN = re.compile(r"\p{Han}{2,}")
_KATAKANA = re.compile(r"[\p{Katakana}ー]{3,}")
_KANA = re.compile(r"\p{Hiragana}")
_NO_NOUN = re.compile(r".*(?:ly|ed|ing)")
_ADJECTIVE = re.compile(
    r".*(?:est|able|ible|ful|less|ous|ive|[^t]al|ic|ary|ish|wards?|ent|ier)|own|next|same"
)
"""Before a noun: "the earliest column"; by itself it may be one."""
_IDENTIFIER = re.compile(r".*[_\d-].*")


def find_keywords(
    texts: Sequence[str], names: Sequence[Sequence[str]], background: Sequence[str]
) -> list[tuple[str, ...]]:
    """Find the nouns and names of each text with the highest TF-IDF (Spärck Jones 1972).

    A noun is what follows an article or the like somewhere in the notes; in German, what has a
    capital; in Chinese, a row of characters that returns; in Japanese, one of a single script.

    Args:
        texts: Notes to find keywords for.
        names: Of each text.
        background: Other notes, for the frequency of words.

    Returns:
        One tuple per text, the highest weight first; empty when the text has none.
    """
    read = [_Read(text) for text in dict.fromkeys((*background, *texts))]
    by_text = {one.text: one for one in read}
    nouns = frozenset(word for one in read for word in one.nouns)
    holding = Counter(word for one in read for word in {*one.words, *one.pieces})
    found = list[tuple[str, ...]]()
    for text, named in zip(texts, names, strict=True):
        one = by_text[text]
        called = {part.lower() for name in named for part in name.split()}
        words = [w for w in one.words if w in nouns and w.removesuffix("s") not in called - {w}]
        words += _repeated(one, holding)
        words += [name.lower() for name in named]
        counts = Counter(words)
        weights = {
            word: (1 + math.log(count)) * math.log((1 + len(read)) / (1 + holding[word]) + 1)
            for word, count in counts.items()
        }
        best = sorted(weights, key=lambda word: (-weights[word], words.index(word)))
        found.append(tuple(_apart(best))[:NOTE_MAX_KEYWORDS])
    return found


class _Read:
    """A text's words and those of them that stand like nouns.

    Args:
        text: A note's content.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        prose = without_code(text[:READ_MAX_CHARACTERS])
        language = read_language(prose)
        runs = list(_runs(prose, language))
        self.words = [word.lower() for _, run, _ in runs for word in run]
        self.nouns = set(_nouns(runs, language))
        self.pieces = frozenset[str]()
        unspaced = list(_unspaced(prose))
        if _KANA.search(prose):
            self.words += unspaced
            self.nouns |= set(unspaced)
        else:
            self.pieces = frozenset(
                run[at : at + size]
                for run in unspaced
                for size in range(PHRASE_MIN_CHARACTERS, PHRASE_MAX_CHARACTERS + 1)
                for at in range(len(run) - size + 1)
            )


def _runs(prose: str, language: NameWords) -> Iterator[tuple[bool, list[str], bool]]:
    """Telling words in a row: if an article stands before, and if a clause ends behind."""
    determined, run = False, list[str]()
    for token in _TOKEN.findall(prose):
        word = token.lower()
        if _tells(token, word, language):
            run.append(token)
            continue
        if run:
            yield determined, run, not token[0].isalpha() or word in language.prepositions
        before = word in language.determiners or word in language.prepositions
        determined, run = before or (token in "'’" and determined), []
    if run:
        yield determined, run, True


def _tells(token: str, word: str, language: NameWords) -> bool:
    if len(token) < WORD_MIN_CHARACTERS or not token[0].isalpha():
        return False
    return not (names_nobody(word, language) or is_common_acronym(token))


def _nouns(runs: Iterable[tuple[bool, list[str], bool]], language: NameWords) -> Iterator[str]:
    for determined, run, closed in runs:
        if language.capitalised_nouns:
            last = len(run) - 1
            yield from (
                word.lower()
                for at, word in enumerate(run)
                if word[0].isupper()
                and _is_noun(word.lower(), language)
                # "Gelbes Heft" at the beginning of a sentence.
                and not (at < last and re.fullmatch(language.adjectives, word.lower()))
            )
            continue
        words = [word.lower() for word in run]
        yield from (word for word in words if _IDENTIFIER.fullmatch(word))
        if determined:
            first = () if len(words) > 1 and _ADJECTIVE.fullmatch(words[0]) else words[:1]
            likely = {*first, words[-1]} if closed and len(words) <= 3 else {*first}
            yield from (w for w in likely if _is_noun(w, language, alone=len(words) == 1))


def _is_noun(word: str, language: NameWords, *, alone: bool = False) -> bool:
    if word in language.plain_words or word in language.verbs:
        return False
    if language.capitalised_nouns or len(word) <= 4:
        return True
    return not _NO_NOUN.fullmatch(word) or (alone and word.endswith("ing"))


def _unspaced(prose: str) -> list[str]:
    """Rows of Chinese characters, and of Katakana, without what says nothing."""
    idle = _unspaced_function_words("ja" if _KANA.search(prose) else "zh")
    rows = [*_HAN.findall(idle.sub(" ", prose)), *_KATAKANA.findall(prose)]
    return [row for row in rows if len(row) >= PHRASE_MIN_CHARACTERS]


@cache
def _unspaced_function_words(code: str) -> re.Pattern[str]:
    words = name_words()[code].function_words
    return re.compile("|".join(sorted(map(re.escape, words), key=len, reverse=True)))


def _repeated(one: _Read, holding: Counter[str]) -> list[str]:
    """The rows of characters that other notes have, too; of rows within one another the longest."""
    there = [piece for piece in one.pieces if holding[piece] >= PHRASE_MIN_NOTES]
    return sorted(
        piece for piece in there if not any(piece != other and piece in other for other in there)
    )


def _apart(words: Iterable[str]) -> Iterator[str]:
    """The words, best first, without those of which a part was there before."""
    known = set[str]()
    for word in words:
        parts = {word, *word.split()}
        if known.isdisjoint(parts):
            known |= parts
            yield word
