"""Undoing a run, and restoring revisions: earlier content returns as a new revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import anyio

from zettel.storage.errors import (
    ChangedMeanwhileError,
    ChangedSinceError,
    NotUndoableError,
    QuotaExceededError,
    RunOutOfReachError,
    UnknownNameError,
)
from zettel.storage.notes import BEGUN, UNDO, Note, Run, State
from zettel.storage.store import Change, Vectors
from zettel.tools.changes.commit import commit
from zettel.tools.changes.run_changes import (
    TouchedNote,
    effective_revisions,
    touched_notes,
    undo_reason,
)
from zettel.tools.changes.stages import next_note
from zettel.tools.changes.supersession import plan_targets, reconcile_superseded, supersedes
from zettel.tools.concurrency import shielded
from zettel.tools.llm.unanswered import keep_unanswered
from zettel.tools.state.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreCause:
    """Bookkeeping fields of restoring revisions."""

    now: datetime
    by: str
    change: str
    reason: str
    run_id: str = ""
    """Empty when an agent does it."""


def restored_note(standing: Note, earlier: Note, *, whole: bool) -> Note:
    """The note with an earlier revision's content, still under the current number.

    Args:
        standing: The current revision; identity and bookkeeping are kept.
        earlier: Source of content with its origin and trust, derived fields, links and validity.
        whole: Whether state and end of validity return too, as in an undo. Otherwise the state
            stays, and the end with it where either revision is superseded, because supersession
            follows from links.

    Returns:
        Not a new revision yet. Its stage is reset only if the content differs and `whole` is false:
        evolution must not make again what an undo removed.
    """
    closed = State.SUPERSEDED in (standing.state, earlier.state)
    reads_alike = evolution_inputs(standing) == evolution_inputs(earlier)
    return replace(
        earlier,
        rev=standing.rev,
        current=standing.current,
        known_from=standing.known_from,
        known_to=standing.known_to,
        ended_at=standing.ended_at,
        corrected=standing.corrected,
        changed_by=standing.changed_by,
        change=standing.change,
        reason=standing.reason,
        run_id=standing.run_id,
        # The order of links has no meaning.
        links=standing.links if set(standing.links) == set(earlier.links) else earlier.links,
        state=earlier.state if whole else standing.state,
        valid_until=standing.valid_until if closed and not whole else earlier.valid_until,
        embed_model=standing.embed_model,
        stage=standing.stage if whole or reads_alike else 0,
    )


async def restoring_changes(
    memory: Memory, pairs: Sequence[tuple[Note, Note]], cause: RestoreCause, *, whole: bool
) -> list[Change]:
    """Changes that restore earlier revisions; each corrects the revision it closes.

    Content returns with the vectors it had, or waits for embedding if these are of another model.
    `pairs` are current and earlier revisions; unchanged notes are left out. `whole` as in
    `restored_note`.
    """
    differing = [earlier for standing, earlier in pairs if standing.content != earlier.content]
    model = memory.embedder.model_id
    rows = [earlier.row_id for earlier in differing if earlier.embed_model == model]
    vectors = await memory.store.passages_at(rows) if rows else {}
    return [
        _change(standing, earlier, note, vectors.get(earlier.row_id), cause)
        for standing, earlier in pairs
        if (note := restored_note(standing, earlier, whole=whole)) != standing
    ]


def _change(
    standing: Note, earlier: Note, note: Note, vectors: Vectors | None, cause: RestoreCause
) -> Change:
    same_words = standing.content == earlier.content
    return Change(
        note=next_note(
            replace(note, embed_model=(standing if same_words else earlier).embed_model),
            by=cause.by,
            now=cause.now,
            change=cause.change,
            reason=cause.reason,
            run_id=cause.run_id,
        ),
        vectors=vectors,
        keep_vectors=same_words,
        corrected=True,
    )


def evolution_inputs(note: Note) -> tuple[str, str, datetime]:
    """The fields that derived fields and links follow from."""
    return (note.content, note.subject, note.happened_at)


UNKNOWN_RUN_NAMED = 5
"""Newest runs named in the error about an unknown one."""
UNDO_MAX_RUNS = 10_000_000
"""Read only for a run without revisions, to tell an idle run from an unknown one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """Result of an undo."""

    undo_id: str
    """Id of the undo's own run; recorded from its first try on."""
    run_id: str
    """The undone run."""
    restored: tuple[str, ...] = ()
    """Ids of notes restored to their state before the run."""
    forgotten: tuple[str, ...] = ()
    """Ids of notes that the run had created."""
    left: Mapping[str, str] = field(default_factory=dict[str, str])
    """Note changed since and left alone -> the agent or later run that changed it."""


async def undo_run(
    memory: Memory, run_id: str, *, now: datetime, undo_id: str, who: str, partial: bool
) -> UndoReport:
    """Restores every note a run changed; notes it created are forgotten.

    The caller holds the evolution lease. Changes undone already count as undone. A note changed by
    others while the undo commits is left alone, even if others are undone by then.

    With `partial`, notes that were changed since are left. `undo_id` is a new run id, for the
    undo's own revisions.

    Raises:
        UnknownNameError: There was no such run.
        NotUndoableError: It is of a kind that changes no revisions.
        RunOutOfReachError: It moved a note from where the caller does not read: nothing is undone.
        ChangedSinceError: Notes were changed since, and not `partial`: nothing is undone.
        NamespaceRefusedError: The caller only reads one of the notes: nothing is undone.
        ChangedMeanwhileError: Others kept changing the notes.
    """
    touched = {entry.after.note_id: entry for entry in await touched_notes(memory.store, run_id)}
    if not touched:
        await _check_undoable(memory, run_id)
    if any(entry.before is None and not entry.created for entry in touched.values()):
        raise RunOutOfReachError(run_id)
    cause = RestoreCause(now=now, by=who, change=UNDO, reason=undo_reason(run_id), run_id=undo_id)
    undoing, began = _Undoing(memory, touched, run_id, cause, partial=partial), anyio.current_time()
    report = UndoReport(undo_id=undo_id, run_id=run_id)
    with shielded():  # a cancelled undo would have no record of its end
        try:
            stored = (await commit(memory, sorted(touched), undoing.plan)).stored
        except (ChangedSinceError, ChangedMeanwhileError, QuotaExceededError):
            if undoing.has_begun:  # nothing was undone, and it is at its end
                await memory.admin.add_run(_record(report, cause, ended=now, outcome="done"))
            raise
        report = _report(undoing, stored)
        if undoing.has_begun:
            ended = now + timedelta(seconds=anyio.current_time() - began)
            await memory.admin.add_run(_record(report, cause, ended=ended, outcome="done"))
        if stored:
            await reconcile_superseded(memory, undoing.targets, by=who, now=now)
            # What was undone is not done again.
            await keep_unanswered(memory.store, {}, touched.keys())
    return report


class _Undoing:
    """One undo's plan, repeated after a lost race."""

    def __init__(
        self,
        memory: Memory,
        touched: Mapping[str, TouchedNote],
        run_id: str,
        cause: RestoreCause,
        *,
        partial: bool,
    ) -> None:
        self.memory = memory
        self.touched = touched
        self.run_id = run_id
        self.cause = cause
        self.left = dict[str, str]()
        self.targets = set[str]()
        self.has_begun = False
        self._partial = partial
        self._at_first = frozenset[str]()

    async def plan(self, notes: Mapping[str, Note]) -> Sequence[Change]:
        """The changes that undo the run where its revision is current.

        Raises:
            ChangedSinceError: A note was changed since, not `partial`, and nothing is undone.
        """
        ends = {note_id: self.touched[note_id].after for note_id in notes}
        others = [note for note in notes.values() if note.row_id != ends[note.note_id].row_id]
        # Later changes that were undone do not count.
        found = dict[str, Note | None](ends) | await effective_revisions(self.memory.store, others)
        stand = {note_id: note for note_id, note in found.items() if note is not None}
        ready = [notes[i] for i, note in stand.items() if note.row_id == ends[i].row_id]
        since = {i: note for i, note in stand.items() if note.rev > ends[i].rev}
        self._at_first = self._at_first or frozenset(notes)
        some_are_undone = notes.keys() < self._at_first
        if since and not self._partial and not some_are_undone:
            newest = sorted(since.values(), key=lambda note: note.known_from, reverse=True)
            edits = await self._edits_since({i: ends[i].rev for i in since})
            runs = () if edits else dict.fromkeys(note.run_id for note in newest if note.run_id)
            raise ChangedSinceError(
                self.run_id,
                {note.note_id: _changer(edits.get(note.note_id, note)) for note in newest},
                later_runs=tuple(runs),
            )
        self.left |= {note_id: _changer(note) for note_id, note in since.items()}
        changes = await self._changes(ready)
        if changes:
            await self._begin()
        return changes

    async def _edits_since(self, revs: Mapping[str, int]) -> dict[str, Note]:
        """By note id the last revision since one that no run made: undoing runs leaves it."""
        edits = dict[str, Note]()
        for note_id, rev in revs.items():
            for note in await self.memory.store.revisions(note_id):
                if note.rev > rev and note.told and not note.run_id:
                    edits[note_id] = note
        return edits

    async def _begin(self) -> None:
        """Records the undo before its first revision, so that one that is killed can be undone."""
        if not self.has_begun:
            self.has_begun = True
            report = UndoReport(undo_id=self.cause.run_id, run_id=self.run_id)
            began = _record(report, self.cause, ended=self.cause.now, outcome=BEGUN)
            await self.memory.admin.add_run(began)

    async def _changes(self, notes: Sequence[Note]) -> list[Change]:
        pairs = list[tuple[Note, Note]]()
        for note in notes:
            before = self.touched[note.note_id].before
            pairs.append((note, before or replace(note, state=State.FORGOTTEN)))
        changes = await restoring_changes(self.memory, pairs, self.cause, whole=True)
        self.memory.check_writes(change.note for change in changes)
        after = {change.note.note_id: change.note for change in changes}
        turned = {
            target
            for note in notes
            for target in supersedes(note) ^ _superseded_by(after.get(note.note_id, note))
        }
        self.targets |= turned
        by, now = self.cause.by, self.cause.now
        follow = await plan_targets(self.memory.store, turned, after, by=by, now=now)
        # Part of the undo's run, so that undoing the undo reverts them too.
        run_id = self.cause.run_id
        return changes + [replace(c, note=replace(c.note, run_id=run_id)) for c in follow]


def _superseded_by(note: Note) -> frozenset[str]:
    return frozenset() if note.state is State.FORGOTTEN else supersedes(note)


def _changer(note: Note) -> str:
    return note.run_id or note.changed_by or "an unnamed client"


async def _check_undoable(memory: Memory, run_id: str) -> None:
    runs = await memory.admin.runs(limit=UNDO_MAX_RUNS)
    run = next((run for run in runs if run.run_id == run_id), None)
    if run is None:
        newest = [run.run_id for run in runs[:UNKNOWN_RUN_NAMED]]
        named = f"The newest are {', '.join(newest)}; " if newest else "There was none yet; "
        raise UnknownNameError("run", run_id, newest, f"{named}zettel runs lists them.")
    if run.kind in NotUndoableError.REASONS:
        raise NotUndoableError(run_id, run.kind)


def _report(undoing: _Undoing, stored: Sequence[Note]) -> UndoReport:
    created = {i for i, entry in undoing.touched.items() if entry.before is None}
    ids = sorted(note.note_id for note in stored)
    return UndoReport(
        undo_id=undoing.cause.run_id,
        run_id=undoing.run_id,
        restored=tuple(note_id for note_id in ids if note_id not in created),
        forgotten=tuple(note_id for note_id in ids if note_id in created),
        left=dict(sorted(undoing.left.items())),
    )


def _record(report: UndoReport, cause: RestoreCause, *, ended: datetime, outcome: str) -> Run:
    return Run(
        run_id=report.undo_id,
        kind=UNDO,
        who=cause.by,
        started_at=cause.now,
        ended_at=ended,
        counts={
            "restored": len(report.restored),
            "forgotten": len(report.forgotten),
            "left": len(report.left),
        },
        outcome=outcome,
    )
