"""Who calls: what the server knows of them before a word is read."""

from dataclasses import dataclass, field

from zettel.storage.access import Reach
from zettel.storage.notes import Origin

USER_NAMESPACE = "user"
"""Searched along with every project's namespace; what holds everywhere goes there."""
LOCAL = "local"
"""Principal of the store's owner: who comes without a token, or runs a command."""
PROCESSES = frozenset({"scheduler", "zettel"})
"""What changes notes by itself: evolution and healing."""
_FOR = ": "
"""Between principal and client in `changed_by`; a client's own name cannot hold it there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: defaults and origin stamped by the server, never by the call's arguments."""

    namespace: str = USER_NAMESPACE
    session: str = ""
    """Default session of notes told without one; empty where the server cannot know it."""
    origin: Origin = field(default_factory=Origin)
    reach: Reach | None = None
    """What may be seen and changed; None is everything: the store's owner calls."""

    @property
    def name(self) -> str:
        """Who makes a revision, as its `changed_by` says; `actor` takes it apart again."""
        client = (self.origin.client or self.origin.transport).replace(_FOR, " ")
        principal = self.origin.principal.replace(_FOR, " ")
        return client if principal in ("", LOCAL) else f"{principal}{_FOR}{client}"


def actor(name: str) -> tuple[str, str]:
    """Principal and client behind a `changed_by` or a run's `who`."""
    principal, parted, client = name.partition(_FOR)
    if parted:
        return principal, client
    return (name, "") if name in PROCESSES else (LOCAL, name)
