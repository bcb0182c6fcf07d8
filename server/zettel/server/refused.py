"""How a request is told that it is too much, so that clients and the agents behind them read it."""

import math

from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, ErrorData, JSONRPCError
from starlette.responses import Response

AGAIN_S = 5.0
"""Seconds after which a bound that others fill is worth another try."""


def refusal(status: int, text: str, again_s: float = 0.0) -> Response:
    """A refusal as HTTP and JSON-RPC have it.

    Args:
        status: Of HTTP.
        text: What is wrong, as whole sentences.
        again_s: Seconds after which the same request may do; 0 if it never will.
    """
    headers = dict[str, str]()
    if again_s:
        seconds = max(1, math.ceil(again_s))
        headers["retry-after"] = str(seconds)
        text = f"{text} Try again in {seconds} s."
    code = INVALID_REQUEST if status == 413 else INTERNAL_ERROR
    # The request's id is not known; clients put in that of the request they sent (SDK).
    error = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=text))
    body = error.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(body, status, headers, "application/json")
