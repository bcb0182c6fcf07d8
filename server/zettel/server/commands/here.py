"""The caller that a command is: the owner, in the namespace of the working directory."""

from pathlib import Path

from zettel.server.config.default_namespace import find_project
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.storage.notes import Origin
from zettel.tools.caller import USER_NAMESPACE, Caller
from zettel.tools.state.memory import Memory
from zettel.tools.state.namespaces import settled


async def caller_here(memory: Memory, settings: Settings, origin: Origin) -> Caller:
    """The owner, in the namespace that is given, else in the project's, else in `user`."""
    caller = Caller(
        namespace=settings.namespace or USER_NAMESPACE,
        project=None if settings.namespace else find_project(Path.cwd(), home=Path.home()),
        origin=origin,
    )
    return await settled(memory, caller, writes=False, now=utc_now())
