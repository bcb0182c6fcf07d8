"""The authenticated identity behind a request, and the namespace that its client names."""

from typing import Protocol

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request
from starlette.types import Scope

from zettel.storage.access import Access


class Identity(Protocol):
    """An authenticated identity, independent of the token type."""

    @property
    def name(self) -> str:
        """Recorded in the origin of notes stored with the token."""
        ...

    @property
    def default_namespace(self) -> str:
        """Namespace of calls that name none."""
        ...

    @property
    def reach(self) -> Access:
        """Namespaces its bearer may read and write."""
        ...


class Bearer(AuthenticatedUser):
    """The bearer of a token.

    Args:
        known: The identity; the token itself is not kept.
        access: Client, issuer and subject, to which the SDK binds sessions.
    """

    def __init__(self, known: Identity, access: AccessToken) -> None:
        super().__init__(access)
        self.known = known


def bearer_of(context: ServerRequestContext) -> Identity | None:
    """The identity of a request's token; None on stdio and without authentication."""
    request: object = context.request
    user = request.scope.get("user") if isinstance(request, Request) else None
    return user.known if isinstance(user, Bearer) else None


NAMESPACE_PARAMETER, NAMESPACE_HEADER = "namespace", "x-zettel-namespace"
"""Where a client over HTTP and SSE names the namespace of its calls: in the URL, or beside it."""


def namespace_of(scope: Scope) -> str:
    """The namespace that a request names, unchecked; empty if it names none."""
    request = Request(scope)
    named = request.query_params.get(NAMESPACE_PARAMETER) or request.headers.get(NAMESPACE_HEADER)
    return (named or "").strip()


def client_namespace(context: ServerRequestContext) -> str:
    """The namespace that a client names for all its calls, unchecked; empty if it names none."""
    request: object = context.request
    return namespace_of(request.scope) if isinstance(request, Request) else ""
