"""Keywords: the names and nouns of a note that are rare among its neighbours."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import regex as re

from zettel.tools.language.name_words import (
    NameWords,
    name_words,
    names_nobody,
    read_language,
    titles,
)
from zettel.tools.language.names import ROLES, is_common_acronym
from zettel.tools.language.prose import without_code

NOTE_MAX_KEYWORDS = 6
"""Most keywords of a note (A-MEM, arXiv 2502.12110: "several")."""
WORD_MIN_CHARACTERS = 3
PHRASE_MIN_CHARACTERS, PHRASE_MAX_CHARACTERS = 2, 6
"""Characters of a keyword in a script without spaces."""
PHRASE_MIN_NOTES = 2
"""Notes that hold a row of characters which is taken for a word, in a script without spaces."""
COMPOUND_MAX_WORDS = 3
"""Most words of nouns in a row that are one keyword: "dead letter queue"."""
READ_MAX_CHARACTERS = 8_000
"""Characters of a text that are read."""

_TOKEN = re.compile(
    r"(?<![\p{L}\p{N}])(?<!#(?=\p{AHex}{6}\b))"
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
_PARTICIPLE = re.compile(r"\p{L}{3,}ed")
_IDENTIFIER = re.compile(r".*[_\d-].*")
_HYPHENED = re.compile(r"\p{L}+(?:-\p{L}+)+")
"""Before a noun it tells of what sort that is: "an eight-minute walk"."""
_CUT_SHORT = re.compile(r"-(?!\w)|/(?=\w)|(?<=\b\p{L}{2,3})\.\s?(?=[\d\p{Ll}])")
"""Behind half of a word ("Gesundheits- und Krankenpflege"), a folder of a path or a short form
("Tel. 0555")."""
_INFLECTED = re.compile(r".*[^sui]s")
"""A plural, or what somebody does: "contract ends"."""
_OPENING = frozenset(".!?:;•·|")
"""Signs behind which a sentence, or what is like one, begins."""
_PARTED = frozenset(".,;:!?)(•·|–—")
"""Signs behind what is said."""
_POSSESSIVE = "'s"


def find_keywords(
    texts: Sequence[str], names: Sequence[Sequence[str]], background: Sequence[str]
) -> list[tuple[str, ...]]:
    """Find the nouns and names of each text with the highest TF-IDF (Spärck Jones 1972).

    A noun is what follows an article or the like somewhere in the notes, in English with the nouns
    right before it ("load test"); in German, what has a capital; in Chinese, a row of characters
    that returns; in Japanese, one of a single script.

    Args:
        texts: Notes to find keywords for.
        names: Of each text.
        background: Other notes, for the frequency of words.

    Returns:
        One tuple per text, the highest weight first; empty when the text has none.
    """
    read = [_Read(text) for text in dict.fromkeys((*background, *texts))]
    by_text = {one.text: one for one in read}
    known = _Known(read)
    compounds = {one.text: list(_compounds(one, known)) for one in read}
    holding = Counter(
        word for one in read for word in {*one.words, *one.pieces, *compounds[one.text]}
    )
    found = list[tuple[str, ...]]()
    for text, named in zip(texts, names, strict=True):
        one = by_text[text]
        called = {part.lower() for name in named for part in name.split()}
        words = [w for w in one.words if known.is_noun(w, one.language)]
        words = [w for w in words if w.removesuffix("s") not in called - {w}]
        words = compounds[text] + words + _repeated(one, holding)
        words += [name.lower() for name in named]
        counts = Counter(words)
        weights = {
            word: (1 + math.log(count)) * math.log((1 + len(read)) / (1 + holding[word]) + 1)
            for word, count in counts.items()
        }
        best = sorted(weights, key=lambda word: (-weights[word], words.index(word)))
        found.append(tuple(_apart(best))[:NOTE_MAX_KEYWORDS])
    return found


@dataclass(frozen=True, slots=True)
class _Run:
    """Telling words in a row."""

    words: list[str]
    article: bool
    """Whether an article or the like stands before."""
    preposition: bool
    """Whether a preposition does."""
    opens: bool
    """Whether it opens a sentence."""
    behind: str
    """The token behind, in small letters."""
    closed: bool
    """Whether a clause or the subject ends behind."""

    @property
    def parted(self) -> bool:
        """Whether a sign stands behind."""
        return self.behind in _PARTED


class _Read:
    """A text's words and those of them that stand like nouns.

    Args:
        text: A note's content.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        prose = without_code(text[:READ_MAX_CHARACTERS])
        self.language = read_language(prose)
        self.runs = list(_runs(prose, self.language))
        self.words = [word.lower() for run in self.runs for word in run.words]
        self.nouns = Counter(_nouns(self.runs, self.language))
        self.verbs = Counter(_verbs(prose, self.language))
        self.pieces = frozenset[str]()
        unspaced = list(_unspaced(prose))
        if _KANA.search(prose):
            self.words += unspaced
            self.nouns.update(unspaced)
        else:
            self.pieces = frozenset(
                run[at : at + size]
                for run in unspaced
                for size in range(PHRASE_MIN_CHARACTERS, PHRASE_MAX_CHARACTERS + 1)
                for at in range(len(run) - size + 1)
            )


class _Known:
    """The nouns of each language: words that stand like nouns at least as often as like verbs.

    Args:
        read: All notes.
    """

    def __init__(self, read: Iterable[_Read]) -> None:
        self._nouns, verbs = dict[int, Counter[str]](), dict[int, Counter[str]]()
        for one in read:
            self._nouns.setdefault(id(one.language), Counter()).update(one.nouns)
            verbs.setdefault(id(one.language), Counter()).update(one.verbs)
        for language, nouns in self._nouns.items():
            done = verbs[language]
            for word in [word for word, count in nouns.items() if count < done[word]]:
                del nouns[word]

    def is_noun(self, word: str, language: NameWords) -> bool:
        """Whether the notes of a language know a word as a noun."""
        return word in self._nouns[id(language)]


def _runs(prose: str, language: NameWords) -> Iterator[_Run]:
    """Telling words in a row; a verb ends them, and what it is told of with them."""
    before, opens, end, run = "", True, 0, list[str]()
    opened = True
    for match in _TOKEN.finditer(prose):
        token = match.group()
        word = token.lower()
        opened = opened or "\n" in prose[end : match.start()]
        end = match.end()
        if _tells(token, word, language) and not _CUT_SHORT.match(prose, end):
            if not run:
                opens = opened
            acts = bool(run) and len(word) > 4 and word.endswith(("ed", "ly"))
            if not (acts and not language.capitalised_nouns):
                run.append(token)
                opened = False
                continue
        if run:
            yield _run(run, before, language, opens=opens, behind=word)
        before, run, opened = _before(before, word, language), [], token in _OPENING
    if run:
        yield _run(run, before, language, opens=opens, behind=".")


def _before(before: str, word: str, language: NameWords) -> str:
    """What stands before the next word: of "l'" the article, of "Ana's" the possessive."""
    if word in "'’" and before in language.determiners | language.prepositions:
        return before
    if language.adjectives_follow and word in language.determiners:
        if before in language.before_verb:
            return before  # a pronoun: "on me le rappelle"
    return _POSSESSIVE if word == "s" and before in ("'", "’") else word


def _run(words: list[str], before: str, language: NameWords, *, opens: bool, behind: str) -> _Run:
    return _Run(
        words,
        article=before in language.determiners or before == _POSSESSIVE,
        preposition=before in language.prepositions,
        opens=opens,
        behind=behind,
        closed=not (behind[0].isalpha() or behind in "/-'’")
        or behind in language.prepositions
        or behind in language.verb_forms
        or behind.endswith("ed"),
    )


def _tells(token: str, word: str, language: NameWords) -> bool:
    if len(token) < WORD_MIN_CHARACTERS or not token[0].isalpha():
        return False
    if word in language.verb_forms or word in titles() or word in ROLES:
        return False
    return not (names_nobody(word, language) or is_common_acronym(token))


def _nouns(runs: Iterable[_Run], language: NameWords) -> Iterator[str]:
    """The words that stand like nouns, as often as they do."""
    capitalised = [run for run in runs if language.capitalised_nouns]
    inside = {word.lower() for run in capitalised for word in run.words[run.opens :]}
    for run in runs:
        words = [word.lower() for word in run.words]
        if language.capitalised_nouns:
            last = len(words) - 1
            for at, word in enumerate(words):
                doubtful = run.opens and at == 0 and word not in inside
                doubtful = doubtful and not (run.behind in ".," and last == 0)
                if (
                    run.words[at][0].isupper()
                    and _is_noun(word, language)
                    # "Gelbes Heft" at the beginning of a sentence, "Abholen bis 16:30".
                    and not (at < last and re.fullmatch(language.adjectives, word))
                    and not (doubtful and re.fullmatch(language.infinitives, word))
                ):
                    yield word
            continue
        last = len(words) - 1
        yield from (
            word
            for at, word in enumerate(words)
            if _IDENTIFIER.fullmatch(word) and not (at < last and _HYPHENED.fullmatch(word))
        )
        if run.article or run.preposition:
            yield from _heads(run, language)


def _heads(run: _Run, language: NameWords) -> Iterator[str]:
    """The nouns that an article or a preposition announces."""
    words = _without_adjectives(run, language)
    while len(words) > 1 and _ADJECTIVE.fullmatch(words[0]):
        words.pop(0)
    if not words:
        return
    if language.adjectives_follow:
        kept = [word for word in words[:1] if run.article or not _is_infinitive(word, language)]
    elif len(words) == 1:
        kept = [w for w in words if run.article or not _is_infinitive(w, language)]
    elif run.closed and len(words) <= COMPOUND_MAX_WORDS:
        inflected = [at for at, word in enumerate(words) if _INFLECTED.fullmatch(word)]
        first, last = next(iter(inflected), -1), len(words) - 1
        ends = first == last and not run.parted  # "his contract ends on"
        kept = words[:1] if 0 <= first < last or ends else []  # "the importer drops rows"
        kept += words[-1:] if first != 0 and not ends else []
    else:
        kept = words[:1]
    alone = len(words) == 1 and run.article
    yield from (word for word in kept if _is_noun(word, language, alone=alone))


def _compounds(one: _Read, known: _Known) -> Iterator[str]:
    """Nouns in a row behind an article: "load test", "parental leave"."""
    language = one.language
    if language.capitalised_nouns or language.adjectives_follow:
        return
    for run in one.runs:
        if not ((run.article and run.closed) or (run.preposition and run.parted)):
            continue
        words = _without_adjectives(run, language)
        if not 2 <= len(words) <= COMPOUND_MAX_WORDS or not _is_noun(words[-1], language):
            continue
        if any(_INFLECTED.fullmatch(word) for word in words[:-1]):
            continue
        head = words[-1]
        acts = not run.parted and _INFLECTED.fullmatch(head) is not None
        if acts and not (known.is_noun(head, language) or known.is_noun(head[:-1], language)):
            continue
        yield " ".join(words)


def _without_adjectives(run: _Run, language: NameWords) -> list[str]:
    """The words of a run in small letters, without those around them that say nothing."""
    words = [word.lower() for word in run.words]
    while words and (
        _is_idle(words[0], language) or (len(words) > 1 and _PARTICIPLE.fullmatch(words[0]))
    ):
        words.pop(0)
    while words and _is_idle(words[-1], language):
        words.pop()
    if len(words) > COMPOUND_MAX_WORDS and _ADJECTIVE.fullmatch(words[0]):
        words.pop(0)
    return words


def _is_idle(word: str, language: NameWords) -> bool:
    return word in language.plain_words or word in language.verbs


def _verbs(prose: str, language: NameWords) -> Iterator[str]:
    """The words that stand like verbs: "to ship"."""
    before = ""
    for token in _TOKEN.findall(prose):
        word = token.lower()
        if before in language.before_verb:
            yield word
        before = word


def _is_infinitive(word: str, language: NameWords) -> bool:
    return bool(language.infinitives and re.fullmatch(language.infinitives, word))


def _is_noun(word: str, language: NameWords, *, alone: bool = False) -> bool:
    if _is_idle(word, language):
        return False
    if language.capitalised_nouns or language.adjectives_follow or len(word) <= 4:
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
