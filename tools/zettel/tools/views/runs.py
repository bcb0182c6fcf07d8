"""What evolution did, run by run: the notes that a caller may read, before and after."""

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict

from zettel.storage.errors import UnknownNameError
from zettel.storage.notes import UNDO, Note, Run, State
from zettel.storage.read_view import in_one_view
from zettel.tools.answers import ForgetLine
from zettel.tools.caller import PROCESSES, Caller
from zettel.tools.changes.differences import differences
from zettel.tools.changes.run_changes import TouchedNote, touched_notes, undo_reason
from zettel.tools.language.times import iso
from zettel.tools.note_marks import add_labels
from zettel.tools.render import one_line
from zettel.tools.state.memory import Memory

LISTED_RUNS_PAGE = 20
"""Runs on one page."""
RUN_SHOWN_MAX_NOTES = 100
"""Notes of a run that are shown."""
_MAX_RUNS = 10_000


class RunLine(TypedDict):
    """One run."""

    run_id: str
    kind: str
    who: str
    """Empty where it is another principal."""
    started_at: str
    outcome: str
    counts: dict[str, int]
    """What was done; for a tenant the number of its own notes alone."""


class RunList(TypedDict):
    """A page of runs, the newest first."""

    runs: list[RunLine]
    offset: NotRequired[int]
    """Of the next page, where there is one."""


class RunNote(TypedDict):
    """A note that a run changed."""

    shown: ForgetLine
    steps: list[str]
    created: bool
    gone: bool
    """Whether it is forgotten now."""
    changed: dict[str, list[object]]
    """Field -> before and after."""


class RunView(TypedDict):
    """One run and what it changed."""

    run: RunLine
    notes: list[RunNote]
    restored: int
    """Notes that an undo would bring back to what they were."""
    forgotten: int
    """Notes that the run made, which an undo would forget."""
    undone: bool
    writable: bool
    """Whether the caller may change each of the notes."""


@in_one_view
async def read_runs(memory: Memory, caller: Caller, *, now: datetime, offset: int = 0) -> RunList:
    """The newest runs; for a tenant those that changed notes which it may read.

    `offset` counts the runs to leave out.
    """
    del now
    begin = min(max(offset, 0), _MAX_RUNS)
    found = await memory.admin.runs(limit=begin + LISTED_RUNS_PAGE + 1)
    page, more = found[begin : begin + LISTED_RUNS_PAGE], len(found) > begin + LISTED_RUNS_PAGE
    lines = list[RunLine]()
    for run in page:
        if memory.reach is None:
            lines.append(_line(run, dict(run.counts)))
        elif made := await memory.store.revisions_of_run(run.run_id):
            notes = len({note.note_id for note in made})
            lines.append(_line(run, {"notes": notes}, caller))
    listed = RunList(runs=lines)
    if more:
        listed["offset"] = begin + LISTED_RUNS_PAGE
    return listed


@in_one_view
async def read_run(memory: Memory, caller: Caller, *, now: datetime, run_id: str) -> RunView:
    """A run and the notes it changed, as far as the caller may read them.

    Raises:
        UnknownNameError: No run of this id changed a note that the caller may read.
    """
    del now
    touched = await touched_notes(memory.store, run_id)
    run = next(
        (run for run in await memory.admin.runs(limit=_MAX_RUNS) if run.run_id == run_id), None
    )
    if run is None or (memory.reach is not None and not touched):
        raise UnknownNameError("run", run_id[:80], (), "Go back to the list of runs.")
    counts = dict(run.counts) if memory.reach is None else {"notes": len(touched)}
    standing = await _standing(memory, touched)
    created = sum(entry.created for entry in touched)
    return RunView(
        run=_line(run, counts, None if memory.reach is None else caller),
        notes=[_note(memory, caller, entry, standing) for entry in touched[:RUN_SHOWN_MAX_NOTES]],
        restored=len(touched) - created,
        forgotten=created,
        undone=bool(touched) and all(_undoes(note, run_id) for note in standing.values()),
        writable=all(memory.may_write(note.namespace) for note in standing.values())
        and all(entry.created or entry.before for entry in touched),
    )


async def _standing(memory: Memory, touched: Sequence[TouchedNote]) -> dict[str, Note]:
    ids = [entry.after.note_id for entry in touched]
    return {note.note_id: note for note in await memory.store.get(ids)} if ids else {}


def _undoes(note: Note, run_id: str) -> bool:
    return note.change == UNDO and note.reason == undo_reason(run_id)


def _line(run: Run, counts: dict[str, int], tenant: Caller | None = None) -> RunLine:
    known = tenant is None or run.who in PROCESSES or run.who == tenant.name
    return RunLine(
        run_id=run.run_id,
        kind=run.kind,
        who=run.who if known else "",
        started_at=iso(run.started_at),
        outcome=run.outcome,
        counts={name: count for name, count in counts.items() if count},
    )


def _note(memory: Memory, caller: Caller, entry: TouchedNote, standing: dict[str, Note]) -> RunNote:
    after = entry.after
    now = standing.get(after.note_id, after)
    line = ForgetLine(note_id=after.note_id, namespace=after.namespace, line=one_line(after))
    add_labels(line, line["line"], after, memory.reader(caller))
    return RunNote(
        shown=line,
        steps=list(dict.fromkeys(entry.steps)),
        created=entry.created,
        gone=now.state is State.FORGOTTEN,
        changed=differences(entry.before, after) if entry.before else {},
    )
