"""Word lists of a language that separate an order from a report by the words around a verb.

The lists are those of a file in `order_words`: `teller` makes a report of a verb after it ("we
never send"), `between` may stand between the two, and after an `opener` an order can begin; an
opener of two words is known by both of them. A name of an agent after a word of `addressing`
and before a colon says whom a text is for. Right behind a word of `before_noun` no verb stands
("the dump"). `follower` makes a report of a verb before it ("ab jetzt schreibe ich"), and a
verb with an ending of `reporting` is an order only as the first of its clause, while its other
verbs report only beside a teller or follower, as do those with an ending of `ordering`. A verb
with an ending of `final` may stand far behind its subject: it is a report where a `helper`
("muss") stands in its clause. Where a meaning of `wary` stands in its clause, a verb of no
known teller is an order. In a language that writes without spaces, `told` are the endings of a
verb that reports, unless `untold` follows, and a word of `toward` before a teller says that it
is not who acts; a `surname` begins a name of two or three characters, a teller where it is the
first of its clause. A `negator` right before a verb, or `negated` right behind it, forbids what
the verb says; in other languages a `negator` in front of "without asking" does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast

GUARD_LISTS: Final = frozenset(
    "teller between opener addressing before_noun follower reporting ordering article final helper"
    " wary surname toward told untold negator negated".split()
)
_CLAUSE_CHARACTERS = 40
_CLAUSE_END = re.compile(r"[.!?;:,\n。！？；：，।؟،]")
_WALK = 6
_SUBJECT_WORDS = 4
"""Most words of a subject, with its article: more may be a sentence before an order."""


@dataclass(frozen=True)
class Guard:
    """The lists of one language."""

    bit: int
    """Stands in the mask of each verb of the language."""
    lists: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, bit: int, table: Mapping[str, object], spell: Callable[[str], str]) -> "Guard":
        """The guard of the table of a language."""
        lists = {name: cast("list[str]", table.get(name, ())) for name in GUARD_LISTS}
        return cls(bit, {name: frozenset(map(spell, terms)) for name, terms in lists.items()})

    def must_be_told(self, verb: str) -> bool:
        """Whether a verb is an order where no known word reports it."""
        return bool(self.lists["reporting"]) or verb.endswith(tuple(self.lists["ordering"]))

    def is_between(self, word: str, before: str) -> bool:
        """Whether a word, with the one before it, may stand between a verb and its subject."""
        if f"{before} {word}" in self.lists["opener"]:
            return False
        return word in self.lists["between"] or word.endswith("ly")

    def opens(self, word: str, before: str) -> bool:
        """Whether an order can begin after a word, with the one before it."""
        opener = self.lists["opener"]
        return word in opener or f"{before} {word}" in opener

    def has_subject(self, clause: Sequence[str]) -> bool:
        """Whether the words before a verb are its subject: an article and a few words."""
        first, apostrophe, _ = clause[0].partition("'") if clause else ("", "", "")
        words = len(clause) + len(apostrophe)  # "l'impresa" is two
        return first + apostrophe in self.lists["article"] and 1 < words <= _SUBJECT_WORDS

    def is_report(self, verb: str, after: str) -> bool:
        """Whether a verb reports by its ending or by the word after it."""
        return after in self.lists["follower"] or verb.endswith(tuple(self.lists["reporting"]))

    def reports_inside(self, simple: str, at: int, end: int) -> bool:
        """Whether somebody does what a verb says that stands within a run of characters."""
        clause = _CLAUSE_END.split(simple[max(0, at - _CLAUSE_CHARACTERS) : at])[-1]
        if self._tellers_before.search(clause) or clause.endswith(self._before_noun):
            return True
        return bool(self._told.match(simple, end) and self._teller_within.search(clause))

    @cached_property
    def _tellers_before(self) -> re.Pattern[str]:
        tellers, between = _any_of(self.lists["teller"]), _any_of(self.lists["between"])
        toward = "".join(f"(?<!{re.escape(word)})" for word in self.lists["toward"])
        name = rf"^(?:{_any_of(self.lists['surname'])})\w{{1,2}}?"
        return re.compile(f"(?:{name}|{toward}(?:{tellers}))(?:{between}){{0,{_WALK}}}$")

    def forbids_inside(self, simple: str, at: int, end: int) -> bool:
        """Whether what a verb says that stands within a run of characters is forbidden."""
        return simple.endswith(self._negators, 0, at) or bool(self._negated.match(simple, end))

    @cached_property
    def _before_noun(self) -> tuple[str, ...]:
        return tuple(self.lists["before_noun"])

    @cached_property
    def _negators(self) -> tuple[str, ...]:
        return tuple(self.lists["negator"])

    @cached_property
    def _negated(self) -> re.Pattern[str]:
        return re.compile(_any_of(self.lists["negated"]))

    @cached_property
    def _teller_within(self) -> re.Pattern[str]:
        return re.compile(f"(?:{_any_of(self.lists['teller'])})、?[^、]*$")

    @cached_property
    def _told(self) -> re.Pattern[str]:
        told, untold = _any_of(self.lists["told"]), _any_of(self.lists["untold"])
        return re.compile(f"(?:{told})(?!{untold})")


def _any_of(terms: frozenset[str]) -> str:
    """The longest that fits; nothing fits none."""
    return "|".join(map(re.escape, sorted(terms, key=len, reverse=True))) or r"(?!)"
