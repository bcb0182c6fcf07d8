"""`/metrics`: what a process counts of itself, for Prometheus; no name of anybody's in it.

Labels are words of ours only, so their number is bounded, and nobody's namespaces, principals or
notes can be told apart. Only `zettel serve` has it: an engine without HTTP counts nothing.
"""

from datetime import timedelta
from functools import partial
from math import nan

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.engine.ipc.version import VERSION
from zettel.server.observability.request_log import Counters, RequestRecord
from zettel.server.runtime.runtime import Runtime
from zettel.storage.errors import ZettelError
from zettel.storage.notes import Run

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the calls' buckets, in seconds: a verb takes 5 to 100 ms (`make bench-cost`), and
no tool may take more than 30 s."""

RUN_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
"""Of evolution's runs: the scheduler's stop after 60 s, others go on."""

LOOK_S = 5.0
"""Seconds for which a look at the store holds: Prometheus asks every 15 s and more (its default is
a minute), and whoever asks more often must not make the server count notes all day."""

SECOND = timedelta(seconds=1)

PATHS = ("/mcp", "/sse", "/messages/", "/health", "/metrics")
"""What a request is told by; anything else is `other`."""


class Metrics(Counters):
    """The figures of one server process; each has a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        timer = partial(Histogram, registry=registry)
        gauge("zettel_build_info", "Always 1.", ["version"]).labels(VERSION).set(1)
        text = "Tool calls by how they ended: ok, error (the caller's), failed (ours), cancelled."
        self._calls = counter("zettel_calls", text, ["tool", "transport", "outcome"])
        text = "Time from a tool call's arrival to its answer."
        labels = ["tool", "transport"]
        self._seconds = timer("zettel_call_seconds", text, labels, buckets=LATENCY_S)
        text = "Tool calls being carried out."
        self._open_calls = gauge("zettel_calls_in_flight", text, ["transport"])
        text = "Requests of the protocol other than tool calls."
        self._requests = counter("zettel_requests", text, ["method", "transport", "outcome"])
        text = "HTTP responses."
        self._responses = counter("zettel_http_responses", text, ["path", "status"])
        text = "Open now: attached stdio clients, and HTTP requests by path (/sse: streams)."
        self._open = gauge("zettel_connections", text, ["kind"])
        text = "Callers turned away, by reason."
        self._refusals = counter("zettel_refusals", text, ["reason"])
        text = "Duration of this process's evolution runs, by how they ended."
        self._runs = timer("zettel_evolution_seconds", text, ["outcome"], buckets=RUN_S)
        text = "When a run of this process last ended well (done, or its budget spent)."
        self._last_run = gauge("zettel_evolution_last_success_timestamp_seconds", text)
        self._store = _StoreFigures(registry)

    def began(self, record: RequestRecord) -> None:
        """A request has come."""
        if record.tool:
            self._open_calls.labels(record.transport).inc()

    def ended(self, record: RequestRecord) -> None:
        """It is over."""
        if not record.tool:
            self._requests.labels(record.method, record.transport, record.outcome).inc()
            return
        self._open_calls.labels(record.transport).dec()
        self._calls.labels(record.tool, record.transport, record.outcome).inc()
        self._seconds.labels(record.tool, record.transport).observe(record.seconds)

    def ran(self, run: Run) -> None:
        """Evolution has ended a run."""
        self._runs.labels(run.outcome).observe((run.ended_at - run.started_at) / SECOND)
        if run.outcome in ("done", "budget"):
            self._last_run.set(run.ended_at.timestamp())

    def refused(self, reason: str) -> None:
        """Somebody was turned away."""
        self._refusals.labels(reason).inc()

    def connected(self, kind: str, by: int) -> None:
        """Conversations were opened, or closed if fewer than none."""
        self._open.labels(kind).inc(by)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Count an application's responses and open requests."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            path = _path(scope["path"])

            async def counted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._responses.labels(path, message["status"]).inc()
                await send(message)

            self.connected(path, 1)
            try:
                await app(scope, receive, counted)
            finally:
                self.connected(path, -1)

        return wrapped

    async def scraped(self, runtime: Runtime, _request: Request) -> Response:
        """The figures, in Prometheus' text format."""
        await self._store.look(runtime)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _StoreFigures:
    """What is looked at when somebody asks, not counted as it happens."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"zettel_{name}", text, registry=registry)

        self._ready = gauge("store_ready", "1 while the store is open and can be read.")
        self._model = gauge("model_ready", "1 while meaning is searched, not words alone.")
        self._notes = gauge("store_notes", "Notes in all namespaces.")
        self._revisions = gauge("store_revisions", "Their revisions: rows of the table of notes.")
        self._bytes = gauge("store_bytes", "Size of the store's files.")
        self._commits = gauge("store_commits_since_upkeep", "Commits since it was compacted.")
        self._watching = gauge("subscriptions", "Resources that clients are told changes of.")
        self._queue = Gauge(
            "zettel_queue_notes",
            "Notes that wait for a step of evolution.",
            ["step"],
            registry=registry,
        )
        self._looked = float("-inf")
        self._looking = anyio.Lock()

    async def look(self, runtime: Runtime) -> None:
        self._model.set(runtime.model_ready)
        self._watching.set(runtime.feed.watching)
        async with self._looking:
            began = anyio.current_time()
            if runtime.status == "ok" and began - self._looked < LOOK_S:
                return
            try:
                ready = runtime.status == "ok"
                if ready:
                    await self._look(runtime)
                    self._looked = began
            except ZettelError:
                ready = False
            self._ready.set(ready)
            if not ready:
                for figure in (self._notes, self._revisions, self._bytes, self._commits):
                    figure.set(nan)
                self._queue.clear()

    async def _look(self, runtime: Runtime) -> None:
        # With the verbs, which the first answer must not wait for; they are there by now.
        from zettel.tools.evolve.run import queue  # noqa: PLC0415

        memory = await runtime.memory()
        stats = await memory.store.stats()
        self._notes.set(stats.notes)
        self._revisions.set(stats.revisions)
        self._bytes.set(stats.disk_bytes)
        self._commits.set(stats.commits_since_upkeep)
        for step, notes in (await queue(memory)).items():
            self._queue.labels(step).set(notes)


def _path(path: str) -> str:
    return next((known for known in PATHS if path.startswith(known)), "other")
