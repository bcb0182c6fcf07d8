"""Who words what evolution writes: the questions it asks, and the maker that leaves all to rules.

A writer only proposes. What the steps do by rule stands wherever it says nothing, so a writer
that cannot answer costs nothing but its answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, Protocol

from zettel.storage.notes import Note, fold

EVOLVED_MAX_TAGS = 12
"""Tags a note has at most once evolution has added some; the agent's own may be more."""

NO_COUNTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a writer would have a note say; an empty field leaves what is there."""

    context: str = ""
    """One sentence."""
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    """What the note answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A text to be composed of several notes."""

    sort: str
    """`GIST`, `SUMMARY`, `PROFILE` or `CONCEPT`."""
    notes: tuple[Note, ...]
    """At least one, of one namespace, none of which reads like instructions."""
    most: int
    """Bytes of UTF-8 it may have."""


Ruling = Literal["supersedes", "contradicts", "both"]
"""What holds of two notes: only the younger one, not both, or both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a writer finds of two notes that a rule has left open."""

    ruling: Ruling
    quote: str
    """The younger note's words that show it, to the letter but for case and white space."""


class Writer(Protocol):
    """Words notes anew; what it returns is checked against the notes it was shown."""

    @property
    def asks(self) -> bool:
        """Whether it asks somebody: that takes seconds a note, so little is begun at once."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What it did in this run, calls, tokens and fallbacks by reason: for the run's record."""
        ...

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Note construction (A-MEM, arXiv 2502.12110, section 3.1).

        Returns:
            Note id -> draft, for those of the notes it has one for.
        """
        ...

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> Mapping[str, Description]:
        """Memory evolution (A-MEM, section 3.3): neighbours in the light of a new note.

        Returns:
            Neighbour's id -> draft without questions, for those it has one for.
        """
        ...

    async def compose(self, piece: Piece) -> str:
        """What several notes come to; empty where it has nothing that holds."""
        ...

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, Verdict]:
        """Which of two notes holds, where a rule has left it open.

        Returns:
            Older note's id -> verdict, only where it is sure.
        """
        ...


class RuleWriter:
    """Leaves every note as the steps make it by rule."""

    asks = False
    counts = NO_COUNTS

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Nothing."""
        return {}

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> Mapping[str, Description]:
        """Nothing: neighbours' words in a note's text are worth less than they cost.

        They took up to 4 points of recall@10 from multi-hop questions (retrieval study).
        """
        return {}

    async def compose(self, piece: Piece) -> str:
        """Nothing: what is composed by rule quotes."""
        return ""

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, Verdict]:
        """Nothing: a rule's guess is for somebody else to settle."""
        return {}


RULE = RuleWriter()


def with_draft(note: Note, draft: Description) -> Note:
    """The note with what a draft says: the agent's context stays, its lists are only added to."""
    makers = dict(note.derived_by)
    context, lists = note.context, dict[str, tuple[str, ...]]()
    if draft.context and makers.get("context") != "agent":
        context, makers["context"] = draft.context, "llm"
    for name in ("keywords", "tags", "questions"):
        drafted: tuple[str, ...] = getattr(draft, name)
        given: tuple[str, ...] = getattr(note, name)
        agents = bool(given) and makers.get(name) == "agent"
        if drafted and not agents:
            lists[name], makers[name] = drafted, "llm"
        elif drafted:
            lists[name] = _added(given, drafted)
    return replace(note, context=context, derived_by=makers, **lists)


def _added(given: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    known = {fold(item) for item in given}
    new = [item for item in more if fold(item) not in known]
    return (*given, *new[: max(0, EVOLVED_MAX_TAGS - len(given))])
