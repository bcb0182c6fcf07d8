"""What recall must answer, by the plain model, in the form the door reads answers in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.model.memory import PlainMemory
from tests.model.sayings import How, Saying, Seen, State
from tests.model.words import Look

_CONSONANTS, _VOWELS = "bdfglmnprtvz", "aou"
NAMES = ("Marlow", "Quimby")
"""In most contents, so that evolution finds something to link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A note as recall shows it; times to the second."""

    note_id: str
    rev: int
    namespace: str
    content: str
    subject: str
    tags: tuple[str, ...]
    happened_at: str
    valid_until: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A revision in a history."""

    rev: int
    known_from: datetime
    change: str
    run: str
    ended_at: str
    corrected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that is compared of one note of an answer."""

    view: View
    links: frozenset[tuple[str, str]]
    history: tuple[Entry, ...]

    @property
    def note_id(self) -> str:
        """Which note."""
        return self.view.note_id


def new_content(number: int) -> str:
    """A sentence with a word of its own, which no stemmer changes."""
    word, rest = "", number
    for _ in range(3):
        rest, consonant = divmod(rest, len(_CONSONANTS))
        word += _CONSONANTS[consonant] + _VOWELS[(number + consonant) % len(_VOWELS)]
    return f"we met {NAMES[number % len(NAMES)]} near {word}k"


def word_of(said: Saying) -> str:
    """The word that only this content has."""
    return said.content.split()[-1]


def to_the_second(moment: datetime | None) -> str:
    """A time as answers show it; empty without one."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def view(model: PlainMemory, note_id: str, seen: Seen) -> View:
    """What recall must show of a note."""
    said = seen.saying
    return View(
        note_id=note_id,
        rev=seen.rev,
        namespace=model.notes[note_id].namespace,
        content=said.content,
        subject=said.subject,
        tags=said.tags,
        happened_at=to_the_second(said.happened),
        valid_until=to_the_second(seen.until),
        state="" if said.state is State.ACTIVE else said.state.value,
    )


def history(model: PlainMemory, note_id: str, look: Look) -> tuple[Entry, ...]:
    """The revisions that were known at the moment looked from, oldest first."""
    known = model.notes[note_id].known(look.known_at)
    following = (*known[1:], None)
    return tuple(
        Entry(
            rev=rev,
            known_from=said.known_from,
            change=said.change,
            run=said.run,
            ended_at=to_the_second(after.begins) if after and after.how is How.WORLD else "",
            corrected=after is not None and after.how is How.NEVER,
        )
        for rev, (said, after) in enumerate(zip(known, following, strict=True), start=1)
    )


def wanted(model: PlainMemory, look: Look, note_id: str, seen: Seen) -> Shown:
    """All that recall must say of a note."""
    return Shown(
        view=view(model, note_id, seen),
        links=frozenset(model.links(look, note_id)),
        history=history(model, note_id, look),
    )


def assert_same(answered: Sequence[Shown], expected: Sequence[Shown]) -> None:
    """The same notes in the same order, or what differs first."""
    ids, wanted_ids = [[shown.note_id for shown in of] for of in (answered, expected)]
    assert ids == wanted_ids, f"shown are {ids}, not {wanted_ids}"
    for shown, right in zip(answered, expected, strict=True):
        for name in ("view", "links", "history"):
            said, should = getattr(shown, name), getattr(right, name)
            assert said == should, f"{name} is\n{said}, not\n{should}"
