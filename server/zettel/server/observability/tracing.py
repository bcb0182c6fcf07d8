"""OpenTelemetry spans without note texts, and their export for `zettel serve`."""

import logging
import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio import to_thread
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span, get_tracer

TRACER = get_tracer("zettel")


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, within: Context | None = None
) -> Generator[Span]:
    """A span around a piece of work; it records the type of an exception, not its message.

    `name` is a constant, never a client's text. `within` is the parent; None for the current span.
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
    """The parent trace in a request's `_meta` (W3C trace context), or None."""
    if not meta or "traceparent" not in meta:
        return None
    try:
        found = extract({k: v for k, v in meta.items() if isinstance(v, str)})
    except (ValueError, TypeError):
        return None
    return found if get_current_span(found).get_span_context().is_valid else None


logger = logging.getLogger(__name__)

SERVICE = "zettel"
ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORT_FLUSH_S = 3.0
"""Seconds for sending the last spans at exit."""


def export_requested(environment: Mapping[str, str]) -> bool:
    """Whether the environment configures an OTLP exporter for spans."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    named = any(environment.get(name, "").strip() for name in ENDPOINT_VARIABLES)
    return exporter == "otlp" or (named and exporter != "none")


@asynccontextmanager
async def exporting() -> AsyncGenerator[None]:
    """Send spans over OTLP/HTTP in the background, if configured; never blocks serving."""
    if not export_requested(os.environ):
        yield
        return
    try:
        # The SDK is an extra.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger.warning("no spans are sent: install 'zettel-mcp[otel]', or unset OTEL_EXPORTER_*")
        yield
        return
    found = Resource.create()
    named = str(found.attributes.get("service.name", "")).partition(":")[0]
    own = Resource({"service.name": SERVICE}) if named in ("", "unknown_service") else None
    provider = TracerProvider(resource=found.merge(own) if own else found, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        with anyio.move_on_after(EXPORT_FLUSH_S, shield=True):
            await to_thread.run_sync(provider.shutdown, abandon_on_cancel=True)
