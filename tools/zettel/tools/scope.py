"""Which namespaces a call writes to and looks in."""

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
