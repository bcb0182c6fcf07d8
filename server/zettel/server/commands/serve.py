"""`zettel serve`: HTTP and SSE on a loopback port, until a signal.

If systemd started it, it is notified of the server's state (`sd_notify(3)`).
"""

import logging
import os
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import anyio
import uvicorn
from starlette.types import ASGIApp

from zettel.server.auth.oauth import OAuthAccess
from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.config.addresses import is_loopback
from zettel.server.config.settings import Settings
from zettel.server.engine.engine import DRAIN_S
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.listener import EngineListener, report
from zettel.server.engine.store_watch import shut_down_when_evicted
from zettel.server.observability.tracing import exporting
from zettel.server.page.app import WebPage
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import installed_factories
from zettel.server.runtime.open_files import raise_open_files
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, shut_down_on_signal
from zettel.server.runtime.threads import share_among_threads
from zettel.server.transports.http.access import AccessControl
from zettel.server.transports.http.app import allowed, create_app
from zettel.server.transports.http.limits.admission import Admission
from zettel.server.transports.http.limits.connections import Connections, ServerConfig
from zettel.server.transports.http.limits.rejections import Rejections
from zettel.server.transports.http.metrics import Metrics
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.errors import EvictedError, PortBusyError
from zettel.tools.caller import USER_NAMESPACE

logger = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(*lines: str) -> None:
    """Send assignments such as `READY=1` to the socket in `NOTIFY_SOCKET`, if it is set.

    Args:
        lines: Without newlines.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if sys.platform == "win32" or not address.startswith(("/", "@")):
        return
    # A leading @ stands for the zero byte of an abstract socket name.
    where = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.sendto("\n".join(lines).encode(), where)
    except OSError as error:
        logger.warning("systemd could not be notified of %s: %s", lines[0], error)


ANSWER_FLUSH_S = 0.1
"""Time between the last call's end and the end of the streams that carry its answer."""

COMMIT_S = 15
"""Longest time for commits, which are not interrupted: 7 s were seen on two cores with three
hammered servers (`tests/server/transports/http/test_hammer.py`)."""

UVICORN_GRACE_S = 2
"""Time uvicorn waits for requests that the application has already ended."""

Announce = Callable[[str, str, bool], None]
"""Called once, when everything is ready: base URL, problem (empty for none), whether a token is
needed."""


def listen(host: str, port: int) -> socket.socket:
    """Bind the port, before anything heavy is loaded.

    Raises:
        PortBusyError: The port is in use, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named asyncio sets TCP_NODELAY on each connection: without, an answer in two
    # segments waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise PortBusyError(host, port, error.strerror or str(error)) from None
    return listening


class _Uvicorn(uvicorn.Server):
    """Uvicorn without its signal handlers, which the process has elsewhere."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve_http(
    settings: Settings, listening: socket.socket, lock: EngineLock | None, announce: Announce
) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain.

    `lock` makes this process the store's engine, to which clients attach; None if they cannot.
    `announce` is called when everything is ready.

    Raises:
        EvictedError: It ended because clients of the store could not find it any more.
    """
    share_among_threads()
    raise_open_files()
    metrics = Metrics()
    parts = installed_factories(settings, still_there=lock.store_is_there if lock else lambda: True)
    runtime = Runtime(settings.store, parts, counters=metrics)
    streams, access = OpenRequests(), _access_control(settings, runtime)
    admission = Admission(settings, Rejections(metrics.refused))
    app = create_app(
        runtime,
        access,
        namespace=settings.namespace or USER_NAMESPACE,
        security=allowed(settings),
        streams=streams,
        metrics=metrics,
        admission=admission,
        origins=settings.allowed_origins,
        make_page=partial(
            WebPage,
            access=access,
            namespace=settings.namespace or USER_NAMESPACE,
            report=partial(report, runtime, settings, utc_now),
        ),
    )
    web, shutdown = _web(app, settings, admission.rejections), Shutdown(DRAIN_S)
    url = base_url(settings, listening)
    listener = EngineListener(lock, settings, runtime, shutdown, url) if lock else None
    async with exporting(), anyio.create_task_group() as tasks, runtime.running():
        tasks.start_soon(shut_down_on_signal, shutdown)
        tasks.start_soon(access.watch, streams)
        tasks.start_soon(_announce_when_ready, runtime, access, url, announce)
        if lock is not None:
            tasks.start_soon(shut_down_when_evicted, lock, shutdown)
        async with anyio.create_task_group() as serving:
            serving.start_soon(_run_web, web, listening, shutdown)
            if listener is not None:
                serving.start_soon(listener.serve)
            await shutdown.requested.wait()
            notify(STOPPING)
            runtime.leaving = True
            admission.leave()
            await shutdown.drain(runtime.calls_finished)
            runtime.feed.end()
            await anyio.sleep(ANSWER_FLUSH_S)
            streams.end()
            with anyio.move_on_after(COMMIT_S):
                await streams.left()
            web.should_exit = True
        tasks.cancel_scope.cancel()
    if lock is not None and listener is not None:
        lock.release()
        await listener.close()
    if shutdown.evicted:
        raise EvictedError(settings.store)


def _access_control(settings: Settings, runtime: Runtime) -> AccessControl:
    if settings.oauth_issuer:
        return OAuthAccess(settings)
    # With an allowed host a proxy may lead other machines here, on loopback too.
    others = not is_loopback(settings.host) or bool(settings.allowed_hosts)
    return TokenAccess(runtime, always=others)


def _web(app: ASGIApp, settings: Settings, rejections: Rejections) -> _Uvicorn:
    config = ServerConfig(
        app,
        Connections(settings, rejections),
        certificate=settings.tls_cert,
        key=settings.tls_key,
        grace_s=UVICORN_GRACE_S,
    )
    return _Uvicorn(config)


async def _run_web(web: _Uvicorn, listening: socket.socket, shutdown: Shutdown) -> None:
    await web.serve([listening])
    # Uvicorn returns before a shutdown only if it could not start.
    shutdown.request()


def base_url(settings: Settings, listening: socket.socket) -> str:
    """Base URL of the server, with the real port."""
    host, scheme = settings.host, "https" if settings.tls_cert else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listening.getsockname()[1]}"


async def _announce_when_ready(
    runtime: Runtime, access: AccessControl, url: str, announce: Announce
) -> None:
    await runtime.settled()
    announce(url, runtime.problem, await access.needs_token())
    notify(READY, f"STATUS={runtime.problem or f'serves {url}'}")
