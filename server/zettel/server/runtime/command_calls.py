"""Calls of the command line: the tools' and the page's, as lines of JSON."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from pydantic import JsonValue

from zettel.server.protocol.json_text import json_safe, plain_value
from zettel.server.protocol.schemas import (
    Arguments,
    ForgetArguments,
    GraphReading,
    ListReading,
    NamespacesReading,
    RecallArguments,
    RememberArguments,
    ReviewReading,
    SearchReading,
    ShortIdsReading,
    StatsReading,
    StoredNoteReading,
    TypedIdsReading,
    UpdateArguments,
    read_arguments,
)
from zettel.storage.errors import ZettelError
from zettel.tools.caller import Caller
from zettel.tools.validation import unknown_name

logger = logging.getLogger(__name__)

COMMAND_CALLS: Mapping[str, type[Arguments]] = {
    "remember": RememberArguments,
    "update": UpdateArguments,
    "forget": ForgetArguments,
    "recall": RecallArguments,
    "search": SearchReading,
    "list": ListReading,
    "note": StoredNoteReading,
    "ids": TypedIdsReading,
    "short_ids": ShortIdsReading,
    "graph": GraphReading,
    "review": ReviewReading,
    "stats": StatsReading,
    "namespaces": NamespacesReading,
}
"""The calls by name."""

Perform = Callable[[Arguments, Caller], Awaitable[Mapping[str, object]]]
"""Carries out a call; raises `ZettelError`."""


def read_call(name: str, arguments: Mapping[str, JsonValue]) -> Arguments:
    """The checked arguments of a call.

    Raises:
        InvalidArgumentError: There is no such call, or an argument cannot be used.
    """
    if name not in COMMAND_CALLS:
        raise unknown_name("call", name, COMMAND_CALLS, "Run zettel stop, then try again.")
    return read_arguments(COMMAND_CALLS[name], arguments, owner=name)


async def answer_call(perform: Perform, caller: Caller, line: bytes) -> bytes:
    """Carry out the call of one line; the line that answers it, an error as well."""
    try:
        given: JsonValue = json.loads(line)
        arguments = given.get("arguments") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(arguments, dict):
            raise ValueError
    except (ValueError, RecursionError):
        return _line({"error": {"classes": ["ZettelError"], "text": "This is no call."}})
    try:
        answer = await perform(read_call(str(given.get("call")), arguments), caller)
        return _line({"answer": answer})
    except ZettelError as error:
        return _line({"error": _described(error)})
    except Exception:
        # A bug must fail this call only, and its text may hold notes.
        logger.exception("call=%s failed inside", given.get("call"))
        text = "Zettel failed inside; the engine's log says why. It is safe to try again."
        return _line({"error": {"classes": ["ZettelError"], "text": text}})


def _described(error: ZettelError) -> Mapping[str, object]:
    """What a command needs to raise the same error."""
    classes = [each.__name__ for each in type(error).__mro__ if issubclass(each, ZettelError)]
    fields = {
        name: value for name, value in vars(error).items() if isinstance(value, str | int | float)
    }
    return {"classes": classes, "text": json_safe(str(error)), "fields": fields}


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, default=plain_value).encode() + b"\n"
