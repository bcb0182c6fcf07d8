"""What was sent to the store about each note, and what was answered: the account to audit it by."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf

from pydantic import JsonValue


class Verb(StrEnum):
    """What a call wants of a note."""

    REMEMBER = "remember"
    CONTENT = "content"
    APPEND = "append"
    """One more word behind the content just read; refused if that is no longer the newest."""
    CORRECT = "correct"
    TAGS = "tags"
    LINK = "link"
    UNLINK = "unlink"
    SUPERSEDE = "supersede"
    RESTORE = "restore"
    """An earlier revision, as a new one."""
    FORGET = "forget"
    UNDO = "undo"
    """Bring a forgotten note back."""


TOOLS = {Verb.REMEMBER: "remember", Verb.FORGET: "forget", Verb.UNDO: "forget"}
"""Which tool is called; of all others it is `update`."""

WORDS = frozenset((Verb.REMEMBER, Verb.CONTENT, Verb.APPEND, Verb.CORRECT))
"""What gives a note a content of its own."""

LIFE = frozenset((Verb.FORGET, Verb.UNDO))
"""What takes a note out of recall, and back."""


class Outcome(StrEnum):
    """What is known of a call."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Killed or cancelled: it is to be whole or absent."""


@dataclass(slots=True, kw_only=True)
class Deed:
    """One call that changes a note; sent again, it is the same deed."""

    verb: Verb
    word: str
    """What it leaves in the note and nothing else does: its content, a tag, a link's relation."""
    given: Mapping[str, JsonValue]
    to: str = ""
    """Note id of a link's other end."""
    base: int = 0
    """Revision it brings back."""
    sent: float
    """When, in seconds of the loop's clock."""
    over: float = inf
    """From when on it can take effect no more."""
    sends: int = 1
    outcome: Outcome = Outcome.OPEN
    rev: int = 0
    """As answered."""
    changed: bool = False
    """Whether the answer says that it made this revision."""

    @property
    def acknowledged(self) -> bool:
        """Whether it was answered as done."""
        return self.outcome is Outcome.ACKNOWLEDGED

    @property
    def possible(self) -> bool:
        """Whether it may have taken effect."""
        return self.outcome is not Outcome.REFUSED


@dataclass(slots=True, kw_only=True)
class Card:
    """One note as the torture knows it."""

    number: int
    """Counts up in the order they are told: a younger card supersedes older ones only."""
    key: str
    """A word that stands in all its contents and in no other note."""
    session: str
    sturdy: bool
    """Never forgotten nor superseded by anybody: every recall must find it."""
    grows: bool
    """Its content is never replaced: everybody adds a word to the one just read."""
    note_id: str = ""
    """Empty until acknowledged."""
    rev: int = 0
    """Highest revision that any answer has shown."""
    deeds: list[Deed] = field(default_factory=list[Deed])

    def of(self, *verbs: Verb) -> Iterator[Deed]:
        """Its deeds of these kinds that may have taken effect."""
        return (deed for deed in self.deeds if deed.verb in verbs and deed.possible)

    @property
    def may_be_forgotten(self) -> bool:
        """Whether anybody has tried to forget it."""
        return any(self.of(Verb.FORGET))

    def quiet_since(self, moment: float) -> bool:
        """Whether nothing that was sent can have taken effect since."""
        return all(deed.over < moment for deed in self.deeds)


def settled_life(card: Card) -> Verb | None:
    """The last `forget` or `undo` of a card; None if there is none, or nobody can say which."""
    sent = list(card.of(*LIFE))
    last = max(sent, key=lambda deed: deed.sent, default=None)
    if last is None or not last.acknowledged:
        return None
    certain = all(deed.over < last.sent for deed in sent if deed is not last)
    return last.verb if certain else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a recall said when nobody was changing the note."""

    note_id: str
    at: datetime
    """UTC, timezone-aware; right after the answer."""
    content: str


@dataclass(slots=True)
class Account:
    """Everything that was sent to one store, and what went wrong at once."""

    cards: list[Card] = field(default_factory=list[Card])
    reads: int = 0
    """Recalls that were answered, or should have been."""
    failed_reads: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    """Errors nobody could expect, and calls without an answer."""
    moments: list[Moment] = field(default_factory=list[Moment])
    back_then: int = 0
    """Recalls of a remembered moment."""
    refused: int = 0
    """Calls refused with good reason."""
    outrun: int = 0
    """Calls given up by the server because others kept changing the note."""
    cancelled: int = 0
    kills: dict[str, int] = field(default_factory=dict[str, int])
    """What was killed -> how often."""
    upkeeps: int = 0
    """By the process that does nothing else."""
    evolved: list[str] = field(default_factory=list[str])
    """Ids of evolution runs that finished, whoever's they were, and can be undone."""

    def known(self) -> list[Card]:
        """Cards whose id is known."""
        return [card for card in self.cards if card.note_id]

    def deeds(self) -> Iterator[Deed]:
        """All of them."""
        return (deed for card in self.cards for deed in card.deeds)

    def count(self, outcome: Outcome, verbs: Iterable[Verb] = Verb) -> int:
        """How many deeds of these kinds ended so."""
        wanted = frozenset(verbs)
        return sum(deed.outcome is outcome and deed.verb in wanted for deed in self.deeds())
