"""One log line, one count and one span per request, never its arguments.

Nothing is counted unless the HTTP server serves `/metrics`.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

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
"""`error`: the caller's affair, answered with the next step; `failed`: ours, see the log."""


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """A request in progress, and how it ended."""

    method: str
    """Of the protocol, such as `tools/call`; `unknown` for any other."""
    tool: str = ""
    """One of the four, or `unknown`; empty unless one is called."""
    transport: str
    outcome: Outcome = "ok"
    error: str = ""
    """Kind of what went wrong: the name of an error's class, or the protocol's code."""
    seconds: float = 0.0


class Counters(Protocol):
    """Keeps count. Called on the event loop; each must return at once."""

    def began(self, record: RequestRecord) -> None:
        """A request has come."""
        ...

    def ended(self, record: RequestRecord) -> None:
        """It is over."""
        ...

    def ran(self, run: Run) -> None:
        """Evolution has ended a run in this process."""
        ...

    def refused(self, reason: str) -> None:
        """Somebody was turned away.

        Args:
            reason: One of a few words of ours, never the caller's.
        """
        ...

    def connected(self, kind: str, by: int) -> None:
        """Conversations were opened, or closed if fewer than none.

        Args:
            kind: `stdio`, or the path of an HTTP request.
            by: How many more.
        """
        ...


class NoCounters:
    """Counts nothing."""

    def began(self, record: RequestRecord) -> None:
        """A request has come."""

    def ended(self, record: RequestRecord) -> None:
        """It is over."""

    def ran(self, run: Run) -> None:
        """Evolution has ended a run."""

    def refused(self, reason: str) -> None:
        """Somebody was turned away."""

    def connected(self, kind: str, by: int) -> None:
        """Conversations were opened or closed."""


current_record: ContextVar[RequestRecord | None] = ContextVar("current", default=None)
"""The request that is being carried out."""


def note_failure(error: BaseException) -> None:
    """Note what kept the request that is being carried out from being done."""
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
"""What is told by name; anything else is a client's own word."""
UNKNOWN = "unknown"
LISTEN_METHOD = "subscriptions/listen"
"""Ends when the client leaves: neither its time nor its outcome says anything."""
REQUEST_ID_MAX_CHARS = 64
"""Characters that are told of the id a client gave its request."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Middleware of the server object; takes the place of the SDK's own.

    That one names spans after the tool the client named, and tells errors' messages: both hold
    whatever the client sent.

    Args:
        transport: How callers come in.
        tools: Names of the tools there are.
        counters: Where requests are counted.
        who: Who is behind a request.
    """

    transport: str
    tools: frozenset[str]
    counters: Counters
    who: Callable[[ServerRequestContext], Origin]

    async def __call__(self, ctx: ServerRequestContext, call_next: CallNext) -> HandlerResult:
        """Carry a request out under observation."""
        if ctx.request_id is None or ctx.method == LISTEN_METHOD:
            return await call_next(ctx)
        record, began = self._record(ctx), time.perf_counter()
        token = current_record.set(record)
        self.counters.began(record)
        name = f"{record.method} {record.tool}".rstrip()
        try:
            with span(name, kind=SpanKind.SERVER, within=context_of(ctx.meta)) as told:
                try:
                    result = await call_next(ctx)
                    if isinstance(result, dict) and result.get("isError") and not record.error:
                        record.outcome = "error"
                    return result
                except BaseException as error:
                    _blame(error, record)
                    raise
                finally:
                    _tell(told, record)
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
        said = fields(
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
        logger.log(level, "call" if record.tool else "request", extra=said)


def _blame(error: BaseException, record: RequestRecord) -> None:
    if isinstance(error, anyio.get_cancelled_exc_class()):
        record.outcome, record.error = "cancelled", ""
    elif isinstance(error, MCPError | ValidationError):
        code = error.code if isinstance(error, MCPError) else INVALID_PARAMS
        record.outcome = "failed" if code == INTERNAL_ERROR else "error"
        record.error = record.error or str(code)
    else:
        note_failure(error)


def _tell(told: Span, record: RequestRecord) -> None:
    told.set_attributes(
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
        told.set_status(StatusCode.ERROR)
