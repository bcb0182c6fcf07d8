"""The store's contract: what tenants may do, and what only its owner may."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zettel.storage.erasable import Erasure, Order, Purge, Receipt
from zettel.storage.ids import largest_id, smallest_id
from zettel.storage.notes import (
    NEEDS_REVIEW,
    Facets,
    Hit,
    Kind,
    Near,
    Note,
    Outline,
    Place,
    Run,
    State,
    Usage,
    fold_hash,
    order_key,
)

TEXT_CHANGES = frozenset({"remember", "update", "correct", "restore"})
"""`Note.change` of revisions that write an agent's words to the disk. `restore` counts, so that
forgetting and restoring in turn cannot fill the disk for free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSize:
    """Size of one namespace without erased notes."""

    notes: int = 0
    """Written by agents, in any state."""
    text_bytes: int = 0
    """UTF-8, text of all revisions that agents wrote."""


def text_bytes(note: Note) -> int:
    """Bytes of a revision's text, as UTF-8; 0 if no agent wrote it."""
    if note.change not in TEXT_CHANGES:
        return 0
    texts = (note.content, note.context, note.subject, note.source, *note.tags)
    return sum(len(text.encode()) for text in texts)


Vectors = NDArray[np.float32]
"""float32, shape `(passages, dim)`, finite, rows of unit length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFilter:
    """Selects notes: every given condition must hold, for a tuple any of its values."""

    namespaces: tuple[str, ...] = ()
    """Any of these; empty means all."""
    namespaces_not: tuple[str, ...] = ()
    note_ids: tuple[str, ...] = ()
    fold_hash: str = ""
    subject: str = ""
    """Compared in lower case."""
    says: str = ""
    """Content that holds this, within words too and in any capitals."""
    tags: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    sessions: tuple[str, ...] = ()
    states: tuple[State, ...] = (State.ACTIVE,)
    """Any of these; empty means all."""
    since: datetime | None = None
    until: datetime | None = None
    """`since <= t <= until` for `happened_at`, or for the ULID's time."""
    unexpired_at: datetime | None = None
    """`t < valid_until`, whatever `valid_from` says: tolerates a clock set back."""
    ended_at: datetime | None = None
    """`valid_until <= t`."""
    valid_at: datetime | None = None
    """`valid_from <= t < valid_until`."""
    known_at: datetime | None = None
    """Revisions that were current then, instead of now."""
    past: tuple[str, ...] = ()
    """Row ids from `NoteStore.rows_true_at`, exempt from the namespaces (a note may have moved
    since), from `states`, from the conditions on validity and from `known_at`, not from the
    others."""
    after: Note | Place | None = None
    """Only notes after this one in `find`'s order: the next page of a list."""
    stage_below: int | None = None
    stage_from: int | None = None
    unembedded: bool = False
    """Only notes without vectors."""
    derived: bool | None = False
    """False for notes that agents wrote, True for those that evolution composed, None for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """A note to add, with its vectors if they exist."""

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
    """Set on the closed row: the world changed then."""
    corrected: bool = False
    """Set on the closed row: it was never true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The result of one commit."""

    stored: tuple[Note, ...]
    """Revisions as stored, `known_from` included, in the order given (new notes first)."""
    lost: tuple[str, ...]
    """Note ids whose change lost to another writer: read and plan again."""
    shared: bool = False
    """Whether the commit holds notes of other calls too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A note's recalls since the last `reinforce`."""

    note_id: str
    recalls: int
    at: datetime
    gain: float
    """Days of strength that all of them add."""
    initial: float
    """Days of strength of a note never recalled before; the gain is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """Size of a store."""

    notes: int
    revisions: int
    disk_bytes: int
    commits_since_upkeep: int
    """By any process, in the table with the most."""
    old_versions: int = 0
    """Table versions that maintenance would drop, of all tables."""


class NoteReader(Protocol):
    """Reads of notes, by evolution also of changes that are not committed yet."""

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        """Current revisions in any state, in the order of `note_ids`, without unknown ids."""
        ...

    async def find(self, where: NoteFilter, *, limit: int) -> list[Note]:
        """Matching notes, newest first by (`happened_at`, `note_id`)."""
        ...

    async def match_text(
        self, query: str, where: NoteFilter, *, limit: int, counted: Sequence[str] = ()
    ) -> list[Hit]:
        """Full-text hits, best first, with raw BM25 scores above 0; else `verbatim` ones.

        Args:
            query: Words.
            where: The notes to search.
            limit: Most hits.
            counted: Namespaces whose notes' words make up the frequencies behind the scores; empty
                for the whole store.
        """
        ...

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        """`match_vectors` for a few notes of at least this cosine, with their outlines.

        Exact except for notes of very many passages: in a large store those may hide others.
        """
        ...

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:
        """The fields that ranking needs, by `happened_at` and `note_id`, ascending."""
        ...

    async def linking_to(self, note_ids: Sequence[str]) -> list[Note]:
        """Notes of any state with a link, ended or not, to one of these."""
        ...

    async def revisions(self, note_id: str) -> list[Note]:
        """All revisions, oldest first; empty for an unknown id."""
        ...

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of current notes by note id, without notes that wait for embedding."""
        ...


class NoteStore(NoteReader, Protocol):
    """Notes with their revisions, usage and named values: what a tenant may read and change.

    Every write is one commit, completes even when the caller is cancelled, and is durable when
    the call returns. Every read sees every completed write of every process. A note whose erasure
    was ordered can no longer be written, nor can a link to it: such a change is `lost`, and a new
    note keeps its other links. Every method raises `StoreUnavailableError` if the location fails.
    """

    @property
    def place(self) -> str:
        """Directory or URI, for messages."""
        ...

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Add notes and revise others in one commit.

        A change takes effect only if its note's current revision is `note.rev - 1`: the old row is
        closed and the new one inserted, or neither. The new row's `known_from` is the later of
        the note's own and the old row's plus one microsecond.

        Raises:
            InvalidArgumentError: A vector is not finite or not of unit length.
            StoreUnavailableError: Nothing was written.
        """
        ...

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        """Matching notes, newest first by (`happened_at`, `note_id`), from `offset` on."""
        ...

    async def count(self, where: NoteFilter) -> int:
        """Number of matching notes."""
        ...

    async def match_vectors(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit]:
        """Notes by cosine of their best passage to a unit vector of shape `(dim,)`, best first."""
        ...

    async def sample(self, where: NoteFilter, *, size: int) -> list[Outline]:
        """Outlines of at most `size` matching notes, the same ones for the same notes.

        In runs of notes that were told one after the other, spread evenly over all; all of them if
        they are no more than `size`.
        """
        ...

    async def rows_true_at(self, where: NoteFilter) -> tuple[str, ...]:
        """Row ids of closed revisions that were true at `where.valid_at`.

        Applies to a note whose revision of `where.known_at` (None: the current one) became true
        after `where.valid_at` and had not ended by then. Its row is the last revision that a
        change of the world closed (`ended_at`), that was not `corrected`, that had become true by
        that moment, and whose own `valid_until` had not come. A row that a correction or a
        derived revision closed is never returned. It may be in another namespace than the note is
        now, unless the caller may not read there.

        Only `namespaces`, `note_ids`, `known_at`, `valid_at` and `states` of `where` count;
        `states` are those of the note's revision of `known_at`. Empty without `valid_at`.
        """
        ...

    async def linking_to(
        self,
        note_ids: Sequence[str],
        *,
        known_at: datetime | None = None,
        relations: Collection[str] = (),
    ) -> list[Note]:
        """Notes of any state with a link, ended or not, to one of these.

        Current revisions, or those of `known_at`; only links by one of the relations, if any are
        given.
        """
        ...

    async def facets(self, where: NoteFilter) -> Facets:
        """Counts by subject, tag and namespace."""
        ...

    async def revisions_of_run(self, run_id: str) -> list[Note]:
        """All revisions that a run made, by note and revision; none for an empty id."""
        ...

    async def passages_at(self, row_ids: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of revisions, current or not, by row id, without rows that have none."""
        ...

    async def version(self, namespaces: Sequence[str] = ()) -> int:
        """A number that grows with every commit to notes, by one unless others commit too.

        Read before and after an own commit, it shows whether another one came between.

        Args:
            namespaces: Their number, which commits of this process to other ones leave as it is;
                empty for that of all.
        """
        ...

    async def latest(self, namespaces: Sequence[str] = ()) -> datetime | None:
        """The newest `known_from` in these namespaces, or in all; None without notes.

        It lies in the future after a clock was set back; a query as of the clock's now would then
        miss the newest notes.
        """
        ...

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        """Fill in vectors of waiting revisions with the same content; makes no revision."""
        ...

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        """Record that evolution has processed these revisions without a change.

        Makes no revision; rows closed since are skipped.
        """
        ...

    async def usage_of(self, note_ids: Sequence[str]) -> dict[str, Usage]:
        """Usage of those notes that have any."""
        ...

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        """Add to the notes' usage; concurrent additions of several processes all count.

        Each note once. `recalled_at` becomes the later of both.
        """
        ...

    async def get_meta(self, key: str) -> str | None:
        """A value of the `meta` table."""
        ...

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        """Compare and set; None means absent. False when the current value is not `expected`."""
        ...


class StoreAdmin(Protocol):
    """Operations of a store's owner: erasure, maintenance, records, sizes, closing.

    Every step of an erasure can be repeated; the caller keeps the order until it is done. Every
    method raises `StoreUnavailableError` if the location fails.
    """

    async def add_run(self, run: Run) -> None:
        """Record a run; an earlier record of its id is replaced."""
        ...

    async def runs(self, *, limit: int) -> list[Run]:
        """The newest runs first."""
        ...

    async def size_of(self, namespace: str) -> NamespaceSize:
        """Size of a namespace; reads every row of it."""
        ...

    async def erase_rows(
        self, orders: Sequence[Order], *, clock: Callable[[], datetime]
    ) -> list[Receipt]:
        """Remove notes from every read, of any revision and moment, and record it in the ledger.

        Notes that evolution composed of them and their usage are removed too, and their traces in
        other notes' revisions (`traces.without_traces`) by rewriting these in place. The notes may
        have been removed before.

        Returns:
            A receipt for each order.

        Raises:
            StoreUnavailableError: It is not finished; the ledger may list it already.
        """
        ...

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        """Remove from the files what earlier `erase_rows` calls removed from reads.

        Readers and writers continue on the newest version.

        Args:
            note_ids: Ids that no file may contain afterwards; empty skips that check.
            meta: Clean the table of named values (orders, previews) instead of notes and usage.
        """
        ...

    async def meta_keys(self, sort: str) -> list[str]:
        """Keys of all values of a sort, the owner's (`sort`) and every tenant's (`sort@…`)."""
        ...

    async def put_receipt(self, receipt: Receipt) -> None:
        """Record the progress of an erasure."""
        ...

    async def receipts(self) -> list[Receipt]:
        """Every erasure recorded on this machine, oldest first."""
        ...

    async def erased(self, note_ids: Sequence[str]) -> dict[str, Erasure]:
        """Erasures of those notes that were erased, here or in a store whose backup this was."""
        ...

    async def relapsed(self) -> tuple[str, ...]:
        """Ids of erased notes that rows or links have again, from a racing writer or a copy.

        Usually empty; reads the ids of all rows.
        """
        ...

    async def superseding(self) -> list[Note]:
        """Current notes in any state whose links say that they supersede others.

        Reads the links of all notes.
        """
        ...

    async def heal(self, *, now: datetime) -> Mapping[str, int]:
        """Repair damage from a crash or a foreign program, under the store's lock.

        Repairs made while opening are counted here, once.

        Returns:
            Kind of damage -> number of repairs: `empty_manifests`, `unreadable_versions` (stepped
            over), `empty_index_files`, `leftovers`, `doubled_rows` (one row twice),
            `two_current`, `no_current`, `dangling_links` (links to missing notes, removed by a
            revision with `change` `heal`). Empty if nothing was found or another process holds
            the lock.
        """
        ...

    async def read_ahead(self) -> None:
        """Read into memory what the first questions need, which they would wait for."""
        ...

    async def upkeep(self) -> bool:
        """Compact, index new rows, drop old table versions; False if another process does it."""
        ...

    async def stats(self) -> StoreStats:
        """Sizes of the whole store."""
        ...

    async def close(self) -> None:
        """Close the store; later calls are undefined."""
        ...


class Store(NoteStore, StoreAdmin, Protocol):
    """A whole store, as its owner uses it."""


SAMPLE_RUN = 64
"""Notes of a sample that follow each other: some sessions, so that neighbours are together."""


def sample_ids(note_ids: Iterable[str], size: int) -> list[str]:
    """Choose ids for `NoteStore.sample`."""
    told = sorted(note_ids)
    return [told[at] for at in sample_places(len(told), size)]


def sample_places(notes: int, size: int) -> list[int]:
    """Positions of a sample in the notes sorted by id, the order of telling: evenly spread runs."""
    if notes <= size:
        return list(range(notes))
    run = min(SAMPLE_RUN, size)
    runs = size // run
    starts = [at * (notes - run) // max(runs - 1, 1) for at in range(runs)]
    return [place for at in starts for place in range(at, at + run)]


def matches(note: Note, where: NoteFilter) -> bool:
    """Whether a revision passes a filter."""
    meant = note.row_id in where.past or (
        within(note, where)
        and known(note, where.known_at)
        and in_state(note, where)
        and _valid(note, where)
    )
    return meant and _told(note, where) and _described(note, where)


def known(note: Note, at: datetime | None) -> bool:
    """Whether a revision was the current one at a moment; None means now."""
    if at is None:
        return note.current
    return note.known_from <= at and before(at, note.known_to)


def _told(note: Note, where: NoteFilter) -> bool:
    if where.after is not None and order_key(note) >= order_key(where.after):
        return False
    happened = told = True
    if where.since is not None:
        happened = note.happened_at >= where.since
        told = note.note_id >= smallest_id(where.since)
    if where.until is not None:
        happened = happened and note.happened_at <= where.until
        told = told and note.note_id <= largest_id(where.until)
    return happened or told


def _described(note: Note, where: NoteFilter) -> bool:
    return (
        (not where.note_ids or note.note_id in where.note_ids)
        and (not where.fold_hash or fold_hash(note.content) == where.fold_hash)
        and (not where.subject or note.subject.lower() == where.subject.lower())
        and (not where.says or where.says.lower() in note.content.lower())
        and (not where.tags or _is_tagged(note, where.tags))
        and (not where.kinds or note.kind in where.kinds)
        and (not where.sessions or note.session in where.sessions)
        and (where.stage_below is None or note.stage < where.stage_below)
        and (where.stage_from is None or note.stage >= where.stage_from)
        and (not where.unembedded or not note.embed_model)
        and where.derived in (None, note.derived)
    )


def within(note: Note, where: NoteFilter) -> bool:
    """Whether the note is in one of the filter's namespaces."""
    named = not where.namespaces or note.namespace in where.namespaces
    return named and note.namespace not in where.namespaces_not


def links_to(note: Note, note_ids: Collection[str], relations: Collection[str]) -> bool:
    """Whether a note has a link to one of these, by one of the relations if any are given."""
    return any(k.to in note_ids and (not relations or k.relation in relations) for k in note.links)


def in_state(note: Note, where: NoteFilter) -> bool:
    """Whether the note is in one of the filter's states; no states mean any."""
    return not where.states or note.state in where.states


def _valid(note: Note, where: NoteFilter) -> bool:
    if where.unexpired_at is not None and not before(where.unexpired_at, note.valid_until):
        return False
    if where.ended_at is not None and before(where.ended_at, note.valid_until):
        return False
    if where.valid_at is None:
        return True
    return note.valid_from <= where.valid_at and before(where.valid_at, note.valid_until)


def before(instant: datetime, end: datetime | None) -> bool:
    """Whether the instant lies before the end; None is no end."""
    return end is None or instant < end


def _is_tagged(note: Note, tags: Sequence[str]) -> bool:
    return not set(note.tags).isdisjoint(tags) or (NEEDS_REVIEW in tags and note.open)
