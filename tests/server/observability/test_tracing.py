"""Spans: one of each request with its steps inside, in the caller's trace, without its words."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tests.server.doors import STREAMS_LEFT_OPEN, TRANSPORTS, House, opened
from tests.server.observability.test_log_lines import CANARY, calls_with

from zettel.server.observability import tracing
from zettel.server.protocol.schemas import Arguments
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What a real SDK exports."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "TRACER", provider.get_tracer("zettel"))
    monkeypatch.setattr("zettel.tools.tracing._TRACER", provider.get_tracer("zettel"))
    return exporter


def of_calls(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """The spans of tool calls."""
    return [s for s in exporter.get_finished_spans() if s.name.startswith("tools/call")]


@STREAMS_LEFT_OPEN
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_request_is_a_span_in_its_callers_trace_with_its_work_inside(
    collected: InMemorySpanExporter, transport: str
) -> None:
    async with opened(House()) as doors, doors.client(transport, "auto") as client:
        await client.call_tool("recall", {"query": "bees"}, meta={"traceparent": PARENT})

    [call] = of_calls(collected)
    [work] = [s for s in collected.get_finished_spans() if s.name == "RecallArguments"]
    assert call.name == "tools/call recall"
    assert call.kind is SpanKind.SERVER
    assert dict(call.attributes or {}) == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "recall",
        "zettel.transport": transport,
        "zettel.outcome": "ok",
    }
    assert call.context is not None
    assert f"{call.context.trace_id:032x}" == TRACE
    assert work.parent is not None
    assert work.parent.span_id == call.context.span_id
    parts = [s.name for s in collected.get_finished_spans() if _is_child(s, work)]
    assert {"scope", "fetching", "assembly"} <= {*parts}


def _is_child(span: ReadableSpan, work: ReadableSpan) -> bool:
    return bool(span.parent and work.context and span.parent.span_id == work.context.span_id)


async def test_no_argument_of_any_verb_comes_into_a_span(collected: InMemorySpanExporter) -> None:
    calls = calls_with(CANARY, sparing=True)
    async with opened(House()) as doors, doors.client("stdio", "legacy") as client:
        for name, arguments in calls:
            await client.call_tool(name, arguments)
        with pytest.raises(Exception, match=CANARY):
            await client.read_resource(f"memory://note/{CANARY}")

    told = collected.get_finished_spans()
    assert CANARY not in "".join(span.to_json() for span in told)
    assert len(of_calls(collected)) == len(calls)
    [unknown] = [span for span in told if span.name == "tools/call unknown"]
    assert (unknown.attributes or {})["error.type"] == "UnknownNameError"
    assert unknown.status.status_code is StatusCode.ERROR


async def bug(
    memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
) -> Mapping[str, object]:
    """A bug that quotes the note."""
    raise RuntimeError(CANARY)


async def test_a_bug_is_told_by_its_kind(collected: InMemorySpanExporter) -> None:
    async with opened(House(dispatch=bug)) as doors, doors.client("stdio", "auto") as client:
        await client.call_tool("remember", {"content": CANARY})
        with pytest.raises(Exception, match="failed inside"):
            await client.read_resource("memory://stats")

    told = collected.get_finished_spans()
    assert CANARY not in "".join(span.to_json() for span in told)
    [call] = of_calls(collected)
    assert (call.attributes or {})["zettel.outcome"] == "failed"
    assert (call.attributes or {})["error.type"] == "RuntimeError"
    [reading] = [span for span in told if span.name == "resources/read"]
    assert (reading.attributes or {})["zettel.outcome"] == "failed"


@pytest.mark.parametrize("said", ["", "no trace", "00-0-0-00", 7, None, {"a": 1}])
def test_what_is_no_trace_is_left_alone(said: object) -> None:
    assert tracing.context_of({"traceparent": said}) is None


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
    ],
)
def test_spans_are_sent_only_where_the_standard_variables_say(
    environment: Mapping[str, str], sent: bool
) -> None:
    assert tracing.export_requested(environment) is sent
