"""Maps a checked request to the verb or the read function that answers it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from zettel.server.protocol.schemas import (
    Arguments,
    CompletionReading,
    ForgetArguments,
    HistoryReading,
    LinkChange,
    NewLink,
    NoteReading,
    ProfileReading,
    Reading,
    RecallArguments,
    RememberArguments,
    RevsReading,
    StatsReading,
    UpdateArguments,
    VersionReading,
)
from zettel.storage.errors import NoteForgottenError, NoteNotFoundError
from zettel.tools.caller import Caller
from zettel.tools.changes.links import LinkArgument
from zettel.tools.erasure.erase import not_found
from zettel.tools.recall.resources import (
    complete,
    read_history,
    read_note,
    read_profile,
    read_stats,
    revs_of,
)
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.forget import forget
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update


async def look(
    memory: Memory, caller: Caller, reading: Reading, *, now: datetime
) -> Mapping[str, object]:
    """Carry out one reading.

    Raises:
        ZettelError: It cannot be done.
    """
    match reading:
        case NoteReading(note_id=note_id):
            return await read_note(memory, caller, now=now, note_id=note_id)
        case HistoryReading(note_id=note_id):
            return await read_history(memory, caller, now=now, note_id=note_id)
        case ProfileReading(namespace=namespace):
            return await read_profile(memory, caller, now=now, namespace=namespace)
        case StatsReading():
            return await read_stats(memory, caller, now=now)
        case CompletionReading():
            return await _complete(memory, caller, reading, now)
        case RevsReading(note_ids=note_ids):
            return await revs_of(memory, caller, now=now, note_ids=note_ids)
        case VersionReading():
            return {"version": await memory.store.version()}
        case _:
            raise TypeError(type(reading).__name__)


async def _complete(
    memory: Memory, caller: Caller, reading: CompletionReading, now: datetime
) -> Mapping[str, object]:
    found = await complete(
        memory,
        caller,
        now=now,
        name=reading.name,
        begun=reading.begun,
        namespace=reading.namespace,
    )
    return {"values": list(found.values), "total": found.total}


async def perform(
    memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
) -> Mapping[str, object]:
    """Carry out one tool call, or show what is to be looked at, within the caller's reach.

    Raises:
        ZettelError: It cannot be done.
    """
    memory = memory.within(caller.reach)
    try:
        return await _perform(memory, caller, arguments, now)
    except NoteForgottenError:
        raise
    except NoteNotFoundError as error:
        raise await not_found(memory, error.note_id) from None


async def _perform(
    memory: Memory, caller: Caller, arguments: Arguments, now: datetime
) -> Mapping[str, object]:
    match arguments:
        case RememberArguments():
            return await _remember(memory, caller, arguments, now)
        case RecallArguments():
            return await _recall(memory, caller, arguments, now)
        case UpdateArguments():
            return await _update(memory, caller, arguments, now)
        case ForgetArguments():
            return await _forget(memory, caller, arguments, now)
        case Reading():
            return await look(memory, caller, arguments, now=now)
        case _:
            raise TypeError(type(arguments).__name__)


async def _remember(
    memory: Memory, caller: Caller, given: RememberArguments, now: datetime
) -> Mapping[str, object]:
    return await remember(
        memory,
        caller,
        now=now,
        content=given.content,
        context=given.context,
        subject=given.subject,
        tags=given.tags,
        kind=given.kind,
        happened_at=given.happened_at,
        valid_until=given.valid_until,
        session=given.session,
        source=given.source,
        links=_links(given.links),
        namespace=given.namespace,
    )


async def _recall(
    memory: Memory, caller: Caller, given: RecallArguments, now: datetime
) -> Mapping[str, object]:
    return await recall(
        memory,
        caller,
        now=now,
        query=given.query,
        note_ids=given.note_ids,
        subject=given.subject,
        tags=given.tags,
        kind=given.kind,
        session=given.session,
        since=given.since,
        until=given.until,
        as_of=given.as_of,
        known_at=given.known_at,
        cursor=given.cursor,
        namespace=given.namespace,
        # Only what the call gives: a cursor goes on with the sizes it was begun with.
        **given.model_dump(include={"limit", "max_tokens", "detail"}, exclude_unset=True),
    )


async def _update(
    memory: Memory, caller: Caller, given: UpdateArguments, now: datetime
) -> Mapping[str, object]:
    return await update(
        memory,
        caller,
        now=now,
        note_id=given.note_id,
        content=given.content,
        context=given.context,
        subject=given.subject,
        tags=given.tags,
        kind=given.kind,
        happened_at=given.happened_at,
        valid_until=given.valid_until,
        links=_links(given.links),
        correction=given.correction,
        restore_rev=given.restore_rev,
        expected_rev=given.expected_rev,
        reason=given.reason,
    )


async def _forget(
    memory: Memory, caller: Caller, given: ForgetArguments, now: datetime
) -> Mapping[str, object]:
    return await forget(
        memory,
        caller,
        now=now,
        note_ids=given.note_ids,
        query=given.query,
        subject=given.subject,
        tags=given.tags,
        session=given.session,
        until=given.until,
        erase=given.erase,
        undo=given.undo,
        confirm=given.confirm,
        namespace=given.namespace,
    )


def _links(links: Sequence[NewLink] | None) -> list[LinkArgument] | None:
    if links is None:
        return None
    read: list[LinkArgument] = []
    for link in links:
        argument = LinkArgument(to=link.to)
        if link.relation is not None:
            argument["relation"] = link.relation
        if isinstance(link, LinkChange) and link.remove is not None:
            argument["remove"] = link.remove
        read.append(argument)
    return read
