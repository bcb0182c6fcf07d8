"""The parts of a call, read from the spans that the server makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

BEFORE, PARSING, BETWEEN, REPLY = "client and SDK", "parsing", "between the parts", "reply"
"""Parts that have no span: around the request, around the verb, and what is left of the verb."""
VERBS = ("RecallArguments", "RememberArguments")
"""Names of the spans around the verbs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, in milliseconds."""

    total: float
    """As its client sees it."""
    parts: Mapping[str, float]
    """Part -> its length, in the order of their beginnings. Some of them overlap."""


class Recorder:
    """Collects the spans of this process; make one only, since a provider is set once."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(provider)

    def read(self, total: float) -> Call:
        """The call that has just ended.

        Args:
            total: Milliseconds that its client waited.
        """
        spans = self._spans.get_finished_spans()
        self.forget()
        return Call(total=total, parts=read_parts(spans, total))

    def forget(self) -> None:
        """Drop the spans of calls that are not read."""
        self._spans.clear()


def read_parts(spans: Sequence[ReadableSpan], total: float) -> dict[str, float]:
    """Part -> its milliseconds, of the call that the spans belong to.

    Args:
        spans: Of one call, in any order.
        total: Milliseconds that its client waited.
    """
    verb = next(span for span in spans if span.name in VERBS)
    request = next(span for span in spans if _is_within(verb, span))
    inner = sorted((s for s in spans if _is_within(s, verb)), key=lambda span: _times(span)[0])
    (asked, answered), (begun, done) = _times(request), _times(verb)
    parts = {BEFORE: total - (answered - asked), PARSING: begun - asked}
    covered, reached = 0.0, begun
    for span in inner:
        start, end = _times(span)
        parts[span.name] = parts.get(span.name, 0.0) + end - start
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return parts | {BETWEEN: done - begun - covered, REPLY: answered - done}


def _is_within(span: ReadableSpan, outer: ReadableSpan) -> bool:
    return bool(span.parent and outer.context and span.parent.span_id == outer.context.span_id)


def _times(span: ReadableSpan) -> tuple[float, float]:
    """Beginning and end in milliseconds."""
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / 1e6, span.end_time / 1e6
