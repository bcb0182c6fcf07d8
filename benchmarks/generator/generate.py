"""From a seed to a world: `generate` is a pure function, without clock or network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from benchmarks.generator import talk
from benchmarks.generator.absence import ask_untold, tell_and_forget, tell_apart
from benchmarks.generator.acts import Act, document_of, timed
from benchmarks.generator.changes import tell_changes, tell_conflicts, tell_rejections
from benchmarks.generator.events import ask_filter, tell_events
from benchmarks.generator.facts import tell_facts, tell_links, tell_lists
from benchmarks.generator.plan import plan
from benchmarks.generator.records import Document, Operation, Stated, Style, Telling, World
from benchmarks.generator.slots import HOBBY, PERSONAL
from benchmarks.generator.story import Story
from benchmarks.generator.words import NAMES

DEV_SEEDS = range(100)
HELD_SEEDS = range(1000, 1100)
"""Nothing is fitted on these."""
SizeName = Literal["smoke", "small", "big"]

_EPOCH = datetime(2022, 1, 3, 9, tzinfo=UTC)
"""The largest world ends well before this program was written: no note lies in the future."""
_NOTES_A_SESSION = 20
_MOST_A_SESSION = 30
_FEWEST_SESSIONS = 8
_TWIN_SHARE = 6
"""One note of so many is the other user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a world."""

    conversations: int
    people: int
    """At most, in a conversation; at least 2."""
    notes: int
    """At least, in a conversation, with those of the other user of equal names."""


SIZES: dict[SizeName, Size] = {
    "smoke": Size(conversations=1, people=2, notes=120),
    "small": Size(conversations=20, people=4, notes=250),
    "big": Size(conversations=80, people=4, notes=2500),
}


def generate(
    seed: int, size: SizeName, style: Style = "dialogue", conversations: int | None = None
) -> World:
    """Make the world of a seed; the same arguments give the same world, byte for byte.

    Args:
        seed: `DEV_SEEDS` to look at, `HELD_SEEDS` to report on.
        size: How much is told.
        style: Who tells it.
        conversations: How many, 1 and up; None takes the size's.
    """
    chosen = SIZES[size]
    count = chosen.conversations if conversations is None else conversations
    operations, after = list[Operation](), list[tuple[str, Act]]()
    stated = dict[str, Stated]()
    for number in range(count):
        rng = Random(f"{seed} {style} {number}")
        for story in _stories(f"gen-{seed}-{style}-{number}", chosen, style, rng):
            told, asked = story.lay_out()
            operations += told
            after += [(story.name, act) for act in asked]
            stated |= story.stated
    operations.sort(key=lambda operation: operation.t)
    time = operations[-1].t + timedelta(days=1)
    operations.append(Operation(op="restart", t=time, args={}))
    for name, act in after:
        time += timedelta(seconds=30)
        operations.append(timed(act, time, session=name))
    return World(
        name=f"{size} {style} seed {seed}",
        style=style,
        documents=tuple(_documents(operations)),
        operations=tuple(operations),
        stated=stated,
    )


def _stories(name: str, size: Size, style: Style, rng: Random) -> tuple[Story, Story]:
    """A user's memory, and that of another user who knows people of the same names."""
    *people, leaver = rng.sample(NAMES, rng.randint(2, size.people) + 1)
    sessions = max(_FEWEST_SESSIONS, math.ceil(size.notes / _NOTES_A_SESSION))
    story = Story(
        name=name,
        style=style,
        people=tuple(people),
        starts=tuple(_starts(sessions, rng)),
        rng=rng,
    )
    other = Story(
        name=f"{name}-twin",
        style=style,
        people=tuple(people[:2]),
        starts=story.starts[: max(2, sessions // _TWIN_SHARE)],
        rng=rng,
        values=story.values,
        used=story.used,
    )
    dealt = plan(people, rng)
    told = tell_facts(story, dealt)
    tell_links(story, dealt, told)
    tell_lists(story)
    tell_changes(story, dealt)
    tell_conflicts(story, dealt)
    tell_events(story)
    ask_filter(story)
    ask_untold(story, other, dealt)
    tell_and_forget(story, leaver)
    tell_rejections(story, dealt)
    tell_apart(story, other, told)
    _fill(story, size.notes - size.notes // _TWIN_SHARE)
    _fill(other, size.notes // _TWIN_SHARE)
    return story, other


def _starts(count: int, rng: Random) -> Iterator[datetime]:
    start = _EPOCH + timedelta(days=rng.randint(0, 60))
    for _ in range(count):
        yield start + timedelta(minutes=rng.randint(0, 180))
        start += timedelta(days=rng.randint(1, 14))


def _fill(story: Story, notes: int) -> None:
    """Add turns that answer nothing until the conversation has its size."""
    counts = [story.notes_in(session) for session in range(len(story.starts))]
    talking = story.style != "notes"
    told = [slot for slot in (*PERSONAL, HOBBY) if slot.name in story.used]
    while sum(counts) < notes:
        open_sessions = [n for n, count in enumerate(counts) if count < _MOST_A_SESSION]
        session = story.rng.choice(open_sessions or range(len(counts)))
        speaker = story.speaker(story.rng.choice(story.people), own=1)
        if story.rng.random() < 0.5:
            slot = story.rng.choice(told)
            text = talk.mention(story.rng, slot, story.rng.choice(story.used[slot.name]))
        else:
            text = talk.small_talk(story.rng, questions=talking)
        act, _ = story.remember(text, speaker)
        story.add(session, [act])
        counts[session] = story.notes_in(session)


def _documents(operations: list[Operation]) -> Iterator[Document]:
    known = dict[str, Document]()
    for operation in operations:
        if not isinstance(operation.expect, Telling):
            continue
        first = known.get(str(operation.args.get("note_id", "")))
        document = document_of(
            operation,
            namespace=str(operation.args.get("namespace", ""))
            if first is None
            else first.conversation,
            speaker=str(operation.args.get("subject", "")) if first is None else first.speaker,
        )
        known[document.id] = document
        yield document
