"""How far into a store a caller reaches."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from zettel.storage.errors import ZettelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The namespaces that a caller may read, and those among them that it may write."""

    reads: frozenset[str]
    writes: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The same for the same namespaces: 128 bits of BLAKE2b (RFC 7693), in hex."""
        named = "\n".join((*sorted(self.reads), "", *sorted(self.writes)))
        return blake2b(named.encode(), digest_size=16).hexdigest()


class NamespaceRefusedError(ZettelError, PermissionError):
    """A namespace that the caller's access token may not write to, whether it is there or not."""

    def __init__(self, namespace: str, writable: Iterable[str]) -> None:
        self.namespace = namespace
        names = ", ".join(sorted(writable))
        ways = f"It writes to: {names}. Pass one of these" if names else "It only reads"
        super().__init__(
            f"This access token may not write to namespace {namespace!r}; nothing was changed."
            f" {ways}, or have the person who runs this server make another token."
        )
