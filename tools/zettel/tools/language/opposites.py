"""Whether a text says the contrary of its sources, by words that exclude each other and by "not".

It sees what stands in words alone: "hated" where notes say "loved", "has a car" where they say "has
no car". The words of a language are a file in `opposite_words`: adding one takes no code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import regex as re
from pydantic import BaseModel, ConfigDict

from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.terms import terms
from zettel.tools.language.word_files import read_word_files, spell_words

REACH_MAX_WORDS = 3
"""Words between a "not" and the word that it turns: "did not really like it". Set by hand."""
ALIGNED_MIN_TERMS, ALIGNED_MIN_SHARE = 2, 0.5
"""Least terms, and share of a statement's, in a sentence that is about the same. Set by hand."""

_CLAUSE_ENDS = re.compile(r"[.!?;:,\n]|\b(?:and|but|because|while|although)\b")
_WORD = re.compile(r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}]+)?")


class _Table(BaseModel):
    """A language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inside: bool = False
    nots: tuple[str, ...] = ()
    feelings: Mapping[str, tuple[str, ...]] = {}
    pairs: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


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
    return False


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


@dataclass(frozen=True, slots=True)
class _Statement:
    """Terms of a sentence."""

    all: frozenset[str]
    asserted: frozenset[str]
    """Before any "not" of their clause."""
    denied: frozenset[str]
    """Next behind a "not": "has no car", "did not cut his hand"."""

    def disputes(self, other: "_Statement") -> bool:
        return bool(
            self.asserted & (other.denied - other.asserted)
            or (self.denied - self.asserted) & (other.asserted - other.denied)
        )


def _statements(text: str) -> list[_Statement]:
    """The sentences of a text that have a term, each once."""
    plain = _plain(text)
    read = (_read(plain[start:end]) for start, end in sentence_spans(plain))
    return [said for said in dict.fromkeys(read) if said.all]


def _read(sentence: str) -> _Statement:
    asserted, denied, nots = set[str](), set[str](), _nots()
    for clause in _CLAUSE_ENDS.split(sentence):
        found = nots.search(clause)
        asserted.update(terms(clause[: found.start()] if found else clause))
        denied.update(terms(clause[found.end() :])[:1] if found else ())
    return _Statement(frozenset(terms(sentence)), frozenset(asserted), frozenset(denied))


def _sides(text: str, sides: Sequence[re.Pattern[str]]) -> set[int]:
    """The sides that a text takes, 0 or 1, each turned by a "not" before its word."""
    return {
        1 - side if _is_denied(text, found.start()) else side
        for side, pattern in enumerate(sides)
        for found in pattern.finditer(text)
    }


def _is_denied(text: str, at: int) -> bool:
    clause = _CLAUSE_ENDS.split(text[max(0, at - 40 * REACH_MAX_WORDS) : at])[-1]
    nots = list(_nots().finditer(clause))
    return bool(nots) and len(_WORD.findall(clause[nots[-1].end() :])) <= REACH_MAX_WORDS


def _plain(text: str) -> str:
    return fold(text).replace("’", "'")


@cache
def _tables() -> Sequence[_Table]:
    return [_Table.model_validate(table) for table in read_word_files("opposite_words").values()]


@cache
def _nots() -> "re.Pattern[str]":
    return re.compile("|".join(spell_words(t.nots, inside=t.inside) for t in _tables()))


@cache
def _pairs() -> Sequence[_Pair]:
    found = list[_Pair]()
    for table in _tables():

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
