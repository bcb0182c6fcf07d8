"""Which namespaces a call writes to and looks in."""

from zettel.storage.errors import NamespaceRefusedError
from zettel.tools.bounds import check_namespace
from zettel.tools.caller import USER_NAMESPACE, Caller


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
