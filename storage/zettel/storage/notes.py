"""The values Zettel keeps: a note's revision, its links and times, and what stands beside notes."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b


class Kind(StrEnum):
    """What sort of memory a note is.

    Core, episodic and semantic as in Mem-alpha, working as in HiAgent, concepts as in ArcMemo.
    """

    WORKING = "working"
    EPISODIC = "episodic"
    SEMANTIC = "semantic"
    PROCEDURAL = "procedural"
    CORE = "core"
    CONCEPT = "concept"


class State(StrEnum):
    """Where a note stands in its life; only `ACTIVE` notes come unasked."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"
    FORGOTTEN = "forgotten"


SUPERSEDES = "supersedes"
PART_OF = "part_of"
ANSWERS = "answers"
ABOUT_SAME = "about_same"
SIMILAR = "similar"
CONTRADICTS = "contradicts"
MAY_SUPERSEDE = "may_supersede"
MAY_CONTRADICT = "may_contradict"
OPEN_RELATIONS = (MAY_SUPERSEDE, MAY_CONTRADICT)
"""A rule's guesses for an agent to settle: they change nobody's state and hide nothing."""
NEEDS_REVIEW = "needs-review"
"""As a tag in a filter: notes from which such a link leads, besides those that carry the tag."""
REVISED_BY = "revised_by"
"""To the note in whose light an LLM revised this one's context, keywords and tags."""
DERIVED_FROM = "derived_from"
CAUSED_BY = "caused_by"
SUPPORTS = "supports"
"""What an earlier note tells is why, or is confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A directed, typed edge, kept in the row of the note it starts from."""

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
    """When it became true; None is as long as both notes are."""
    valid_until: datetime | None = None
    """When it was taken out; None while it stands."""

    def stood(self, at: datetime | None) -> bool:
        """Whether it was true at a moment; None asks for now, which an ended link never is."""
        if at is None:
            return self.valid_until is None
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time the text speaks of, resolved: `[start, end)`, UTC, timezone-aware."""

    start: datetime
    end: datetime
    phrase: str
    """The words it was read from."""


EVOLUTION = "evolution"
"""`Origin.transport` of notes that evolution composed from others."""
GIST, SUMMARY, PROFILE, CONCEPT = "gist", "summary", "profile", "concept"
"""Their sorts: the tag each is made with, and its `Origin.principal`."""
DERIVED_TAGS = frozenset({GIST, SUMMARY, PROFILE, CONCEPT})
DERIVED_KINDS = frozenset({Kind.CORE, Kind.CONCEPT})
"""Who asks for one of these tags or kinds is shown such notes as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who told a note; stamped by the server, never by the caller's words."""

    client: str = ""
    transport: str = ""
    principal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One revision of one remembered text. All datetimes are UTC and timezone-aware."""

    note_id: str
    """ULID, made before the write; its time is when the note was told."""
    rev: int = 1
    """1 and up, without gaps."""
    namespace: str
    current: bool = True

    content: str
    """The agent's words, verbatim; evolution never rewrites them."""
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
    """On a closed row: the next revision says the world changed then."""
    corrected: bool = False
    """On a closed row: it was never true."""

    state: State = State.ACTIVE
    importance: float = 0.5
    """In `[0, 1]`."""
    origin: Origin = field(default_factory=Origin)
    trust: float = 1.0
    """In `[0, 1]`."""
    changed_by: str = ""
    """Who made this revision: a client's name, or `scheduler`."""
    change: str = "remember"
    """What made this revision: a tool's or an evolution step's name."""
    reason: str = ""
    run_id: str = ""
    embed_model: str = ""
    """Model that made the vectors; empty until embedded."""
    stage: int = 0
    """How many evolution steps have seen this revision's words; 0 right after a tool wrote it."""

    @property
    def row_id(self) -> str:
        """The table's key: `note_id@rev`."""
        return f"{self.note_id}@{self.rev}"

    @property
    def open(self) -> bool:
        """Whether a rule has left a question about it for an agent to settle."""
        return any(link.relation in OPEN_RELATIONS and link.stood(None) for link in self.links)

    @property
    def derived(self) -> bool:
        """Whether evolution composed it from other notes; nobody told it."""
        return self.origin.transport == EVOLUTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The few fields of a current note that ranking needs of a whole scope."""

    note_id: str
    namespace: str
    session: str
    subject: str
    happened_at: datetime
    kind: Kind
    content: str
    entities: tuple[str, ...] = ()
    times: tuple[Span, ...] = ()
    valid_until: datetime | None = None


def outline_of(note: Note) -> Outline:
    """The few fields of a note."""
    return Outline(
        note_id=note.note_id,
        namespace=note.namespace,
        session=note.session,
        subject=note.subject,
        happened_at=note.happened_at,
        kind=note.kind,
        content=note.content,
        entities=note.entities,
        times=note.times,
        valid_until=note.valid_until,
    )


@dataclass(frozen=True, slots=True)
class Hit:
    """One arm's answer: raw score, higher is better, comparable within one call only."""

    note_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Near:
    """A note beside a vector."""

    outline: Outline
    score: float
    """Cosine of its best passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How often a note came up (MemoryBank, arXiv 2305.10250: strength grows with recall)."""

    note_id: str
    strength: float
    """Days; the S of retention = exp(-elapsed / S), Ebbinghaus 1885 as MemoryBank uses it."""
    recalled_at: datetime
    recall_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evolution run, erasure or administrative command; never any note's text."""

    run_id: str
    kind: str
    who: str
    started_at: datetime
    ended_at: datetime
    counts: Mapping[str, int]
    outcome: str
    """`done`, `cancelled`, `failed`, or `budget` when it stopped early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """How many current notes of a filter carry each subject, tag and namespace."""

    subjects: Mapping[str, int]
    tags: Mapping[str, int]
    namespaces: Mapping[str, int]


def fold(text: str) -> str:
    """Bring text to the form in which two tellings of the same words are equal.

    NFKC (Unicode UAX #15), case folding, and every run of white space as one space.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_hash(content: str) -> str:
    """128 bits of BLAKE2b (RFC 7693) over the folded content, in hex: the exact-repeat key."""
    return blake2b(fold(content).encode(), digest_size=16).hexdigest()


def order_key(note: Note | Outline) -> tuple[datetime, str]:
    """The order of notes in a session: when it happened, then when it was told."""
    return (note.happened_at, note.note_id)


def compose_text(note: Note) -> str:
    """Write the text that full text searches: date, subject, context, keywords, questions, content.

    A keyword that already stands in the content is left out: told twice, it would only distort
    BM25's term frequency. Written-out dates and the subject lift recall (dated BM25: +5 recall@10
    on LoCoMo, +12 on HaluMem).
    """
    folded = fold(note.content)
    added: Sequence[str] = [k for k in (*note.keywords, *note.tags) if fold(k) not in folded]
    date = f"{note.happened_at:%A} {note.happened_at.day} {note.happened_at:%B %Y}"
    context = "" if note.derived_by.get("context") == "rule" else note.context
    parts = (date, note.subject, context, " ".join(added), *note.questions, note.content)
    return "\n".join(part for part in parts if part)
