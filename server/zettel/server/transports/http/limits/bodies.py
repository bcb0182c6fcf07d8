"""Request bodies that are read before the SDK does, and handed to it again."""

from starlette.requests import Request
from starlette.types import Message, Receive, Scope


def is_json(scope: Scope) -> bool:
    """Whether a request says that its body is JSON, parameters such as a charset aside."""
    declared = Request(scope).headers.get("content-type", "")
    return declared.partition(";")[0].strip().lower() == "application/json"


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The whole body, or a little more than is allowed of it; None if the client went away."""
    body = bytearray()
    more = True
    while more and len(body) <= most:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read before, then whatever else comes."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
