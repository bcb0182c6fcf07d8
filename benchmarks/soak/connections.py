"""A tenant's clients: both transports, both eras, every call timed."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import JsonValue

from benchmarks.soak.ears import HearingTransport
from benchmarks.soak.grounds import Ground, Tenant
from benchmarks.torture.clients import SdkClient
from benchmarks.torture.errors import RefusedError, TortureError
from zettel.server.protocol.limit_errors import LeavingError

ANSWER_S = 60.0
"""Seconds after which a client gives an answer up: a call that hangs is told before."""

Transport = Literal["http", "sse"]
Era = Literal["auto", "legacy"]


@dataclass(frozen=True, slots=True)
class Clocks:
    """How long every call took, by tool or method."""

    taken: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """In seconds."""

    def enter(self, name: str, since: float) -> None:
        """Note one that was begun then, by `time.perf_counter`."""
        self.taken.setdefault(name, []).append(time.perf_counter() - since)


@asynccontextmanager
async def connected(
    url: str, tenant: Tenant, transport: Transport, era: Era
) -> AsyncGenerator[Client]:
    """A client that presents the tenant's token, and hears with its ears."""
    bearing = {"authorization": f"Bearer {tenant.token}"}

    def http(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        patience = timeout or httpx2.Timeout(ANSWER_S)
        listening = HearingTransport(tenant.ears)
        return httpx2.AsyncClient(
            headers=headers, timeout=patience, auth=auth, transport=listening, trust_env=False
        )

    if transport == "sse":
        # Left alone it gives a connection five seconds, which busy cores do not always keep.
        way = sse_client(f"{url}/sse", headers=bearing, timeout=ANSWER_S, httpx_client_factory=http)
        async with Client(way, mode=era, read_timeout_seconds=ANSWER_S) as client:
            yield client
        return
    async with http(bearing) as opened:
        way = streamable_http_client(f"{url}/mcp", http_client=opened)
        async with Client(way, mode=era, read_timeout_seconds=ANSWER_S) as client:
            yield client


class Resident(SdkClient):
    """Calls in one namespace, which it names.

    Args:
        client: Connected.
        ground: Whose namespace.
        clocks: For the times.
    """

    def __init__(self, client: Client, ground: Ground, clocks: Clocks) -> None:
        super().__init__(client)
        self._ground = ground
        self._clocks = clocks

    async def call(self, name: str, **arguments: JsonValue) -> Mapping[str, JsonValue]:
        """Call one tool; its structured answer."""
        given = {**arguments, **self._besides(name, arguments)}
        began = time.perf_counter()
        try:
            return await super().call(name, **given)
        except RefusedError as error:
            if str(LeavingError()) in str(error):
                # Asked to leave, it takes on nothing more: for this client it is gone.
                raise TortureError(str(error)) from None
            raise
        finally:
            self._clocks.enter(name, began)

    def _besides(self, name: str, given: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        mark, namespace = self._ground.mark, self._ground.namespace
        if name == "remember":
            return {"namespace": namespace, "context": f"told {mark}", "source": f"urn:{mark}"}
        if name == "update":
            return {"reason": f"because of {mark}"}
        return {"namespace": namespace} if name == "recall" and "note_ids" not in given else {}
