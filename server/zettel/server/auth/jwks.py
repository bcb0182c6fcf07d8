"""The public keys of an authorization server: read when a token needs them, then cached."""

import logging
from collections.abc import Callable
from time import monotonic

import anyio
import httpx2
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls
from pydantic import JsonValue, TypeAdapter

from zettel.server.config.addresses import encrypted
from zettel.storage.errors import ServingError

KEYS_FRESH_S = 300.0
"""Time for which cached keys are used unchecked (`lifespan` of PyJWT's own client)."""
KEYS_MAX_AGE_S = 3600.0
"""Time for which cached keys are used while the issuer does not answer; bounds the trust in a
withdrawn key."""
PAUSE_S = 10.0
"""Shortest time between two reads, however many unknown key ids are presented."""
TIMEOUT_S = 5.0
"""Of one read, all its requests together."""
ANSWER_MAX_BYTES = 256_000
"""A key has about 400 (RSA of 2048 bits) to 3,000 (with certificates)."""

JsonObject = dict[str, JsonValue]

OK = 200
_json: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)

logger = logging.getLogger(__name__)


class IssuerUnavailableError(ServingError):
    """The keys of an authorization server cannot be read."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(
            f"The keys of {issuer} cannot be read now, so no token of it can be checked. Try again"
            f" in {PAUSE_S:.0f} seconds; the server's log says more."
        )


class IssuerKeys:
    """The keys of one authorization server.

    Args:
        issuer: URL of the server.
        address: URL of its keys; empty to read it from its metadata.
        now: Monotonic clock, seconds.
    """

    def __init__(
        self, issuer: str, address: str = "", *, now: Callable[[], float] = monotonic
    ) -> None:
        self._issuer, self._address, self._now = issuer, address, now
        self._keys: dict[str, JsonObject] = {}
        self._read_at = self._tried_at = float("-inf")
        self._reading = anyio.Lock()

    async def find(self, key_id: str) -> JsonObject | None:
        """The key (RFC 7517) with an id; None if the server has none.

        Raises:
            IssuerUnavailableError: The keys cannot be read.
        """
        if not self._needs_read(key_id):
            return self._keys[key_id]
        async with self._reading:
            if self._needs_read(key_id) and self._now() - self._tried_at >= PAUSE_S:
                await self._read_keys()
        kept = self._now() - self._read_at < KEYS_MAX_AGE_S
        heard = self._read_at >= self._tried_at
        if not kept or (key_id not in self._keys and not heard):
            raise IssuerUnavailableError(self._issuer)
        return self._keys.get(key_id)

    def _needs_read(self, key_id: str) -> bool:
        return key_id not in self._keys or self._now() - self._read_at >= KEYS_FRESH_S

    async def _read_keys(self) -> None:
        self._tried_at = self._now()
        try:
            with anyio.fail_after(TIMEOUT_S):
                async with httpx2.AsyncClient(timeout=TIMEOUT_S) as http:
                    address = self._address or await _discover(http, self._issuer)
                    self._keys = _keys_of(await _read(http, address))
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            what = str(error) or type(error).__name__
            logger.warning("the keys of %s could not be read: %s", self._issuer, what)
        else:
            self._read_at = self._tried_at


async def _discover(http: httpx2.AsyncClient, issuer: str) -> str:
    """URL of the keys, from the metadata (RFC 8414, or OpenID Connect Discovery)."""
    for address in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        try:
            found = await _read(http, address)
        except ValueError:  # no metadata there
            continue
        keys = found.get("jwks_uri")
        # RFC 8414, section 3.3: metadata of another issuer must not be used.
        if found.get("issuer") == issuer and isinstance(keys, str) and encrypted(keys):
            return keys
    msg = "no metadata of it names an issuer of this name and an encrypted jwks_uri"
    raise ValueError(msg)


async def _read(http: httpx2.AsyncClient, address: str) -> JsonObject:
    """Read a JSON object of bounded size, without following redirects.

    Raises:
        ValueError: There is none.
    """
    body = bytearray()
    # Uncompressed: compressed bytes could expand to any size.
    wanted = {"accept": "application/json", "accept-encoding": "identity"}
    async with http.stream("GET", address, headers=wanted) as response:
        if response.status_code != OK:
            msg = f"{address} answers {response.status_code}"
            raise ValueError(msg)
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_MAX_BYTES:
                msg = f"{address} answers more than {ANSWER_MAX_BYTES} bytes"
                raise ValueError(msg)
    return _json.validate_json(bytes(body))


def _keys_of(found: JsonObject) -> dict[str, JsonObject]:
    """The signing keys of a set, by id."""
    listed = found.get("keys")
    keys = dict[str, JsonObject]()
    for key in listed if isinstance(listed, list) else ():
        if isinstance(key, dict) and key.get("use", "sig") == "sig":
            key_id = key.get("kid")
            if isinstance(key_id, str):
                keys[key_id] = key
    if not keys:
        msg = "no key that signs and has an id is there"
        raise ValueError(msg)
    return keys
