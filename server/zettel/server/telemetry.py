"""Sends the spans of `zettel serve` to a collector, if the standard `OTEL_*` variables name one.

What those are: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from opentelemetry import trace

logger = logging.getLogger(__name__)

SERVICE = "zettel"
WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
LAST_SPANS_S = 3.0
"""Seconds the last spans may take on their way when the process leaves."""


def wished(environment: Mapping[str, str]) -> bool:
    """Whether spans are to be sent: somewhere is named, or the default place is asked for."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    asked = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    named = any(environment.get(name, "").strip() for name in WHERE)
    return asked == "otlp" or (named and asked != "none")


@asynccontextmanager
async def exporting() -> AsyncGenerator[None]:
    """Send spans over OTLP/HTTP meanwhile; serving never fails for it, nor waits."""
    if not wished(os.environ):
        yield
        return
    try:
        # The SDK is an extra: nobody else pays for it.
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
        with anyio.move_on_after(LAST_SPANS_S, shield=True):
            await to_thread.run_sync(provider.shutdown, abandon_on_cancel=True)
