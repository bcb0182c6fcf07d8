"""An authorization server's public keys: fetched when a token needs them, kept for a while."""

import logging
from collections.abc import Callable
from time import monotonic

import anyio
import httpx2
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls
from pydantic import JsonValue, TypeAdapter

from zettel.server.config.addresses import encrypted
from zettel.storage.errors import ServingError

FRESH_S = 300.0
"""Seconds for which keys are taken without a look (`lifespan` of PyJWT's own client)."""
KEPT_S = 3600.0
"""Seconds for which they still serve while nobody answers there: an outage ends by then, and a key
that was withdrawn is not trusted for longer because somebody keeps its issuer from being heard."""
PAUSE_S = 10.0
"""Seconds between two looks: whoever makes up key ids makes us ask no more often."""
TIMEOUT_S = 5.0
"""Seconds of one look, all its requests together."""
MOST_BYTES = 256_000
"""Of one answer; a key has some 400 (RSA of 2048 bits) to 3,000 (with its certificates)."""

Json = dict[str, JsonValue]

OK = 200
_json: TypeAdapter[Json] = TypeAdapter(Json)

logger = logging.getLogger(__name__)


class IssuerUnavailableError(ServingError):
    """An authorization server does not say which keys are its own."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(
            f"The keys of {issuer} cannot be read now, so no token of it can be checked. Try again"
            f" in {PAUSE_S:.0f} seconds; the server's log says more."
        )


class IssuerKeys:
    """The keys of one authorization server.

    Args:
        issuer: Its address, as it calls itself.
        address: Of its keys; empty to have its metadata say it.
        now: Seconds of a clock that is never set.
    """

    def __init__(
        self, issuer: str, address: str = "", *, now: Callable[[], float] = monotonic
    ) -> None:
        self._issuer, self._address, self._now = issuer, address, now
        self._keys: dict[str, Json] = {}
        self._read_at = self._tried_at = float("-inf")
        self._looking = anyio.Lock()

    async def find(self, key_id: str) -> Json | None:
        """The key (RFC 7517) of an id; None if the server has none such.

        Raises:
            IssuerUnavailableError: It cannot be said.
        """
        if not self._wants(key_id):
            return self._keys[key_id]
        async with self._looking:
            if self._wants(key_id) and self._now() - self._tried_at >= PAUSE_S:
                await self._look()
        kept = self._now() - self._read_at < KEPT_S
        heard = self._read_at >= self._tried_at
        if not kept or (key_id not in self._keys and not heard):
            raise IssuerUnavailableError(self._issuer)
        return self._keys.get(key_id)

    def _wants(self, key_id: str) -> bool:
        return key_id not in self._keys or self._now() - self._read_at >= FRESH_S

    async def _look(self) -> None:
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
    """Where the keys lie, as the server's metadata says (RFC 8414, or OpenID Connect Discovery)."""
    for address in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        try:
            found = await _read(http, address)
        except ValueError:  # nothing is there, or something else
            continue
        keys = found.get("jwks_uri")
        # RFC 8414, section 3.3: metadata that calls itself otherwise is another's.
        if found.get("issuer") == issuer and isinstance(keys, str) and encrypted(keys):
            return keys
    msg = "no metadata of it names an issuer of this name and an encrypted jwks_uri"
    raise ValueError(msg)


async def _read(http: httpx2.AsyncClient, address: str) -> Json:
    """A JSON object; redirects lead nowhere, and no more is read than it may have.

    Raises:
        ValueError: There is none.
    """
    body = bytearray()
    # Not packed: what was packed could unpack to anything.
    wanted = {"accept": "application/json", "accept-encoding": "identity"}
    async with http.stream("GET", address, headers=wanted) as response:
        if response.status_code != OK:
            msg = f"{address} answers {response.status_code}"
            raise ValueError(msg)
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                msg = f"{address} answers more than {MOST_BYTES} bytes"
                raise ValueError(msg)
    return _json.validate_json(bytes(body))


def _keys_of(found: Json) -> dict[str, Json]:
    """The keys of a set that sign and have an id."""
    listed = found.get("keys")
    keys = dict[str, Json]()
    for key in listed if isinstance(listed, list) else ():
        if isinstance(key, dict) and key.get("use", "sig") == "sig":
            key_id = key.get("kid")
            if isinstance(key_id, str):
                keys[key_id] = key
    if not keys:
        msg = "no key that signs and has an id is there"
        raise ValueError(msg)
    return keys
