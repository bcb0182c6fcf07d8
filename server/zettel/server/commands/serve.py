"""`zettel serve`: HTTP and SSE on a loopback port, until a signal."""

import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from zettel.server.auth.oauth import OAuthAccess
from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.config.addresses import is_loopback
from zettel.server.config.settings import Settings
from zettel.server.engine.engine import DRAIN_S
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.listener import EngineListener
from zettel.server.engine.store_watch import shut_down_when_evicted
from zettel.server.observability.systemd import READY, STOPPING, notify
from zettel.server.observability.tracing import exporting
from zettel.server.runtime.factories import Factories, installed_factories
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, shut_down_on_signal
from zettel.server.transports.http.access import AccessControl
from zettel.server.transports.http.app import allowed, create_app
from zettel.server.transports.http.limits.admission import Admission
from zettel.server.transports.http.limits.connections import Connections, PatientConfig
from zettel.server.transports.http.limits.rejections import Rejections
from zettel.server.transports.http.metrics import Metrics
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.errors import PortBusyError
from zettel.tools.caller import USER_NAMESPACE

LAST_WORDS_S = 0.1
"""Seconds between the last call's end and the end of the streams that carry its answer."""

GRACE_S = 2
"""Seconds uvicorn waits for requests that are already ended on our side."""

Announce = Callable[[str, str, bool], None]
"""Told once, when everything is ready: the base URL, what is wrong (empty when nothing is), and
whether an access token is needed."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything heavy is loaded.

    Raises:
        PortBusyError: The port is taken, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
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
    """Uvicorn without its signal handlers: the process has one place for those."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve_http(
    settings: Settings, listening: socket.socket, engine_lock: EngineLock | None, announce: Announce
) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain.

    Args:
        settings: What to serve, and how.
        listening: For HTTP and SSE.
        engine_lock: The store's engine is this process then, and clients attach to it; None if they
            cannot.
        announce: Told when everything is ready.
    """
    metrics = Metrics()
    runtime = Runtime(settings.store, _factories(settings, engine_lock), counters=metrics)
    streams, gatekeeper = OpenRequests(), _gate(settings, runtime)
    admission = Admission(settings, Rejections(metrics.refused))
    app = create_app(
        runtime,
        gatekeeper,
        namespace=settings.namespace or USER_NAMESPACE,
        security=allowed(settings),
        streams=streams,
        metrics=metrics,
        admission=admission,
    )
    web, shutdown = _web(app, settings, admission.turned_away), Shutdown(DRAIN_S)
    url = base_url(settings, listening)
    listener = (
        EngineListener(engine_lock, settings, runtime, shutdown, url) if engine_lock else None
    )
    async with exporting(), anyio.create_task_group() as tasks, runtime.running():
        tasks.start_soon(shut_down_on_signal, shutdown)
        tasks.start_soon(gatekeeper.watch, streams)
        tasks.start_soon(_announce_when_ready, runtime, gatekeeper, url, announce)
        if engine_lock is not None:
            tasks.start_soon(shut_down_when_evicted, engine_lock, shutdown)
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
            await anyio.sleep(LAST_WORDS_S)
            streams.end()
            web.should_exit = True
        tasks.cancel_scope.cancel()
    if engine_lock is not None and listener is not None:
        engine_lock.release()
        await listener.close()


def _factories(settings: Settings, engine_lock: EngineLock | None) -> Factories:
    if engine_lock is None:
        return installed_factories(settings)
    return installed_factories(settings, still_there=engine_lock.store_is_there)


def _gate(settings: Settings, runtime: Runtime) -> AccessControl:
    if settings.oauth_issuer:
        return OAuthAccess(settings)
    # A name that others reach it by leads here through a proxy, on loopback too.
    others = not is_loopback(settings.host) or bool(settings.allowed_hosts)
    return TokenAccess(runtime, always=others)


def _web(app: ASGIApp, settings: Settings, turned_away: Rejections) -> _Uvicorn:
    config = PatientConfig(
        app,
        Connections(settings, turned_away),
        certificate=settings.tls_cert,
        key=settings.tls_key,
        grace_s=GRACE_S,
    )
    return _Uvicorn(config)


async def _run_web(web: _Uvicorn, listening: socket.socket, shutdown: Shutdown) -> None:
    await web.serve([listening])
    # It leaves unasked only if it could not start; then nobody is to wait for a signal.
    shutdown.request()


def base_url(settings: Settings, listening: socket.socket) -> str:
    """Where clients reach the server; the port is the real one, also when any was asked for."""
    host, scheme = settings.host, "https" if settings.tls_cert else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listening.getsockname()[1]}"


async def _announce_when_ready(
    runtime: Runtime, gatekeeper: AccessControl, url: str, announce: Announce
) -> None:
    await runtime.settled()
    announce(url, runtime.problem, await gatekeeper.needs_token())
    notify(READY, f"STATUS={runtime.problem or f'serves {url}'}")
