"""The answers of the four tools, key by key."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

MODEL_LOADING = "embedding model is loading"
MODEL_FAILED = "embedding model could not be loaded, which zettel status explains"
MODEL_CHANGING = "another embedding model is making the notes' vectors anew"


# pydantic reads the schemas from here, and before Python 3.12 it takes only this TypedDict.


class Candidate(TypedDict):
    """A stored note that the new one may repeat or replace."""

    note_id: str
    content: str
    why: str
    settle: str
    """The literal calls that settle it."""
    by: NotRequired[str]
    trust: NotRequired[float]
    marks: NotRequired[list[str]]
    """What its text is suspected of."""


class LinkLine(TypedDict):
    """A link as seen from the note that shows it."""

    note_id: str
    relation: str
    """Ends in ` (from)` when the link points here: the other note is where it starts."""
    line: NotRequired[str]
    reason: NotRequired[str]
    state: NotRequired[str]
    """Why recall would not show the other note unasked: `superseded`, `expired`, `archived`."""
    by: NotRequired[str]
    trust: NotRequired[float]
    marks: NotRequired[list[str]]
    """Of the other note, as `RecalledNote` has them."""


class Copy(TypedDict):
    """A note that says the same as the one shown, in the same words."""

    note_id: str
    happened_at: str
    namespace: NotRequired[str]
    """Where it is not the shown note's."""


class Revision(TypedDict):
    """One revision in a note's history."""

    rev: int
    known_from: str
    by: str
    change: str
    reason: NotRequired[str]
    run: NotRequired[str]
    """Id of the evolution run or undo that made it."""
    ended_at: NotRequired[str]
    """The world changed then, says the revision that follows."""
    corrected: NotRequired[bool]
    """It was never true, says the revision that follows."""
    changed: NotRequired[dict[str, list[object]]]


class RecalledNote(TypedDict):
    """A note as recall shows it; absent keys are empty or default."""

    note_id: str
    rev: NotRequired[int]
    line: NotRequired[str]
    content: NotRequired[str]
    excerpt: NotRequired[bool]
    context: NotRequired[str]
    subject: NotRequired[str]
    tags: NotRequired[list[str]]
    kind: NotRequired[str]
    happened_at: NotRequired[str]
    days: NotRequired[str]
    """Dates of relative times such as "next Friday" that were to come, in the order of the text: at
    most two, of a period the first and last day with `/`."""
    valid_until: NotRequired[str]
    namespace: NotRequired[str]
    source: NotRequired[str]
    session: NotRequired[str]
    by: NotRequired[str]
    """The principal that told it, where that is not the caller."""
    trust: NotRequired[float]
    marks: NotRequired[list[str]]
    """What its text, or the answer's notes together, are suspected of."""
    state: NotRequired[str]
    premise: NotRequired[str]
    """Which of the notes that it is derived from does not stand any more, and why."""
    settle: NotRequired[str]
    """Of a rule that evolution offers: the literal calls that keep or refuse it."""
    why: NotRequired[str]
    contradicts: NotRequired[list[str]]
    """Ids of notes that say otherwise and stand as this one does: as far as there is room they
    come right behind it."""
    also: NotRequired[list[Copy]]
    """Its copies elsewhere; the content is shown once."""
    links: NotRequired[list[LinkLine]]
    keywords: NotRequired[list[str]]
    entities: NotRequired[list[str]]
    times: NotRequired[list[dict[str, str]]]
    questions: NotRequired[list[str]]
    summary: NotRequired[str]
    derived_by: NotRequired[dict[str, str]]
    origin: NotRequired[dict[str, str]]
    told_at: NotRequired[str]
    usage: NotRequired[dict[str, object]]
    score: NotRequired[float]
    signals: NotRequired[dict[str, float]]
    history: NotRequired[list[Revision]]


class Omitted(TypedDict):
    """The notes that did not fit; `recall` with this cursor alone returns them."""

    count: int
    """Notes; those that say the same count one by one."""
    cursor: str


class Overview(TypedDict):
    """Added to the notes of a recall without arguments."""

    tags: NotRequired[dict[str, int]]
    namespaces: NotRequired[dict[str, int]]


class RelationLine(TypedDict):
    """A relation of the one that is asked about, as a note tells it."""

    line: str
    """"sister of Markus"; from the other side "sister: Ana"."""
    note_id: str
    """The note that tells it."""
    by: NotRequired[str]
    trust: NotRequired[float]
    marks: NotRequired[list[str]]
    """Of that note, as `RecalledNote` has them."""


class UnsettledPair(TypedDict):
    """Two notes of which only one may be true."""

    note_id: str
    relation: str
    """`may_supersede` or `may_contradict`."""
    to: str
    reason: str
    """With the literal calls that settle it."""


class About(TypedDict):
    """What is known of the one that is asked about, besides the notes."""

    names: list[str]
    """By which notes call it, the one asked for first."""
    several: NotRequired[list[str]]
    """Longer names that it may stand for."""
    relations: NotRequired[list[RelationLine]]
    open: NotRequired[list[UnsettledPair]]


class RememberAnswer(TypedDict):
    """Answer of `remember`."""

    note_id: str
    status: Literal["stored", "already_known"]
    namespace: str
    parts: NotRequired[list[str]]
    """The notes that go on with it, where a text is kept in several."""
    namespace_created: NotRequired[bool]
    trust: NotRequired[float]
    """Where it is below 1."""
    marks: NotRequired[list[str]]
    """What its text is suspected of: `instructions`, `hidden`, …."""
    happened_at: NotRequired[str]
    valid_until: NotRequired[str]
    times: NotRequired[dict[str, str]]
    """What was read of words like "next Friday": a day, or the first and last one with `/`.

    Also of the first "4/6/26" of an exported chat whose numbers do not tell the month."""
    differs: NotRequired[list[str]]
    next: NotRequired[str]
    candidates: NotRequired[list[Candidate]]
    suggested_tags: NotRequired[list[str]]
    """Tags of the nearest notes, where none was given; `update` adds those that fit."""
    degraded: NotRequired[str]
    cut: NotRequired[dict[str, int]]
    """Secrets that were not kept: kind, and how many."""
    notice: NotRequired[str]
    """What the user should be told of the server, in the first answer only; or that too many
    working notes are unfinished, with the calls that close or fold them."""


class RecallAnswer(TypedDict):
    """Answer of `recall`."""

    verdict: Literal["found", "uncertain", "nothing_relevant"]
    confidence: NotRequired[float]
    reason: NotRequired[str]
    next: NotRequired[str]
    now: str
    as_of: NotRequired[str]
    known_at: NotRequired[str]
    since: NotRequired[str]
    until: NotRequired[str]
    about: NotRequired[About]
    """Where all of somebody or something is asked for."""
    notes: list[RecalledNote]
    overview: NotRequired[Overview]
    omitted: NotRequired[Omitted]
    degraded: NotRequired[str]
    notice: NotRequired[str]
    """What the user should be told of the server, in the first answer only; or that too many
    working notes are unfinished, with the calls that close or fold them."""


class Undo(TypedDict):
    """The argument of `update` that takes a change back."""

    restore_rev: int


class UpdateAnswer(TypedDict):
    """Answer of `update`."""

    note_id: str
    rev: int
    changed: dict[str, list[object]]
    undo: NotRequired[Undo]
    """Absent where nothing was changed, and where a successor was stored or changed: forget that
    one, or restore its earlier revision."""
    successor: NotRequired[str]
    """Id of the note with the new content, which takes this one's place on its day."""
    state: NotRequired[str]
    """Why recall does not show it, when it is not active."""
    candidates: NotRequired[list[Candidate]]
    archived: NotRequired[list[str]]
    degraded: NotRequired[str]
    cut: NotRequired[dict[str, int]]
    """Secrets that were not kept: kind, and how many."""
    notice: NotRequired[str]
    """What the user should be told of the server, in the first answer only; or that new content of
    a note that is not current was taken as a correction; or, after `restore_rev` or new
    content, which planned change stays and the call that takes it back."""


class ForgetLine(TypedDict):
    """One note of a preview or of what was done."""

    note_id: str
    namespace: str
    line: str
    by: NotRequired[str]
    trust: NotRequired[float]
    marks: NotRequired[list[str]]
    """As `RecalledNote` has them."""


class Proof(TypedDict):
    """The receipt of an erasure: neither text nor ids."""

    receipt: str
    """Its id, also in `zettel runs`."""
    notes: int
    revisions: int
    """Rows deleted, of composed notes too."""
    composed: NotRequired[int]
    """Notes that evolution had composed of the erased ones, which went along."""
    scrubbed: NotRequired[int]
    """Revisions of other notes that lost a link to them, or what they had taught."""
    salt: str
    hashes: list[str]
    """BLAKE2b, 16 bytes, keyed with the salt, of each id: who knows the id can check it."""
    invisible_at: NotRequired[str]
    physical_at: NotRequired[str]
    verified: NotRequired[list[str]]
    """The files searched before the erasure counted as physical."""
    backups: NotRequired[list[str]]
    """Taken before; they still hold what was erased."""


class ForgetAnswer(TypedDict):
    """Answer of `forget`."""

    status: Literal["preview", "forgotten", "erased", "erasing", "restored"]
    notes: list[ForgetLine]
    """Empty once they are erased."""
    proof: NotRequired[Proof]
    elsewhere: NotRequired[list[str]]
    """Other notes with the same text, or merged with one of these."""
    conclusions: NotRequired[list[str]]
    """Notes that are derived from these and stay: once a premise is erased, nothing marks them."""
    matched: NotRequired[int]
    also_mention: NotRequired[int]
    until: NotRequired[str]
    confirm: NotRequired[str]
    next: NotRequired[str]
    skipped: NotRequired[list[str]]
    notice: NotRequired[str]
    """What the user should be told of the server; in the first answer only."""
