"""What `zettel token` does to a store, whether or not a server has it open."""

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
    """Make a token, and the store where there is none yet: a server may need one to start.

    Raises:
        ZettelError: It cannot be made, or the store cannot be used.
    """
    token, text = make_token(name, namespaces, expires=expires, now=utc_now(), metrics=metrics)
    async with opened(settings, create=True) as memory:
        await add_token(memory.store, token)
    return token, text


async def tokens(settings: Settings) -> tuple[Tokens, datetime]:
    """The tokens, and when that was.

    Raises:
        ZettelError: The store cannot be used.
    """
    async with opened(settings) as memory:
        return await read_tokens(memory.store), utc_now()


async def revoke(settings: Settings, named: str) -> Token:
    """Revoke a token.

    Raises:
        ZettelError: There is none, or the store cannot be used.
    """
    async with opened(settings) as memory:
        return await revoke_token(memory.store, named, partial(revoked, now=utc_now()))


def as_json(token: Token, now: datetime) -> dict[str, object]:
    """What may be told of a token."""
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
