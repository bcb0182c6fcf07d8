"""Accepts connections at the engine's socket: handshake, then a conversation, calls or a report.

The report covers process, store, queue and LLM use, never a note's text.
"""

import json
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.abc import ByteStream, SocketStream, TaskGroup
from pydantic import BaseModel, Field, ValidationError

from zettel.server.config.default_namespace import find_project
from zettel.server.config.settings import (
    Settings,
    differences,
    differing,
    load_engine_settings,
    unconfirmed,
)
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.handshake import HELLO_SETTINGS, PROTOCOL, Message
from zettel.server.engine.ipc.lines import CHUNK_BYTES
from zettel.server.engine.ipc.store_path import is_directory
from zettel.server.engine.ipc.version import VERSION
from zettel.server.engine.store_watch import StoreWatch
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.command_calls import answer_call
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown
from zettel.server.transports.stdio.conversation import LineReader, converse
from zettel.storage.errors import ZettelError
from zettel.storage.notes import BEGUN, Origin, Run
from zettel.tools.caller import COMMAND, LOCAL, USER_NAMESPACE, Caller
from zettel.tools.language.times import iso
from zettel.tools.llm.client import spent_on
from zettel.tools.llm.llm import ANSWERED, OVER_BUDGET, read_health
from zettel.tools.llm.unanswered import read_unanswered
from zettel.tools.namespace_names import Project
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)


async def llm_report(
    memory: Memory, settings: Settings, problem: str, now: datetime
) -> Message | None:
    """State, last error, last answer, what waits and the day's budget; None if no LLM is set.

    `state` is `unusable` (cannot be called at all), `paused` (after several failures in a row),
    `budget spent` (the last request was not sent), `failing` (the last one had no answer), `ok`,
    or `not asked yet`.

    `problem` says why the LLM cannot be used; empty if it can.
    """
    if not settings.llm_model:
        return None
    health = await read_health(memory.store)
    pause = memory.mind.health.pause_s(anyio.current_time()) if memory.mind else 0.0
    spent = await spent_on(memory.store, now)
    return {
        "model": settings.llm_model,
        "state": _state(health.last, unusable=bool(problem), pause=pause),
        "problem": problem or None,
        "paused_s": round(pause) or None,
        "last_error": health.error or None,
        "last_error_at": iso(health.error_at) if health.error_at else None,
        "last_answer_at": iso(health.answered_at) if health.answered_at else None,
        "notes_to_ask_again": len(await read_unanswered(memory.store)) or None,
        "tokens_today": spent.tokens,
        "tokens_day": settings.llm_tokens_day,
        "money_today": round(spent.money, 6) if settings.llm_money_day else None,
        "money_day": settings.llm_money_day,
    }


def _state(last: str, *, unusable: bool, pause: float) -> str:
    if unusable:
        return "unusable"
    if pause:
        return "paused"
    known = {ANSWERED: "ok", OVER_BUDGET: "budget spent", "": "not asked yet"}
    return known.get(last, "failing")


REPORT_MAX_RUNS = 1_000
"""Newest runs that are searched for the last evolution; each export and each edit of a watched
folder is one, too."""


async def report(runtime: Runtime, settings: Settings, clock: Clock) -> Message:
    """Model, queue, evolution, LLM and size; values that are not known yet are null."""
    status: Message = {
        "state": runtime.status,
        "problem": runtime.problem or None,
        "model": {
            "name": settings.model,
            "ready": runtime.model_ready,
            "id": runtime.model_id or None,
            "embedding_anew": list(runtime.embedding_anew) if runtime.embedding_anew else None,
        },
        "queue": None,
        "evolution": {"last": None, "outcome": None, "next": None},
        "off": {"evolution": [*settings.evolve_off], "llm": [*settings.llm_off]},
        "llm": None,
        "size": None,
    }
    scheduler = runtime.scheduler
    if runtime.status != "ok" or scheduler is None:
        return status
    try:
        memory = await runtime.memory()
        store = memory.admin
        stats = await store.stats()
        last = _last_evolution(await store.runs(limit=REPORT_MAX_RUNS))
        status["queue"] = await scheduler.waiting()
        status["llm"] = await llm_report(memory, settings, runtime.llm_problem, clock())
    except ZettelError as error:
        return status | {"problem": str(error)}
    status["size"] = {
        "notes": stats.notes,
        "revisions": stats.revisions,
        "bytes": stats.disk_bytes,
    }
    status["evolution"] = {
        "last": iso(last.ended_at) if last else None,
        "outcome": last.outcome if last else None,
        "next": iso(clock() + timedelta(seconds=scheduler.due_in_s)),
    }
    return status


def _last_evolution(runs: Sequence[Run]) -> Run | None:
    ended = (run for run in runs if run.kind == "evolve" and run.outcome != BEGUN)
    return next(ended, None)


class Hello(BaseModel):
    """A client's first line."""

    zettel: int
    want: str
    store: str
    version: str = ""
    secret: str = ""
    cwd: str = ""
    home: str = ""
    session: str = Field(default="", max_length=256)
    pid: int = 0
    settings: dict[str, str] = Field(default_factory=dict[str, str])

    @property
    def given(self) -> dict[str, str]:
        """The settings that a hello may carry."""
        return {name: self.settings[name] for name in HELLO_SETTINGS if name in self.settings}


class Peer:
    """A connected client: its stream, split into lines."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._send_lock = anyio.Lock()
        self.reader = LineReader(self._receive)

    async def _receive(self) -> bytes:
        try:
            return await self._stream.receive(CHUNK_BYTES)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return b""

    async def send(self, message: Message) -> None:
        """Send one JSON object."""
        await self.send_line(json.dumps(message).encode() + b"\n")

    async def send_line(self, line: bytes) -> None:
        """Send one whole line; it is dropped if the client has disconnected."""
        async with self._send_lock:
            try:
                await self._stream.send(line)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return


HELLO_TIMEOUT_S = 10.0
"""Seconds a connection may take to send its hello."""

ACCEPT_RETRY_S = 0.2
"""Seconds until the next attempt after `accept` failed."""


NOTICE = (
    "Settings of this client are not in force, as its memory is shared with clients that have"
    " others: {names}. Tell the user; the client's log says more."
)
"""Told with the first answer; names alone, as values may be addresses."""


class EngineListener:
    """Accepts clients and serves them until a shutdown is requested.

    `shutdown` ends accepting and, after a drain, the conversations. `url` is of the engine's HTTP
    server; empty without one.
    """

    def __init__(
        self,
        engine_lock: EngineLock,
        settings: Settings,
        runtime: Runtime,
        shutdown: Shutdown,
        url: str = "",
    ) -> None:
        self._engine_lock = engine_lock
        self._settings = settings
        self._runtime = runtime
        self._shutdown = shutdown
        self._url = url
        self._sessions = 0
        self._since = self._last_seen = anyio.current_time()
        self._drain_streams: list[ByteStream] = []

    @property
    def sessions(self) -> int:
        """Number of connected clients."""
        return self._sessions

    def idle_until(self, idle_s: float) -> float:
        """When the engine will have been idle for `idle_s` seconds, on the event loop's clock."""
        now = anyio.current_time()
        if self._sessions or self._runtime.busy:
            self._last_seen = now
        return self._last_seen + idle_s

    async def serve(self) -> None:
        """Serve clients; returns after a shutdown request, when all calls are answered."""
        async with anyio.create_task_group() as clients:
            async with anyio.create_task_group() as accepting:
                accepting.start_soon(self._accept, clients)
                await self._shutdown.requested.wait()
                accepting.cancel_scope.cancel()
            self._engine_lock.withdraw()

    async def close(self) -> None:
        """Close the connections that requested the drain: the engine has stopped."""
        for stream in self._drain_streams:
            await stream.aclose()

    async def _accept(self, clients: TaskGroup) -> None:
        listening = self._engine_lock.listening
        listening.setblocking(False)
        while True:
            # Not anyio's listener: it logs an error if cancelled during an accept.
            await anyio.wait_readable(listening)
            try:
                connection, _ = listening.accept()
            except BlockingIOError:
                continue
            except OSError:
                # Out of file descriptors: connections that end free some.
                logger.exception("a client could not be accepted")
                await anyio.sleep(ACCEPT_RETRY_S)
                continue
            clients.start_soon(self._handle, connection)

    async def _handle(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            stream = await SocketStream.from_socket(connection)
        except (OSError, ValueError):
            # Disconnected already.
            connection.close()
            return
        peer = Peer(stream)
        try:
            hello = await self._read_hello(peer)
            if hello is None or not await self._is_for_this_store(hello):
                return
            if hello.want == "session":
                await self._serve_client(peer, hello)
            elif hello.want == "calls":
                await self._serve_calls(peer, hello)
            elif hello.want == "status":
                await peer.send(await self._status())
            elif hello.want == "drain":
                logger.info("drain requested by zettel %s", hello.version)
                await peer.send(self._identity())
                # Closed when the engine has stopped, which is what the requester waits for.
                self._drain_streams.append(stream)
                self._shutdown.request()
        except Exception:
            # A bug in one conversation must not end the engine for all clients.
            logger.exception("a conversation failed")
        finally:
            if stream not in self._drain_streams:
                with anyio.CancelScope(shield=True):
                    await stream.aclose()

    async def _read_hello(self, peer: Peer) -> Hello | None:
        """The client's hello; None if it is missing, malformed or has the wrong secret."""
        line = None
        with anyio.move_on_after(HELLO_TIMEOUT_S):
            line = await self._next_line(peer)
        if not isinstance(line, bytes):
            return None
        try:
            hello = Hello.model_validate_json(line)
        except ValidationError:
            return None
        secret = self._engine_lock.secret
        if secret and not secrets.compare_digest(hello.secret.encode(), secret.encode()):
            logger.warning("a connection without the secret was rejected")
            return None
        return hello

    async def _cancel_on_shutdown(self, scope: anyio.CancelScope) -> None:
        await self._shutdown.requested.wait()
        scope.cancel()

    async def _is_for_this_store(self, hello: Hello) -> bool:
        """Whether the client means the store of this engine, also under another path."""
        ours = self._engine_lock.place.store
        if hello.store == ours:
            return True
        if not is_directory(ours):
            return False
        try:
            same = await to_thread.run_sync(os.path.samefile, hello.store, ours)
        except OSError:
            same = False
        return same

    async def _serve_client(self, peer: Peer, hello: Hello) -> None:
        admitted = await self._admit(peer, hello)
        if admitted is None:
            return
        wanted, project, ignored = admitted
        given = hello.given
        names = differing(wanted, self._settings, given)
        defaults = ClientDefaults(
            transport="stdio",
            notice=NOTICE.format(names=", ".join(names)) if names else "",
            namespace=wanted.namespace or USER_NAMESPACE,
            project=project,
            session=wanted.session or hello.session,
            counters=self._runtime.counters,
        )
        async with self._connected(peer, hello, wanted, ignored) as connected:
            if not connected:
                return
            await converse(
                create_server(
                    StoreWatch(self._runtime, self._engine_lock), defaults, self._runtime.feed
                ),
                peer.reader,
                peer.send_line,
                protocol=wanted.protocol,
                shutdown=self._shutdown,
            )

    async def _serve_calls(self, peer: Peer, hello: Hello) -> None:
        """Answer the calls of a command, one after the other."""
        admitted = await self._admit(peer, hello)
        if admitted is None:
            return
        wanted, project, ignored = admitted
        caller = Caller(
            namespace=wanted.namespace or USER_NAMESPACE,
            project=project,
            session=wanted.session or "",
            origin=Origin(client=COMMAND, transport=COMMAND, principal=LOCAL),
        )
        engine = StoreWatch(self._runtime, self._engine_lock)
        async with self._connected(peer, hello, wanted, ignored) as connected:
            while connected and isinstance(line := await self._next_line(peer), bytes):
                await peer.send_line(await answer_call(engine.call, caller, line))

    async def _next_line(self, peer: Peer) -> object:
        """The next line; None at the end of the connection, and when a shutdown is requested."""
        line = None
        async with anyio.create_task_group() as waiting:
            waiting.start_soon(self._cancel_on_shutdown, waiting.cancel_scope)
            line = await peer.reader.next_line()
            waiting.cancel_scope.cancel()
        return line

    async def _admit(
        self, peer: Peer, hello: Hello
    ) -> tuple[Settings, Project | None, list[str]] | None:
        """A client's settings, project and warnings; None if it was refused, and told so."""
        try:
            # Reads the disk, which may be a slow network disk: in a thread.
            return await to_thread.run_sync(
                _client_settings, self._engine_lock.place.store, hello, hello.given
            )
        except ZettelError as error:
            await peer.send({**self._identity(), "refused": str(error)})
            return None

    @asynccontextmanager
    async def _connected(
        self, peer: Peer, hello: Hello, wanted: Settings, ignored: list[str]
    ) -> AsyncGenerator[bool]:
        """Answer the hello, and count the client while the body runs; False if it is too late."""
        warnings = [*differences(wanted, self._settings, hello.given), *ignored]
        if warnings:
            logger.warning("client=%d %s", hello.pid, " ".join(warnings))
        if self._shutdown.requested.is_set():
            # Without an answer, the client goes to the next engine.
            yield False
            return
        self._sessions += 1
        self._runtime.counters.connected("stdio", 1)
        try:
            await peer.send({**self._identity(), "warning": " ".join(warnings)})
            logger.info("client=%d connected", hello.pid)
            yield True
            logger.info("client=%d disconnected", hello.pid)
        finally:
            self._sessions -= 1
            self._runtime.counters.connected("stdio", -1)
            self._last_seen = anyio.current_time()

    def _identity(self) -> Message:
        """The fields of every answer to a hello."""
        return {"zettel": PROTOCOL, "version": VERSION, "pid": os.getpid(), "url": self._url}

    async def _status(self) -> Message:
        return {
            **self._identity(),
            "uptime_s": round(anyio.current_time() - self._since),
            "clients": self._sessions,
            "endpoint": self._engine_lock.endpoint,
            **await report(self._runtime, self._settings, utc_now),
        }


def _client_settings(
    store: str, hello: Hello, given: Mapping[str, str]
) -> tuple[Settings, Project | None, list[str]]:
    """A client's settings, its project or none, and warnings about the store's own file."""
    wanted = load_engine_settings(store, **given)
    ignored = unconfirmed(load_engine_settings(store))
    if wanted.namespace or not hello.cwd:
        return wanted, None, ignored
    return wanted, find_project(Path(hello.cwd), home=Path(hello.home or "/")), ignored
