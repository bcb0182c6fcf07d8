"""What agents say and ask in the plain model: values, and what they make of links and ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.model.sayings import Saying, Tie

SUPERSEDES = "supersedes"


class No(Exception):
    """The verb must refuse, and change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an agent says in one call; None is absent."""

    content: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] | None = None
    happened: datetime | None = None
    ends: datetime | None = None
    endless: bool = False
    link: tuple[str, str] | None = None
    """Note id and relation of a link to add."""
    unlink: tuple[str, str] | None = None
    """The same of one to take out."""
    correction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where a recall looks; without either moment at what stands now."""

    now: datetime
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def back(self) -> bool:
        """Whether it looks at another moment than now."""
        return self.as_of is not None or self.known_at is not None

    @property
    def moment(self) -> datetime:
        """What is true at this moment is shown."""
        return self.as_of or self.known_at or self.now


def dated(tie: Tie, old: Saying, happened: datetime, begins: datetime) -> Tie:
    """A link as old as its note is so still when the note's date is corrected."""
    if tie.relation == SUPERSEDES:
        return replace(tie, begins=happened) if tie.begins == old.happened else tie
    return replace(tie, begins=begins) if tie.begins == old.begins else tie


def unlinked(
    ties: Sequence[Tie], link: tuple[str, str], at: datetime, *, never: bool
) -> tuple[Tie, ...]:
    """The links after one is taken out: it stays with its end, unless it never was true."""
    kept = list[Tie]()
    for tie in ties:
        if (tie.to, tie.relation) != link or not tie.stood(None):
            kept.append(tie)
        elif not never and tie.begins < at:
            kept.append(replace(tie, ends=at))
    return tuple(kept)


def end_of(words: Words, old: Saying) -> datetime | None:
    """The agent's end; the one that is shown already, told again, is nothing new."""
    return words.ends if words.ends and words.ends != old.until else old.ends


def superseded(said: Saying) -> set[str]:
    """Ids of the notes it takes the place of."""
    return {tie.to for tie in said.ties if tie.relation == SUPERSEDES and tie.stood(None)}
