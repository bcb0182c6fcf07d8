"""Requests that are refused before they are read."""

from starlette.authentication import UnauthenticatedUser
from starlette.types import Message, Receive, Scope, Send

from zettel.server.config.limits import LEAST_REQUEST, Limits
from zettel.server.transports.http.limits.admission import Admission
from zettel.server.transports.http.limits.rejections import Rejections


async def test_a_body_that_is_declared_too_long_is_refused_before_any_of_it_is_read() -> None:
    turned_away, told, served = Rejections(), list[Message](), list[Scope]()
    admission = Admission(Limits(max_request_bytes=LEAST_REQUEST), turned_away)
    reads = list[str]()

    async def serve(scope: Scope, _receive: Receive, _send: Send) -> None:
        served.append(scope)

    async def receive() -> Message:
        reads.append("a part")
        return {"type": "http.request", "body": b"a" * (LEAST_REQUEST + 1), "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await admission.handle(
        serve,
        {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "headers": [(b"content-length", b"%d" % (LEAST_REQUEST + 1))],
            "user": UnauthenticatedUser(),
        },
        receive,
        send,
    )

    assert told[0]["status"] == 413
    assert turned_away.counts == {"request_size": 1}
    assert (reads, served) == ([], [])
