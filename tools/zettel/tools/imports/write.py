"""Stores drafts as notes, many in one commit; run again, it adds only what is missing.

The embedding model sets the pace: while it works on one batch, the batch before is committed and
the one after is read and checked.
"""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import anyio
from anyio import to_thread

from zettel.storage.errors import (
    ChangedMeanwhileError,
    InvalidArgumentError,
    ModelUnavailableError,
    ZettelError,
)
from zettel.storage.ids import derived_id, new_id
from zettel.storage.meta import update_meta
from zettel.storage.notes import (
    BEGUN,
    CONTRADICTS,
    DERIVED_FROM,
    MAY_CONTRADICT,
    MAY_SUPERSEDE,
    SUPERSEDES,
    Kind,
    Note,
    Run,
    State,
    fold,
    fold_hash,
)
from zettel.storage.progress import ReportProgress
from zettel.storage.store import Change, NewNote, NoteFilter, Vectors
from zettel.tools.caller import Caller
from zettel.tools.changes.commit import commit
from zettel.tools.changes.links import DEFAULT_RELATION, LinkArgument, with_links
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.concurrency import gather2, shielded
from zettel.tools.imports.drafts import IMPORT, Draft, DraftLink, Skipped, SourcePart
from zettel.tools.imports.ended import Ended
from zettel.tools.imports.formats import Format
from zettel.tools.imports.prepare import (
    TIES_MAX,
    Ready,
    as_note,
    before_end,
    moments,
    place_of,
    prepare,
    source_of,
    stated_time,
)
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_LIST, tidy_relation
from zettel.tools.verbs.update import update

IMPORT_LEASE_KEY = "lease:import"
"""Key in `meta` of the lease under which one process at a time imports."""
BATCH_NOTES = 500
"""In one commit: some 100 ms of work beside 6 s of embedding, and 200 fragments for 100,000
notes. The model gets them at once and sorts them by length."""
NAMED_MAX = 20
"""Notes and skipped parts of a source that a report names."""
SAMPLES = 3
ERASED_BEFORE = "erased here before"
"""Why a draft is skipped."""
FORGOTTEN_BEFORE = "forgotten here before: zettel forget --undo brings it back"
"""Likewise: it is the file of such a note."""
KEY_TWICE = "its id came before in the source, with other words"
"""Likewise: the first one is kept."""
REPEATS_MAX_NOTES = 1_000
"""With the same words, that are compared with a draft."""
ALL_NOTES = 10_000_000
"""Read in one go: between pages a note could move."""

logger = logging.getLogger(__name__)

_PROPOSED = {SUPERSEDES: MAY_SUPERSEDE, CONTRADICTS: MAY_CONTRADICT}
"""What a file says of these is a proposal to review: it takes no note out of recall."""


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What an import did, or would do; its parts count notes."""

    format: str
    namespace: str
    run_id: str = ""
    """Empty if nothing was stored."""
    read: int = 0
    """Drafts, and skipped parts of the source."""
    stored: int = 0
    unchanged: int = 0
    """Imported before."""
    repeated: int = 0
    """Of which a note with the same words was there, or came before in the source."""
    updated: int = 0
    """Imported before, changed in the source since, and not changed here."""
    links: int = 0
    marked: int = 0
    """Stored with text that reads like orders to an agent, or hides characters."""
    kinds: Counter[Kind] = field(default_factory=Counter[Kind])
    """Of the stored ones."""
    skipped: Counter[str] = field(default_factory=Counter[str])
    """Reason -> parts of the source that became no note."""
    skipped_named: list[Skipped] = field(default_factory=list[Skipped])
    """The first of them."""
    kept: list[str] = field(default_factory=list[str])
    """Ids of the first notes that were changed in the source and here, and left as they are."""
    kept_count: int = 0
    archived: int = 0
    """Imported before, and deleted there since, or cut out of their text."""
    superseded: int = 0
    """Imported before, and replaced there since by a note that was imported."""
    over_kept: list[str] = field(default_factory=list[str])
    """Ids of the first notes that are over in the source, but were changed here."""
    over_kept_count: int = 0
    unresolved: int = 0
    """Links to what the source does not have, or what was forgotten here."""
    cut: Counter[str] = field(default_factory=Counter[str])
    """Secrets, by kind."""
    samples: list[Draft] = field(default_factory=list[Draft])
    """The first notes to be stored."""
    took: timedelta = timedelta()
    embedding: timedelta = timedelta()
    """What of it the embedding model was at work."""
    unembedded: str = ""
    """Why notes are left for evolution to embed; empty if none are."""

    def skip(self, part: Skipped) -> None:
        """Count a part of the source that becomes no note."""
        self.skipped[part.reason] += 1
        if len(self.skipped_named) < NAMED_MAX:
            self.skipped_named.append(part)

    def keep(self, note_id: str) -> None:
        """Count a note that was left as it is."""
        self.kept_count += 1
        if len(self.kept) < NAMED_MAX:
            self.kept.append(note_id)

    def keep_over(self, note_id: str) -> None:
        """Count a note that is over in the source and was left as it is."""
        self.over_kept_count += 1
        if len(self.over_kept) < NAMED_MAX:
            self.over_kept.append(note_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTask:
    """One import."""

    format: Format
    namespace: str
    clock: Callable[[], datetime]
    run_id: str
    trusted: bool = False
    """Whether the notes count as the person's own words."""
    dry: bool = False
    """Whether nothing is written."""


async def import_notes(
    memory: Memory,
    caller: Caller,
    task: ImportTask,
    found: Iterator[SourcePart],
    *,
    tell: ReportProgress,
    total: int = 0,
    report: ImportReport | None = None,
) -> ImportReport:
    """Stores all that a source has and the store has not.

    The caller holds the lease of `IMPORT_LEASE_KEY`. A note's id follows from its key in the source
    and the first import that stored it, so an import that was killed is simply run again. Its
    notes are known from their commit on, and have their vectors in it; only without a model that
    can be used is embedding left to evolution. Its run is recorded before the first commit.

    The caller's name tells an import's revisions from others; `total` is of drafts and skipped
    parts of the source, 0 if unknown; `report` is filled as the import goes on, None for a new one.

    Raises:
        InvalidArgumentError: The source cannot be read to its end; what came before is stored.
        QuotaExceededError: The namespace would exceed its quota; what came before is stored.
        StoreError: The store failed; what came before is stored.
    """
    report = report or ImportReport(format=task.format.name, namespace=task.namespace)
    work, outcome = _Import(memory, caller, task, report), "failed"
    await work.open()
    try:
        await work.store_all(found, tell, total)
        await work.link_later(tell)
        await work.end_what_is_over()
        if report.run_id:
            tell("indexing", 0, 0)
            await memory.admin.upkeep()
        outcome = "done"
        report.took = task.clock() - work.began
    except anyio.get_cancelled_exc_class():
        outcome = "cancelled"
        raise
    finally:
        if report.run_id:
            with shielded():
                await work.record(outcome)
    return report


async def count_found(found: Iterator[SourcePart], tell: ReportProgress) -> int:
    """How many drafts and skipped parts a source has; reads it to its end.

    Raises:
        InvalidArgumentError: It cannot be read to its end.
    """
    count = 0
    with closing(found):  # pyright: ignore[reportArgumentType]: readers are generators
        while read := await to_thread.run_sync(lambda: len(list(islice(found, BATCH_NOTES)))):
            count += read
            tell("reading", count, 0)
    return count


def _meta_key(name: str) -> str:
    return f"imports:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Some of a source, read and checked."""

    parts: Sequence[Ready | Skipped] = ()
    read: int = 0
    """Drafts and skipped parts that it was made of; 0 at the end of the source."""
    failure: InvalidArgumentError | None = None
    """Why the source cannot be read on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """New notes that wait for their commit."""

    ready: Mapping[str, Ready]
    """By note id."""
    entries: Sequence[NewNote]
    now: datetime


class _Import:
    """The state of one import: what the store has of the source, and what waits for later notes."""

    def __init__(
        self, memory: Memory, caller: Caller, task: ImportTask, report: ImportReport
    ) -> None:
        self.report, self.began = report, task.clock()
        self._memory, self._caller, self._task = memory, caller, task
        self._anchors = list[str]()
        """Ids that the ids of earlier imports' notes derive from, the newest last."""
        self._own = ""
        """This import's; empty until it stores a note."""
        self._ids, self._folds = set[str](), set[int]()
        self._seen = dict[str, int]()
        """Ids of the source's notes so far -> place."""
        self._words = dict[str, int]()
        """Ids of the source's notes so far -> hash of their words there."""
        self._unstored = dict[str, Ready]()
        """Notes of the source that are not committed yet, of at most two batches."""
        self._folded_new = defaultdict[str, list[str]](list)
        """Hash of the folded content -> ids of `_unstored`."""
        self._repeats = dict[str, str]()
        """Key in the source -> the note that had its words before."""
        self._later = dict[str, list[DraftLink]]()
        """Note -> links to what may come later in the source."""
        self._unwritten = dict[str, Note]()
        """The notes of `_later` that only a dry run has."""
        self._ended = Ended(None)
        self._refused = set[str]()
        """Notes whose texts the source still has, but which cannot be stored as they are now."""

    @property
    def _in_run(self) -> Memory:
        """The memory whose changes are of this run, so that its undo takes them back."""
        return replace(self._memory, run_id=self._task.run_id)

    async def open(self) -> None:
        """Read what the namespace holds."""
        key = _meta_key(self._task.format.name)
        self._anchors = json.loads(await self._memory.store.get_meta(key) or "[]")
        self._ended = Ended(await self._memory.store.get_meta(f"{key}:parts"))
        where = NoteFilter(namespaces=(self._task.namespace,), states=(), derived=None)
        outlines = await self._memory.store.outlines(where, limit=ALL_NOTES)
        self._ids = {outline.note_id for outline in outlines}
        self._folds = await to_thread.run_sync(
            lambda: {_short(fold_hash(outline.content)) for outline in outlines}
        )

    async def record(self, outcome: str) -> None:
        """Record the run, or how it ended."""
        report = self.report
        run = Run(
            run_id=report.run_id,
            kind=IMPORT,
            who=self._caller.name,
            started_at=self.began,
            ended_at=self._task.clock(),
            counts={
                "stored": report.stored,
                "updated": report.updated,
                "linked": report.links,
                "archived": report.archived,
                "superseded": report.superseded,
            },
            outcome=outcome,
        )
        await self._memory.admin.add_run(run)

    async def _begin(self) -> None:
        """Record the run before its first change, so that one that is killed is known."""
        if not self.report.run_id:
            self.report.run_id = self._task.run_id
            await self.record(BEGUN)

    async def store_all(
        self, found: Iterator[SourcePart], tell: ReportProgress, total: int
    ) -> None:
        """Store the notes of the source, a batch in one commit, and update what it changed.

        Raises:
            InvalidArgumentError: It cannot be read to its end; what came before is stored.
        """
        step = "reading" if self._task.dry else "importing"
        with closing(found):  # pyright: ignore[reportArgumentType]: readers are generators
            batch, made = await self._read(found), None
            while batch.read:
                done = self.report.read
                self.report.read += batch.read
                new = await self._sorted(batch.parts)
                made, batch = await gather2(
                    partial(self._made_beside, new, made), lambda: self._read(found)
                )
                tell(step, done, total)
            await self._commit(made)
            tell(step, self.report.read, total)
        if batch.failure:
            raise batch.failure

    async def _read(self, found: Iterator[SourcePart]) -> _Batch:
        return await to_thread.run_sync(self._prepared, found)

    def _prepared(self, found: Iterator[SourcePart]) -> _Batch:
        """The next parts of the source, checked and their secrets cut; CPU work for a thread."""
        try:
            batch = list(islice(found, BATCH_NOTES))
        except InvalidArgumentError as error:
            return _Batch(failure=error)
        prepared = list[Ready | Skipped]()
        for each in batch:
            if isinstance(each, Skipped):
                prepared.append(each)
            else:
                prepared += prepare(each, self._memory.secrets, self.report.cut)
        return _Batch(parts=prepared, read=len(batch))

    async def _sorted(self, parts: Sequence[Ready | Skipped]) -> dict[str, Ready]:
        """The new notes of a batch, by id; the notes that the source changed are updated."""
        ready = list[Ready]()
        for each in parts:
            if isinstance(each, Skipped):
                self.report.skip(each)
                self._note_skipped(each)
            else:
                ready.append(each)
                self._ended.see(self._seed(each.draft.whole or each.draft.key))
        ids = {each.draft.key: self._known(each.draft.key) for each in ready}
        unknown = [each.draft for each in ready if ids[each.draft.key] is None]
        wanted = {*filter(None, ids.values()), *(d.note_id for d in unknown if d.note_id)}
        known = {note.note_id: note for note in await self._memory.store.get(sorted(wanted))}
        gone = await self._gone(unknown, known)
        new = dict[str, Ready]()
        for each in ready:
            if each.draft.key in gone:
                self.report.skip(gone[each.draft.key])
            else:
                imported, exported = known.get(ids[each.draft.key] or ""), each.draft.note_id
                await self._sort(each, imported, new, exported=known.get(exported))
        self._ids.update(new)
        self._seen |= {note_id: at for at, note_id in enumerate(new, len(self._seen))}
        self._folds.update(_short(each.folded) for each in new.values())
        return new

    def _note_skipped(self, part: Skipped) -> None:
        """Note what an earlier import stored of a part that becomes no note now."""
        note_id = self._known(part.key) if part.key else None
        if part.over:
            self._ended.see(self._seed(part.key))
        if note_id and part.over:
            self._ended.end(note_id, part.replaced_by)
        elif note_id:
            self._refused.add(note_id)

    async def _gone(
        self, drafts: Sequence[Draft], known: Mapping[str, Note]
    ) -> Mapping[str, Skipped]:
        """By key the drafts whose notes were erased, or forgotten if an export wrote the draft.

        An erased note is one that an earlier import stored, or the one that was exported.
        """
        earlier = [anchor for anchor in self._anchors if anchor != self._own]
        exported = [(draft.note_id, draft.key) for draft in drafts if draft.note_id]
        keys = [draft.key for draft in drafts]
        ids = [(derived_id(anchor, self._seed(key)), key) for key in keys for anchor in earlier]
        ids += exported
        erased = await self._memory.admin.erased([note_id for note_id, _ in ids]) if ids else {}
        gone = dict[str, Skipped]()
        for note_id, key in exported:
            if note_id in known and known[note_id].state is State.FORGOTTEN:
                gone[key] = Skipped(where=note_id, reason=FORGOTTEN_BEFORE)
        for note_id, key in ids:
            if note_id in erased:
                gone[key] = Skipped(where=note_id, reason=ERASED_BEFORE)
        return gone

    async def _sort(
        self, each: Ready, known: Note | None, new: dict[str, Ready], *, exported: Note | None
    ) -> None:
        """Find out whether a draft is new, known, changed or a repeat.

        `known` is the note that an import stored for it, `exported` the one that it is the file of.
        """
        key = each.draft.key
        if known is not None:
            if known.note_id in self._seen:
                self._count_twice(each, known.note_id)
                return
            self._seen[known.note_id] = len(self._seen)
            self._words[known.note_id] = _short(each.folded)
            self._note_part(each.draft, known.note_id)
            await self._update(each, known)
            return
        note_id = self._new_id(key)
        if note_id in new or note_id in self._seen:
            self._count_twice(each, note_id)
        elif repeated := self._unchanged(each, exported) or await self._repeated(each):
            self._repeats[key] = repeated
            self.report.repeated += 1
        else:
            new[note_id] = self._unstored[note_id] = each
            self._words[note_id] = _short(each.folded)
            self._note_part(each.draft, note_id)
            self._folded_new[each.folded].append(note_id)

    def _note_part(self, draft: Draft, note_id: str) -> None:
        if draft.whole:
            self._ended.see(self._seed(draft.whole), note_id)

    def _count_twice(self, each: Ready, note_id: str) -> None:
        """Count a draft whose key came before in the source."""
        if self._words[note_id] == _short(each.folded):
            self.report.repeated += 1
        else:
            self.report.skip(Skipped(where=place_of(each.draft), reason=KEY_TWICE))

    def _known(self, key: str) -> str | None:
        """The id of the note that an import has stored for a key."""
        seed = self._seed(key)
        for anchor in filter(None, (*self._anchors, self._own)):
            if (note_id := derived_id(anchor, seed)) in self._ids:
                return note_id
        return None

    def _new_id(self, key: str) -> str:
        self._own = self._own or new_id(self._task.clock())
        return derived_id(self._own, self._seed(key))

    def _seed(self, key: str) -> str:
        return f"{self._task.format.name}\n{self._task.namespace}\n{key}"

    def _unchanged(self, each: Ready, exported: Note | None) -> str | None:
        """The note that a draft is the file of, if the words are the same; times are rounded."""
        if exported is None or exported.namespace != self._task.namespace:
            return None
        return exported.note_id if fold_hash(exported.content) == each.folded else None

    async def _repeated(self, each: Ready) -> str | None:
        """The note that says the same, as `remember` would find it."""
        own = [
            note_id
            for note_id in self._folded_new.get(each.folded, ())
            if _repeats(each.draft, self._unstored[note_id].draft)
        ]
        stored = await self._repeated_there(each) if _short(each.folded) in self._folds else []
        # The same one at each import: what came first in the source, else what was first stored.
        earlier = sorted((i for i in stored if i in self._seen), key=lambda i: self._seen[i])
        return next(iter((*earlier, *own, *stored)), None)

    async def _repeated_there(self, each: Ready) -> list[str]:
        """The stored notes that say the same, the oldest first."""
        where = NoteFilter(
            namespaces=(self._task.namespace,),
            fold_hash=each.folded,
            subject=each.draft.subject,
            kinds=() if each.draft.kind is Kind.EPISODIC else (each.draft.kind,),
            sessions=(each.draft.session,) if each.draft.session else (),
        )
        notes = await self._memory.store.find(where, limit=REPEATS_MAX_NOTES)
        found = [note for note in notes if _repeats(each.draft, note)]
        return [n.note_id for n in sorted(found, key=lambda n: (n.known_from, n.note_id))]

    async def _update(self, each: Ready, note: Note) -> None:
        """Bring a note to what the source has now, if nobody has changed it here."""
        draft = each.draft
        self._link_later(note, draft)
        if note.state is not State.ARCHIVED and _says(note, draft):
            self.report.unchanged += 1
            return
        revisions = await self._memory.store.revisions(note.note_id)
        imported = [r for r in revisions if r.changed_by == self._caller.name]
        back = note.state is State.ARCHIVED and self._is_as_imported(note, revisions)
        if not back and any(_says(each, draft) for each in (note, *imported[-1:])):
            self.report.unchanged += 1  # changed here alone
            return
        others = [r for r in revisions if r.told and r.changed_by != self._caller.name]
        if not back and (note.state is not State.ACTIVE or others):
            self.report.keep(note.note_id)
            return
        if self._task.dry:
            self.report.updated += 1
            return
        await self._begin()
        if draft.content != note.content:
            await self._load_model()
        try:
            if back:
                reason = f"there again in {self._task.format.name}"
                note = await self._turn(note, State.ACTIVE, reason)
            await self._apply(note, draft)
        except ZettelError:  # changed here meanwhile, or what the source says now is refused
            self.report.keep(note.note_id)
            return
        self.report.updated += 1

    async def _load_model(self) -> None:
        """Load the model if it can be used: `update` embeds new words only if it is loaded."""
        report, embedder, clock = self.report, self._memory.embedder, self._task.clock
        if embedder.ready or report.unembedded:
            return
        began = clock()
        try:
            await embedder.load()
        except ModelUnavailableError as error:
            self._leave_to_evolution(error)
        finally:
            report.embedding += clock() - began

    def _leave_to_evolution(self, error: ModelUnavailableError) -> None:
        logger.warning("notes are imported without vectors: %s", error)
        self.report.unembedded = str(error)

    async def _apply(self, note: Note, draft: Draft) -> None:
        stated, now = stated_time(draft), self._task.clock()
        # Other words of the same time were never true; of a later one they tell of a change.
        moved = not _when(stated, note.happened_at)
        changed_later = stated is None or (moved and stated > note.happened_at)
        begun = now if draft.content != note.content else note.happened_at
        began = stated if stated and moved else before_end(draft, begun)
        until = draft.valid_until.isoformat() if draft.valid_until else ""
        await update(
            self._in_run,
            self._caller,
            now=now,
            note_id=note.note_id,
            content=draft.content,
            context=draft.context or None,
            subject=draft.subject or None,
            tags=draft.tags or None,
            kind=draft.kind.value,
            happened_at=began.isoformat() if (stated and moved) or began != begun else None,
            valid_until=until if (note.valid_until or until) and not draft.end_unknown else None,
            correction=not changed_later,
            expected_rev=note.rev,
            reason=f"changed in {self._task.format.name}",
        )

    async def _made_beside(self, new: Mapping[str, Ready], before: _Made | None) -> _Made | None:
        """`_made`, while the batch before is committed."""
        made, _ = await gather2(lambda: self._made(new), lambda: self._commit(before))
        return made

    async def _made(self, new: Mapping[str, Ready]) -> _Made | None:
        """The new notes with their vectors; None for none."""
        if not new:
            return None
        now = self._task.clock()
        contents = [each.draft.content for each in new.values()]
        vectors, notes = await gather2(
            lambda: self._embedded(contents),
            lambda: to_thread.run_sync(self._as_notes, new, now),
        )
        entries = [NewNote(note=n, vectors=v) for n, v in zip(notes, vectors, strict=True)]
        return _Made(ready=new, entries=entries, now=now)

    async def _embedded(self, contents: Sequence[str]) -> Sequence[Vectors | None]:
        """The vectors of contents, in batches by length; None where no model can be used."""
        report, embedder, clock = self.report, self._memory.embedder, self._task.clock
        if self._task.dry or report.unembedded:
            return [None] * len(contents)
        began = clock()
        try:
            return await embedder.embed_notes(contents)
        except ModelUnavailableError as error:
            self._leave_to_evolution(error)
            return [None] * len(contents)
        finally:
            report.embedding += clock() - began

    async def _commit(self, made: _Made | None) -> None:
        """Commit new notes with their links to what is there."""
        if made is None:
            return
        with shielded():
            await self._record_anchor()
            entries = await self._linked(made)
            stored = await self._commit_new(entries)
            self._count_stored(made.ready, stored)

    def _count_stored(self, ready: Mapping[str, Ready], stored: Sequence[Note]) -> None:
        report = self.report
        for note_id, each in ready.items():
            del self._unstored[note_id]
            self._folded_new[each.folded].remove(note_id)
            if not self._folded_new[each.folded]:
                del self._folded_new[each.folded]
        for note_id in ready.keys() - {note.note_id for note in stored}:
            report.skip(Skipped(where=note_id, reason=ERASED_BEFORE))
        for note in stored:
            report.stored += 1
            report.kinds[note.kind] += 1
            report.links += len(note.links)
            if len(report.samples) < SAMPLES:
                report.samples.append(ready[note.note_id].draft)

    async def _commit_new(self, entries: Sequence[NewNote]) -> Sequence[Note]:
        if self._task.dry:
            return [entry.note for entry in entries]
        await self._begin()
        return (await commit(self._memory, (), _no_changes, new=entries)).stored

    def _as_notes(self, new: Mapping[str, Ready], now: datetime) -> list[Note]:
        task, notes = self._task, list[Note]()
        times = moments([each.draft for each in new.values()], now)
        for (note_id, each), happened in zip(new.items(), times, strict=True):
            note, marked = as_note(
                each.draft,
                note_id,
                happened=happened,
                namespace=task.namespace,
                source=source_of(each.draft, task.format.name, trusted=task.trusted),
                origin=self._caller.origin,
                by=self._caller.name,
                run_id=task.run_id,
                now=now,
            )
            self.report.marked += marked
            notes.append(note)
        return notes

    async def _linked(self, made: _Made) -> list[NewNote]:
        """The notes with their links to what is there by now; other links wait."""
        targets = {entry.note.note_id: entry.note for entry in made.entries}
        ties = {note_id: each.draft.links for note_id, each in made.ready.items()}
        wanted = {self._stored(link.key, made) for links in ties.values() for link in links}
        there = sorted(to for to in wanted if to and to not in targets)
        targets |= {note.note_id: note for note in await self._memory.store.get(there)}
        linked = list[NewNote]()
        for entry in made.entries:
            links, later = list[DraftLink](), list[DraftLink]()
            for link in ties[entry.note.note_id]:
                (links if self._stored(link.key, made) else later).append(link)
            if later:
                self._later[entry.note.note_id] = later
            note = self._with_links(entry.note, links, targets, made.now)
            if later and self._task.dry:
                self._unwritten[note.note_id] = note
            linked.append(replace(entry, note=note))
        return linked

    def _stored(self, key: str, made: _Made) -> str | None:
        """The note that a key leads to, if it is in the store, or will be by this commit."""
        to = self._target(key)
        return to if to in made.ready or to not in self._unstored else None

    def _with_links(
        self,
        note: Note,
        links: Sequence[DraftLink],
        targets: Mapping[str, Note],
        now: datetime,
    ) -> Note:
        """The note with links to targets that can be linked to, and at most their trust."""
        arguments, trust = list[LinkArgument](), note.trust
        had = {(link.to, link.relation) for link in note.links}
        room = MAX_LIST - len([link for link in note.links if link.made_by == "agent"])
        for link in links:
            to, relation = self._target(link.key), _relation(link.relation)
            target = targets.get(to) if to else None
            if to is None or to == note.note_id or (to, relation) in had:
                continue
            usable = target.state is not State.FORGOTTEN if target else self._would_store(to)
            if not usable or len(arguments) >= room:
                self.report.unresolved += 1
                continue
            arguments.append(LinkArgument(to=to, relation=relation))
            if target and relation == DERIVED_FROM:
                trust = min(trust, target.trust)
        return replace(note, links=with_links(note, arguments, now=now), trust=trust)

    def _would_store(self, note_id: str) -> bool:
        """Whether a dry run leads to a note that the import itself would have stored by then."""
        return self._task.dry and note_id in self._seen

    def _target(self, key: str) -> str | None:
        """The note that a key leads to, if it is there."""
        return self._repeats.get(key) or self._known(key)

    def _link_later(self, note: Note, draft: Draft) -> None:
        """Have links added that an import was killed before, or that the source has added."""
        had = {(link.to, link.relation) for link in note.links}
        missing = [
            link
            for link in draft.links
            if (self._target(link.key), _relation(link.relation)) not in had
        ]
        if missing and note.state is not State.FORGOTTEN:
            self._later[note.note_id] = missing

    async def link_later(self, tell: ReportProgress) -> None:
        """Add the links to what came later in the source."""
        waiting, total = list(self._later), len(self._later)
        for start in range(0, total, BATCH_NOTES):
            ids = waiting[start : start + BATCH_NOTES]
            links = [link for note_id in ids for link in self._later[note_id]]
            found = {to for link in links if (to := self._target(link.key))}
            self.report.unresolved += len([k for k in links if not self._target(k.key)])
            await self._add_links(ids, sorted(found))
            tell("linking", min(start + BATCH_NOTES, total), total)

    async def _add_links(self, ids: Sequence[str], found: Sequence[str]) -> None:
        targets = {note.note_id: note for note in await self._memory.store.get(found)}
        now, added = self._task.clock(), dict[str, int]()

        async def plan(notes: Mapping[str, Note]) -> Sequence[Change]:
            changes = list[Change]()
            for note in notes.values():
                after = self._with_links(note, self._later[note.note_id], targets, now)
                if after.links == note.links:
                    continue
                added[note.note_id] = len(after.links) - len(note.links)
                by, run_id = self._caller.name, self._task.run_id
                after = next_note(after, by=by, now=now, change=IMPORT, run_id=run_id)
                changes.append(Change(note=after))
            return changes

        if self._task.dry:
            stored = {note.note_id: note for note in await self._memory.store.get(ids)}
            new = {note_id: self._unwritten[note_id] for note_id in ids if note_id not in stored}
            await plan(stored | new)
        else:
            await self._begin()
            await commit(self._memory, ids, plan)
        self.report.links += sum(added.values())

    async def end_what_is_over(self) -> None:
        """Take out of recall what the source has deleted or replaced since an earlier import."""
        still = {*self._seen, *self._refused, *self._repeats.values()}
        over = self._ended.gone(self._ids, still)
        ids = sorted(over)
        for start in range(0, len(ids), BATCH_NOTES):
            for note in await self._memory.store.get(ids[start : start + BATCH_NOTES]):
                if note.state is State.ACTIVE:
                    await self._end(note, self._known(over[note.note_id]))
        if not self._task.dry:
            key = f"{_meta_key(self._task.format.name)}:parts"
            merged = partial(self._ended.merged, still=still)
            await update_meta(self._memory.store, key, merged)

    async def _end(self, note: Note, newer: str | None) -> None:
        """Supersede a note by the one that replaced it there, else archive it."""
        report = self.report
        if not self._is_as_imported(note, await self._memory.store.revisions(note.note_id)):
            report.keep_over(note.note_id)
            return
        if not self._task.dry:
            await self._begin()
            newer = newer if newer and await self._is_superseded(note, newer) else None
            try:
                if newer is None:
                    reason = f"no longer in {self._task.format.name}"
                    await self._turn(note, State.ARCHIVED, reason)
            except ZettelError:  # changed here meanwhile
                report.keep_over(note.note_id)
                return
        report.superseded += newer is not None
        report.archived += newer is None

    def _is_as_imported(self, note: Note, revisions: Sequence[Note]) -> bool:
        """Whether nobody has changed a note here, nor brought back what an import ended."""
        told = [revision for revision in revisions if revision.told]
        own = [revision for revision in told if revision.changed_by == self._caller.name]
        return bool(own) and len(own) == len(told) and own[-1].state is note.state

    async def _is_superseded(self, note: Note, newer: str) -> bool:
        """Let a note take another's place; false if it cannot."""
        link = LinkArgument(to=note.note_id, relation=SUPERSEDES)
        reason, now = f"replaced it in {self._task.format.name}", self._task.clock()
        try:
            await update(
                self._in_run, self._caller, now=now, note_id=newer, links=[link], reason=reason
            )
        except ZettelError:
            return False
        return True

    async def _turn(self, note: Note, state: State, reason: str) -> Note:
        """The note, archived or active again.

        Raises:
            ChangedMeanwhileError: Somebody has changed it.
        """
        now, by = self._task.clock(), self._caller.name
        turned = replace(note, state=state, stage=stage_after(state))
        turned = next_note(turned, by=by, now=now, change=IMPORT, reason=reason)

        async def plan(notes: Mapping[str, Note]) -> Sequence[Change]:
            return [Change(note=turned) for found in notes.values() if found.rev == note.rev]

        stored = (await commit(self._in_run, [note.note_id], plan)).stored
        if not any(revision.note_id == note.note_id for revision in stored):
            raise ChangedMeanwhileError([note.note_id])
        return turned

    async def _record_anchor(self) -> None:
        """Record where the ids of this import's notes derive from, before the first is stored."""
        if self._task.dry or self._own in self._anchors:
            return

        def add(before: str | None) -> str:
            known: list[str] = json.loads(before or "[]")
            return json.dumps(list(dict.fromkeys((*known, self._own))))

        await update_meta(self._memory.store, _meta_key(self._task.format.name), add)
        self._anchors.append(self._own)


async def _no_changes(_notes: Mapping[str, Note]) -> Sequence[Change]:
    return ()


def _short(folded: str) -> int:
    """64 of a hash's bits: of 100,000 notes, two have the same once in four billion stores."""
    return int(folded[:16], 16)


def _relation(text: str) -> str:
    relation = tidy_relation(text) or DEFAULT_RELATION
    return _PROPOSED.get(relation, relation)


def _repeats(draft: Draft, other: Draft | Note) -> bool:
    """Whether another one with the same words says all that a draft says."""
    return (
        fold(draft.subject) == fold(other.subject)
        and (draft.kind is Kind.EPISODIC or draft.kind is other.kind)
        and (not draft.session or draft.session == other.session)
        and _when(draft.happened_at, other.happened_at)
    )


def _when(stated: datetime | None, other: datetime | None) -> bool:
    if stated is None or other is None:
        return stated is None
    return abs(stated - other) < TIES_MAX


def _says(note: Note, draft: Draft) -> bool:
    """Whether a revision says what a draft says, links aside."""
    return (
        note.content == draft.content
        and _when(stated_time(draft), note.happened_at)
        and (draft.end_unknown or draft.valid_until == note.valid_until)
        and (not draft.subject or note.subject == draft.subject)
        and note.kind is draft.kind
        and (not draft.context or note.context == draft.context)
        and set(draft.tags) <= set(note.tags)
    )
