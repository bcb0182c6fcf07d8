"""Requests that are refused before they are read."""

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import UnauthenticatedUser
from starlette.types import Message, Receive, Scope, Send

from zettel.server.config.limits import LEAST_REQUEST, Limits
from zettel.server.transports.http.limits.admission import LONG_BODY, Admission
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


async def test_long_bodies_of_one_principal_are_served_one_after_another() -> None:
    admission = Admission(Limits(), Rejections())
    began, end = list[str](), anyio.Event()

    async def serve(scope: Scope, _receive: Receive, _send: Send) -> None:
        began.append(scope["path"])
        await end.wait()

    async def send_body(principal: str, path: str, size: int) -> None:
        body: Message = {"type": "http.request", "body": b"a" * size, "more_body": False}

        async def receive() -> Message:
            return body

        async def send(_message: Message) -> None:
            """Nothing is answered here."""

        user = AuthenticatedUser(AccessToken(token="", client_id=principal, scopes=[]))
        scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": [], "user": user}
        await admission.handle(serve, scope, receive, send)

    while_one_is_served = set[str]()
    async with anyio.create_task_group() as group:
        group.start_soon(send_body, "anna", "long", LONG_BODY)
        group.start_soon(send_body, "anna", "long too", LONG_BODY)
        group.start_soon(send_body, "anna", "short", LONG_BODY - 1)
        group.start_soon(send_body, "ben", "ben's", LONG_BODY)
        await anyio.wait_all_tasks_blocked()
        while_one_is_served |= set(began)
        end.set()

    assert while_one_is_served == {"long", "short", "ben's"}
    assert set(began) == {"long", "long too", "short", "ben's"}
