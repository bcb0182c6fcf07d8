"""The stored values: notes, links, times, usage, runs."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import regex


class Kind(StrEnum):
    """A note's kind of memory.

    Core, episodic and semantic as in Mem-alpha, working as in HiAgent, concepts as in ArcMemo.
    """

    WORKING = "working"
    EPISODIC = "episodic"
    SEMANTIC = "semantic"
    PROCEDURAL = "procedural"
    CORE = "core"
    CONCEPT = "concept"


class State(StrEnum):
    """A note's state; recall shows only `ACTIVE` notes by default."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"
    FORGOTTEN = "forgotten"


SCHEDULER = "scheduler"
"""`Note.changed_by` of evolution's revisions."""
MOVE = "move"
"""`Note.change` of a note that went to another namespace without the others of its own."""
MERGE = "merge"
"""`Note.change` of a note that another namespace took over; `Run.kind` of both is the same."""
UNDO = "undo"
"""`Note.change` and `Run.kind` of taking a run back."""
WITHDRAW = "withdraw"
"""`Note.change` of revisions that take a composed note out of recall with its source."""
FOLLOWING_CHANGES = frozenset({"revive", "fold", WITHDRAW, "unlearn"})
"""`Note.change` of revisions that follow from a change to another note."""
_NOT_TOLD = FOLLOWING_CHANGES | {MOVE, MERGE, UNDO}

SUPERSEDES = "supersedes"
SAME_AS = "same_as"
"""To a note that says the same: the note that has the link is archived in its favour."""
PART_OF = "part_of"
ANSWERS = "answers"
SHARES_NAME = "shares_name"
SIMILAR = "similar"
CONTRADICTS = "contradicts"
MAY_SUPERSEDE = "may_supersede"
MAY_CONTRADICT = "may_contradict"
OPEN_RELATIONS = (MAY_SUPERSEDE, MAY_CONTRADICT)
"""A rule's guesses for an agent to decide; they change no state and hide nothing."""
NEEDS_REVIEW = "needs-review"
"""As a tag in a filter: also notes with an open relation."""
REVISED_BY = "revised_by"
"""To a note that an LLM used to revise this one's context, keywords and tags."""
DERIVED_FROM = "derived_from"
CAUSED_BY = "caused_by"
SUPPORTS = "supports"
"""The linked note is the reason for this one, or is confirmed by it."""
SAME_THING = "same_thing"
"""Both notes are about one particular thing: an LLM says so, or they share an uncommon keyword."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A directed, typed edge, stored in the row of its source note."""

    to: str
    """Note id."""
    relation: str
    weight: float = 1.0
    """In `[0, 1]`."""
    reason: str = ""
    made_by: str = "agent"
    """`agent`, `rule` or `llm`."""
    made_at: datetime
    """UTC, timezone-aware."""
    valid_from: datetime | None = None
    """When it became true; None means as long as both notes."""
    valid_until: datetime | None = None
    """When it was removed; None while it is valid."""

    def stood(self, at: datetime | None) -> bool:
        """Whether it was valid at a moment; None means now, where an ended link is not."""
        if at is None:
            return self.valid_until is None
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_until is None or at < self.valid_until)

    @property
    def is_taught(self) -> bool:
        """Whether an LLM reworded its note in the light of the other."""
        return self.relation == REVISED_BY and self.made_by == "llm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time the text mentions, resolved: `[start, end)`, UTC, timezone-aware."""

    start: datetime
    end: datetime
    phrase: str
    """The words it was parsed from."""


EVOLUTION = "evolution"
"""`Origin.transport` of notes composed by evolution."""
GIST, SUMMARY, PROFILE, CONCEPT = "gist", "summary", "profile", "concept"
PROPOSED_RULE, PROPOSED_FACT = "proposed-rule", "proposed-fact"
"""Sorts of composed notes: their tag and `Origin.principal`. A proposed rule or fact waits for
somebody to keep or to forget it."""
OFFERED_SORTS = (PROPOSED_RULE, PROPOSED_FACT)
DERIVED_TAGS = frozenset({GIST, SUMMARY, PROFILE, CONCEPT, *OFFERED_SORTS})
DERIVED_KINDS = frozenset({Kind.CORE, Kind.CONCEPT})
"""A filter for one of these tags or kinds also returns composed notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The author of a note, set by the server."""

    client: str = ""
    transport: str = ""
    principal: str = ""


STEP_SEPARATOR = ", "
"""Between the steps in `Note.change`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One revision of one remembered text. All datetimes are UTC and timezone-aware."""

    note_id: str
    """ULID, made before the write; its time is when the note was written."""
    rev: int = 1
    """1 and up, without gaps."""
    namespace: str
    current: bool = True

    content: str
    """The agent's words, verbatim; evolution never changes them."""
    context: str = ""
    subject: str = ""
    tags: tuple[str, ...] = ()
    kind: Kind = Kind.EPISODIC
    session: str = ""
    source: str = ""

    keywords: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    times: tuple[Span, ...] = ()
    questions: tuple[str, ...] = ()
    summary: str = ""
    derived_by: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field name -> `agent`, `rule` or `llm`, for `context`, `tags` and the derived fields."""

    links: tuple[Link, ...] = ()

    happened_at: datetime
    valid_from: datetime
    valid_until: datetime | None = None
    known_from: datetime
    known_to: datetime | None = None
    """None while this is the current revision."""
    ended_at: datetime | None = None
    """On a closed row: the world changed then."""
    corrected: bool = False
    """On a closed row: it was never true."""

    state: State = State.ACTIVE
    importance: float = 0.5
    """In `[0, 1]`."""
    origin: Origin = field(default_factory=Origin)
    trust: float = 1.0
    """In `[0, 1]`."""
    changed_by: str = ""
    """Author of this revision: a client's name, or `scheduler`."""
    change: str = "remember"
    """The tool that made this revision, or the steps of evolution, joined by `STEP_SEPARATOR`."""
    reason: str = ""
    run_id: str = ""
    embed_model: str = ""
    """Model of the vectors; empty until embedded."""
    stage: int = 0
    """Evolution steps that have processed this revision; 0 after a tool wrote it."""

    @property
    def row_id(self) -> str:
        """Key of the table: `note_id@rev`."""
        return f"{self.note_id}@{self.rev}"

    @property
    def steps(self) -> tuple[str, ...]:
        """What made this revision: a tool, or steps of evolution in their order."""
        return tuple(self.change.split(STEP_SEPARATOR))

    @property
    def told(self) -> bool:
        """Whether a caller made this revision, alone or in a run, such as an import.

        Else evolution did, a move to another namespace, an undo, or what follows from them.
        """
        if self.changed_by == SCHEDULER:
            return False
        return not self.run_id or self.change not in _NOT_TOLD

    @property
    def open(self) -> bool:
        """Whether an open relation waits for an agent."""
        return any(link.relation in OPEN_RELATIONS and link.stood(None) for link in self.links)

    @property
    def derived(self) -> bool:
        """Whether evolution composed it from other notes."""
        return self.origin.transport == EVOLUTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The fields of a current note that ranking needs."""

    note_id: str
    namespace: str
    session: str
    subject: str
    happened_at: datetime
    kind: Kind
    content: str
    tags: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    times: tuple[Span, ...] = ()
    valid_until: datetime | None = None
    principal: str = ""
    """Of its origin."""
    source: str = ""
    trust: float = 1.0


def outline_of(note: Note) -> Outline:
    """The outline of a note."""
    return Outline(
        note_id=note.note_id,
        namespace=note.namespace,
        session=note.session,
        subject=note.subject,
        happened_at=note.happened_at,
        kind=note.kind,
        content=note.content,
        tags=note.tags,
        entities=note.entities,
        times=note.times,
        valid_until=note.valid_until,
        principal=note.origin.principal,
        source=note.source,
        trust=note.trust,
    )


class Hit(NamedTuple):
    """One arm's result: raw score, higher is better, comparable within one call only."""

    note_id: str
    score: float


def make_hits(note_ids: Iterable[str], scores: Iterable[float]) -> Iterator[Hit]:
    """Hits of as many ids as scores, in half of the time that calling `Hit` for each takes."""
    made: Callable[[tuple[str, float]], Hit] = partial(tuple.__new__, Hit)  # pyright: ignore[reportUnknownMemberType]
    return map(made, zip(note_ids, scores, strict=True))


def best_first(hits: Iterable[Hit]) -> list[Hit]:
    """Hits by score, those of equal score by id."""
    return sorted(sorted(hits, key=itemgetter(0)), key=itemgetter(1), reverse=True)


@dataclass(frozen=True, slots=True)
class Near:
    """A note near a vector."""

    outline: Outline
    score: float
    """Cosine of its best passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How often a note was recalled (MemoryBank, arXiv 2305.10250: strength grows with recall)."""

    note_id: str
    strength: float
    """Days; S in retention = exp(-elapsed / S) (Ebbinghaus 1885, as in MemoryBank)."""
    recalled_at: datetime
    recall_count: int


BEGUN = "begun"
"""`Run.outcome` of an import, a backup or an export until it ends; for good, if it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evolution run, erasure or administrative command; never a note's text."""

    run_id: str
    kind: str
    who: str
    started_at: datetime
    ended_at: datetime
    counts: Mapping[str, int]
    outcome: str
    """`done`, `cancelled`, `failed`, `BEGUN`, or `budget` when it stopped early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Number of current notes per subject, tag and namespace."""

    subjects: Mapping[str, int]
    tags: Mapping[str, int]
    namespaces: Mapping[str, int]


def fold(text: str) -> str:
    """Normalise text so that repeats of the same words are equal.

    NFKC (Unicode UAX #15), case folding, and every run of white space as one space.
    """
    return " ".join(normalise(text).casefold().split())


SORTED_FROM_CHARACTERS = 256
"""Length from which `normalise` looks for long runs of combining marks."""
_MANY_MARKS = regex.compile(r"[\p{M}\p{Lm}]{64}")
"""More marks than any script puts on a letter (UAX #15, section 13, allows 30)."""


def normalise(text: str) -> str:
    """NFKC in linear time: Python's takes the square of a run of combining marks."""
    if text.isascii():
        return text
    if len(text) >= SORTED_FROM_CHARACTERS and _MANY_MARKS.search(text):
        # Decomposed and in canonical order already, which leaves the result the same.
        order = unicodedata.combining
        apart = "".join(unicodedata.normalize("NFKD", character) for character in text)
        runs = groupby(apart, key=lambda character: order(character) > 0)
        text = "".join("".join(sorted(run, key=order)) for _, run in runs)
    return unicodedata.normalize("NFKC", text)


def fold_hash(content: str) -> str:
    """128 bits of BLAKE2b (RFC 7693) over the folded content, in hex: the exact-repeat key."""
    return blake2b(fold(content).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a note stands in a list by time, whether or not it is still there."""

    happened_at: datetime
    note_id: str


def order_key(note: Note | Outline | Place) -> tuple[datetime, str]:
    """Session order: when it happened, then when it was written."""
    return (note.happened_at, note.note_id)
