"""The latency benchmark: parts that add up, and a report of each verb beside its floor."""

import os
import subprocess
import sys

import pytest
from benchmarks.latency.measure import AtOnce, Series, Verb
from benchmarks.latency.parts import BEFORE, BETWEEN, PARSING, REPLY, Call, read_parts
from benchmarks.latency.report import Measured, write_report
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, Tracer, set_span_in_context

MS = 1_000_000
"""Nanoseconds."""


def span(tracer: Tracer, name: str, times: tuple[int, int], within: Span | None = None) -> Span:
    """A span from one millisecond to another."""
    context = set_span_in_context(within) if within else None
    made = tracer.start_span(name, context=context, start_time=times[0] * MS)
    made.end(times[1] * MS)
    return made


def test_parts_are_read_whole_and_what_lies_between_them_once() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    client = span(tracer, "tools/call", (0, 40))
    request = span(tracer, "tools/call recall", (1, 31), client)
    verb = span(tracer, "RecallArguments", (3, 30), request)
    for name, times in {"encoding": (4, 10), "text": (5, 14), "fetching": (16, 20)}.items():
        span(tracer, name, times, verb)
    span(tracer, "fetching", (20, 22), verb)

    parts = read_parts(exporter.get_finished_spans(), 42.0)

    assert parts == {
        BEFORE: 12.0,
        PARSING: 2.0,
        "encoding": 6.0,
        "text": 9.0,
        "fetching": 6.0,
        BETWEEN: 27.0 - 10.0 - 6.0,
        REPLY: 1.0,
    }


def test_the_report_sets_each_side_over_the_floor() -> None:
    verb = Verb(
        calls=[Call(total=30.0, parts={"encoding": 8.0})],
        ours=Series(wall=[30.0], cpu=[45.0]),
        floor=Series(wall=[20.0], cpu=[30.0]),
        floor_parts=[[("encoding", 7.0)]],
        attached=Series(wall=[36.0]),
        beside=Series(wall=[72.0]),
        at_once=AtOnce(ours=10.0, floor=20.0, encoder=40.0),
    )

    report = write_report([Measured(notes=7, verbs={"recall": verb})], command="make", machine="m")

    assert (
        "| 7 | `recall` | 1 | 30.0 / 30.0 | 20.0 / 20.0 | 1.50 | 1.50 | 36.0 / 36.0 | 1.80"
        " | 72.0 / 72.0 | 0.50 | 10 | 20 | 40 |"
    ) in report
    assert "| encoding | 8.0 / 8.0 | 8.00 |" in report
    assert "| floor: encoding | 7.0 / 7.0 | 7.00 |" in report


@pytest.mark.slow
def test_a_small_run_measures_every_part() -> None:
    command = (sys.executable, "-m", "benchmarks.latency", "--notes", "10", "--rounds", "1")

    done = subprocess.run(
        [*command, "--model", "hash"], capture_output=True, text=True, check=True, env=os.environ
    )

    for part in ("encoding", "text", "vectors", "fetching", "assembly", "commit", "floor: add"):
        assert f"| {part} |" in done.stdout
