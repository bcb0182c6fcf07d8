"""Access tokens: how they are made, and how a presented one is recognized."""

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from zettel.storage.access import Access
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.caller import is_reserved
from zettel.tools.language.dates import read_time
from zettel.tools.language.times import iso
from zettel.tools.validation import check_namespace

TOKEN_PREFIX = "zettel"
"""Start of every token, for secret scanners and people."""
SECRET_BYTES = 32
"""256 random bits; from 112 on a secret needs neither salt nor a slow hash (NIST SP 800-63B,
section 5.1.2.2)."""
READ_ONLY = "ro"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_TOKEN_ID, _DIGEST = re.compile(r"[0-9a-f]{8}"), re.compile(r"([0-9a-f]{64})?")
EXPIRY = "Pass a span (30d, 12h, 8w, 90m) or a date to come ('2027-05-03')."
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The stored part of an access token, without the secret."""

    token_id: str
    """Also part of the token, to find it by."""
    name: str
    """Of its owner; recorded as the origin of notes."""
    namespaces: tuple[str, ...]
    """The first is the default; `name:ro` may only be read."""
    digest: str
    """SHA-256 of the token, in hex; empty once it is revoked."""
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    """UTC, all three."""
    metrics: bool = False
    """Whether it is for `/metrics` only, without namespaces."""

    def state(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        over = self.expires_at is not None and self.expires_at <= now
        return "expired" if over else "active"

    @property
    def default_namespace(self) -> str:
        """The namespace of calls that name none."""
        return self.namespaces[0].partition(":")[0]

    @property
    def reach(self) -> Access:
        """The namespaces it may read and write."""
        parts = [named.partition(":") for named in self.namespaces]
        return Access(
            reads=frozenset(name for name, _, _ in parts),
            writes=frozenset(name for name, _, how in parts if how != READ_ONLY),
        )


def make_token(
    name: str,
    namespaces: Sequence[str],
    *,
    expires: str | None,
    now: datetime,
    metrics: bool = False,
) -> tuple[Token, str]:
    """Make a token: the stored part, and the text that is shown once.

    Args:
        name: 1-64 letters, digits, `.`, `_`, `@`, `-`.
        namespaces: At least one, each `name` or `name:ro`; none for `/metrics`.
        expires: A span (`30d`, `12h`, `8w`, `90m`) or a date; None for never.
        now: When it is made.
        metrics: Whether it is for `/metrics` alone.

    Raises:
        InvalidArgumentError: One of these cannot be used.
    """
    token_id = secrets.token_hex(4)
    text = f"{TOKEN_PREFIX}_{token_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    token = Token(
        token_id=token_id,
        name=_name(name),
        namespaces=_no_namespaces(namespaces) if metrics else _namespaces(namespaces),
        digest=_digest(text),
        made_at=now,
        expires_at=_expiry(expires, now),
        metrics=metrics,
    )
    return token, text


def recognized(tokens: Iterable[Token], presented: str, now: datetime) -> Token | None:
    """The active token with this text, or None; takes constant time for the secret."""
    digest = _digest(presented)
    _, _, rest = presented.partition("_")
    token_id = rest.partition("_")[0]
    for token in tokens:
        # The id is no secret; only its token's digest is compared.
        if token.token_id == token_id and hmac.compare_digest(token.digest, digest):
            return token if token.state(now) == "active" else None
    return None


def revoked(token: Token, now: datetime) -> Token:
    """The stored part of a revoked token."""
    return replace(token, digest="", revoked_at=now)


def check_token(token: Token) -> None:
    """Check the stored part of a token that came from elsewhere.

    Raises:
        InvalidArgumentError: `make_token` could not have made it.
    """
    _name(token.name)
    if token.metrics:
        _no_namespaces(token.namespaces)
    elif _namespaces(token.namespaces) != token.namespaces:
        raise InvalidArgumentError("namespace", "one of a token's is none", "Make another token.")
    times = (token.made_at, token.expires_at, token.revoked_at)
    fits = _TOKEN_ID.fullmatch(token.token_id) and _DIGEST.fullmatch(token.digest)
    if not fits or any(time is not None and time.tzinfo is None for time in times):
        raise InvalidArgumentError("token", "it is none of Zettel's", "Make another token.")


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _name(text: str) -> str:
    if not _NAME.fullmatch(text.strip()):
        problem = f"{text[:80]!r} is no name for a token"
        remedy = "Pass 1-64 letters, digits, '.', '_', '@' or '-', such as --name ana-laptop."
        raise InvalidArgumentError("name", problem, remedy)
    if is_reserved(text):
        problem = f"{text.strip()!r} is a name that Zettel gives itself"
        raise InvalidArgumentError("name", problem, "Pass another, such as --name ana-laptop.")
    return text.strip()


def _no_namespaces(given: Sequence[str]) -> tuple[str, ...]:
    if given:
        problem, remedy = "a token for /metrics has none", "Make two tokens."
        raise InvalidArgumentError("namespace", problem, remedy)
    return ()


def _namespaces(given: Sequence[str]) -> tuple[str, ...]:
    known = dict[str, str]()
    for text in given:
        name, colon, how = text.strip().partition(":")
        if how != READ_ONLY and colon:
            problem = f"{text[:80]!r} is neither NAME nor NAME:ro"
            raise InvalidArgumentError("namespace", problem, "Pass --namespace ana, or ana:ro.")
        if known.setdefault(check_namespace(name), how) != how:
            problem = f"{name!r} is given both ways"
            raise InvalidArgumentError("namespace", problem, "Pass it once.")
    if not known:
        problem, remedy = "none is given", "Pass --namespace NAME, or NAME:ro, once or more."
        raise InvalidArgumentError("namespace", problem, remedy)
    return tuple(f"{name}:{how}" if how else name for name, how in known.items())


def _expiry(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    if span := _SPAN.fullmatch(text.strip()):
        until = now + timedelta(**{_UNITS[span[2]]: int(span[1])})
    else:
        try:
            period = read_time("expires", text, now, prefer="future")
        except InvalidArgumentError as error:
            raise InvalidArgumentError("expires", error.problem, EXPIRY) from None
        until = period.last if period else now
    if until <= now:
        problem = f"{text!r} is not ahead ({iso(until)})"
        raise InvalidArgumentError("expires", problem, EXPIRY)
    return until
