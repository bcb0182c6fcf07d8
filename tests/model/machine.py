"""The state machine: agents' calls in any order, beside the plain model of what they mean."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

from anyio.from_thread import BlockingPortal
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)
from tests.model.answers import assert_same, new_content, wanted, word_of
from tests.model.door import Door
from tests.model.memory import SUPERSEDES, TICK, Look, No, PlainMemory, Words
from tests.model.sayings import Saying
from tests.tools.conftest import Desk

from zettel.storage.errors import ChangedSinceError

START = datetime.fromisoformat("2026-11-20T12:00:00.500000Z")
"""Not a whole second: a time written to the second would mean all of that second."""
NAMESPACES = ("proj", "user", "other")
SEARCHED = {"proj": ("proj", "user"), "user": ("user",), "other": ("other", "user")}
"""What a recall in a namespace looks through."""
RELATIONS = (SUPERSEDES, "supports")
MOST = 16
"""Moments looked from at once."""

seconds = st.sampled_from((0, 1, 60, 3600, 7200, -1, -60, -3600))
"""Few values, so that the times of different sayings meet."""
maybe_seconds = st.none() | seconds
subjects = st.sampled_from(("", "Ana"))
tags = st.lists(st.sampled_from(("red", "blue")), max_size=2, unique=True).map(tuple)
picks = st.integers(0, 40)


class Conversation(RuleBasedStateMachine):
    """One store behind a real client, and the model beside it.

    Args:
        portal: Where the store's loop runs.
        opening: Opens a desk on a new store.
    """

    notes: Bundle[str] = Bundle("notes")
    runs: Bundle[str] = Bundle("runs")

    def __init__(
        self,
        portal: BlockingPortal,
        opening: Callable[[], AbstractAsyncContextManager[Desk]],
    ) -> None:
        super().__init__()
        self._closing = ExitStack()
        desk = self._closing.enter_context(portal.wrap_async_context_manager(opening()))
        self.door = Door(portal, desk)
        self.model = PlainMemory()
        self.now = START
        self.told = 0
        self.changed = False

    def teardown(self) -> None:
        """Close the store."""
        self._closing.close()

    @rule(by=seconds)
    def pass_time(self, by: int) -> None:
        """The clock goes on, stands, or is set back."""
        self.now += timedelta(seconds=by)
        self.changed = True

    @rule(
        target=notes,
        namespace=st.sampled_from(NAMESPACES),
        subject=subjects,
        tags=tags,
        happened=maybe_seconds,
        ends=maybe_seconds,
    )
    def remember(
        self,
        namespace: str,
        subject: str,
        tags: tuple[str, ...],
        happened: int | None,
        ends: int | None,
    ) -> object:
        """Something new, told in time, late, or ahead."""
        words = self.words(subject=subject, tags=tags, happened=happened, ends=ends, fresh=True)
        return self.remembered(namespace, words)

    @rule(
        target=notes,
        other=notes,
        relation=st.sampled_from(RELATIONS),
        happened=maybe_seconds,
    )
    def remember_linked(self, other: str, relation: str, happened: int | None) -> object:
        """Something new that says what it has to do with another note."""
        words = self.words(happened=happened, fresh=True)
        return self.remembered("proj", replace(words, link=(other, relation)))

    @rule(note=notes)
    def remember_again(self, note: str) -> None:
        """What is there already is not stored twice."""
        story = self.model.notes[note]
        there = self.model.listed(Look(now=self.now), (story.namespace,), lambda _: True)
        if note in there:
            said = story.now
            words = Words(content=said.content, subject=said.subject)
            answer = self.door.remember(self.now, story.namespace, words)
            assert answer == (note, False)

    @rule(
        note=notes,
        content=st.none() | picks,
        subject=st.none() | subjects,
        tags=st.none() | tags,
        happened=maybe_seconds,
        correction=st.booleans(),
        expected=st.none() | st.integers(-2, 1),
    )
    def update(
        self,
        note: str,
        content: int | None,
        subject: str | None,
        tags: tuple[str, ...] | None,
        happened: int | None,
        correction: bool,
        expected: int | None,
    ) -> None:
        """Other words, new ones or ones said before, another date, or both."""
        words = self.words(subject=subject, tags=tags, happened=happened, fresh=content == 0)
        if content:
            said = self.model.notes[note].said
            words = replace(words, content=said[content % len(said)].content)
        self.updated(note, replace(words, correction=correction), expected)

    @rule(note=notes, ends=maybe_seconds)
    def set_end(self, note: str, ends: int | None) -> None:
        """It ends by itself, or never."""
        words = self.words(ends=ends)
        self.updated(note, replace(words, endless=ends is None))

    @rule(note=notes, other=notes, relation=st.sampled_from(RELATIONS))
    def link(self, note: str, other: str, relation: str) -> None:
        """It has to do with another note."""
        self.updated(note, Words(link=(other, relation)))

    @rule(note=notes, which=picks, correction=st.booleans(), happened=maybe_seconds)
    def unlink(self, note: str, which: int, correction: bool, happened: int | None) -> None:
        """It has no more to do with the other, or never had; perhaps told with new words."""
        ties = [tie for tie in self.model.notes[note].now.ties if tie.stood(None)]
        if ties:
            tie = ties[which % len(ties)]
            words = self.words(happened=happened, fresh=happened is not None)
            gone = (tie.to, tie.relation)
            self.updated(note, replace(words, unlink=gone, correction=correction))

    @rule(note=notes, rev=st.integers(1, 6), expected=st.none() | st.integers(-2, 1))
    def restore(self, note: str, rev: int, expected: int | None) -> None:
        """An earlier revision, brought back."""
        revs = len(self.model.notes[note].said)
        seen = None if expected is None else max(1, revs + expected)
        accepted = self.door.restore(self.now, note, rev, seen)
        self.modelled(accepted, lambda: self.model.restore(note, rev, self.now, expected=seen))

    @rule(note=notes)
    def forget(self, note: str) -> None:
        """Out of every recall."""
        self.door.forget(self.now, note, undo=False)
        self.modelled(True, lambda: self.model.forget(note, self.now))

    @rule(note=notes)
    def bring_back(self, note: str) -> None:
        """Forgotten by mistake."""
        self.door.forget(self.now, note, undo=True)
        self.modelled(True, lambda: self.model.bring_back(note, self.now))

    @rule(target=runs)
    def evolve(self) -> object:
        """The scheduler works; not a word of the agents' changes."""
        run = self.door.evolve(self.now)
        return run if self.notice_run(run) else multiple()

    @rule(target=runs, run=runs, partial=st.booleans())
    def undo(self, run: str, partial: bool) -> object:
        """A run, or the undoing of one, is taken back."""
        try:
            undo = self.door.undo(self.now, run, partial=partial)
        except ChangedSinceError:
            assert not partial
            return multiple()
        return undo if self.notice_run(undo) else multiple()

    @rule(
        as_of=st.none() | picks,
        known_at=st.none() | picks,
        off=st.sampled_from((0, 0, -1, 1)),
        namespace=st.sampled_from(NAMESPACES),
        tag=st.sampled_from((None, None, "red")),
    )
    def look(
        self, as_of: int | None, known_at: int | None, off: int, namespace: str, tag: str | None
    ) -> None:
        """At a moment that matters, or right beside it."""
        moments = self.moments()
        at = None if as_of is None else moments[as_of % len(moments)] + off * TICK
        known = None if known_at is None else moments[known_at % len(moments)] + off * TICK
        look = Look(now=self.now, as_of=at, known_at=known)
        self.compare(look, namespace, tag)
        self.compare_readings(look)

    @precondition(lambda self: len(self.model.notes) > 1)
    @rule(namespace=st.sampled_from(NAMESPACES))
    def look_from_everywhere(self, namespace: str) -> None:
        """Each moment as known now, and as memory was at each."""
        moments = sorted({at + off * TICK for at in self.moments() for off in (-1, 0)})
        for at in moments[:: -(-len(moments) // MOST)]:
            self.compare(Look(now=self.now, as_of=at), namespace, None)
            self.compare(Look(now=self.now, known_at=at), namespace, None)

    @rule(as_of=st.none() | picks, known_at=st.none() | picks, which=picks)
    def ask(self, as_of: int | None, known_at: int | None, which: int) -> None:
        """For a word that was said sometime."""
        said = [saying for story in self.model.notes.values() for saying in story.said]
        if not said:
            return
        moments = self.moments()
        at = None if as_of is None else moments[as_of % len(moments)]
        known = None if known_at is None else moments[known_at % len(moments)]
        look, word = Look(now=self.now, as_of=at, known_at=known), word_of(said[which % len(said)])
        there = self.model.listed(look, SEARCHED["proj"], lambda _: True)
        answered = self.door.ask(look, word)
        assert {i for i, seen in there.items() if word in seen.saying.content} <= answered.keys()
        assert answered.items() <= {i: seen.saying.content for i, seen in there.items()}.items()

    @invariant()
    @precondition(lambda self: self.changed)
    def everything_stands_as_modelled(self) -> None:
        """What stands now, and how it came about."""
        self.changed = False
        for namespace in NAMESPACES:
            self.compare(Look(now=self.now), namespace, None)
        self.compare_readings(Look(now=self.now))

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
        happened: int | None = None,
        ends: int | None = None,
        fresh: bool = False,
    ) -> Words:
        """An agent's words; times in seconds from now."""
        self.told += fresh
        return Words(
            content=new_content(self.told) if fresh else None,
            subject=subject,
            tags=tags,
            happened=None if happened is None else self.now + timedelta(seconds=happened),
            ends=None if ends is None else self.now + timedelta(seconds=ends),
        )

    def remembered(self, namespace: str, words: Words) -> object:
        """Tell both; the new note's id, or nothing where both refuse."""
        answer = self.door.remember(self.now, namespace, words)
        note_id = answer[0] if answer else "refused"
        self.modelled(
            answer is not None,
            lambda: self.model.remember(note_id, namespace, words, self.now),
        )
        assert answer is None or answer[1]
        return note_id if answer else multiple()

    def updated(self, note: str, words: Words, expected: int | None = None) -> None:
        """Tell both; `expected` counts from the note's revision."""
        seen = None if expected is None else max(1, len(self.model.notes[note].said) + expected)
        accepted = self.door.update(self.now, note, words, seen)
        self.modelled(accepted, lambda: self.model.update(note, words, self.now, expected=seen))

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
                found |= {tie.ends for tie in said.ties if tie.ends} | {
                    tie.begins for tie in said.ties
                }
        return sorted(found)
