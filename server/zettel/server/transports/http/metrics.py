"""`/metrics` of `zettel serve`, for Prometheus.

Labels have fixed values, so that their number is bounded and no namespace, principal or note shows.
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
"""Upper bounds of the calls' buckets: verbs take 5 to 100 ms (`make bench-cost`), 30 s at most."""

RUN_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
"""Upper bounds of the runs' buckets: the scheduler's stop after 60 s, others go on."""

STORE_FIGURES_S = 5.0
"""Time for which figures of the store are used again, so that frequent scrapes do not count notes
all day; Prometheus scrapes every 15 s and more."""

SECOND = timedelta(seconds=1)

PATHS = ("/mcp", "/sse", "/messages/", "/health", "/metrics")
"""Values of the label `path`; any other path is `other`."""


class Metrics(Counters):
    """The figures of one server process, in a registry of their own."""

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
        """Count a request that arrived."""
        if record.tool:
            self._open_calls.labels(record.transport).inc()

    def ended(self, record: RequestRecord) -> None:
        """Count a request that ended."""
        if not record.tool:
            self._requests.labels(record.method, record.transport, record.outcome).inc()
            return
        self._open_calls.labels(record.transport).dec()
        self._calls.labels(record.tool, record.transport, record.outcome).inc()
        self._seconds.labels(record.tool, record.transport).observe(record.seconds)

    def ran(self, run: Run) -> None:
        """Count a run of evolution that ended."""
        self._runs.labels(run.outcome).observe((run.ended_at - run.started_at) / SECOND)
        if run.outcome in ("done", "budget"):
            self._last_run.set(run.ended_at.timestamp())

    def refused(self, reason: str) -> None:
        """Count a rejected caller."""
        self._refusals.labels(reason).inc()

    def connected(self, kind: str, by: int) -> None:
        """Count opened conversations; a negative number closes some."""
        self._open.labels(kind).inc(by)

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: count responses and open requests."""
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        path = next((known for known in PATHS if scope["path"].startswith(known)), "other")

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._responses.labels(path, message["status"]).inc()
            await send(message)

        self.connected(path, 1)
        try:
            await app(scope, receive, send_counted)
        finally:
            self.connected(path, -1)

    async def scraped(self, runtime: Runtime, _request: Request) -> Response:
        """Answer with the figures, in Prometheus' text format."""
        await self._store.read(runtime)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _StoreFigures:
    """Figures that are read at a scrape, not counted as they change."""

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
        self._read_at = float("-inf")
        self._reading = anyio.Lock()

    async def read(self, runtime: Runtime) -> None:
        self._model.set(runtime.model_ready)
        self._watching.set(runtime.feed.watching)
        async with self._reading:
            now = anyio.current_time()
            if runtime.status == "ok" and now - self._read_at < STORE_FIGURES_S:
                return
            try:
                ready = runtime.status == "ok"
                if ready:
                    await self._read(runtime)
                    self._read_at = now
            except ZettelError:
                ready = False
            self._ready.set(ready)
            if not ready:
                for figure in (self._notes, self._revisions, self._bytes, self._commits):
                    figure.set(nan)
                self._queue.clear()

    async def _read(self, runtime: Runtime) -> None:
        # Late: the first answer must not wait for this import; it is loaded by now.
        from zettel.tools.evolve.run import queue  # noqa: PLC0415

        memory = await runtime.memory()
        stats = await memory.admin.stats()
        self._notes.set(stats.notes)
        self._revisions.set(stats.revisions)
        self._bytes.set(stats.disk_bytes)
        self._commits.set(stats.commits_since_upkeep)
        for step, notes in (await queue(memory)).items():
            self._queue.labels(step).set(notes)
