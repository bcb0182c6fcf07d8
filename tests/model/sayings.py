"""A plain model of one note: what was said of it, in order, and what that makes true when.

Written from the contract alone (design, section 4, "What was true at T, known at K"). A note is
the list of what was said of it; nothing is ever taken out of that list, and every answer is
computed from the whole of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

TICK = timedelta(microseconds=1)
"""Two things said of one note are known at least this far apart."""


class How(StrEnum):
    """What a saying says of the one before it."""

    WORLD = "the world changed: what was said before held until then"
    NEVER = "what was said before was never true"
    SAME = "what was said before stands, something about it is said otherwise"


class State(StrEnum):
    """Where a note stands."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"
    FORGOTTEN = "forgotten"


TRUE_THEN = (State.ACTIVE, State.SUPERSEDED)
READABLE = (*TRUE_THEN, State.ARCHIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A link the agent stated."""

    to: str
    relation: str
    begins: datetime
    ends: datetime | None = None

    def stood(self, at: datetime | None) -> bool:
        """Whether it was true at a moment; None asks for now, which an ended one never is."""
        if at is None:
            return self.ends is None
        return self.begins <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One revision: all the agent's words and times, and how it came about."""

    known_from: datetime
    how: How = How.SAME
    change: str = "remember"
    run: str = ""
    content: str
    subject: str = ""
    tags: tuple[str, ...] = ()
    kind: str = "episodic"
    happened: datetime
    begins: datetime
    """When it became true."""
    ends: datetime | None = None
    """When it stops being true, as the agent told it."""
    taken_over: datetime | None = None
    """When another note takes its place, as long as one says so."""
    state: State = State.ACTIVE
    ties: tuple[Tie, ...] = ()

    @property
    def until(self) -> datetime | None:
        """When it stopped being true, by its own end or by another note's beginning."""
        over = max(self.taken_over, self.begins) if self.taken_over else None
        return min((end for end in (self.ends, over) if end), default=None)

    def holds(self, at: datetime) -> bool:
        """Whether it says something of this moment."""
        return self.begins <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look at a note finds."""

    saying: Saying
    rev: int
    last: bool
    """Whether nothing had been said after it, as far as the one who looks knows."""
    ended: datetime | None = None
    """When the next saying says the world changed."""

    @property
    def until(self) -> datetime | None:
        """When it stopped being true."""
        return min((end for end in (self.saying.until, self.ended) if end), default=None)


@dataclass(kw_only=True)
class Story:
    """All that was said of one note."""

    note_id: str
    namespace: str
    said: list[Saying]

    @property
    def now(self) -> Saying:
        """What was said last."""
        return self.said[-1]

    def known(self, at: datetime | None) -> Sequence[Saying]:
        """What had been said by a moment; None is all."""
        return [saying for saying in self.said if at is None or saying.known_from <= at]

    def standing(self, known_at: datetime | None) -> Seen | None:
        """The last thing said by a moment."""
        chapters = self._chapters(known_at)
        return chapters[-1] if chapters else None

    def about(
        self, at: datetime, known_at: datetime | None, states: Sequence[State] = TRUE_THEN
    ) -> Seen | None:
        """What was true of the note at a moment, as far as was known at another."""
        chapters = self._chapters(known_at)
        if not chapters or chapters[-1].saying.state not in states:
            return None
        for seen in reversed(chapters):
            if seen.saying.begins <= at:
                return seen if seen.saying.holds(at) else None
        return None

    def _chapters(self, known_at: datetime | None) -> list[Seen]:
        """What stands of all that was said: one for each time the world changed, in order told."""
        chapters = list[Seen]()
        for rev, saying in enumerate(self.known(known_at), start=1):
            if saying.how is How.WORLD and chapters:
                chapters[-1] = replace(chapters[-1], last=False, ended=saying.begins)
            elif chapters:
                chapters.pop()
            chapters.append(Seen(saying=saying, rev=rev, last=True))
        return chapters
