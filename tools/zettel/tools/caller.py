"""The caller of a verb, and the namespaces that it reads and writes."""

from dataclasses import dataclass, field
from unicodedata import normalize

from zettel.storage.access import Access
from zettel.storage.errors import InvalidArgumentError, NamespaceRefusedError
from zettel.storage.notes import DERIVED_TAGS, EVOLUTION, Origin
from zettel.tools.namespace_names import NO_NAMES, NamespaceNames, Project
from zettel.tools.validation import check_namespace

USER_NAMESPACE = "user"
"""Searched along with every project's namespace: holds notes for all projects."""
ALL = "*"
"""As recall's namespace: every one that the caller may read."""
LOCAL = "local"
"""Principal of the store's owner: a caller without a token, or a command."""
COMMAND = "cli"
"""Client of what a person does with a command; author of the changes."""
PROCESSES = frozenset({"scheduler", "zettel"})
"""NamespaceNames under which evolution and healing change notes."""
RESERVED_PRINCIPALS = PROCESSES | DERIVED_TAGS | {LOCAL, EVOLUTION, COMMAND, "heal"}
"""NamespaceNames that Zettel gives itself in origins, revisions, runs and receipts."""
_FOR = ": "
"""Between principal and client in `changed_by`; replaced in a client's own name."""


def is_reserved(principal: str) -> bool:
    """Whether a principal's name is one of Zettel's own, or reads like one."""
    return normalize("NFKC", principal).strip().casefold() in RESERVED_PRINCIPALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller, with defaults and origin set by the server, never by the call's arguments."""

    namespace: str = USER_NAMESPACE
    session: str = ""
    """Session of notes stored without one; empty if the server does not know it."""
    origin: Origin = field(default_factory=Origin)
    reach: Access | None = None
    """The namespaces it may use; None for all: the store's owner."""
    project: Project | None = None
    """The repository that decides on the namespace, until `settled` has found that."""
    names: NamespaceNames = field(default=NO_NAMES, compare=False)
    """Other names of namespaces, as far as the caller may know them."""
    everywhere: tuple[str, ...] = field(default=(), compare=False)
    """Every namespace with notes that it may read, where the call may ask for all of them."""

    @property
    def name(self) -> str:
        """The `changed_by` of the caller's revisions; `actor` parses it."""
        client = (self.origin.client or self.origin.transport).replace(_FOR, " ")
        principal = self.origin.principal.replace(_FOR, " ")
        if principal in ("", LOCAL) and client not in PROCESSES:
            return client
        return f"{principal or LOCAL}{_FOR}{client}"


def actor(name: str) -> tuple[str, str]:
    """Principal and client behind a `changed_by` or a run's `who`."""
    principal, parted, client = name.partition(_FOR)
    if parted:
        return principal, client
    return (name, "") if name in PROCESSES else (LOCAL, name)


def written_namespace(caller: Caller, namespace: str | None) -> str:
    """The namespace of a new note: the argument, else the caller's default."""
    asked = (namespace or "").strip()
    return caller.names.primary(check_namespace(asked or caller.namespace))


def searched_namespaces(caller: Caller, namespace: str | None) -> tuple[str, ...]:
    """The namespaces that recall and forget search: the requested one and `user`.

    For `ALL` every one, the caller's own first.
    """
    everything = (namespace or "").strip() == ALL
    asked = caller.names.group(written_namespace(caller, None if everything else namespace))
    more = caller.everywhere if everything else ()
    return tuple(dict.fromkeys((*asked, USER_NAMESPACE, *more)))


def forgettable_namespaces(caller: Caller, namespace: str | None) -> tuple[str, ...]:
    """The searched namespaces that the caller may write to.

    Raises:
        InvalidArgumentError: All are asked for.
        NamespaceRefusedError: There is none.
    """
    if (namespace or "").strip() == ALL:
        problem = "'*' is for recall alone"
        raise InvalidArgumentError("namespace", problem, "Name one, or pass note_ids.")
    searched = searched_namespaces(caller, namespace)
    if caller.reach is None:
        return searched
    writable = tuple(name for name in searched if name in caller.reach.writes)
    if not writable:
        raise NamespaceRefusedError(searched[0], caller.reach.writes)
    return writable
