"""The namespaces a caller may use."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The namespaces that a caller may read, and those of them that it may write."""

    reads: frozenset[str]
    writes: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Identifies the set of namespaces: 128 bits of BLAKE2b (RFC 7693), in hex."""
        named = "\n".join((*sorted(self.reads), "", *sorted(self.writes)))
        return blake2b(named.encode(), digest_size=16).hexdigest()
