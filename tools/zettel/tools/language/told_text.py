"""What a note's text says that another note may change, read once for many comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.addresses import Address, find_addresses
from zettel.tools.language.change_cues import (
    ChangeCue,
    find_change_cue,
    tells_of_now,
    tells_of_rest,
    value_words,
)
from zettel.tools.language.feedback import Feedback, read_feedback
from zettel.tools.language.kept_readings import keep_last
from zettel.tools.language.names import words_of_names
from zettel.tools.language.quantities import QuantityText
from zettel.tools.language.question_words import says_done
from zettel.tools.language.slots import SLOT_MAX_CHARACTERS, Sentence, named_numbers, read_sentences
from zettel.tools.language.speakers import find_speech
from zettel.tools.language.terms import TICKET, identifiers

KEPT_MAX_TEXTS = 500
"""Texts whose reading is kept: what a session tells is near what it told before. At most 17 MB,
34 KB each if everything is read of it (500 notes of months, November 2026)."""
KEPT_MAX_CHARACTERS = 2_000
"""Of a text that is kept."""

CHANGE_MAX_CHARACTERS = 240
"""Most characters of the sentences that tell of a change. In fourteen months of notes they have 207
at most where that is true; in 334 notes of the work on Zettel 19 of 47 where it is not have more
(November 2026)."""


class ToldText:
    """What is read of a note's text, each once: a note is compared with many, and again later."""

    def __init__(self, content: str, subject: str) -> None:
        self.content = content
        self._subject = subject

    @cached_property
    def cue(self) -> ChangeCue | None:
        """Its words of a change; none of a report, which tells of so many things in one go."""
        cue = self._cue
        return cue if cue and len(cue.told) <= CHANGE_MAX_CHARACTERS else None

    @property
    def says_change(self) -> bool:
        """Whether it has words of a change, or is a report with such words."""
        return self._cue is not None

    @cached_property
    def identifiers(self) -> set[str]:
        """Its names in code."""
        return identifiers(self.content)

    @cached_property
    def numbers(self) -> Mapping[str, set[str]]:
        """The numbers that it gives to names."""
        return named_numbers(self.content)

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """The addresses of computers, with their ports and versions."""
        return find_addresses(self.content, self.quantities.quantities.get("code", ()))

    @cached_property
    def sentences(self) -> Sequence[Sentence]:
        """What it states; of now its author alone states anything."""
        found = read_sentences(self.content)
        if any(one.of_now for one in found) and find_speech(self.content):
            return [replace(one, of_now=False) for one in found]
        return found

    @cached_property
    def quantities(self) -> QuantityText:
        """Its quantities, its subject included."""
        return QuantityText(self.content, self._subject)

    @cached_property
    def is_of_now(self) -> bool:
        """Whether it says that something is so when it is told."""
        return tells_of_now(self.content)

    @cached_property
    def is_at_rest(self) -> bool:
        """Whether it says that something rests for a time."""
        return len(self.content) <= SLOT_MAX_CHARACTERS and tells_of_rest(self.content)

    @cached_property
    def says_done(self) -> bool:
        """Whether it says that something is done."""
        return says_done(self.content)

    @cached_property
    def names(self) -> set[str]:
        """The words of the names in it, folded."""
        return words_of_names(self.content)

    @cached_property
    def tickets(self) -> set[str]:
        """The tickets that it names."""
        return {*TICKET.findall(self.content)}

    def says_done_of(self, tickets: set[str]) -> bool:
        """Whether a sentence with one of these tickets says that something is done."""
        if not self.says_done:
            return False
        told = (self.content[slice(*span)] for span in sentence_spans(self.content))
        return any(says_done(one) and not tickets.isdisjoint(TICKET.findall(one)) for one in told)

    @cached_property
    def feedback(self) -> Feedback | None:
        """What it asks to be done and left."""
        return read_feedback(self.content)

    @cached_property
    def _cue(self) -> ChangeCue | None:
        return find_change_cue(self.content)

    @cached_property
    def words(self) -> set[str]:
        """Words that tell what it is about or can be a value."""
        return value_words(self.content)


def told_text(content: str, subject: str) -> ToldText:
    """The text of a note; the same object again unless it is long."""
    long = len(content) > KEPT_MAX_CHARACTERS
    return ToldText(content, subject) if long else _kept(content, subject)


_kept = keep_last(KEPT_MAX_TEXTS)(ToldText)
