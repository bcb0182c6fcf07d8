"""Callers of one memory, each with a reach of its own."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from mcp import Client
from tests.tools.conftest import START, Desk

from zettel.server.auth.tokens import make_token
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.access import Access
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory


@dataclass
class TenantDesk(Desk):
    """A desk whose calls reach only so far."""

    reach: Access | None = None
    shared: Desk | None = None
    """Whose clock it goes by."""
    principal: str = ""

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out a call within reach."""
        assert self.shared is not None
        caller = replace(
            caller, reach=self.reach, origin=replace(caller.origin, principal=self.principal)
        )
        return await self.shared.call(arguments, caller)


def reach(*namespaces: str) -> Access:
    """`"a"` may be read and written, `"a:ro"` only read."""
    token, _ = make_token("tenant", namespaces, expires=None, now=START)
    return token.reach


@asynccontextmanager
async def opened_tenants(
    memory: Memory, tenants: Mapping[str, Sequence[str]]
) -> AsyncGenerator[dict[str, TenantDesk]]:
    """A desk for each tenant by name, on one clock; without namespaces it is the owner's.

    Args:
        memory: Whose notes.
        tenants: Name -> namespaces, the first one is the default.
    """
    shared = Desk(memory=memory)
    async with AsyncExitStack() as clients:
        desks = dict[str, TenantDesk]()
        for name, namespaces in tenants.items():
            desk = TenantDesk(memory=memory, shared=shared)
            desk.reach = reach(*namespaces) if namespaces else None
            desk.principal = name if namespaces else ""
            default = namespaces[0].partition(":")[0] if namespaces else "user"
            server = create_server(desk, ClientDefaults(transport="test", namespace=default))
            desk.client = await clients.enter_async_context(Client(server, raise_exceptions=True))
            desks[name] = desk
        yield desks
