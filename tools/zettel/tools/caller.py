"""Who calls: what the server knows of them before a word is read."""

from dataclasses import dataclass, field

from zettel.storage.notes import Origin
from zettel.storage.reach import Reach

USER_NAMESPACE = "user"
"""Searched along with every project's namespace; what holds everywhere goes there."""


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
        """Who makes a revision, as its `changed_by` says."""
        return self.origin.client or self.origin.transport
