"""What a token of an authorization server grants: which namespaces, and to whom."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from zettel.server.config.oauth import SCOPE_CLAIM
from zettel.storage.access import Access
from zettel.tools.validation import NAMESPACE

SCP = "scp"
"""Where Microsoft Entra ID and Okta have what RFC 9068 calls `scope`."""

METRICS_ENTRY = "zettel-metrics"

_ENTRY = re.compile(rf"zettel:({NAMESPACE.pattern})(:ro)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one who came in with such a token is known by."""

    name: str
    """The token's `sub`; stamped into the origin of notes told with it."""
    default_namespace: str
    reach: Access
    expires_at: int
    """Seconds since 1970, UTC."""
    metrics: bool = False
    """Whether it opens `/metrics`."""


def grant_of(
    claims: Mapping[str, JsonValue], claim: str, *, subject: str, expires_at: int
) -> Grant | None:
    """Read what a token grants; None if it grants nothing here.

    The default is the first namespace that may be written to: authorization servers do not keep
    the order in which scopes were asked for, so one that may only be read does not come first.

    Args:
        claims: Of a token that is good.
        claim: Holds the entries, as a list or with spaces between them.
        subject: Whom it is of.
        expires_at: Seconds since 1970, UTC.
    """
    reads, writes, metrics = list[str](), list[str](), False
    for entry in _entries(claims, claim):
        metrics = metrics or entry == METRICS_ENTRY
        if found := _ENTRY.fullmatch(entry):
            reads.append(found[1])
            if not found[2]:
                writes.append(found[1])
    if not reads and not metrics:
        return None
    reach = Access(reads=frozenset(reads), writes=frozenset(writes))
    return Grant(
        name=subject,
        default_namespace=next(iter((*writes, *reads)), ""),
        reach=reach,
        expires_at=expires_at,
        metrics=metrics,
    )


def _entries(claims: Mapping[str, JsonValue], claim: str) -> Iterator[str]:
    value = claims.get(claim)
    if value is None and claim == SCOPE_CLAIM:
        value = claims.get(SCP)
    if value is None:
        value = _inside(dict(claims), claim.split("."))
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, str))


def _inside(value: JsonValue, path: list[str]) -> JsonValue:
    """What lies at the end of a path, as Keycloak's `resource_access.zettel.roles`."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
