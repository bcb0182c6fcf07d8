"""Moving notes to another namespace: some of them, or all of one."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256

from zettel.server.commands.forget import Confirm
from zettel.server.commands.output import CLI_PRINCIPAL, Output, number_of, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import alone, new_run_id
from zettel.storage.errors import (
    InvalidArgumentError,
    NotConfirmedError,
    NoteForgottenError,
    NoteNotFoundError,
)
from zettel.storage.notes import MOVE, Note, Run, State
from zettel.storage.store import Change, NoteFilter, Store
from zettel.tools.caller import Caller
from zettel.tools.changes.commit import commit
from zettel.tools.changes.parts import parts_of
from zettel.tools.changes.stages import next_note
from zettel.tools.state.memory import Memory
from zettel.tools.state.names_cache import read_names
from zettel.tools.validation import check_namespace, unknown_name
from zettel.tools.views.short_ids import resolve_ids

MOVE_BATCH_NOTES = 500
"""Notes moved in one commit."""
MIGRATE = "migrate"
"""`Note.change` of a note that moved with all others of its namespace, and `Run.kind`."""
BEGUN_KEY = "{work}: {source} > {into}"
"""Key in `meta`: the run of a move that has begun, so that who repeats it goes on with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What moves notes: bookkeeping of their revisions."""

    into: str
    change: str
    reason: str
    run_id: str
    now: datetime

    def changes(self, notes: Mapping[str, Note]) -> list[Change]:
        """The revisions in the other namespace of the notes that are not there yet."""
        return [
            Change(
                note=next_note(
                    replace(note, namespace=self.into),
                    by=CLI_PRINCIPAL,
                    now=self.now,
                    change=self.change,
                    reason=self.reason,
                    run_id=self.run_id,
                )
            )
            for note in notes.values()
            if note.namespace != self.into
        ]


async def move_all(memory: Memory, source: str, moving: Moving) -> None:
    """Move every note of a namespace, of any state and with its history.

    In commits of `MOVE_BATCH_NOTES`: who is killed has moved some, and does the rest when called
    again.
    """
    where = NoteFilter(namespaces=(source,), states=(), derived=None)

    async def plan(notes: Mapping[str, Note]) -> Sequence[Change]:
        return moving.changes({i: note for i, note in notes.items() if note.namespace == source})

    while notes := await memory.admin.find(where, limit=MOVE_BATCH_NOTES):
        await commit(memory, [note.note_id for note in notes], plan)


async def check_known(store: Store, names: Collection[str]) -> None:
    """Refuse namespaces that hold no notes under any of their names, as misspelt ones do.

    Raises:
        UnknownNameError: One of them holds none.
    """
    if not names:
        return
    known = (await store.facets(NoteFilter(states=(), derived=None))).namespaces
    recorded = await read_names(store)
    for name in names:
        if not any(each in known for each in recorded.group(name)):
            raise unknown_name("namespace", name, known, "zettel namespaces lists them.")


async def all_names(store: Store, names: Collection[str]) -> tuple[str, ...]:
    """Every name of the namespaces that these names lead to: a recall reads them all, too."""
    recorded = await read_names(store)
    return tuple(dict.fromkeys(each for name in names for each in recorded.group(name)))


def check_unnamed(memory: Memory, arguments: Mapping[str, str]) -> None:
    """Refuse namespaces whose notes a setting treats otherwise.

    `arguments` is namespace -> the argument that names it.

    Raises:
        InvalidArgumentError: A setting names one of them.
    """
    if named := memory.settings_name.intersection(arguments):
        problem = f"{(name := min(named))!r} is named by evolve_off, llm_off or retain_days"
        raise InvalidArgumentError(arguments[name], problem, "Take it out of that setting first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResult:
    """The result of moving notes."""

    run_id: str
    """Empty if all was there already."""
    moved: int
    into: str
    source: str = ""
    """The namespace that was merged; empty if none was."""


async def move_notes_once(
    settings: Settings, typed: Sequence[str], into: str, waits: Callable[[], None]
) -> MoveResult:
    """Move some notes to another namespace, which may be new, in one commit.

    With the first part of a text all of it goes. Ids are typed whole or in part; `waits` is called
    once if another process holds the lease.

    Raises:
        InvalidArgumentError: An id fits several notes, or a setting names a namespace.
        NoteNotFoundError: There is no such note.
        NoteForgottenError: It was forgotten.
    """
    into = check_namespace(into, "--to")
    async with opened(settings) as memory:
        into = (await read_names(memory.admin)).primary(into)
        meant = await resolve_ids(memory, Caller(), now=utc_now(), typed=typed)
        ids = list(dict.fromkeys(meant["note_ids"]))
        found = {note.note_id: note for note in await memory.admin.get(ids)}
        for note_id in ids:
            if note_id not in found:
                raise NoteNotFoundError(note_id)
            if found[note_id].state is State.FORGOTTEN:
                raise NoteForgottenError(note_id)
            if found[note_id].derived:
                problem = f"{note_id} is composed of other notes"
                raise InvalidArgumentError("ID", problem, "Move those: it is composed anew.")
        for parts in (await parts_of(memory.store, ids)).values():
            found |= {part.note_id: part for part in parts}
        ids = list(found)
        check_unnamed(memory, {note.namespace: "ID" for note in found.values()} | {into: "--to"})
        return await alone(
            memory.admin, f"moving to {into}", lambda: _move_notes(memory, ids, into), waits
        )


async def _move_notes(memory: Memory, ids: Sequence[str], into: str) -> MoveResult:
    # A digest, since a long text has thousands of ids.
    named = sha256(" ".join(sorted(ids)).encode()).hexdigest()
    key = BEGUN_KEY.format(work="move", source=named, into=into)

    async def move(moving: Moving) -> None:
        async def plan(notes: Mapping[str, Note]) -> Sequence[Change]:
            return moving.changes(notes)

        await commit(memory, ids, plan)

    are_there = all(note.namespace == into for note in await memory.admin.get(ids))
    if are_there and not await begun_run(memory, key, into):
        return MoveResult(run_id="", moved=0, into=into)
    return await move_as_one_run(memory, key, move, kind=MOVE, into=into, reason=f"moved to {into}")


async def begun_run(memory: Memory, key: str, into: str) -> str | None:
    """The run that a killed call began under this key, if all that it moved is there still.

    What has left since, as by an undo, would be moved by it twice, and its undo would take back
    what was told in between.
    """
    run_id = await memory.admin.get_meta(key)
    if run_id is None or any(run.run_id == run_id for run in await memory.admin.runs(limit=1_000)):
        return None  # one that is recorded was killed with all done
    made = await memory.admin.revisions_of_run(run_id)
    notes = await memory.admin.get([note.note_id for note in made])
    return run_id if all(note.namespace == into for note in notes) else None


async def move_as_one_run(
    memory: Memory,
    key: str,
    move: Callable[[Moving], Awaitable[None]],
    *,
    kind: str,
    into: str,
    reason: str,
) -> MoveResult:
    """Move notes, or those that a killed call left, and record all as one run.

    Args:
        memory: Where the notes are; its lease is held.
        key: A `BEGUN_KEY`, the same for who repeats the call.
        move: Moves what is not there yet.
        kind: `Run.kind`, and `Note.change` of what moves.
        into: The namespace that it moves to.
        reason: `Note.reason` of what moves.
    """
    now, before = utc_now(), await memory.admin.get_meta(key)
    # Under one id until all is done, so that one undo takes back what a killed one had moved.
    run_id = await begun_run(memory, key, into) or new_run_id(now, kind=kind)
    await memory.admin.swap_meta(key, expected=before, value=run_id)
    await move(Moving(into=into, change=kind, reason=reason, run_id=run_id, now=now))
    moved = len(await memory.admin.revisions_of_run(run_id))
    await record_move(memory, kind, run_id, now, moved)
    await memory.admin.swap_meta(key, expected=run_id, value=None)
    return MoveResult(run_id=run_id, moved=moved, into=into)


async def record_move(memory: Memory, kind: str, run_id: str, begun: datetime, moved: int) -> None:
    """Record that notes were moved as a run, which `zettel runs` lists."""
    await memory.admin.add_run(
        Run(
            run_id=run_id,
            kind=kind,
            who=CLI_PRINCIPAL,
            started_at=begun,
            ended_at=utc_now(),
            counts={"moved": moved},
            outcome="done",
        )
    )


async def move_namespace_once(
    settings: Settings, source: str, into: str, confirm: Confirm, waits: Callable[[], None]
) -> MoveResult:
    """Move all notes of a namespace to another one, which may be new; both names stay their own.

    `confirm` is called with a preview before anything is changed, `waits` once if another process
    holds the lease.

    Raises:
        InvalidArgumentError: Both are one, or a setting names one of them.
        UnknownNameError: There is no such namespace.
        NotConfirmedError: The word was not typed; nothing was changed.
    """
    source, into = check_namespace(source, "--from"), check_namespace(into, "--to")
    async with opened(settings) as memory:
        into = (await read_names(memory.admin)).primary(into)
        counts = (await memory.admin.facets(NoteFilter(states=()))).namespaces
        key = BEGUN_KEY.format(work="migration", source=source, into=into)
        begun = await memory.admin.get_meta(key)
        if source == into:
            problem = f"{source!r} is named twice"
            raise InvalidArgumentError("--to", problem, "Name two namespaces.")
        if source not in counts and not begun:
            raise unknown_name("--from", source, counts, "zettel namespaces lists them.")
        check_unnamed(memory, {source: "--from", into: "--to"})
        preview = (
            f"{number_of(counts.get(source, 0), 'note')} of {source!r} will be in {into!r}, which"
            f" has {counts.get(into, 0)}. Access tokens reach what they name: those of {into!r}"
            f" will read them, those of {source!r} no more."
        )
        if not confirm(preview, into):
            raise NotConfirmedError(into)
        return await alone(
            memory.admin,
            f"moving {source}",
            lambda: _move_namespace(memory, key, source, into),
            waits,
        )


async def _move_namespace(memory: Memory, key: str, source: str, into: str) -> MoveResult:
    move, reason = partial(move_all, memory, source), f"{source} moved to {into}"
    return await move_as_one_run(memory, key, move, kind=MIGRATE, into=into, reason=reason)


def move_output(done: MoveResult) -> Output:
    """The printed result."""
    notes = number_of(done.moved, "note is", "notes are")
    text = f"{notes} in {done.into!r} now. To move back: zettel undo {done.run_id}"
    if not done.moved:
        text = f"Everything is in {done.into!r} already."
    told = {"run_id": done.run_id, "moved": done.moved, "into": done.into}
    return Output(told, printable(text))
