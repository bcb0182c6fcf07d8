"""Where access tokens are kept: in the store itself, so that every server of it knows them.

One value of `meta`, changed by compare-and-swap. In a file of the store's directory, stores that
are no directory could have none.
"""

from collections.abc import Callable, Sequence

from pydantic import TypeAdapter

from zettel.server.auth.tokens import Token
from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore
from zettel.tools.validation import nearest

KEY = "access_tokens"
MOST = 1_000
"""Tokens that are not revoked; each request may have to look through them."""
KEPT_REVOKED = 100
"""Revoked tokens that are still listed."""

Tokens = tuple[Token, ...]
_tokens: TypeAdapter[Tokens] = TypeAdapter(Tokens)


def parse_tokens(raw: str | None) -> Tokens:
    """Read what is kept under `KEY`: the oldest first."""
    return _tokens.validate_json(raw) if raw else ()


async def read_tokens(store: NoteStore) -> Tokens:
    """Every token, the oldest first, those that are over and the last revoked ones among them."""
    return parse_tokens(await store.get_meta(KEY))


async def add_token(store: NoteStore, token: Token) -> None:
    """Keep a new token.

    Raises:
        InvalidArgumentError: Another one that is not revoked has the name, or there are too many.
    """

    def added(tokens: Tokens) -> Tokens:
        live = [known for known in tokens if known.revoked_at is None]
        if any(known.name == token.name for known in live):
            problem = f"there is a token {token.name!r} already"
            remedy = f"Pass another --name, or first run zettel token revoke {token.name}."
            raise InvalidArgumentError("name", problem, remedy)
        if len(live) >= MOST:
            problem = f"there are {MOST} tokens already"
            raise InvalidArgumentError("name", problem, "Revoke some: zettel token list.")
        return (*tokens, token)

    await _change(store, added)


async def revoke_token(store: NoteStore, named: str, revoke: Callable[[Token], Token]) -> Token:
    """Revoke a token by its name or id; the store does not open again to those without a token.

    Args:
        store: Where it is kept.
        named: Its name or id.
        revoke: Makes of it what stays.

    Returns:
        What it was.

    Raises:
        UnknownNameError: No token that is not revoked has the name or id.
    """
    found = list[Token]()

    def without(tokens: Tokens) -> Tokens:
        live = [known for known in tokens if known.revoked_at is None]
        found[:] = [known for known in live if named in (known.name, known.token_id)]
        if not found:
            raise _unknown(named, live)
        changed = [revoke(known) if known is found[0] else known for known in tokens]
        over = [known.token_id for known in changed if known.revoked_at is not None]
        gone = set(over[:-KEPT_REVOKED])
        return tuple(known for known in changed if known.token_id not in gone)

    await _change(store, without)
    return found[0]


def _unknown(named: str, live: Sequence[Token]) -> UnknownNameError:
    names = [token.name for token in live]
    near = nearest(named, names)
    meant = f"Did you mean {near!r}? " if near else ""
    return UnknownNameError("token", named[:80], names, f"{meant}zettel token list shows them.")


async def _change(store: NoteStore, change: Callable[[Tokens], Tokens]) -> None:
    await update_meta(store, KEY, lambda raw: _tokens.dump_json(change(parse_tokens(raw))).decode())
