"""Telling the store and the plain model the same, and comparing what they answer."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from anyio.from_thread import BlockingPortal
from tests.model import open_questions
from tests.model.answers import assert_same, new_content, wanted
from tests.model.door import Door
from tests.model.memory import PlainMemory
from tests.model.sayings import TICK, Saying
from tests.model.words import Look, No, Words
from tests.tools.conftest import Desk

START = datetime.fromisoformat("2026-11-20T12:00:00.500000Z")
"""Not a whole second: a time written to the second would mean all of that second."""
NAMESPACES = ("proj", "user", "other")
SEARCHED = {"proj": ("proj", "user"), "user": ("user",), "other": ("other", "user")}
"""What a recall in a namespace looks through."""


@dataclass(frozen=True, slots=True)
class In:
    """A time so many seconds from now."""

    seconds: int


@dataclass(frozen=True, slots=True)
class At:
    """A time at which something else was told, happened, began or ended; or beside it."""

    pick: int
    ticks: int = 0


When = In | At


class Talk:
    """One store behind a real client, the model beside it, and their clock.

    Args:
        portal: Where the store's loop runs.
        opening: Opens a desk on a new store.
    """

    def __init__(
        self,
        portal: BlockingPortal,
        opening: Callable[[], AbstractAsyncContextManager[Desk]],
    ) -> None:
        self._closing = ExitStack()
        desk = self._closing.enter_context(portal.wrap_async_context_manager(opening()))
        self.door = Door(portal, desk)
        self.model = PlainMemory()
        self.now: datetime = START
        self.told = 0
        self.changed = False

    def close(self) -> None:
        """Let go of the store."""
        self._closing.close()

    def compare(self, look: Look, namespace: str, tag: str | None) -> None:
        """A list, newest first, with everything recall shows of each note."""

        def having(saying: Saying) -> bool:
            return tag is None or tag in saying.tags

        there = self.model.listed(look, SEARCHED[namespace], having)
        answered = self.door.listing(look, namespace, tag)
        assert_same(answered, [wanted(self.model, look, i, seen) for i, seen in there.items()])

    def compare_readings(self, look: Look) -> None:
        """Every note by its id, with its history."""
        there = {i: seen for i in self.model.notes if (seen := self.model.read(look, i))}
        answered = self.door.read(look, list(self.model.notes))
        assert_same(answered, [wanted(self.model, look, i, seen) for i, seen in there.items()])

    def words(
        self,
        *,
        subject: str | None = None,
        tags: tuple[str, ...] | None = None,
        happened: When | None = None,
        ends: When | None = None,
        fresh: bool = False,
    ) -> Words:
        """An agent's words."""
        self.told += fresh
        return Words(
            content=new_content(self.told) if fresh else None,
            subject=subject,
            tags=tags,
            happened=self.time(happened),
            ends=self.time(ends),
        )

    def time(self, when: When | None) -> datetime | None:
        """The moment meant."""
        match when:
            case None:
                return None
            case In():
                return self.now + timedelta(seconds=when.seconds)
            case At():
                moments = self.moments()
                return moments[when.pick % len(moments)] + when.ticks * TICK

    def look_at(self, as_of: When | None, known_at: When | None) -> Look:
        """A look at what stands now, or from these moments."""
        return Look(now=self.now, as_of=self.time(as_of), known_at=self.time(known_at))

    def remembered(self, namespace: str, words: Words) -> str | None:
        """Tell both; the new note's id, or None where both refuse."""
        answer = self.door.remember(self.now, namespace, words)
        note_id = answer[0] if answer else "refused"
        self.modelled(
            answer is not None,
            lambda: self.model.remember(note_id, namespace, words, self.now),
        )
        assert answer is None or answer[1]
        return note_id if answer else None

    def updated(self, note: str, words: Words, expected: int | None = None) -> None:
        """Tell both; `expected` counts from the note's revision."""
        old = self.model.notes[note].now
        if open_questions.times_of_what_is_superseded(old, words):
            return
        if open_questions.same_date_ahead(old, words, self.now):
            return
        seen = self.expected_rev(note, expected)
        accepted = self.door.update(self.now, note, words, seen)
        self.modelled(accepted, lambda: self.model.update(note, words, self.now, expected=seen))

    def expected_rev(self, note: str, off: int | None) -> int | None:
        """A revision the caller has seen, or a wrong one."""
        return None if off is None else max(1, len(self.model.notes[note].said) + off)

    def modelled(self, accepted: bool, do: Callable[[], None]) -> None:
        """What the store accepted the model must, and what it refused the model must refuse."""
        self.changed = True
        try:
            do()
        except No:
            assert not accepted, "accepted, though the model refuses"
        else:
            assert accepted, "refused, though the model accepts"

    def notice_run(self, run: str) -> bool:
        """Give the model the revisions a run made; whether there are any."""
        self.changed = True
        made = False
        for found in self.door.read(Look(now=self.now), list(self.model.notes)):
            story = self.model.notes[found.note_id]
            for entry in found.history[len(story.said) :]:
                assert entry.run == run
                self.model.evolved(found.note_id, entry.change, run, self.now)
                made = True
        return made

    def moments(self) -> list[datetime]:
        """The times that anything happened, began, ended or was told, and now."""
        found = {self.now}
        for story in self.model.notes.values():
            for said in story.said:
                found |= {said.known_from, said.happened, said.begins}
                found |= {end for end in (said.ends, said.until) if end}
                found |= {tie.begins for tie in said.ties}
                found |= {tie.ends for tie in said.ties if tie.ends}
        return sorted(found)
