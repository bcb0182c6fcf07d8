"""Maps a checked request to the verb or the read function that answers it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import cast

from zettel.server.protocol.schemas import (
    Arguments,
    AroundReading,
    CompletionReading,
    FingerprintsReading,
    ForgetArguments,
    GraphReading,
    HistoryReading,
    ListReading,
    NamespacesReading,
    NoteReading,
    ProfileReading,
    RecallArguments,
    RememberArguments,
    ReviewReading,
    RunReading,
    RunsReading,
    SearchReading,
    ShortIdsReading,
    StatsReading,
    StoredNoteReading,
    TimelineReading,
    TypedIdsReading,
    UndoArguments,
    UpdateArguments,
    VersionReading,
    WholeNoteReading,
)
from zettel.server.runtime.leadership import alone, new_run_id
from zettel.storage.access import Access
from zettel.storage.embedding.turns import working_for
from zettel.storage.errors import NoteForgottenError, NoteNotFoundError, UnknownNameError
from zettel.storage.store import NoteFilter
from zettel.tools.caller import ALL, Caller
from zettel.tools.changes.run_changes import touched_notes
from zettel.tools.changes.undo import UndoReport, undo_run
from zettel.tools.erasure.erase import not_found
from zettel.tools.recall.resources import (
    Name,
    complete,
    fingerprints_of,
    read_history,
    read_note,
    read_profile,
    read_stats,
)
from zettel.tools.recall_request import read_moment
from zettel.tools.state.memory import Memory
from zettel.tools.state.namespaces import settled
from zettel.tools.trust import check_change
from zettel.tools.validation import as_given
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update
from zettel.tools.views.graph import read_graph
from zettel.tools.views.listing import read_list, read_stored
from zettel.tools.views.notes import (
    read_namespaces,
    read_search,
    read_timeline,
    read_whole_note,
)
from zettel.tools.views.review import read_review
from zettel.tools.views.runs import read_run, read_runs
from zettel.tools.views.short_ids import resolve_ids, shorten_ids


async def _read_completion(
    memory: Memory, caller: Caller, *, now: datetime, name: Name, begun: str, namespace: str
) -> Mapping[str, object]:
    found = await complete(memory, caller, now=now, name=name, begun=begun, namespace=namespace)
    return {"values": list(found.values), "total": found.total}


async def _read_version(memory: Memory, _caller: Caller, *, now: datetime) -> Mapping[str, object]:
    del now  # as every function in VERBS takes it
    return {"version": await memory.store.version()}


UNDO_WAIT_S = 20.0
"""How long an undo waits for a run of evolution to end; the scheduler's take 60 s at most."""


async def _undo(
    memory: Memory, caller: Caller, *, now: datetime, run_id: str, partial: bool
) -> Mapping[str, object]:
    """Undo a run in the namespaces that the caller may change.

    Raises:
        UnknownNameError: No run of this id changed a note of these.
        LessTrustedError: One of the notes is trusted more than the caller.
        RunOutOfReachError: It moved a note from a namespace that is not one of these.
        ChangedSinceError: Notes were changed since, and not `partial`; nothing is undone.
        BusyEvolvingError: A run of evolution does not end in time; nothing is undone.
    """
    if memory.reach is not None:
        writes = memory.reach.writes
        memory = memory.whole.within(Access(reads=writes, writes=writes))
    touched = await touched_notes(memory.store, run_id)
    if memory.reach is not None and not touched:
        raise UnknownNameError("run", run_id[:80], (), "Undo one that changed notes of yours.")
    for note in await memory.store.get([entry.after.note_id for entry in touched]):
        check_change(memory.trust, caller, note)
    undo_id, who = new_run_id(now, kind="undo"), caller.name

    async def undo() -> UndoReport:
        return await undo_run(memory, run_id, now=now, undo_id=undo_id, who=who, partial=partial)

    report = await alone(
        memory.admin, f"undoing {run_id}", undo, lambda: None, patience_s=UNDO_WAIT_S
    )
    memory.on_write()
    return asdict(report)


VERBS: Mapping[type[Arguments], Callable[..., Awaitable[Mapping[str, object]]]] = {
    RememberArguments: remember,
    RecallArguments: recall,
    UpdateArguments: update,
    ForgetArguments: forget,
    NoteReading: read_note,
    HistoryReading: read_history,
    ProfileReading: read_profile,
    StatsReading: read_stats,
    CompletionReading: _read_completion,
    FingerprintsReading: fingerprints_of,
    VersionReading: _read_version,
    SearchReading: read_search,
    ListReading: read_list,
    StoredNoteReading: read_stored,
    TypedIdsReading: resolve_ids,
    ShortIdsReading: shorten_ids,
    WholeNoteReading: read_whole_note,
    TimelineReading: read_timeline,
    ReviewReading: read_review,
    GraphReading: read_graph,
    NamespacesReading: read_namespaces,
    RunsReading: read_runs,
    RunReading: read_run,
    UndoArguments: _undo,
}
"""Function of each request; a model's fields are the keyword arguments of its function."""


async def dispatch(
    memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
) -> Mapping[str, object]:
    """Carry out one tool call or reading within the caller's access.

    Raises:
        ZettelError: It cannot be done.
    """
    storing = isinstance(arguments, RememberArguments)
    caller = await settled(memory, caller, writes=storing, now=now)
    memory = memory.within(caller.reach)
    if isinstance(arguments, RecallArguments | AroundReading):
        caller = await _seeing_all(memory, caller, arguments, now)
    # A cursor goes on with the sizes it was begun with: a default of this call is not given.
    unset = isinstance(arguments, RecallArguments)
    given = arguments.model_dump(exclude_none=True, exclude_unset=unset)
    try:
        with working_for(caller.origin.principal):
            return await VERBS[type(arguments)](memory, caller, now=now, **given)
    except NoteForgottenError as error:
        raise NoteForgottenError(as_given(error.note_id, _ids_in(given))) from None
    except NoteNotFoundError as error:
        shown = as_given(error.note_id, _ids_in(given))
        raise await not_found(memory, error.note_id, shown) from None


def _ids_in(given: object) -> list[str]:
    """The texts of arguments, as deep as ids are in them."""
    match given:
        case str():
            return [given]
        case Mapping():
            return _ids_in(list(cast("Mapping[str, object]", given).values()))
        case list() | tuple():
            return [text for value in cast("list[object]", given) for text in _ids_in(value)]
        case _:
            return []


async def _seeing_all(
    memory: Memory, caller: Caller, arguments: RecallArguments | AroundReading, now: datetime
) -> Caller:
    """The caller with all namespaces it may read, where it asks for them or a cursor may.

    With those that had notes at the moment of `known_at` and are empty by now.
    """
    cursor = isinstance(arguments, RecallArguments) and arguments.cursor
    if not cursor and (arguments.namespace or "").strip() != ALL:
        return caller
    found = {*(await memory.store.facets(NoteFilter(states=()))).namespaces}
    told = arguments.known_at if isinstance(arguments, RecallArguments) else ""
    if known_at := read_moment("known_at", told or "", now):
        then = await memory.store.facets(NoteFilter(states=(), known_at=known_at, derived=None))
        found |= then.namespaces.keys()
    return replace(caller, everywhere=tuple(sorted(found)))
