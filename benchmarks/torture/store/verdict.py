"""What an audit came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Flaws:
    """What an audit found; every list is to be empty."""

    lost: list[str] = field(default_factory=list[str])
    """Acknowledged, and not there, or not in the order of the acknowledgements."""
    doubled: list[str] = field(default_factory=list[str])
    """There more often than it was sent, or as two notes."""
    resurrected: list[str] = field(default_factory=list[str])
    """Forgotten, and back without anybody's asking."""
    torn: list[str] = field(default_factory=list[str])
    """Half there: histories with a gap, two current rows, links to nowhere, half a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a siege came to."""

    flaws: Flaws
    failed_reads: list[str]
    failed: list[str]
    """Errors nobody could expect, calls without an answer, processes that ended by themselves."""
    counts: Mapping[str, int]
    """What happened, how often."""

    @property
    def flawless(self) -> bool:
        """Whether nothing went wrong at all."""
        found = self.flaws
        wrong = (found.lost, found.doubled, found.resurrected, found.torn)
        return not any((*wrong, self.failed_reads, self.failed))

    @property
    def problems(self) -> list[str]:
        """Everything that went wrong, each with its kind."""
        kinds = {
            "lost": self.flaws.lost,
            "doubled": self.flaws.doubled,
            "resurrected": self.flaws.resurrected,
            "torn": self.flaws.torn,
            "failed read": self.failed_reads,
            "failed": self.failed,
        }
        return [f"{kind}: {flaw}" for kind, flaws in kinds.items() for flaw in flaws]
