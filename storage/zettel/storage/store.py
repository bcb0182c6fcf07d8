"""The store's contract: arms that find notes, and one atomic way to change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zettel.storage.erasable import Erasable
from zettel.storage.notes import Facets, Hit, Kind, Near, Note, Outline, Run, State, Usage

WRITTEN = frozenset({"remember", "update", "correct", "restore"})
"""`Note.change` of the revisions that write an agent's words to the disk. One that brings a note
back is among them: forgetting and bringing back in turn must not fill the disk for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSize:
    """What is there of one namespace and not erased."""

    notes: int = 0
    """Told, in any state."""
    text_bytes: int = 0
    """Of the text of all revisions that agents wrote, as UTF-8."""


def text_bytes(note: Note) -> int:
    """Bytes of a revision's text, as UTF-8; 0 of one that no agent wrote."""
    if note.change not in WRITTEN:
        return 0
    texts = (note.content, note.context, note.subject, note.source, *note.tags)
    return sum(len(text.encode()) for text in texts)


class MeasurableNote(Protocol):
    """Notes that can be measured."""

    async def size_of(self, namespace: str) -> NamespaceSize:
        """What a namespace holds: a look at every row of it.

        Raises:
            StoreUnavailableError: The store cannot be read.
        """
        ...


Vectors = NDArray[np.float32]
"""float32, shape `(passages, dim)`, finite, rows of unit length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFilter:
    """Which notes an arm looks at: every condition given (of a tuple, any value) must hold."""

    namespaces: tuple[str, ...] = ()
    """Any of these; empty means all."""
    namespaces_not: tuple[str, ...] = ()
    note_ids: tuple[str, ...] = ()
    fold_hash: str = ""
    subject: str = ""
    """Compared after lower-casing."""
    tags: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    sessions: tuple[str, ...] = ()
    states: tuple[State, ...] = (State.ACTIVE,)
    """Any of these; empty means all."""
    since: datetime | None = None
    until: datetime | None = None
    """`since <= t <= until` for `happened_at`, or for when it was told (the ULID's time)."""
    unexpired_at: datetime | None = None
    """`t < valid_until`: what stands now, even to a clock that was set back since it was told."""
    valid_at: datetime | None = None
    """`valid_from <= t < valid_until`."""
    known_at: datetime | None = None
    """Revisions as the store knew them then, not the current ones."""
    past: tuple[str, ...] = ()
    """Row ids from `NoteStore.rows_true_at`, exempt from `states`, `valid_at` and `known_at`; the
    other conditions hold for them too."""
    after: Note | None = None
    """Only notes that come after this one in `find`'s order: the next page of a list."""
    stage_below: int | None = None
    stage_from: int | None = None
    unembedded: bool = False
    """Only notes that have no vectors yet."""
    derived: bool | None = False
    """False for what was told, True for what evolution composed of it, None for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """A note to add, with its vectors if they are made already."""

    note: Note
    vectors: Vectors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The next revision of a note: `note.rev` is one above the revision it was planned on."""

    note: Note
    vectors: Vectors | None = None
    """New vectors; None keeps the old ones if `keep_vectors`, else the note waits for embedding."""
    keep_vectors: bool = True
    ended_at: datetime | None = None
    """Stamped on the closed row: the world changed then."""
    corrected: bool = False
    """Stamped on the closed row: it was never true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one commit did."""

    stored: tuple[Note, ...]
    """As they now stand, `known_from` included, in the order given (new notes first)."""
    lost: tuple[str, ...]
    """Note ids whose change somebody else forestalled: read again, plan again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """How often a note came up since this was written last, 1 and up, and when last."""

    note_id: str
    recalls: int
    at: datetime
    gain: float
    """Strength all of them add, in days."""
    initial: float
    """Strength of a note that was never recalled before, in days; the gain comes on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """Size of a store."""

    notes: int
    revisions: int
    disk_bytes: int
    commits_since_upkeep: int
    """By any process, of the busiest table."""
    old_versions: int = 0
    """Table versions that no reader can need any more and upkeep would drop; of all tables."""


class NoteStore(Erasable, MeasurableNote, Protocol):
    """Notes with their revisions, beside them usage, runs and meta.

    Every write is one commit, is finished even when the caller is cancelled, and is durable when
    the call returns. Every read sees every finished write of every process.
    """

    @property
    def place(self) -> str:
        """Directory or URI, for messages."""
        ...

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Add notes and revise others in one commit.

        A change takes effect only if its note's current revision is `note.rev - 1`; then the old
        row is closed and the new one inserted, or neither. The new row's `known_from` is the
        later of what the note says and the old row's plus one microsecond.

        Raises:
            InvalidArgumentError: A vector is not finite or not of unit length.
            StoreUnavailableError: Nothing was written.
        """
        ...

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        """Current revisions in any state, in the order asked; unknown ids are left out."""
        ...

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        """Matching notes, newest first by (`happened_at`, `note_id`)."""
        ...

    async def count(self, where: NoteFilter) -> int:
        """How many notes match."""
        ...

    async def match_text(self, query: str, where: NoteFilter, *, limit: int) -> list[Hit]:
        """Full-text hits, best first, with raw BM25 scores above 0; else `verbatim` ones."""
        ...

    async def match_vectors(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit]:
        """Notes by cosine of their best passage to a unit vector of shape `(dim,)`, best first."""
        ...

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        """`match_vectors` for a few notes of at least this cosine, with what is told of them.

        Exact but for notes of very many passages: in a large store those may hide others.
        """
        ...

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:
        """The few fields ranking needs, in session order: `happened_at`, `note_id` ascending."""
        ...

    async def rows_true_at(self, where: NoteFilter) -> tuple[str, ...]:
        """Row ids of closed revisions that were true at `where.valid_at`, for a look back.

        A note whose revision of `where.known_at` (None: the current one) became true after
        `where.valid_at`, and had not ended by then, has said before that moment what its last
        revision says that a change of the world closed (`ended_at`), that was not `corrected` and
        that had become true by then. That one is meant, unless its own `valid_until` had come; a
        row that a correction or a derived revision closed never is.

        Of `where` only `namespaces`, `note_ids`, `known_at`, `valid_at` and `states` count;
        `states` are those of the note's revision of `known_at`. Empty without `valid_at`.
        """
        ...

    async def linking_to(
        self, note_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> list[Note]:
        """Notes of any state that have, or had and ended, a link to one of these.

        Current revisions, or those of `known_at`.
        """
        ...

    async def facets(self, where: NoteFilter) -> Facets:
        """Counts by subject, tag and namespace."""
        ...

    async def revisions(self, note_id: str) -> list[Note]:
        """All revisions, oldest first; empty for an unknown id."""
        ...

    async def revisions_of_run(self, run_id: str) -> list[Note]:
        """All revisions that a run made, by note and revision; a run's id is never empty."""
        ...

    async def passages_at(self, row_ids: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of revisions, current or not, by row id; one that has none is left out."""
        ...

    async def version(self) -> int:
        """A number that grows with every commit to notes, by one unless somebody else commits too.

        Asked before and after a commit of one's own, it tells whether anybody came between.
        """
        ...

    async def latest(self) -> datetime | None:
        """The newest `known_from`; None in an empty store.

        After a clock was set back it lies ahead of it, and a look at the store as of the clock's
        now would miss what was told last.
        """
        ...

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of current notes; a note that waits for embedding is left out."""
        ...

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        """Fill in vectors of revisions that wait, of the same content; makes no revision."""
        ...

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        """Note that evolution has seen these revisions and found nothing to change.

        Like a filled-in vector this is no revision; rows closed since are skipped.
        """
        ...

    async def usage_of(self, note_ids: Sequence[str]) -> dict[str, Usage]:
        """Usage of those notes that have any."""
        ...

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        """Add to what stands; of two processes that add at once, neither is lost.

        Each note once. `recalled_at` becomes the later of both.
        """
        ...

    async def add_run(self, run: Run) -> None:
        """Record a finished run."""
        ...

    async def runs(self, *, limit: int) -> list[Run]:
        """The newest runs first."""
        ...

    async def get_meta(self, key: str) -> str | None:
        """A value of the `meta` table."""
        ...

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        """Compare and set; None means absent. False when the current value is not `expected`."""
        ...

    async def heal(self, *, now: datetime) -> Mapping[str, int]:
        """Set right what a crash or a foreign hand left, under the store's lock.

        Opening did some of it already; what it did counts here, once.

        Returns:
            Kind of damage -> how often it was mended: `empty_manifests`, `unreadable_versions`
            (stepped over), `empty_index_files`, `leftovers`, `doubled_rows` (one row twice),
            `two_current`, `no_current`, `dangling_links` (links to notes that are not there,
            taken out by a revision with `change` `heal`). Only what was found; empty as well if
            another process holds the lock.
        """
        ...

    async def upkeep(self) -> bool:
        """Compact, index new rows, drop old table versions; False if another process is at it."""
        ...

    async def stats(self) -> StoreStats:
        """Sizes, for `status` and the benchmark."""
        ...

    async def close(self) -> None:
        """Let go of the store; further calls are undefined."""
        ...
