"""Spans of OpenTelemetry: steps of ours, told without a word of any note.

Without its SDK, or with nothing that collects them, a span costs a few microseconds and goes
nowhere; `exporting` has them sent.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span, get_tracer

TRACER = get_tracer("zettel")


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, within: Context | None = None
) -> Generator[Span]:
    """A span around a piece of work; of an exception it tells the kind, never the message.

    Args:
        name: A constant of ours.
        kind: What it is to those outside.
        within: What it is part of; None for the span that is open.
    """
    opened = TRACER.start_as_current_span(
        name, context=within, kind=kind, record_exception=False, set_status_on_exception=False
    )
    with opened as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise


def context_of(meta: Mapping[str, object] | None) -> Context | None:
    """The trace that a request says it is part of (W3C trace context in `_meta`); None if none."""
    if not meta or "traceparent" not in meta:
        return None
    try:
        found = extract({k: v for k, v in meta.items() if isinstance(v, str)})
    except (ValueError, TypeError):
        return None
    return found if get_current_span(found).get_span_context().is_valid else None
