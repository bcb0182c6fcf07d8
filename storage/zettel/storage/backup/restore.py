"""Restoring a backup into LanceDB tables: the notes in one commit, after everything else.

A killed restore has restored no note or all of them; repeating it finishes the rest, with its own
values of `meta` in the place of those that the killed one left. How notes enter a store is pure
rules, one note at a time: erased notes stay out, with notes composed of them and their traces in
others. A note whose id is taken by another note gets a new one, always the same, so that restoring
twice adds nothing.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false
# (pyarrow ships no types, lancedb some; pyarrow.compute makes its functions when imported)

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.backup.archive import BackupFile
from zettel.storage.backup.create import BACKUP, EXPORT, is_local
from zettel.storage.backup.errors import BackupDamagedError, NewerBackupError, StoreNotEmptyError
from zettel.storage.backup.manifest import ERASURES, META, RUNS, USAGE
from zettel.storage.backup.reader import BackupReader, SoundBackup
from zettel.storage.backup.values import (
    KeptMeta,
    RestoreBegun,
    judged_values,
    keep_own,
    put_values,
    read_begun,
)
from zettel.storage.erasable import Receipt, digest_of
from zettel.storage.erasure.ledger import LEDGER_FILE, Ledger
from zettel.storage.erasure.traces import ids_in, merged_words, without_traces
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.ids import derived_id
from zettel.storage.lance.predicates import one_of
from zettel.storage.lance.rows import read_notes, read_vectors, to_table
from zettel.storage.lance.schema import SCHEMA_VERSION
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.location import hold_or_refuse
from zettel.storage.merges import merged_id, merged_into
from zettel.storage.notes import DERIVED_FROM, UNDO, Note
from zettel.storage.progress import ReportProgress
from zettel.storage.revisions import NoteRow

IsErased = Callable[[str], bool]
"""Whether an erasure of the note with this id is recorded."""
RevisionMark = tuple[str, str, str]
"""Distinguishes a revision from another note's: namespace, the content's hash, `known_from`."""


OWN_NAME = "{}"
"""In a target's name: the name of the namespace in the backup, so that several stay apart."""
TARGET_MAX_CHARACTERS = 64
"""Of a namespace's name."""
TARGET_HASH_CHARACTERS = 8
"""Hexadecimal digits that tell names apart which are too long."""


def target_of(namespace: str | None, own: str) -> str:
    """Where a note of a backup's namespace goes.

    Args:
        namespace: The target of all, maybe with `OWN_NAME` in it; None for their own.
        own: The note's namespace in the backup.
    """
    name = (namespace or OWN_NAME).replace(OWN_NAME, own)
    if len(name) <= TARGET_MAX_CHARACTERS:
        return name
    told = sha256(name.encode()).hexdigest()[:TARGET_HASH_CHARACTERS]
    return f"{name[: TARGET_MAX_CHARACTERS - TARGET_HASH_CHARACTERS - 1]}-{told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """The decisions for all notes."""

    namespace: str | None = None
    """Target of all notes, as for `target_of`."""
    gone: frozenset[str] = frozenset()
    """Ids of notes that stay out, because they or their sources were erased."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Id in the backup -> id in the store, where they differ."""
    there: frozenset[str] = frozenset()
    """Ids, as in the backup, of notes that the store has."""
    cleaned: Mapping[str, Note] = field(default_factory=dict[str, Note])
    """Row id -> revision without traces of notes that stay out, where it had any."""

    def enters(self, note_id: str) -> bool:
        """Whether a note of the backup is added to the store."""
        return note_id not in self.gone and note_id not in self.there

    def id_of(self, note_id: str) -> str:
        """A note's id in the store."""
        return self.renamed.get(note_id, note_id)

    def run_id(self, run_id: str) -> str:
        """A run's id in the store: restored into a namespace, it is another run."""
        into = (self.namespace or "").replace(OWN_NAME, "*")
        return f"{run_id}@{into}" if into and run_id else run_id

    def adopted(self, note: Note) -> Note:
        """An entering revision as stored, with its links."""
        clean = self.cleaned.get(note.row_id, note)
        reason = clean.reason
        for named in {*ids_in(reason)} & self.renamed.keys():
            reason = reason.replace(named, self.renamed[named])
        return replace(
            clean,
            note_id=self.id_of(clean.note_id),
            namespace=target_of(self.namespace, clean.namespace),
            links=tuple(replace(link, to=self.id_of(link.to)) for link in clean.links),
            # The reason of an undo ends with the id of the run that it undoes.
            reason=self.run_id(reason) if clean.change == UNDO else reason,
            run_id=self.run_id(clean.run_id),
        )


class BackupContents:
    """A backup's notes, gathered revision by revision.

    `namespace` is as for `target_of`.
    """

    def __init__(self, is_erased: IsErased, namespace: str | None) -> None:
        self._is_erased = is_erased
        self.namespace = namespace
        self.marks = defaultdict[str, dict[int, RevisionMark]](dict)
        """Note id -> revision -> mark."""
        self._erased = set[str]()
        self._composed = defaultdict[str, set[str]](set)
        self._names = defaultdict[str, set[str]](set)
        self._merges = set[tuple[str, str]]()

    def add(self, note: Note) -> None:
        """Add a revision."""
        if not self.marks[note.note_id] and self._is_erased(note.note_id):
            self._erased.add(note.note_id)
        self.marks[note.note_id][note.rev] = mark(note)
        if merged_id(note.reason):
            self._merges.add((note.note_id, note.reason))
        for link in note.links:
            self._names[link.to].add(note.note_id)
            if note.derived and link.relation == DERIVED_FROM:
                self._composed[link.to].add(note.note_id)
        for named in ids_in(" ".join((note.reason, *(link.reason for link in note.links)))):
            self._names[named].add(note.note_id)

    @property
    def gone(self) -> frozenset[str]:
        """Erased notes of the backup, and those composed of them, recursively.

        What was composed of a note that took over words of them may have these.
        """
        found, ahead = set[str](), set(self._erased)
        ahead = ahead.union(*(self._composed.get(i, ()) for i in self.merged))
        while ahead:
            found |= ahead
            ahead = set[str]().union(*(self._composed.get(i, ()) for i in ahead)) - found
        return frozenset(found)

    @property
    def touched(self) -> frozenset[str]:
        """Ids of staying notes with traces of erased ones."""
        gone, merged = self.gone, self.merged
        naming = set[str]().union(*(self._names.get(i, ()) for i in gone | merged))
        return frozenset((naming | merged) - gone)

    @property
    def merged(self) -> frozenset[str]:
        """Ids of notes that took over words from erased ones, also in turn."""
        return merged_into(self._merges, self._erased)

    def new_id(self, note_id: str) -> str:
        """The id of a note whose own is taken; the same each time for a namespace."""
        return derived_id(note_id, f"restored into {self.namespace}")

    def wanted(self) -> Iterable[str]:
        """Ids to look up in the store: those of the backup, and those they may get."""
        for note_id in self.marks:
            yield note_id
            yield self.new_id(note_id)

    def revisions_of(self, note_ids: Set[str]) -> int:
        """How many revisions the backup has of some notes."""
        return sum(len(self.marks[note_id]) for note_id in note_ids)

    def plan(
        self, standing: Mapping[str, Mapping[int, RevisionMark]], touched: Mapping[str, list[Note]]
    ) -> MergePlan:
        """Decide for every note.

        Args:
            standing: Ids of `wanted` that the store has -> revision -> mark.
            touched: All revisions of the notes in `touched`, by id.
        """
        gone, renamed, there = set(self.gone), dict[str, str](), set[str]()
        # An erasure has left the notes of the store without its traces.
        left = {note.row_id: mark(note) for note in _cleaned(touched, gone, self.merged)}
        for note_id, told in self.marks.items():
            if note_id in gone or note_id not in standing:
                continue
            marks = {rev: left.get(f"{note_id}@{rev}", one) for rev, one in told.items()}
            if self._same(marks, standing[note_id]):
                there.add(note_id)
                continue
            renamed[note_id] = new = self.new_id(note_id)
            if self._is_erased(new):
                gone.add(note_id)
            elif new in standing:
                there.add(note_id)
        return MergePlan(
            namespace=self.namespace,
            gone=frozenset(gone),
            renamed=renamed,
            there=frozenset(there),
            cleaned={note.row_id: note for note in _cleaned(touched, gone, self.merged)},
        )

    def _same(self, ours: Mapping[int, RevisionMark], theirs: Mapping[int, RevisionMark]) -> bool:
        """Whether two notes of one id are the same, perhaps with more revisions on one side."""
        shared = ours.keys() & theirs.keys()
        return bool(shared) and all(
            (target_of(self.namespace, ours[rev][0]), *ours[rev][1:]) == theirs[rev]
            for rev in shared
        )


def _cleaned(
    touched: Mapping[str, list[Note]], gone: Set[str], merged: frozenset[str]
) -> Iterator[Note]:
    """Every revision of notes with traces, without those of the notes in `gone`.

    `merged` are ids of notes that took over words from these.
    """
    notes = {i: sorted(of_note, key=lambda note: note.rev) for i, of_note in touched.items()}
    words = merged_words(merged, [notes[i] for i in merged if i in notes], gone)
    for revisions in notes.values():
        yield from without_traces(revisions, gone, words)


def mark(note: Note) -> RevisionMark:
    """The mark of a revision."""
    return _mark(note.namespace, note.content, note.known_from)


def _mark(namespace: str, content: str, known_from: datetime) -> RevisionMark:
    # A hash, so that the texts of a large backup are not in memory at once.
    return (namespace, sha256(content.encode()).hexdigest(), known_from.isoformat())


ERASURES_MAX_BYTES = 32 << 20
"""Of a backup's record of erasures: that of a million notes."""
RECEIPT_MAX_CHARACTERS = 2_000
"""Of each of a receipt's texts."""
_HEX = re.compile(r"[0-9a-f]{32}")
IDS_PER_QUERY = 1_000
"""Ids in one predicate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSummary:
    """The result of a restore."""

    notes: int
    revisions: int
    """Added rows."""
    there: int
    """Notes that the store had already."""
    renamed: int
    """Notes with a new id, because another note has theirs."""
    erased: int
    """Notes that stayed out, because they or their sources were erased since."""
    cleaned: int
    """Notes from which traces of these were removed."""
    unembedded: int
    """Current notes with vectors of another model, or of erased words: evolution embeds them."""
    usage: int
    runs: int


async def _nothing() -> None:
    """Write nothing beside the notes."""


async def restore(
    tables: Tables,
    backup: SoundBackup,
    *,
    namespace: str | None,
    is_erased: IsErased,
    tell: ReportProgress,
    kept_meta: KeptMeta = keep_own,
    before_writing: Callable[[], Awaitable[None]] = _nothing,
) -> RestoreSummary:
    """Add a backup's notes to a store.

    Into a store without notes it is called again after a kill, also where the notes are back and
    nobody has changed them since: until `end_restore`.

    Args:
        tables: The store's.
        backup: As `examined` made it.
        namespace: Target of all notes, with `OWN_NAME` in it one for each namespace; None restores
            into their own, in a store without notes.
        is_erased: The recorded erasures; none of these notes is restored.
        tell: Called with step, rows done, rows in all.
        kept_meta: Chooses among the named values.
        before_writing: Awaited once all is checked. What must not be missing beside the notes goes
            there: nobody has to run a restore again whose notes are back.

    Raises:
        StoreNotEmptyError: The store has notes, and no namespace is given; nothing was written.
        BackupDamagedError: The file changed since it was checked, or its content is invalid; no
            note was written.
        NewerBackupError: A newer Zettel made it; nothing was written.
        StoreUnavailableError: The store cannot be written; no note was.
    """
    manifest = backup.manifest
    if manifest.schema_version > SCHEMA_VERSION:
        raise NewerBackupError(backup.path, f"schema version {manifest.schema_version}")
    async with hold_or_refuse(tables.place):
        revisions, begun = await tables.notes.count(), await read_begun(tables.meta)
        if revisions and namespace is None and begun.backup_id != manifest.backup_id:
            raise StoreNotEmptyError(tables.place.uri, revisions)
        parts, survey = BackupReader(backup, tell), BackupContents(is_erased, namespace)
        adoption = await _planned(tables, parts, survey)
        if revisions and namespace is None and revisions != survey.revisions_of(adoption.there):
            raise StoreNotEmptyError(tables.place.uri, revisions)
        theirs = _named_values(tables, parts) if namespace is None else {}
        puts = await _puts(tables, parts, begun, theirs, kept_meta)
        await before_writing()
        runs = await _add_runs(tables, parts, adoption)
        usage = await _add_usage(tables, parts, adoption)
        if namespace is None or (begun.backup_id and not revisions):
            now_begun = RestoreBegun(backup_id=manifest.backup_id, left=puts)
            await put_values(tables, begun, now_begun, theirs, kept_meta)
        keeps = (manifest.embed_model, manifest.embed_dim) == (tables.model_id, tables.dim)
        stream = _Stream(tables, parts, adoption, keeps_vectors=keeps)
        await _add_notes(tables, stream)
    return RestoreSummary(
        notes=stream.notes,
        revisions=stream.rows,
        there=len(adoption.there),
        renamed=sum(adoption.enters(note_id) for note_id in adoption.renamed),
        erased=len(adoption.gone),
        cleaned=len({note.note_id for note in adoption.cleaned.values()}),
        unembedded=stream.unembedded,
        usage=usage,
        runs=runs,
    )


async def _planned(tables: Tables, parts: BackupReader, survey: BackupContents) -> MergePlan:
    """Compare every note of the backup with the store."""

    def look() -> dict[str, list[Note]]:
        for note in parts.read_notes("reading"):
            survey.add(note)
        touched = defaultdict[str, list[Note]](list)
        if ids := survey.touched:
            for note in parts.read_notes("reading again"):
                if note.note_id in ids:
                    touched[note.note_id].append(note)
        return touched

    touched = await to_thread.run_sync(look)
    standing = defaultdict[str, dict[int, RevisionMark]](dict)
    if await tables.notes.count():
        wanted = list(survey.wanted())
        for first in range(0, len(wanted), IDS_PER_QUERY):
            found = await tables.notes.select(
                ["note_id", "rev", "namespace", "content", "known_from"],
                where=one_of("note_id", wanted[first : first + IDS_PER_QUERY]),
            )
            for row in found.to_pylist():
                found_mark = _mark(row["namespace"], row["content"], row["known_from"])
                standing[row["note_id"]][row["rev"]] = found_mark
    return survey.plan(standing, touched)


async def _add_runs(tables: Tables, parts: BackupReader, adoption: MergePlan) -> int:
    """Add missing runs; into a namespace without records of copies, which are another's."""
    added = 0
    for rows in parts.of(RUNS, tables.runs.spec.schema, "runs"):
        kept = rows
        if adoption.namespace:
            copies = pc.is_in(rows.column("kind"), pa.array([BACKUP, EXPORT]))
            kept = rows.filter(pc.invert(copies))
            names = [adoption.run_id(name) for name in kept.column("run_id").to_pylist()]
            kept = _with_column(kept, "run_id", names)
        added += await _insert(tables.runs, kept)
    return added


async def _add_usage(tables: Tables, parts: BackupReader, adoption: MergePlan) -> int:
    """Add the usage of entering notes; what is there of these, a killed restore has left."""
    added = 0
    for rows in parts.of(USAGE, tables.usage.spec.schema, "usage"):
        ids: list[str] = rows.column("note_id").to_pylist()
        kept = rows.filter(pa.array([adoption.enters(note_id) for note_id in ids], pa.bool_()))
        names = [adoption.id_of(note_id) for note_id in kept.column("note_id").to_pylist()]
        kept = _with_column(kept, "note_id", names)
        added += await _insert(tables.usage, kept, replaces=True)
    return added


def _named_values(tables: Tables, parts: BackupReader) -> dict[str, str]:
    """The backup's values of `meta`, without those that concern the store that it was made of."""
    found = dict[str, str]()
    for rows in parts.of(META, tables.meta.spec.schema, "meta"):
        records: list[dict[str, str]] = rows.to_pylist()
        found |= {row["key"]: row["value"] for row in records if not is_local(row["key"])}
    return found


async def _puts(
    tables: Tables,
    parts: BackupReader,
    begun: RestoreBegun,
    theirs: Mapping[str, str],
    kept_meta: KeptMeta,
) -> dict[str, list[str]]:
    """Key -> what is to be put there; all are judged before anything is written."""
    try:
        puts = await judged_values(tables.meta, begun, theirs, kept_meta)
    except ValueError as error:
        raise parts.damaged(META, f"a value is none of a store's ({error})") from error
    return {key: [value] for key, value in puts.items()}


async def _insert(table: LanceTable, rows: pa.Table, *, replaces: bool = False) -> int:
    """Add missing rows, and replace those that are there if asked to; returns how many."""
    if not rows.num_rows:
        return 0
    async with table.writing():
        merged = await table.merge(rows, replace_where="" if replaces else None)
    return merged.inserted + merged.replaced


def _with_column(rows: pa.Table, name: str, values: list[str]) -> pa.Table:
    field = rows.schema.field(name)
    return rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, field.type))


class _Stream:
    """The entering notes, batch by batch; restarted for every try at the commit."""

    def __init__(
        self, tables: Tables, parts: BackupReader, adoption: MergePlan, *, keeps_vectors: bool
    ) -> None:
        self._spec, self._dim = tables.notes.spec, tables.dim
        self._schema = self._spec.schema
        self._parts, self._adoption, self._keeps = parts, adoption, keeps_vectors
        self.notes = self.rows = self.unembedded = 0
        self.error: BackupDamagedError | None = None
        """The error that ended it early: LanceDB's own error would only say that something did."""

    def reader(self) -> pa.RecordBatchReader:
        """All rows, from the first one on."""
        stored = self._spec.as_stored(self._schema.empty_table()).schema
        return pa.RecordBatchReader.from_batches(stored, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        self.notes = self.rows = self.unembedded = 0
        try:
            for rows in self._parts.notes("restoring"):
                entering = self._entering(rows)
                self.rows += entering.num_rows
                self.notes += sum(entering.column("current").to_pylist())
                yield from self._spec.as_stored(entering).to_batches()
        except BackupDamagedError as error:
            self.error = error
            raise

    def _entering(self, rows: pa.Table) -> pa.Table:
        # Also what enters unchanged is written anew: the columns that are computed from others
        # (texts to search, hashes, link ids) are not taken from a file.
        vectors = read_vectors(rows)
        entering = list[NoteRow]()
        for note, made in zip(read_notes(rows), vectors, strict=True):
            if not self._adoption.enters(note.note_id):
                continue
            adopted = self._adoption.adopted(note)
            # The vectors are of words that an erasure took away.
            keeps = self._keeps and adopted.content == note.content
            if not keeps:
                self.unembedded += adopted.current
                adopted = replace(adopted, embed_model="")
            entering.append(NoteRow(note=adopted, vectors=made if keeps else None))
        return to_table(entering, schema=self._schema, dim=self._dim)


async def _add_notes(tables: Tables, stream: _Stream) -> None:
    """Add all notes in one commit."""

    async def change(handle: AsyncTable) -> None:
        builder = handle.merge_insert(tables.notes.spec.key).use_index(False)
        merged = builder.when_not_matched_insert_all().execute(
            stream.reader(), on_bad_vectors="null"
        )
        await merged  # pyright: ignore[reportGeneralTypeIssues] typed as if sync

    async with tables.notes.writing():
        try:
            await tables.notes.commit(change)
        except StoreUnavailableError:
            if stream.error is not None:
                raise stream.error from None
            raise
        finally:
            tables.resident.drop()


def receipts_in(backup: BackupFile) -> list[Receipt]:
    """The erasures recorded when a backup was made, oldest first.

    Raises:
        BackupDamagedError: The file was changed since it was checked, or is no record of erasures.
    """
    parts = backup.manifest.of(ERASURES)
    if sum(part.bytes for part in parts) > ERASURES_MAX_BYTES:
        raise BackupDamagedError(backup.path, ERASURES, "it is larger than any store's")
    with TemporaryDirectory(prefix="zettel-") as folder:
        file = Path(folder, LEDGER_FILE)
        file.write_bytes(b"".join(map(backup.read, parts)))
        try:
            receipts = Ledger([file]).receipts()
            fits = all(map(_is_sound, receipts))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            fits, receipts = False, []
    if not fits:
        raise BackupDamagedError(backup.path, ERASURES, "a line is no record of an erasure")
    return receipts


def _is_sound(receipt: Receipt) -> bool:
    """Whether every field has its type: one line that has not would break the ledger for good."""
    texts = (receipt.receipt_id, receipt.scope, receipt.who, receipt.salt)
    lists = (receipt.digests, receipt.verified, receipt.backups)
    counts = (receipt.notes, receipt.composed, receipt.rows, receipt.scrubbed)
    moments = (receipt.ordered_at, receipt.invisible_at, receipt.physical_at)
    return (
        all(_is_line(text) for text in texts)
        and all(type(held) is tuple and all(map(_is_line, held)) for held in lists)
        and all(type(count) is int and count >= 0 for count in counts)
        and receipt.ordered_at is not None  # pyright: ignore[reportUnnecessaryComparison] as read
        and all(moment is None or moment.tzinfo is not None for moment in moments)
        and _HEX.fullmatch(receipt.salt) is not None
        and all(_HEX.fullmatch(digest) for digest in receipt.digests)
    )


def _is_line(value: object) -> bool:
    return isinstance(value, str) and len(value) <= RECEIPT_MAX_CHARACTERS and "\n" not in value


async def would_erase(tables: Tables, ledger: Ledger, receipts: list[Receipt]) -> list[str]:
    """Ids of notes that a store holds and only a backup records as erased.

    Taking over such a record would erase them, for good: a backup could name anybody's notes.
    """
    unknown = [receipt for receipt in receipts if ledger.receipt(receipt.receipt_id) is None]
    if not unknown or not await tables.notes.count():
        return []
    is_new = recorded(Ledger([]), unknown)
    rows = await tables.notes.select(["note_id"])
    ids = set[str](rows.column("note_id").to_pylist())
    return sorted(i for i in ids if is_new(i) and ledger.is_erased(i) is None)


def recorded(ledger: Ledger, receipts: list[Receipt]) -> IsErased:
    """A test whether this machine's ledger or a backup's records a note's erasure."""
    by_salt = dict[str, set[str]]()
    for receipt in receipts:
        by_salt.setdefault(receipt.salt, set()).update(receipt.digests)

    def is_erased(note_id: str) -> bool:
        return ledger.is_erased(note_id) is not None or any(
            digest_of(note_id, salt) in digests for salt, digests in by_salt.items()
        )

    return is_erased


def carry_over(ledger: Ledger, receipts: list[Receipt]) -> int:
    """Record a backup's unrecorded erasures; returns how many there were.

    Those that this machine's copy has alone are written beside the store as well: its own backup
    is to have them.

    Raises:
        StoreUnavailableError: The ledger cannot be written.
    """
    own = ledger if ledger.is_shared else Ledger(ledger.files[:1])
    known = [ledger.receipt(receipt.receipt_id) for receipt in receipts]
    for receipt, there in zip(receipts, known, strict=True):
        if there is None:
            ledger.put(receipt)
        elif own.receipt(receipt.receipt_id) is None:
            own.put(there)
    return known.count(None)
