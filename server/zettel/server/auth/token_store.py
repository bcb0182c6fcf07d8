"""Access tokens in the store: one value of `meta`, changed by compare-and-swap.

Not a file, since a store need not be a directory.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import TypeAdapter

from zettel.server.auth.tokens import Token, revoked
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore
from zettel.tools.validation import unknown_name

TOKENS_KEY = "access_tokens"
TOKENS_MAX = 1_000
"""Tokens that are not revoked; each request may search them."""
REVOKED_MAX = 100
"""Revoked tokens that are still listed."""

Tokens = tuple[Token, ...]
_tokens: TypeAdapter[Tokens] = TypeAdapter(Tokens)


def parse_tokens(raw: str | None) -> Tokens:
    """Parse the value of `TOKENS_KEY`, the oldest token first."""
    return _tokens.validate_json(raw) if raw else ()


def dump_tokens(tokens: Tokens) -> str:
    """The value of `TOKENS_KEY` for these tokens."""
    return _tokens.dump_json(tokens).decode()


async def read_tokens(store: NoteStore) -> Tokens:
    """Every token, the oldest first; also expired and the last revoked ones."""
    return parse_tokens(await store.get_meta(TOKENS_KEY))


async def add_token(store: NoteStore, token: Token) -> None:
    """Store a new token; what has expired by then gives up its name and its place.

    Raises:
        InvalidArgumentError: Its name is in use, or there are too many tokens.
    """
    now = token.made_at

    def added(tokens: Tokens) -> Tokens:
        live = [known for known in tokens if known.state(now) == "active"]
        if any(known.name == token.name for known in live):
            problem = f"there is a token {token.name!r} already"
            remedy = f"Pass another --name, or first run zettel token revoke {token.name}."
            raise InvalidArgumentError("name", problem, remedy)
        if len(live) >= TOKENS_MAX:
            problem = f"there are {TOKENS_MAX} tokens already"
            raise InvalidArgumentError("name", problem, "Revoke some: zettel token list.")
        full = sum(known.revoked_at is None for known in tokens) >= TOKENS_MAX
        kept = [
            _ended(known, now) if full or known.name == token.name else known for known in tokens
        ]
        return (*_without_oldest_revoked(kept), token)

    await _change(store, added)


async def revoke_token(store: NoteStore, named: str, revoke: Callable[[Token], Token]) -> Token:
    """Revoke a token; the store still requires tokens afterwards.

    Args:
        store: Of the token.
        named: Its name or id.
        revoke: Makes the revoked token.

    Returns:
        The token before.

    Raises:
        UnknownNameError: No token has the name or id.
        InvalidArgumentError: It is revoked already.
    """
    found = list[Token]()

    def without(tokens: Tokens) -> Tokens:
        live = [known for known in tokens if known.revoked_at is None]
        found[:] = [known for known in live if named in (known.name, known.token_id)]
        if not found:
            over = [known for known in tokens if named in (known.name, known.token_id)]
            if over:
                raise _revoked_before(named, over[-1])
            names = [token.name for token in live]
            raise unknown_name("token", named, names, "zettel token list shows them.")
        changed = [revoke(known) if known is found[0] else known for known in tokens]
        return _without_oldest_revoked(changed)

    await _change(store, without)
    return found[0]


def _ended(token: Token, now: datetime) -> Token:
    """The token, if it has expired as one that was revoked then."""
    over = token.expires_at if token.state(now) == "expired" else None
    return revoked(token, over) if over else token


def _without_oldest_revoked(tokens: Sequence[Token]) -> Tokens:
    """The tokens, of the revoked ones the last `REVOKED_MAX`."""
    out = [known.token_id for known in tokens if known.revoked_at is not None]
    gone = set(out[:-REVOKED_MAX])
    return tuple(known for known in tokens if known.token_id not in gone)


def _revoked_before(named: str, token: Token) -> InvalidArgumentError:
    problem = f"{named[:80]!r} is revoked already, since {token.revoked_at:%Y-%m-%dT%H:%M:%SZ}"
    return InvalidArgumentError(
        "token", problem, "Nothing was changed; zettel token list shows all."
    )


async def _change(store: NoteStore, change: Callable[[Tokens], Tokens]) -> None:
    await update_meta(store, TOKENS_KEY, lambda raw: dump_tokens(change(parse_tokens(raw))))
