"""Calls of commands to the memory: the store's engine carries them out, else this process does."""

import json
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from zettel.server.engine.ipc.calls import EngineCalls, EngineGoneError, calls_hello
from zettel.server.engine.ipc.connect import RefusedError
from zettel.server.engine.ipc.handshake import Json, Message, given_settings, session_hello
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import reach_engine
from zettel.server.engine.ipc.store_path import chosen_store, is_directory
from zettel.storage import errors

if TYPE_CHECKING:
    from zettel.server.config.settings import Settings
    from zettel.tools.caller import Caller
    from zettel.tools.state.memory import Memory

ENCODING_CALLS = frozenset({"search", "remember", "update", "graph", "forget"})
"""Calls that may need the embedding model."""


class MemoryCall(Protocol):
    """Carries out a call of `COMMAND_CALLS`."""

    def __call__(self, name: str, /, **arguments: Json) -> Mapping[str, object]:
        """The answer, as JSON has it; arguments that are None are absent.

        Raises:
            ZettelError: It cannot be done.
        """
        ...


@contextmanager
def calling(
    flags: Mapping[str, str],
    read_settings: "Callable[[], Settings]",
    *,
    in_process: bool,
    creates: bool,
    tell: Callable[[str], None],
) -> Generator[MemoryCall]:
    """Make calls while the body runs.

    `read_settings` is called where this process opens the store, as it does in any case with
    `in_process`.

    Raises:
        InvalidArgumentError: A setting cannot be used.
    """
    connection = None if in_process else _reach(flags, creates, tell)
    if connection is None:
        with _in_process(read_settings(), creates) as call:
            yield call
        return
    try:
        yield _through(connection, chosen_store(flags, os.environ))
    finally:
        connection.close()


def _reach(
    flags: Mapping[str, str], creates: bool, tell: Callable[[str], None]
) -> EngineCalls | None:
    """Calls to the engine, which is started if need be; None if there can be none."""
    place = Rendezvous(chosen_store(flags, os.environ))
    missing = is_directory(place.store) and not os.path.isdir(place.store)
    if sys.platform == "win32" or (missing and not creates):
        return None
    hello = calls_hello(session_hello(place.store, given_settings(flags, os.environ)))
    try:
        connection = reach_engine(place, hello, os.environ.get("ZETTEL_IPC", ""), lambda: None)
    except RefusedError as error:
        raise rebuilt(errors.InvalidArgumentError, str(error)) from None
    except UnattachableError as error:
        tell(f"the store's engine cannot be used: {error}. This command opens the store itself.")
        return None
    if warning := connection.answer.get("warning"):
        tell(str(warning))
    return EngineCalls(connection)


def _through(connection: EngineCalls, store: str) -> MemoryCall:
    def call(name: str, /, **arguments: Json) -> Mapping[str, object]:
        try:
            return _answer_in(connection.call(name, _present(arguments)))
        except EngineGoneError:
            problem = "ended before it had answered; what was to change may have been stored"
            raise errors.EngineUnreachableError(store, problem) from None

    return call


@contextmanager
def _in_process(settings: "Settings", creates: bool) -> Generator[MemoryCall]:
    # Store, model and event loop: half a second, for who has no engine.
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415

    from zettel.server.config.default_namespace import find_project  # noqa: PLC0415
    from zettel.server.runtime.factories import opened  # noqa: PLC0415
    from zettel.storage.notes import Origin  # noqa: PLC0415
    from zettel.tools.caller import COMMAND, LOCAL, USER_NAMESPACE, Caller  # noqa: PLC0415

    caller = Caller(
        namespace=settings.namespace or USER_NAMESPACE,
        project=None if settings.namespace else find_project(Path.cwd(), home=Path.home()),
        session=settings.session or "",
        origin=Origin(client=COMMAND, transport=COMMAND, principal=LOCAL),
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(settings, create=creates)) as memory,
    ):

        def call(name: str, /, **arguments: Json) -> Mapping[str, object]:
            message: Message = {"call": name, "arguments": _present(arguments)}
            line = portal.call(_carry_out, memory, caller, message)
            return _answer_in(json.loads(line))

        yield call


async def _carry_out(memory: "Memory", caller: "Caller", message: Message) -> bytes:
    from zettel.server.runtime.clock import utc_now  # noqa: PLC0415  as above
    from zettel.server.runtime.command_calls import answer_call  # noqa: PLC0415
    from zettel.server.runtime.dispatch import dispatch  # noqa: PLC0415

    name, arguments = message["call"], cast("Message", message["arguments"])
    if name in ENCODING_CALLS and (name != "search" or arguments.get("query")):
        # Without it, notes are found by words and stored without vectors, and the answer says so.
        with suppress(errors.ModelUnavailableError):
            await memory.embedder.load()
        if memory.reranker is not None:
            with suppress(errors.ModelUnavailableError):
                await memory.reranker.load()
    return await answer_call(
        lambda asked, who: dispatch(memory, who, asked, now=utc_now()),
        caller,
        json.dumps(message).encode(),
    )


def _present(arguments: Mapping[str, Json]) -> Message:
    return {name: value for name, value in arguments.items() if value is not None}


def _answer_in(message: Message) -> Mapping[str, object]:
    """The answer in a line of `answer_call`.

    Raises:
        ZettelError: As it was raised there.
    """
    answer, error = message.get("answer"), message.get("error")
    if isinstance(answer, dict):
        return answer
    known = cast("Mapping[str, Json]", error if isinstance(error, dict) else {})
    named = cast("list[str]", known.get("classes") or [])
    found = (getattr(errors, name, None) for name in named)
    kind = next((each for each in found if each is not None), errors.ZettelError)
    fields = cast("Mapping[str, Json]", known.get("fields") or {})
    raise rebuilt(kind, str(known.get("text", "")), **fields)


def rebuilt(kind: type[errors.ZettelError], text: str, **fields: Json) -> errors.ZettelError:
    """An error as it was raised in another process: its class, text and fields."""
    error = kind.__new__(kind, text)
    error.args = (text,)
    vars(error).update(fields)
    return error
