"""Who is behind a request, once its token is recognized."""

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from zettel.server.tokens import Token


class Bearer(AuthenticatedUser):
    """The bearer of a token; the SDK binds sessions to it.

    Args:
        token: Whose; what was presented is kept nowhere.
    """

    def __init__(self, token: Token) -> None:
        super().__init__(AccessToken(token="", client_id=token.token_id, scopes=[]))
        self.known = token


def bearer_of(context: ServerRequestContext) -> Token | None:
    """The token a request came with; None on stdio, and where none is needed."""
    request: object = context.request
    user = request.scope.get("user") if isinstance(request, Request) else None
    return user.known if isinstance(user, Bearer) else None
