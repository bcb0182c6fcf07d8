"""The contract of a writer, and the writer that leaves everything to rules.

A writer only proposes: where it returns nothing, the rule's text stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, Protocol

from zettel.storage.notes import CAUSED_BY, SAME_THING, SUPPORTS, Note, fold

EVOLVED_MAX_TAGS = 12
"""Tags of a note after evolution has added some; an agent may set more."""

NO_COUNTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Proposed fields of a note; an empty field keeps the existing value."""

    context: str = ""
    """One sentence."""
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    """Questions the note answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A text to be composed of several notes."""

    sort: str
    """`GIST`, `SUMMARY`, `PROFILE` or `CONCEPT`."""
    notes: tuple[Note, ...]
    """At least one, of one namespace; none reads like instructions."""
    most: int
    """Bytes of UTF-8."""


Ruling = Literal["supersedes", "contradicts", "both"]
"""The younger replaces the older; not both hold; both hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairVerdict:
    """A writer's decision on a pair that a rule has left open."""

    ruling: Ruling
    quote: str
    """Evidence in the younger note, verbatim but for case and white space."""


PROPOSED_RELATIONS = (SAME_THING, SUPPORTS, CAUSED_BY)
"""What a writer may say of two notes, besides that one replaces or contradicts the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedLink:
    """A relation of a new note to an earlier one."""

    relation: str
    """One of `PROPOSED_RELATIONS`."""
    reason: str
    """For a reader, in a few words that both notes bear out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourReading:
    """What a writer says of a new note's neighbours, by their ids."""

    drafts: Mapping[str, Description] = field(default_factory=dict[str, Description])
    """New descriptions, without questions."""
    links: Mapping[str, ProposedLink] = field(default_factory=dict[str, ProposedLink])
    verdicts: Mapping[str, PairVerdict] = field(default_factory=dict[str, PairVerdict])
    """On neighbours that the new note replaces or contradicts; never `both`."""


class Writer(Protocol):
    """Words notes; its results are checked against the notes it saw."""

    @property
    def asks(self) -> bool:
        """Whether it needs seconds per note, so that batches are small."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Calls, tokens and fallbacks by reason, for the run's record."""
        ...

    @property
    def answered(self) -> int:
        """Questions of this run that were answered."""
        ...

    @property
    def unanswered(self) -> Mapping[str, bool]:
        """Ids of the notes to ask about again -> whether the lost question may have cost tokens."""
        ...

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Note construction (A-MEM, arXiv 2502.12110, section 3.1).

        Returns:
            Note id -> description, where it has one.
        """
        ...

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> NeighbourReading:
        """Links and memory evolution (A-MEM, sections 3.2 and 3.3): a new note's neighbours."""
        ...

    async def compose(self, piece: Piece) -> str:
        """A text composed of several notes; empty if none passes the checks."""
        ...

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, PairVerdict]:
        """Decides pairs that a rule has left open.

        Returns:
            Older note's id -> verdict, where it is sure.
        """
        ...


class RuleWriter:
    """Proposes nothing."""

    asks = False
    counts = NO_COUNTS
    answered = 0
    unanswered: Mapping[str, bool] = MappingProxyType({})

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Nothing."""
        return {}

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> NeighbourReading:
        """Nothing: neighbours' words cost up to 4 points of multi-hop recall@10 (measured)."""
        return NeighbourReading()

    async def compose(self, piece: Piece) -> str:
        """Nothing: texts composed by rule quote."""
        return ""

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, PairVerdict]:
        """Nothing: open pairs stay open."""
        return {}


RULE = RuleWriter()


def with_draft(note: Note, draft: Description) -> Note:
    """The note with a description; an agent's context is kept, its lists are only extended."""
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
