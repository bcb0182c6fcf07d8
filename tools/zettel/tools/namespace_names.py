"""Names of namespaces: which of them mean the same one, and what a project is called.

A project's namespace has one name under which new notes are stored, its primary one. Other names,
and the identities of its repository, lead there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

REMOTE, FIRST_COMMIT = "remote:", "commit:"
"""Before the digest of an identity; no namespace has a colon."""
DIGEST_DIGITS = 6
"""Hex digits of a digest in a namespace's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The repository a client works in."""

    slug: str
    """Readable part of a name for it."""
    former: str
    """Its namespace by its path, which is all that Zettel went by before."""
    remote: str = ""
    """Identity by the URL of its remote; empty without one."""
    first_commit: Callable[[], str] = field(default=lambda: "", compare=False)
    """Asks for its identity by its first commit, empty if that cannot be told; may take seconds."""

    def named(self, identity: str) -> str:
        """The namespace of a repository with this identity; the former one without any."""
        digest = identity.partition(":")[2][:DIGEST_DIGITS]
        return f"{self.slug}-{digest}" if digest else self.former


@dataclass(frozen=True, slots=True)
class NamespaceNames:
    """What other names and identities lead to."""

    primary_of: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Another name, or an identity -> the primary name."""

    def primary(self, name: str) -> str:
        """The name under which new notes are stored."""
        return self.primary_of.get(name, name)

    def group(self, name: str) -> tuple[str, ...]:
        """All names of a namespace, the primary one first."""
        primary = self.primary(name)
        others = (each for each, to in self.primary_of.items() if to == primary and ":" not in each)
        return (primary, *sorted({*others} - {primary}))

    def identities(self, name: str) -> frozenset[str]:
        """The repositories whose namespace this is."""
        primary = self.primary(name)
        return frozenset(i for i, to in self.primary_of.items() if to == primary and ":" in i)

    def within(self, reads: Collection[str], writes: Collection[str]) -> "NamespaceNames":
        """The names among these alone, so that a name leads to nothing that it hides."""
        kept = {
            name: to
            for name, to in self.primary_of.items()
            if name in reads and to in reads and (to in writes or name not in writes)
        }
        return NamespaceNames(kept)


NO_NAMES = NamespaceNames()
