"""The caller of a verb, and the namespaces it reads and writes."""

from dataclasses import dataclass, field

from zettel.storage.access import Access
from zettel.storage.errors import NamespaceRefusedError
from zettel.storage.notes import Origin
from zettel.tools.validation import check_namespace

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
    reach: Access | None = None
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


def written_namespace(caller: Caller, namespace: str | None) -> str:
    """Where a new note goes: the argument, else the caller's default."""
    asked = (namespace or "").strip()
    return check_namespace(asked) if asked else caller.namespace


def searched_namespaces(caller: Caller, namespace: str | None) -> tuple[str, ...]:
    """Where recall and forget look: the namespace asked for, and `user` along with it."""
    asked = written_namespace(caller, namespace)
    return (asked,) if asked == USER_NAMESPACE else (asked, USER_NAMESPACE)


def forgettable_namespaces(caller: Caller, namespace: str | None) -> tuple[str, ...]:
    """Where forget looks by filters: of the namespaces searched, those the caller may write to.

    Raises:
        NamespaceRefusedError: It may write to none of them.
    """
    searched = searched_namespaces(caller, namespace)
    if caller.reach is None:
        return searched
    writable = tuple(name for name in searched if name in caller.reach.writes)
    if not writable:
        raise NamespaceRefusedError(searched[0], caller.reach.writes)
    return writable
