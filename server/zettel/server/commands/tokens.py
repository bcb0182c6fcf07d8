"""`zettel token`: make, list and revoke access tokens of a store, served or not."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from zettel.server.auth.token_store import Tokens, add_token, read_tokens, revoke_token
from zettel.server.auth.tokens import Token, make_token, revoked
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.tools.language.times import iso


async def create(
    settings: Settings,
    name: str,
    namespaces: Sequence[str],
    expires: str | None,
    metrics: bool = False,
) -> tuple[Token, str]:
    """Make a token; also makes the store, since a server may need a token to start.

    Raises:
        ZettelError: An option cannot be used, or the store cannot be used.
    """
    token, text = make_token(name, namespaces, expires=expires, now=utc_now(), metrics=metrics)
    async with opened(settings, create=True) as memory:
        await add_token(memory.store, token)
    return token, text


async def tokens(settings: Settings) -> tuple[Tokens, datetime]:
    """All tokens, and the time they were read at.

    Raises:
        ZettelError: The store cannot be used.
    """
    async with opened(settings) as memory:
        return await read_tokens(memory.store), utc_now()


async def revoke(settings: Settings, named: str) -> Token:
    """Revoke a token.

    Raises:
        ZettelError: No such token is in force, or the store cannot be used.
    """
    async with opened(settings) as memory:
        return await revoke_token(memory.store, named, partial(revoked, now=utc_now()))


def token_data(token: Token, now: datetime) -> dict[str, object]:
    """The printable fields of a token."""
    return {
        "id": token.token_id,
        "name": token.name,
        "namespaces": list(token.namespaces),
        **({"metrics": True} if token.metrics else {}),
        "state": token.state(now),
        "made_at": iso(token.made_at),
        "expires_at": iso(token.expires_at) if token.expires_at else None,
        "revoked_at": iso(token.revoked_at) if token.revoked_at else None,
    }
