"""`/metrics`: what Prometheus reads, of all tenants together and of none by name."""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.doors import House
from tests.server.processes import PATIENCE_S, Process, environment, started

from zettel.server.commands.tokens import create
from zettel.server.config.settings import Settings
from zettel.server.observability.request_log import RequestRecord
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http import metrics as module
from zettel.server.transports.http.metrics import Metrics
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.notes import Run

CANARY = "nachtigall"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """What Prometheus makes of it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    """One figure; None if it is not there."""
    return found.get((f"zettel_{name}", frozenset(labels.items())))


@dataclass
class Collector:
    """A collector of spans: what an OpenTelemetry SDK sends over HTTP."""

    spans: list[tuple[str, Mapping[str, str]]] = field(
        default_factory=list[tuple[str, Mapping[str, str]]]
    )
    """Service and name of each, and its attributes."""
    raw: list[bytes] = field(default_factory=list[bytes])
    paths: set[str] = field(default_factory=set[str])

    def take(self, path: str, body: bytes) -> None:
        """Read what was sent."""
        self.paths.add(path)
        self.raw.append(body)
        sent = ExportTraceServiceRequest.FromString(body)
        for of in sent.resource_spans:
            who = {a.key: a.value.string_value for a in of.resource.attributes}["service.name"]
            for span in (span for scope in of.scope_spans for span in scope.spans):
                named = {a.key: a.value.string_value for a in span.attributes}
                self.spans.append((f"{who}: {span.name}", named))


@pytest.fixture(scope="module")
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector on a port, and its address."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        """Takes what is posted."""

        def do_POST(self) -> None:
            """Take it."""
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield collector, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@dataclass(frozen=True, kw_only=True)
class Served:
    """A real server that logs and traces all it can, a tenant's token and Prometheus'."""

    process: Process
    url: str
    tenant: str
    prometheus: str
    collector: Collector

    async def get(self, path: str, token: str = "") -> httpx2.Response:
        """What a GET is answered."""
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            return await http.get(self.url + path, headers=headers)

    async def status(self, path: str, token: str) -> int:
        """How a GET is answered, of which nothing is read: one of `/sse` has no end."""
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            async with http.stream("GET", self.url + path, headers=headers) as answer:
                return answer.status_code

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        """The tenant's client."""
        headers = {"authorization": f"Bearer {self.tenant}"}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S) as http:
            async with Client(
                streamable_http_client(f"{self.url}/mcp", http_client=http)
            ) as client:
                yield client


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, collecting: tuple[Collector, str]
) -> Iterator[Served]:
    """One for all tests of the module."""
    store = tmp_path_factory.mktemp("observed") / "store"
    settings = Settings(store=str(store), model="hash")
    _, tenant = anyio.run(create, settings, CANARY, [CANARY], None)
    _, prometheus = anyio.run(create, settings, "prometheus", (), None, True)
    env = environment(
        store,
        ZETTEL_LOG_FORMAT="json",
        ZETTEL_LOG_LEVEL="debug",
        OTEL_EXPORTER_OTLP_ENDPOINT=collecting[1],
    )
    with started("serve", "--port", "0", env=env) as process:
        lines = [process.read_line()]
        while "Ctrl-C" not in lines[-1]:
            lines.append(process.read_line())
        url = next(line.split()[-1] for line in lines if "/health" in line)
        yield Served(
            process=process,
            url=url.removesuffix("/health"),
            tenant=tenant,
            prometheus=prometheus,
            collector=collecting[0],
        )


async def test_only_a_token_made_for_it_reads_metrics_and_reads_nothing_else(
    served: Served,
) -> None:
    statuses = {
        (path, token): await served.status(path, token)
        for path in ("/metrics", "/mcp", "/sse", "/messages/")
        for token in ("", served.prometheus)
    }
    tenants = await served.get("/metrics", served.tenant)

    assert statuses.pop(("/metrics", served.prometheus)) == 200
    assert {code for (_, token), code in statuses.items() if not token} == {401}
    assert {code for (_, token), code in statuses.items() if token} == {403}
    assert tenants.status_code == 403
    assert tenants.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
    assert "zettel_" not in tenants.text


async def test_calls_are_counted_and_nobody_is_named(served: Served) -> None:
    async with served.client() as client:
        await client.call_tool("remember", {"content": f"a {CANARY} sings", "subject": CANARY})
        await client.call_tool("recall", {"since": CANARY})
        await client.call_tool(CANARY, {CANARY: CANARY})
        answer = await served.get("/metrics", served.prometheus)
    found = samples(answer.text)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert CANARY not in answer.text
    calls = {"transport": "http"}
    assert value(found, "calls_total", tool="remember", outcome="ok", **calls) == 1
    assert value(found, "calls_total", tool="recall", outcome="error", **calls) == 1
    assert value(found, "calls_total", tool="unknown", outcome="error", **calls) == 1
    assert value(found, "call_seconds_count", tool="remember", **calls) == 1
    assert value(found, "call_seconds_bucket", tool="remember", le="+Inf", **calls) == 1
    assert value(found, "calls_in_flight", **calls) == 0
    assert value(found, "store_ready") == 1
    assert value(found, "store_notes") is not None
    assert value(found, "store_bytes")
    assert value(found, "queue_notes", step="embed") is not None
    assert value(found, "model_ready") == 1
    assert value(found, "connections", kind="/metrics") == 1
    assert ("process_resident_memory_bytes", frozenset()) in found


async def test_health_tells_those_without_a_token_nothing_of_the_store(served: Served) -> None:
    for path in ("/health", "/health/ready", "/health/live"):
        answer = await served.get(path)
        assert answer.status_code == 200
        assert set(json.loads(answer.text)) == {"status"}


async def test_a_server_that_ends_has_sent_its_spans_and_logged_no_word(served: Served) -> None:
    async with served.client() as client:
        await client.call_tool("recall", {"query": f"does the {CANARY} sing?"})
        await client.call_tool("update", {"note_id": CANARY, "content": CANARY})
    served.process.popen.terminate()
    _, error = served.process.popen.communicate(timeout=PATIENCE_S)
    sent = served.collector
    named = dict(sent.spans)
    lines = [json.loads(line) for line in error.decode().splitlines()]

    assert sent.paths == {"/v1/traces"}
    assert named["zettel: tools/call recall"]["zettel.outcome"] == "ok"
    assert named["zettel: tools/call update"]["error.type"] == "InvalidArgumentError"
    assert CANARY.encode() not in b"".join(sent.raw)
    calls = [line for line in lines if line["message"] == "call"]
    assert {"remember", "recall", "update", "unknown"} == {line["tool"] for line in calls}
    # Who called is told; that is the token's name.
    assert {line.pop("principal") for line in calls} == {CANARY}
    told = [{k: v for k, v in line.items() if k != "principal"} for line in lines]
    assert CANARY not in json.dumps(told)


def test_runs_and_refusals_are_counted() -> None:
    counted, at = Metrics(), datetime(2026, 1, 1, tzinfo=UTC)
    for number, outcome in enumerate(("done", "failed")):
        counted.ran(
            Run(
                run_id="r",
                kind="evolve",
                who="scheduler",
                started_at=at,
                ended_at=at + timedelta(seconds=1 + number),
                counts={},
                outcome=outcome,
            )
        )
    counted.refused("rate")
    found = samples(module.generate_latest(counted.registry).decode())

    assert value(found, "evolution_seconds_count", outcome="done") == 1
    assert value(found, "evolution_seconds_sum", outcome="failed") == 2
    assert value(found, "evolution_last_success_timestamp_seconds") == at.timestamp() + 1
    assert value(found, "refusals_total", reason="rate") == 1


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.ended(RequestRecord(method="ping", transport="http"))

    labels = {"method": "ping", "transport": "http", "outcome": "ok"}
    figures = [samples(module.generate_latest(m.registry).decode()) for m in (one, other)]
    assert [value(found, "requests_total", **labels) for found in figures] == [1, None]


async def test_a_store_that_fails_is_told_and_its_old_figures_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STORE_FIGURES_S", 0)
    house, counted = House(), Metrics()

    async def fails() -> None:
        raise StoreUnavailableError("p", "is gone", "Bring it back.")

    async def figures() -> Samples:
        answer = await counted.scraped(runtime, module.Request({"type": "http"}))
        return samples(bytes(answer.body).decode())

    runtime = Runtime("p", house.factories(), counters=counted)
    async with runtime.running():
        await runtime.settled()
        before = await figures()
        monkeypatch.setattr(house.store, "stats", fails)
        after = await figures()

    assert (value(before, "store_ready"), value(before, "store_notes")) == (1, 0)
    assert value(after, "store_ready") == 0
    assert str(value(after, "store_notes")) == "nan"
    assert value(after, "queue_notes", step="embed") is None
