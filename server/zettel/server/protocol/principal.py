"""Who is behind a request, once its token is recognized."""

from typing import Protocol

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from zettel.storage.access import Access


class Identity(Protocol):
    """What is known of one who came in, whoever made the token."""

    @property
    def name(self) -> str:
        """Stamped into the origin of notes told with the token."""
        ...

    @property
    def default_namespace(self) -> str:
        """Where its bearer reads and writes without naming a namespace."""
        ...

    @property
    def reach(self) -> Access:
        """What its bearer may see and change."""
        ...


class Bearer(AuthenticatedUser):
    """The bearer of a token.

    Args:
        known: Who that is; what was presented is kept nowhere.
        access: What the SDK binds sessions to: client, issuer and subject, without the token.
    """

    def __init__(self, known: Identity, access: AccessToken) -> None:
        super().__init__(access)
        self.known = known


def bearer_of(context: ServerRequestContext) -> Identity | None:
    """Whose token a request came with; None on stdio, and where none is needed."""
    request: object = context.request
    user = request.scope.get("user") if isinstance(request, Request) else None
    return user.known if isinstance(user, Bearer) else None
