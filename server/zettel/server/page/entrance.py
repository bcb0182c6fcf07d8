"""Authentication and CSRF protection of the page: a login cookie, a form token, the origin.

A browser sends no bearer token by itself, so a person pastes one once. It is checked as for the
tools, and the browser gets a random number in its place, which ends with the token, with a logout
or with the process. Forms carry a second number, and are taken from the page's own origin only.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.protocol.principal import Bearer
from zettel.server.transports.http.access import ADMITTED, AccessControl
from zettel.server.transports.http.limits.admission import BODY
from zettel.storage.errors import InvalidArgumentError, ZettelError

LOGIN_COOKIE = "zettel_login"
LOGIN_MAX_AGE_S = 12 * 3600
"""A working day, after which the token is pasted again (OWASP session management cheat
sheet, "Absolute timeout": 4 to 8 hours for what an office worker uses all day)."""
LOGINS_MAX, LOGINS_MAX_EACH = 10_000, 20
"""Kept at once, and of one token; the oldest goes first."""
LOGIN_BODY_BYTES = 16_384
"""Of a posted token: the longest JWTs that servers take have 8 KiB (nginx's default header)."""
FORM_MAX_FIELDS = 40
VISIT = "zettel.visit"
"""Key in a page request's scope: its `Visit`."""
TOKEN_FIELD = "form_token"

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # `no-referrer` would make browsers send `Origin: null` with forms (Fetch standard, 3.2).
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every answer of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The visitor a page is rendered for."""

    bearer: Bearer | None
    """None where no token is needed."""
    form_token: str
    """Every form has to bring it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    bearer: Bearer
    until: float
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))


class Entrance:
    """Lets visitors of the page in.

    Paths that are `is_open` need no login: the login itself, and its assets.
    """

    def __init__(
        self,
        access: AccessControl,
        *,
        is_page: Callable[[str], bool],
        is_open: Callable[[str], bool],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._access = access
        self._is_page = is_page
        self._is_open = is_open
        self._now = now
        self._logins: dict[str, _Login] = {}
        self._everybodys_token = secrets.token_urlsafe(32)

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: identify the visitor of a page, or send it to the login."""
        if scope["type"] != "http" or not self._is_page(scope["path"]):
            await app(scope, receive, send)
            return
        guarded = _with_headers(send)
        refused = _foreign(scope) or await self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, guarded)
            return
        scope[ADMITTED] = True
        await app(scope, receive, guarded)

    async def log_in(self, scope: Scope, token: str) -> str:
        """The number for the cookie of a token's bearer; empty if the token is not taken."""
        bearer = await self._bearer(scope, token)
        if bearer is None:
            return ""
        now, name = self._now(), bearer.known.name
        kept = {key: login for key, login in self._logins.items() if login.until > now}
        own = [key for key, login in kept.items() if login.bearer.known.name == name]
        for key in (*own[: 1 - LOGINS_MAX_EACH], *list(kept)[: 1 - LOGINS_MAX]):
            kept.pop(key, None)
        number = secrets.token_urlsafe(32)
        self._logins = kept | {number: _Login(bearer=bearer, until=now + LOGIN_MAX_AGE_S)}
        return number

    def log_out(self, scope: Scope) -> None:
        """Forget the login of a request's cookie."""
        self._logins.pop(Request(scope).cookies.get(LOGIN_COOKIE, ""), None)

    async def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a visitor who is not let in; else sets the scope's user and visit."""
        if self._is_open(scope["path"]):
            return None
        login = self._logins.get(Request(scope).cookies.get(LOGIN_COOKIE, ""))
        if login is not None and login.until > self._now():
            try:
                await self._access.look()
            except ZettelError as error:
                return PlainTextResponse(str(error), 503, {"retry-after": "1"})
            if self._access.admits(login.bearer):
                scope["user"] = login.bearer
                scope[VISIT] = Visit(bearer=login.bearer, form_token=login.form_token)
                return None
        return await self._as_everybody(scope)

    async def _as_everybody(self, scope: Scope) -> Response | None:
        bare = _with_token(scope, "")
        refused = await self._access.refusal(bare)
        if refused is None:
            scope["user"] = bare["user"]
            scope[VISIT] = Visit(bearer=None, form_token=self._everybodys_token)
            return None
        if refused.status_code != UNAUTHORIZED:
            return refused
        wanted = scope["path"] if scope["method"] == "GET" else "/"
        return RedirectResponse(f"/login?to={quote(wanted, safe='')}", SEE_OTHER)

    async def _bearer(self, scope: Scope, token: str) -> Bearer | None:
        if not token or not token.isascii() or not token.isprintable():
            return None
        presenting = _with_token(scope, token)
        refused = await self._access.refusal(presenting)
        user = presenting.get("user")
        return user if refused is None and isinstance(user, Bearer) else None


SEE_OTHER, UNAUTHORIZED, FORBIDDEN = 303, 401, 403


def _with_token(scope: Scope, token: str) -> Scope:
    """A copy of the request's scope that presents a token, or none, for the page."""
    others = [item for item in scope["headers"] if item[0] != b"authorization"]
    given = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return {**scope, "path": "/", "headers": [*others, *given]}


def _foreign(scope: Scope) -> Response | None:
    """The refusal of what another site has a browser post."""
    if scope["method"] in ("GET", "HEAD"):
        return None
    headers = Request(scope).headers
    origin, host = headers.get("origin", ""), headers.get("host", "")
    # The scheme is left to the check of `Origin` before: a proxy in front may have ended TLS.
    if host and urlsplit(origin).netloc.lower() == host.lower():
        return None
    return PlainTextResponse("This form was not sent from the page itself.", FORBIDDEN)


def _with_headers(send: Send) -> Send:
    """Add the headers that keep a browser from running or showing anything else."""
    added = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            if not any(name == b"cache-control" for name, _ in given):
                given.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*given, *added]}
        await send(message)

    return send_with


def visit_of(request: Request) -> Visit:
    """The visitor of a request."""
    visit: Visit = request.scope[VISIT]
    return visit


def posted(request: Request) -> dict[str, str]:
    """The fields of a posted form.

    Raises:
        InvalidArgumentError: It is none of this page's forms.
    """
    fields = parse_form(request.scope[BODY])
    given = fields.pop(TOKEN_FIELD, "")
    if not hmac.compare_digest(given.encode(), visit_of(request).form_token.encode()):
        problem = "it is from an earlier login, or not from this page"
        raise InvalidArgumentError("form", problem, "Load the page again, then send the form.")
    return fields


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form in `application/x-www-form-urlencoded`; lines end in LF.

    Raises:
        InvalidArgumentError: It is no form, or has too many fields.
    """
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=FORM_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        problem = "it cannot be read"
        raise InvalidArgumentError("form", problem, "Send it with a browser.") from None
    return {name: text.replace("\r\n", "\n") for name, text in pairs}


async def read_login(request: Request) -> dict[str, str]:
    """The fields of the login form, which is read before anybody is known.

    Raises:
        InvalidArgumentError: It is no form, or too long.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LOGIN_BODY_BYTES:
            raise InvalidArgumentError("token", "it is too long", "Paste the token alone.")
    return parse_form(bytes(body))


def is_encrypted(request: Request) -> bool:
    """Whether the browser sees HTTPS, here or at a proxy in front."""
    origin = request.headers.get("origin", "")
    return "https" in (request.url.scheme, urlsplit(origin).scheme)
