"""One server process from its start to its death, and what was asked of it meanwhile."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
import psutil

from benchmarks.torture.clients import Caller
from benchmarks.torture.store.deeds import Account, Card, Deed, Outcome

LIFE = "BENCHMARK_LIFE"
"""Variable that tells one life's process from all others of the run."""


@dataclass(slots=True, kw_only=True)
class Life:
    """One server process, as its client sees it."""

    name: str
    account: Account
    killed: bool = False
    ended: bool = False
    """No call is answered any more."""
    answered: int = 0
    uncertain: list[Deed] = field(default_factory=list[Deed])
    """Deeds that may take effect until the process is gone."""
    unanswered: list[tuple[Card, Deed]] = field(default_factory=list[tuple[Card, Deed]])
    """Those whose outcome nobody knows yet."""

    def kill(self) -> bool:
        """Kill the process, if it runs (kill -9)."""
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if child.environ().get(LIFE) == self.name:
                    self.killed = True
                    os.kill(child.pid, signal.SIGKILL)
                    return True
        return False

    def doubt(self, card: Card, deed: Deed) -> None:
        """A deed was cut off: it may have taken effect, or may do so yet."""
        deed.outcome = Outcome.UNKNOWN
        self.uncertain.append(deed)
        self.unanswered.append((card, deed))

    def lose(self, problem: str) -> None:
        """The connection broke; nobody but a kill may do that."""
        self.ended = True
        if not self.killed:
            self.account.failed.append(f"{self.name} ended by itself: {problem}")

    def bury(self) -> None:
        """The process is gone: from here on nothing it was asked can take effect."""
        self.ended = True
        for deed in self.uncertain:
            deed.over = anyio.current_time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A client and the server process it talks to."""

    caller: Caller
    life: Life
