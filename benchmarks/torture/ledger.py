"""What was sent, what was answered, and what of it the store holds in the end."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import anyio
from pydantic import JsonValue

from benchmarks.torture.clients import Caller
from benchmarks.torture.errors import CallFailedError, SendAgainError

CALL_S = 90.0
"""Seconds after which a call counts as hung: many times a cold start on two busy cores."""

ATTEMPTS = 5
"""How often a call is sent again when the server asks for it."""


@dataclass(slots=True)
class Ledger:
    """The account of one store's calls."""

    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    """Content -> note id, as answered."""
    calls: int = 0
    sent_again: int = 0
    """Calls the server asked to be sent again: it died twice under them."""
    failed: list[str] = field(default_factory=list[str])
    """Calls answered by any other error, with it."""
    hung: list[str] = field(default_factory=list[str])
    """Calls without an answer for `CALL_S`."""

    @property
    def answered(self) -> int:
        """Calls of which something has come, good or bad."""
        return len(self.acknowledged) + len(self.failed) + len(self.hung)

    @property
    def open(self) -> int:
        """Calls of which nothing has come yet."""
        return self.calls - self.answered

    async def remember(self, client: Caller, content: str) -> None:
        """Tell one note that nobody else tells, and keep account of what comes of it."""
        self.calls += 1
        for _ in range(ATTEMPTS):
            try:
                with anyio.fail_after(CALL_S):
                    answer = await client.call("remember", content=content)
            except TimeoutError:
                self.hung.append(content)
                return
            except SendAgainError:
                self.sent_again += 1
                continue
            except CallFailedError as error:
                self.failed.append(f"{content}: {error}")
                return
            self.acknowledged[content] = str(answer["note_id"])
            return
        self.failed.append(f"{content}: to be sent again {ATTEMPTS} times")

    def lost(self, stored: Iterable[Mapping[str, JsonValue]]) -> list[str]:
        """Calls that failed, and acknowledged notes that are not there under their id."""
        kept = {(note["content"], note["note_id"]) for note in stored}
        gone = [content for content, id_ in self.acknowledged.items() if (content, id_) not in kept]
        return self.failed + gone

    def doubled(self, stored: Iterable[Mapping[str, JsonValue]]) -> list[str]:
        """Notes told once that are there more than once."""
        counts = Counter(str(note["content"]) for note in stored)
        return [content for content, count in counts.items() if count > 1]
