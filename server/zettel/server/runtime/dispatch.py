"""Maps a checked request to the verb or the read function that answers it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from zettel.server.protocol.schemas import (
    Arguments,
    CompletionReading,
    ForgetArguments,
    HistoryReading,
    NoteReading,
    ProfileReading,
    RecallArguments,
    RememberArguments,
    RevsReading,
    StatsReading,
    UpdateArguments,
    VersionReading,
)
from zettel.storage.embedding.turns import working_for
from zettel.storage.errors import NoteForgottenError, NoteNotFoundError
from zettel.storage.store import NoteFilter
from zettel.tools.caller import ALL, Caller
from zettel.tools.erasure.erase import not_found
from zettel.tools.recall.resources import (
    Name,
    complete,
    read_history,
    read_note,
    read_profile,
    read_stats,
    revs_of,
)
from zettel.tools.state.memory import Memory
from zettel.tools.state.namespaces import settled
from zettel.tools.validation import as_given
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update


async def _read_completion(
    memory: Memory, caller: Caller, *, now: datetime, name: Name, begun: str, namespace: str
) -> Mapping[str, object]:
    found = await complete(memory, caller, now=now, name=name, begun=begun, namespace=namespace)
    return {"values": list(found.values), "total": found.total}


async def _read_version(memory: Memory, _caller: Caller, *, now: datetime) -> Mapping[str, object]:
    del now  # as every function in VERBS takes it
    return {"version": await memory.store.version()}


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
    RevsReading: revs_of,
    VersionReading: _read_version,
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
    if isinstance(arguments, RecallArguments):
        caller = await _seeing_all(memory, caller, arguments)
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


async def _seeing_all(memory: Memory, caller: Caller, arguments: RecallArguments) -> Caller:
    """The caller with all namespaces it may read, where it asks for them or a cursor may."""
    if not arguments.cursor and (arguments.namespace or "").strip() != ALL:
        return caller
    found = (await memory.store.facets(NoteFilter(states=()))).namespaces
    return replace(caller, everywhere=tuple(sorted(found)))
