"""One log line, one count and one span per request, never its arguments.

Nothing is counted unless the HTTP server serves `/metrics`.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import anyio
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS
from opentelemetry.trace import Span, SpanKind, StatusCode
from pydantic import ValidationError

from zettel.server.observability.logs import fields
from zettel.server.observability.tracing import context_of, span
from zettel.storage.errors import ZettelError
from zettel.storage.notes import Origin, Run

Outcome = Literal["ok", "error", "failed", "cancelled"]
"""`error`: an expected error, answered with the next step; `failed`: a bug, see the log."""


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """A request and its outcome."""

    method: str
    """Protocol method, such as `tools/call`, or `unknown`."""
    tool: str = ""
    """Name of the called tool, or `unknown`; empty for other methods."""
    transport: str
    outcome: Outcome = "ok"
    error: str = ""
    """Name of the error's class, or the protocol's error code."""
    seconds: float = 0.0


class Counters:
    """Receives events to count, on the event loop; must not block. This one counts nothing."""

    def began(self, record: RequestRecord) -> None:
        """A request has begun."""

    def ended(self, record: RequestRecord) -> None:
        """A request has ended."""

    def ran(self, run: Run) -> None:
        """An evolution run has ended in this process."""

    def refused(self, reason: str) -> None:
        """A request was rejected.

        Args:
            reason: From a fixed list, never the caller's text.
        """

    def connected(self, kind: str, by: int) -> None:
        """The number of open conversations has changed.

        `kind` is `stdio` or the path of an HTTP request; `by` is negative if conversations were
        closed.
        """


current_record: ContextVar[RequestRecord | None] = ContextVar("current", default=None)
"""The record of the current request."""


def note_failure(error: BaseException) -> None:
    """Record the error of the current request."""
    record = current_record.get()
    if record is not None:
        record.outcome = "error" if isinstance(error, ZettelError) else "failed"
        record.error = type(error).__name__


logger = logging.getLogger(__name__)

CALL = "tools/call"
METHODS = frozenset(
    (
        *(CALL, "tools/list", "resources/list", "resources/templates/list", "resources/read"),
        *("prompts/list", "prompts/get", "completion/complete", "initialize", "ping"),
        *("server/discover", "resources/subscribe", "resources/unsubscribe"),
    )
)
"""Methods that are logged by name; any other is logged as `unknown`."""
UNKNOWN = "unknown"
LISTEN_METHOD = "subscriptions/listen"
"""Not observed: it lasts as long as its client."""
REQUEST_ID_MAX_CHARS = 64
"""Logged characters of a request's id, which the client chooses."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Middleware of the server object that replaces the SDK's own.

    The SDK's spans contain tool names and error messages, which may hold text of the client.

    `who` returns the origin of a request.
    """

    transport: str
    tools: frozenset[str]
    counters: Counters
    who: Callable[[ServerRequestContext], Origin]

    async def __call__(self, ctx: ServerRequestContext, call_next: CallNext) -> HandlerResult:
        """Carry out a request with a log line, a count and a span."""
        if ctx.request_id is None or ctx.method == LISTEN_METHOD:
            return await call_next(ctx)
        record, began = self._record(ctx), time.perf_counter()
        token = current_record.set(record)
        self.counters.began(record)
        name = f"{record.method} {record.tool}".rstrip()
        try:
            with span(name, kind=SpanKind.SERVER, within=context_of(ctx.meta)) as active_span:
                try:
                    result = await call_next(ctx)
                    if isinstance(result, dict) and result.get("isError") and not record.error:
                        record.outcome = "error"
                    return result
                except BaseException as error:
                    _record_error(error, record)
                    raise
                finally:
                    _set_attributes(active_span, record)
        finally:
            record.seconds = time.perf_counter() - began
            current_record.reset(token)
            self.counters.ended(record)
            self._log(ctx, record)

    def _record(self, ctx: ServerRequestContext) -> RequestRecord:
        named = ctx.params.get("name") if ctx.params else None
        tool = named if isinstance(named, str) and named in self.tools else UNKNOWN
        return RequestRecord(
            method=ctx.method if ctx.method in METHODS else UNKNOWN,
            tool=tool if ctx.method == CALL else "",
            transport=self.transport,
        )

    def _log(self, ctx: ServerRequestContext, record: RequestRecord) -> None:
        level = logging.INFO if record.tool else logging.DEBUG
        if not logger.isEnabledFor(level):
            return
        origin = self.who(ctx)
        extra = fields(
            tool=record.tool,
            method="" if record.tool else record.method,
            outcome=record.outcome,
            error=record.error,
            milliseconds=round(record.seconds * 1000),
            transport=record.transport,
            client=origin.client,
            principal=origin.principal,
            request=str(ctx.request_id)[:REQUEST_ID_MAX_CHARS],
        )
        logger.log(level, "call" if record.tool else "request", extra=extra)


def _record_error(error: BaseException, record: RequestRecord) -> None:
    if isinstance(error, anyio.get_cancelled_exc_class()):
        record.outcome, record.error = "cancelled", ""
    elif isinstance(error, MCPError | ValidationError):
        code = error.code if isinstance(error, MCPError) else INVALID_PARAMS
        record.outcome = "failed" if code == INTERNAL_ERROR else "error"
        record.error = record.error or str(code)
    else:
        note_failure(error)


def _set_attributes(active_span: Span, record: RequestRecord) -> None:
    active_span.set_attributes(
        {
            "mcp.method.name": record.method,
            "zettel.transport": record.transport,
            "zettel.outcome": record.outcome,
            **({"gen_ai.operation.name": "execute_tool"} if record.tool else {}),
            **({"gen_ai.tool.name": record.tool} if record.tool else {}),
            **({"error.type": record.error} if record.error else {}),
        }
    )
    if record.outcome in ("error", "failed"):
        active_span.set_status(StatusCode.ERROR)
