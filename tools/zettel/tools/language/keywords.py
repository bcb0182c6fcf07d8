"""Keywords: the names and nouns of a note that are rare among its neighbours."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import regex as re

from zettel.storage.text.vocabulary import (
    LONG_LISTS,
    MODEL_LANGUAGE,
    is_listed,
    is_ordinary_english,
)
from zettel.tools.language.kept_readings import keep_last
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
KEYWORD_MAX_CHARACTERS = 128
"""A longer word is a dump, a key or encoded data."""
READ_MAX_CHARACTERS = 8_000
"""Characters of a text that are read."""
ASKED_WORDS = 8_192
"""Words kept with whether a list has them."""

_TOKEN = re.compile(
    r"(?<![\p{L}\p{N}])(?<!#(?=\p{AHex}{6}\b))"
    r"[\p{Latin}\p{Greek}\p{Cyrillic}][\p{Latin}\p{Greek}\p{Cyrillic}\p{M}\p{N}]*"
    r"(?:[-_.][\p{Latin}\p{Greek}\p{Cyrillic}\p{N}]+)*(?:(?<=n)['’]t\b)?|['’](?=\p{L})"
    r"|(?<![\p{L}\p{N}#])\p{N}+(?:[.,:]\p{N}+)*|[^\s\p{L}\p{N}]"
)
_WORD = re.compile(r"(?:[^\s'’.]|['’.](?!s?(?:\s|$)))+")
_HAN = re.compile(r"\p{Han}{2,}")
_KATAKANA = re.compile(r"[\p{Katakana}ー]{3,}")
_KANA = re.compile(r"\p{Hiragana}")
_NO_NOUN = re.compile(r".*(?:ly|(?<!e)ed|ing)")
_ADJECTIVE = re.compile(
    r".*(?:est|able|ible|ful|less|ous|ive|[^t]al|ic|ary|ish|wards?|ent|ier)|own|next|same"
)
"""Before a noun: "the earliest column"; by itself it may be one."""
_PARTICIPLE = re.compile(r"\p{L}{3,}ed")
_IDENTIFIER = re.compile(r".*[_\d-].*")
_NAMED_IN_CODE = re.compile(r"_|\w\.\w")
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
_ELIDED = "'"
_NO_VERB = "-"


def find_keywords(
    texts: Sequence[str], names: Sequence[Sequence[str]], background: Sequence[str]
) -> list[tuple[str, ...]]:
    """Find the nouns and names of each text with the highest TF-IDF (Spärck Jones 1972).

    A noun is what follows an article or the like somewhere in the notes; in English also what a
    sentence begins with before its verb, and what somebody is told to do or does something to, with
    the nouns right before it ("load test"); in French and Spanish with the noun that says of what
    sort it is ("mot de passe"); in German, what has a capital; in Chinese, a row of characters that
    returns; in Japanese, one of a single script.

    `background` are other notes, for the frequency of words.

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
        called = {part for name in named for part in _WORD.findall(name.lower())}
        words = [w for w in one.words if known.is_noun(w, one.language)]
        halves = {part for compound in compounds[text] for part in _parts(compound)}
        words = [w for w in words if w.removesuffix("s") not in called - {w} and w not in halves]
        words = compounds[text] + words + _repeated(one, holding)
        words += [name.lower() for name in named]
        counts = Counter(word for word in words if len(word) <= KEYWORD_MAX_CHARACTERS)
        weights = {
            word: (1 + math.log(count)) * math.log((1 + len(read)) / (1 + holding[word]) + 1)
            for word, count in counts.items()
        }
        best = sorted(weights, key=lambda word: (-weights[word], words.index(word)))
        found.append(tuple(_apart(best))[:NOTE_MAX_KEYWORDS])
    return found


@keep_last(ASKED_WORDS)
def names_rare_thing(keyword: str, language: str) -> bool:
    """Whether a keyword alone tells what a note is about: several words, or one that no list has.

    Lists have the ordinary words of six languages; a German compound of such words is rare where
    the list does not have it whole ("Webstuhl"). Words with digits are rather numbers than things.

    Args:
        keyword: As `find_keywords` gives it.
        language: Of the note, as `find_language` gives it; empty asks all lists for forms.
    """
    if not keyword.replace(" ", "").replace("-", "").replace("'", "").isalpha():
        return False
    if " " in keyword:
        return True
    # "subscriptions" is in the list without "s", and no form of "subscript".
    english = is_ordinary_english(keyword) or is_ordinary_english(keyword.removesuffix("s"))
    if language not in ("", MODEL_LANGUAGE, *LONG_LISTS) or english:
        return False
    asked = (language,) if language in LONG_LISTS else LONG_LISTS if not language else ()
    return not any(is_listed(keyword, one) for one in asked)


def behind_article(word: str, text: str) -> bool:
    """Whether an article or the like stands before a word in small letters: no name has one."""
    determiners = read_language(text).determiners
    before = "|".join(sorted(map(re.escape, determiners), key=len, reverse=True))
    says = rf"(?<!\w)(?:{before})['’ ]\s*(?:\p{{Ll}}+ )?{re.escape(word)}"
    return bool(determiners) and re.search(says, text, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class _Run:
    """Telling words in a row."""

    words: list[str]
    before: str
    """What stands before."""
    article: bool
    """Whether an article or the like stands before."""
    preposition: bool
    """Whether a preposition does."""
    verb_opens: bool
    """Whether the first of them is a verb: "I hate coriander"."""
    acted_on: bool
    """Whether a verb stands before, or before the article: "we store the oil paintings"."""
    opens: bool
    """Whether it opens a sentence."""
    begins: bool
    """Whether it does, or its article."""
    behind: str
    """The token behind, in small letters."""
    closed: bool
    """Whether a clause or the subject ends behind."""

    @property
    def verb(self) -> str:
        """The last word if that may be the verb of what stands behind, else `_NO_VERB`."""
        word = self.words[-1].lower()
        held = self.article or self.preposition
        acts = not held or (len(self.words) > 1 and _INFLECTED.fullmatch(word))
        return word if acts else _NO_VERB

    @property
    def parted(self) -> bool:
        """Whether a sign stands behind."""
        return self.behind in _PARTED


class _Read:
    """A text's words and those of them that stand like nouns."""

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
    """The nouns of each language: words that stand like nouns at least as often as like verbs."""

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
    earlier, before, opens, end, run = "", "", True, 0, list[str]()
    opened = True
    for match in _TOKEN.finditer(prose):
        token = match.group()
        word = token.lower().replace("’", "'")
        opened = opened or "\n" in prose[end : match.start()]
        end = match.end()
        tells = _tells(token, word, language) and not _CUT_SHORT.match(prose, end)
        ends = bool(run) and tells and _ends(run, token, word, language)
        if run and (ends or not tells):
            known = _run(run, (earlier, before), language, opens=opens, behind=word, named=ends)
            yield known
            earlier, before, run = before, known.verb, []
        if tells and not (ends and _is_past(word)):
            opens = opened if not run else opens
            run.append(token)
            opened = False
        else:
            earlier, before = before, _before(before, word, language)
            opened = token in _OPENING
    if run:
        yield _run(run, (earlier, before), language, opens=opens, behind=".")


def _ends(run: Sequence[str], token: str, word: str, language: NameWords) -> bool:
    """Whether a telling word ends a run: a verb or an adverb, or a name: "our cat Miso"."""
    if language.capitalised_nouns:
        return False
    named = (token[0].isupper() and token.isalpha()) or _NAMED_IN_CODE.search(token) is not None
    named = named and run[-1][0].islower() and not language.adjectives_follow
    return named or _is_past(word)


def _is_past(word: str) -> bool:
    return len(word) > 4 and word.endswith(("ed", "ly"))


def _before(before: str, word: str, language: NameWords) -> str:
    """What stands before the next word: of "l'" the article, of "Ana's" the possessive.

    A number behind an article is passed over.
    """
    if word in "'’" and before in language.determiners | language.prepositions:
        return before
    if word[0].isnumeric() and before in language.determiners:
        return before
    if language.adjectives_follow and word in language.determiners:
        if before in language.before_verb:
            return before  # a pronoun: "on me le rappelle"
    return _POSSESSIVE if word == "s" and before in ("'", "’") else word


def _run(
    words: list[str],
    before: tuple[str, str],
    language: NameWords,
    *,
    opens: bool,
    behind: str,
    named: bool = False,
) -> _Run:
    earlier, last = before
    article = last in language.determiners or last == _POSSESSIVE
    return _Run(
        words,
        before=last,
        article=article,
        preposition=last in language.prepositions,
        verb_opens=last in language.before_verb,
        acted_on=last in language.object_verbs or (article and _acts(earlier, language)),
        opens=opens,
        begins=opens or (article and earlier in _OPENING | {""}),
        behind=behind,
        closed=not (behind[0].isalpha() or behind in "/-'’")
        or named
        or behind in language.function_words
        or behind in language.verb_forms
        or behind.endswith("ed"),
    )


def _acts(word: str, language: NameWords) -> bool:
    """Whether a word right before an article does something to what follows."""
    if word in language.object_verbs or word in language.verb_forms:
        return True
    if word in language.clause_verbs or word in language.function_words:
        return False
    return word.isalpha() and word not in language.prepositions


def _tells(token: str, word: str, language: NameWords) -> bool:
    if len(token) < WORD_MIN_CHARACTERS or not token[0].isalpha():
        return False
    if word in language.verb_forms or word in titles() or word in ROLES:
        return False
    nobody = names_nobody(word, language) and word not in language.common_nouns
    return not (nobody or is_common_acronym(token))


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
                    and not (0 == at < last and run.opens and _is_adjective(run, language))
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
        yield from _heads(run, language)


def _is_adjective(run: _Run, language: NameWords) -> bool:
    first, second = run.words[:2]
    return second[0].isupper() and re.fullmatch(language.adjectives, first.lower()) is not None


def _heads(run: _Run, language: NameWords) -> Iterator[str]:
    """The nouns that an article, a preposition, a verb or the place in a sentence announces."""
    if not language.adjectives_follow:
        for phrase in _phrases(run, language):
            if phrase.doubtful and not (run.article or run.preposition):
                continue
            if _is_noun(phrase.words[-1], language, alone=len(run.words) == 1 and run.article):
                yield phrase.words[-1]
    elif run.article or run.preposition:
        words = _without_adjectives(run.words, language)
        if words and (run.article or not _is_infinitive(words[0], language)):
            if _is_noun(words[0], language):
                yield words[0]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Nouns in a row, in small letters."""

    words: list[str]
    doubtful: str = ""
    """The word behind that is another noun or the verb: "the contract ends on"."""


def _phrases(run: _Run, language: NameWords) -> Iterator[_Phrase]:
    """The nouns in a row of an English run: those before its verb and those behind."""
    words = [word.lower() for word in run.words]
    if run.article or run.preposition or run.acted_on:
        parts = _announced(run, words, language)
    elif words[0] in language.object_verbs and (run.verb_opens or run.opens):
        parts = [(words[1:], "")] if run.closed else []
    elif run.verb_opens:
        acts = run.closed and run.before not in language.before_place
        parts = [(words[1:], "")] if acts and _are_things(words[1:]) else []
    else:
        parts = _subject(run, words, language) if run.opens else []
    for part, doubtful in parts:
        told = _without_adjectives(part, language)
        if 1 <= len(told) <= COMPOUND_MAX_WORDS:
            yield _Phrase(told, doubtful)


def _announced(run: _Run, words: list[str], language: NameWords) -> list[tuple[list[str], str]]:
    """What an article, a preposition or a verb stands before, parted at its verb."""
    at, last = _first_inflected(words), len(words) - 1
    if run.acted_on or at < 0 or last == 0 or (at == last and _ends_in_noun(run, language)):
        return [(words if run.closed else words[:1], "")]
    if at == last:
        counted = run.behind[0].isnumeric() or run.behind in language.determiners
        return [(words[:-1], "" if counted else words[-1])]
    plural = words[at + 1] in language.object_verbs  # "the apple trees need"
    if at == 0 and not plural:
        return [(words[:1], "")]
    return [(words[: at + plural], ""), (words[at + 1 + plural :], "")]  # "the importer drops rows"


def _ends_in_noun(run: _Run, language: NameWords) -> bool:
    """Whether an inflected last word is a plural and no verb ("The repair stand wobbles.")."""
    if not run.article or _acts_behind(run, language):
        return True
    return run.parted and not (run.begins and run.behind in _OPENING)


def _first_inflected(words: Sequence[str]) -> int:
    """Where the first plural or verb in "s" stands; -1 for none."""
    return next((at for at, word in enumerate(words) if _INFLECTED.fullmatch(word)), -1)


def _subject(run: _Run, words: list[str], language: NameWords) -> list[tuple[list[str], str]]:
    """What a sentence without an article begins with: "Vaccine fridge must", "Rent is"."""
    if words[0] in language.openers:
        return []
    at, last = _first_inflected(words), len(words) - 1
    if 0 < at < last:
        # "Login tokens expire after", "Walnut dust irritates skin".
        plural = at == 1 and (last == 2 or words[2] in language.object_verbs)
        return [(words[: at + plural], ""), (words[at + 1 + plural :], "")]
    if _acts_behind(run, language) or (last > 0 and run.behind == ":"):
        return [(words, "")]
    if last > 0 and run.behind[0].isnumeric():  # "Parking costs 3 euros", "Ticket machine 2"
        return [(words[:-1] if at == last else words, "")]
    if at == 0 < last:
        return [(words[:1], "")]
    if last > 0 and run.behind in language.prepositions:
        return [(words[:-1], words[-1])] if at == last else [(words, "")]
    return []


def _acts_behind(run: _Run, language: NameWords) -> bool:
    """Whether a finite verb stands behind."""
    sorts = (language.auxiliaries, language.verb_forms, language.object_verbs)
    return any(run.behind in words for words in sorts) or run.behind.endswith("ed")


def _are_things(words: list[str]) -> bool:
    """Whether what stands behind some verb is no adjective: "we host log files"."""
    return len(words) > 1 or any(map(_INFLECTED.fullmatch, words))


def _compounds(one: _Read, known: _Known) -> Iterator[str]:
    """Nouns in a row: "load test", "parental leave"."""
    language = one.language
    if language.adjectives_follow:
        yield from _joined(one, language)
        return
    for run in [] if language.capitalised_nouns else one.runs:
        for phrase in _phrases(run, language):
            words, behind = phrase.words, phrase.doubtful
            sure = behind in language.plain_heads or known.is_noun(behind, language)
            if sure or known.is_noun(behind[:-1], language):
                words = [*words, behind][-COMPOUND_MAX_WORDS:]
            head = words[-1]
            if len(words) > 1 and (head in language.plain_heads or _is_noun(head, language)):
                yield " ".join(words)


def _joined(one: _Read, language: NameWords) -> Iterator[str]:
    """Two nouns of which the second has no article: "mot de passe", "bomba de agua"."""
    for first, second in pairwise(one.runs):
        joint = first.behind
        if joint not in language.joints or second.before != joint or len(first.words) > 1:
            continue
        head, kind = first.words[0].lower(), second.words[0]
        announced = first.article or first.preposition or first.opens
        if not announced or kind[0].isupper() or head in language.openers:
            continue
        if _is_noun(head, language) and _is_noun(kind, language):
            if not _is_infinitive(kind, language):
                yield f"{head} {joint}{' ' if len(joint) > 1 else _ELIDED}{kind}"


def _without_adjectives(told: Iterable[str], language: NameWords) -> list[str]:
    """The words of a run in small letters, without those around them that say nothing."""
    words = [word.lower() for word in told]
    while words and (
        _is_idle(words[0], language) or (len(words) > 1 and _PARTICIPLE.fullmatch(words[0]))
    ):
        if len(words) == 2 and words[0] in language.plain_kinds:
            break
        words.pop(0)
    while words and _is_idle(words[-1], language):
        if len(words) > 1 and words[-1] in language.plain_heads:
            break
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
    if word in language.nouns_like_verbs:
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


def _parts(word: str) -> list[str]:
    """The words of which a keyword consists, without "de"."""
    return [part for part in re.split(r"[\s'’]", word) if len(part) >= WORD_MIN_CHARACTERS]


def _apart(words: Iterable[str]) -> Iterator[str]:
    """The words, best first, without those of which a part was there before."""
    known = set[str]()
    for word in words:
        parts = {word, *_parts(word)}
        if known.isdisjoint(parts):
            known |= parts
            yield word
