"""Whether a text says the contrary of its sources, by words that exclude each other and by "not".

It sees what stands in words alone: "hated" where notes say "loved", "has a car" where they say "has
no car". The words of a language are a file in `opposite_words`: adding one takes no code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.name_words import name_words
from zettel.tools.language.terms import TERM_CHARACTERS
from zettel.tools.language.time_words import is_day_month_or_count
from zettel.tools.language.word_files import (
    WordTable,
    spell_any,
    spell_words,
    word_tables,
)

REACH_MAX_WORDS = 3
"""Words between a "not" and the word that it turns: "did not really like it". Set by hand."""
ALIGNED_MIN_TERMS, ALIGNED_MIN_SHARE = 2, 0.5
"""Least terms, and share of a statement's, in a sentence that is about the same. Set by hand."""

COMPARED_MAX_CLAUSES = 160
"""Clauses of a text that are compared with each other's: of a note as it is shown to an LLM."""
STEM_MIN_CHARACTERS = 3
"""Least letters that are left of a word without its ending."""

_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")
_DAY_POINT = re.compile(r"(?<=[0-9])\.(?= (?P<month>\p{L}+))")
_BETWEEN_DIGITS = r"(?<![0-9])[.,:]|[.,:](?![0-9])"
_WORD = re.compile(r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}]+)?")
_OTHER_STATE = {"on": "off", "off": "on"}


class _Table(WordTable):
    """A language's file: `en.toml` explains it."""

    nots: tuple[str, ...] = ()
    bears_out_nots: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    pronouns: tuple[str, ...] = ()
    positions: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    routes: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    converses: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    feelings: Mapping[str, tuple[str, ...]] = {}
    pairs: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    cases: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    states: Mapping[str, tuple[str, ...]] = {}


_tables = word_tables("opposite_words", _Table)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sides that exclude each other, and what bears them out where one has to be told."""

    sides: tuple[re.Pattern[str], re.Pattern[str]]
    borne_out: tuple[re.Pattern[str], re.Pattern[str]] | None = None


def says_contrary(text: str, sources: Sequence[str]) -> bool:
    """Whether a text takes a side that its sources speak against, or a feeling none bears out.

    "Did not love" counts as the other side. Texts that are no statements, too: a question or a
    topic may presuppose what is untrue.
    """
    told, said = _plain(" \n".join(sources)), _plain(text)
    for pair in _pairs():
        taken = _sides(said, pair.sides)
        known = _sides(told, pair.sides) if taken else set[int]()
        for side in taken - known:
            if pair.borne_out and side not in _sides(told, pair.borne_out):
                return True
            if not pair.borne_out and 1 - side in known:
                return True
    return _takes_other_side(text, sources)


def are_of_other_environments(one: str, other: str) -> bool:
    """Whether a text is of production, say, and the other of staging alone."""
    return bool(find_other_case(one, [other], kinds=("environment",)))


def find_other_case(question: str, texts: Sequence[str], *, kinds: Sequence[str] = ()) -> str:
    """The case that a question names and no text, though the first tells of another; empty if none.

    Such as "staging", where the nearest note is of production.

    The texts are those that may answer, the best first; with `kinds`, the case is of one of these.
    """
    asked = _plain(question)
    for cases in (cases for kind, cases in _cases().items() if not kinds or kind in kinds):
        meant = {case: found[0] for case, words in cases.items() if (found := words.search(asked))}
        if not meant:
            continue
        told = [{case for case, words in cases.items() if words.search(_plain(t))} for t in texts]
        if told and told[0] and meant.keys().isdisjoint(set[str]().union(*told)):
            return next(iter(meant.values()))
    return ""


@cache
def _cases() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    """Kind by kind, the words of each case in all languages."""
    tables = _tables().values()
    kinds = dict.fromkeys(kind for table in tables for kind in table.cases)
    return {kind: _spelled((t, t.cases.get(kind, {})) for t in tables) for kind in kinds}


@cache
def _states() -> Mapping[str, re.Pattern[str]]:
    """The words of each state in all languages."""
    return _spelled((table, table.states) for table in _tables().values())


def _spelled(
    told: Iterable[tuple[_Table, Mapping[str, Sequence[str]]]],
) -> Mapping[str, re.Pattern[str]]:
    """Name -> its words in all languages, of languages with the words that each has for names."""
    patterns = dict[str, list[str]]()
    for table, words_of in told:
        for name, words in words_of.items():
            patterns.setdefault(name, []).append(spell_words(words, inside=table.inside))
    return {name: re.compile("|".join(spelled)) for name, spelled in patterns.items()}


def find_other_state(younger: str, older: str) -> tuple[str, str] | None:
    """What a text tells as on that an older one tells as off, or the other way; None if nothing.

    Of two texts about one thing, in the words of the older and of the younger: "night_windows is on
    in production", "is off in production, on in staging". What a text tells of no place is compared
    with all that the other tells.
    """
    new, old = _told_states(younger), _told_states(older)
    for place in new:
        places = (place,) if place and "" not in old else old
        before = {state: word for where in places for state, word in old.get(where, {}).items()}
        if before and new[place].keys().isdisjoint(before):
            return next(iter(before.values())), next(iter(new[place].values()))
    return None


def _told_states(text: str) -> Mapping[str, Mapping[str, str]]:
    """Where, empty if it is not said -> the states that a text tells, in its words."""
    found = dict[str, dict[str, str]]()
    for clause in _parts().split(_plain(text), maxsplit=COMPARED_MAX_CLAUSES):
        for state, words in _states().items():
            if there := words.search(clause):
                denied = _is_denied(clause, there.start())
                told = _OTHER_STATE[state] if denied else state
                for place in _places(clause, there.end()):
                    found.setdefault(place, {})[told] = f"{'not ' * denied}{there[0]}"
    return found


def _places(clause: str, behind: int) -> list[str]:
    """The environments of a clause, or the first word behind a state that tells anything."""
    named = [p for p, words in _cases()["environment"].items() if words.search(clause)]
    rest = (word for word in _WORD.findall(clause[behind:]) if word not in small_words())
    return named or [next((word for word in rest if not is_day_month_or_count(word)), "")]


@cache
def _parts() -> "re.Pattern[str]":
    """What parts the clauses of a sentence; not a colon: "production: off, staging: on"."""
    return re.compile(rf"[;\n]|(?<![0-9])[.,]|[.,](?![0-9])|{_any_word('joins').pattern}")


def _takes_other_side(text: str, sources: Sequence[str]) -> bool:
    """Whether a clause takes one side of a pair and the source clauses nearest to it the other."""
    pairs = [pair for pair in _pairs() if not pair.borne_out and _sides(_plain(text), pair.sides)]
    clauses = _clauses("\n".join(sources)) if pairs else []
    told = [(frozenset(word_stems(clause)), clause) for clause in clauses]
    for said in _clauses(text) if told else ():
        for pair in pairs:
            taken = _sides(said, pair.sides)
            for side in taken:
                stems = frozenset(word_stems(pair.sides[0].sub(" ", pair.sides[1].sub(" ", said))))
                most = max((len(stems & other) for other, _ in told), default=0)
                if not stems or most < ALIGNED_MIN_SHARE * len(stems):
                    continue
                near = [
                    _sides(clause, pair.sides)
                    for other, clause in told
                    if len(stems & other) == most
                ]
                if all(1 - side in known and side not in known for known in near):
                    return True
    return False


def _clauses(text: str) -> list[str]:
    parts = clause_ends().split(_plain(text), maxsplit=COMPARED_MAX_CLAUSES)
    return [clause for clause in parts[:COMPARED_MAX_CLAUSES] if clause.strip()]


def denies_otherwise(text: str, sources: Sequence[str]) -> bool:
    """Whether a statement asserts what the sentence next to it denies, or denies what it asserts.

    For every sentence of the text the sentences of the sources with most terms of it are read; it
    is enough that one of them says the same.
    """
    told = _statements("\n".join(sources))
    for said in _statements(text):
        shared = [len(said.all & other.all) for other in told]
        most = max(shared, default=0)
        if most < max(ALIGNED_MIN_TERMS, ALIGNED_MIN_SHARE * len(said.all)):
            continue
        nearest = [other for other, count in zip(told, shared, strict=True) if count == most]
        if all(said.disputes(other) for other in nearest):
            return True
    return False


def adds_denial(text: str, sources: Sequence[str]) -> bool:
    """Whether a sentence negates what its sources state without a negation.

    The source sentences that share most terms decide; "only", "stopped" or "refused" in them
    justify a "not".
    """
    told = [(sentence, _read(sentence)) for sentence in _sentences("\n".join(sources))]
    for sentence in _sentences(text):
        said = _read(sentence)
        least = max(ALIGNED_MIN_TERMS, ALIGNED_MIN_SHARE * len(said.all))
        near = [other for other, read in told if len(said.all & read.all) >= least]
        denials = [clause for clause in map(_read, _clauses(sentence)) if clause.denies]
        for denial in denials if near else ():
            if not any(_bears_out(other, denial) for other in near):
                return True
    return False


def _bears_out(sentence: str, denial: "_Statement") -> bool:
    """Whether a source sentence negates, or restricts, the clause that shares most terms."""
    clauses = list(map(_read, _clauses(sentence)))
    most = max((len(clause.all & denial.all) for clause in clauses), default=0)
    beside = [clause for clause in clauses if len(clause.all & denial.all) == most]
    return any(clause.denied & denial.all for clause in clauses) or any(
        clause.denies or clause.restricted - denial.all for clause in beside
    )


def word_stems(text: str) -> list[str]:
    """Beginnings of a text's words without the small words of any language, in order."""
    return [stem for word in _WORD.findall(_plain(text)) if (stem := word_stem(word))]


def word_stem(word: str) -> str:
    """The beginning of a word in small letters, without its ending; empty for a small word."""
    word = word.removesuffix("'s")
    if word in small_words():
        return ""
    bare = _ENDING.sub("", word.removesuffix("ies") + "y" if word.endswith("ies") else word)
    return (bare if len(bare) >= STEM_MIN_CHARACTERS else word)[:TERM_CHARACTERS]


def is_article(word: str, language: str) -> bool:
    """Whether a word in small letters stands before a noun."""
    return _words(language, "articles").fullmatch(word) is not None


def is_conjunction(word: str, language: str) -> bool:
    """Whether a word in small letters begins another clause."""
    return _words(language, "joins").fullmatch(word) is not None


def is_pronoun(word: str, language: str) -> bool:
    """Whether a word in small letters is a pronoun, maybe with its verb: "she", "I'm"."""
    pattern = _words(language, "pronouns")
    return any(pattern.fullmatch(part) for part in (word, word.partition("'")[0]))


@cache
def _words(language: str, kind: str) -> "re.Pattern[str]":
    words: tuple[str, ...] = getattr(_tables().get(language, _Table()), kind)
    return re.compile("|".join(words) or "(?!)")


@cache
def positions() -> Sequence[tuple["re.Pattern[str]", "re.Pattern[str]"]]:
    """Pairs of prepositions of which one excludes the other: before, after."""
    return [_two_sides(table, pair) for table in _tables().values() for pair in table.positions]


@cache
def routes() -> Sequence[tuple["re.Pattern[str]", "re.Pattern[str]"]]:
    """Pairs of prepositions for a start and an end: from, to."""
    return [_two_sides(table, pair) for table in _tables().values() for pair in table.routes]


@cache
def converses() -> Sequence[tuple["re.Pattern[str]", "re.Pattern[str]"]]:
    """Pairs of converse verbs: to buy, to sell."""
    return [_two_sides(table, pair) for table in _tables().values() for pair in table.converses]


def _two_sides(
    table: _Table, pair: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple["re.Pattern[str]", "re.Pattern[str]"]:
    one, other = (re.compile(spell_words(words, inside=table.inside)) for words in pair)
    return one, other


@cache
def small_words() -> frozenset[str]:
    """The function words of the languages with spaces."""
    return frozenset[str]().union(*(words.function_words for words in name_words().values()))


@dataclass(frozen=True, slots=True)
class _Statement:
    """Terms of a sentence."""

    all: frozenset[str]
    asserted: frozenset[str]
    """Before any "not" of their clause."""
    denied: frozenset[str]
    """Next behind a "not": "has no car", "did not cut his hand"."""
    denies: bool
    restricted: frozenset[str]
    """Words that bear a "not" out: "only", "lost"."""

    def disputes(self, other: "_Statement") -> bool:
        asserts = not self.restricted and self.asserted & (other.denied - other.asserted)
        denied = self.denied - self.asserted
        bears_out = other.restricted - denied or other.denied & self.all - self.asserted
        denies = not bears_out and denied & (other.asserted - other.denied)
        return bool(asserts or denies)


def _statements(text: str) -> list[_Statement]:
    """The sentences of a text that have a term, each once."""
    return [said for said in dict.fromkeys(map(_read, _sentences(text))) if said.all]


def _sentences(text: str) -> list[str]:
    plain = _plain(text)
    return [plain[start:end] for start, end in sentence_spans(plain)]


def _read(sentence: str) -> _Statement:
    asserted, denied, nots = set[str](), set[str](), _nots()
    hints = _any_word("bears_out_nots")
    for clause in clause_ends().split(sentence):
        found = nots.search(clause)
        before = word_stems(clause[: found.start()] if found else clause)
        behind = word_stems(clause[found.end() :]) if found else []
        # "Bones: no", "er isst Fleisch nicht".
        lone = bool(found) and not behind
        asserted.update(before[:-1] if lone else before)
        denied.update(before[-1:] if lone else behind[:1])
    return _Statement(
        frozenset(word_stems(sentence)),
        frozenset(asserted),
        frozenset(denied),
        nots.search(sentence) is not None,
        frozenset(word_stem(found[0]) or found[0] for found in hints.finditer(sentence)),
    )


def _sides(text: str, sides: Sequence[re.Pattern[str]]) -> set[int]:
    """The sides that a text takes, 0 or 1, each turned by a "not" before its word."""
    return {
        1 - side if _is_denied(text, found.start()) else side
        for side, pattern in enumerate(sides)
        for found in pattern.finditer(text)
    }


def _is_denied(text: str, at: int) -> bool:
    clause = clause_ends().split(text[max(0, at - 40 * REACH_MAX_WORDS) : at])[-1]
    nots = list(_nots().finditer(clause))
    return bool(nots) and len(_WORD.findall(clause[nots[-1].end() :])) <= REACH_MAX_WORDS


def _plain(text: str) -> str:
    return without_day_points(fold(text).replace("’", "'"))


def without_day_points(text: str) -> str:
    """The text without the point between a day and its month, which ends no sentence."""

    def without(found: "re.Match[str]") -> str:
        return found[0][1:] if is_day_month_or_count(fold(found["month"])) else found[0]

    return _DAY_POINT.sub(without, text)


@cache
def _nots() -> "re.Pattern[str]":
    return _any_word("nots")


@cache
def clause_ends() -> "re.Pattern[str]":
    """What parts the clauses of a sentence in small letters."""
    return re.compile(rf"[!?;\n]|{_BETWEEN_DIGITS}|{_any_word('joins').pattern}")


@cache
def _any_word(*kinds: str) -> "re.Pattern[str]":
    """A pattern of the words of these kinds in every language."""
    return re.compile(spell_any(_tables().values(), *kinds))


@cache
def _pairs() -> Sequence[_Pair]:
    found = list[_Pair]()
    for table in _tables().values():

        def spelled(words: Sequence[str], *, inside: bool = table.inside) -> "re.Pattern[str]":
            return re.compile(spell_words(words, inside=inside))

        found += [_Pair((spelled(one), spelled(other))) for one, other in table.pairs]
        if table.feelings:
            feel = table.feelings
            claims = (feel["for"], feel["against"])
            borne = (feel["bears_out_for"], feel["bears_out_against"])
            sides = (spelled(claims[0]), spelled(claims[1]))
            both = (spelled((*claims[0], *borne[0])), spelled((*claims[1], *borne[1])))
            found.append(_Pair(sides, both))
    return found
