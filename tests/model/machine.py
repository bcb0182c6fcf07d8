"""The state machine: agents' calls in any order, beside the plain model of what they mean."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

from anyio.from_thread import BlockingPortal
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from tests.model.answers import word_of
from tests.model.sayings import TICK
from tests.model.talk import NAMESPACES, SEARCHED, At, In, Talk, When
from tests.model.words import SUPERSEDES, Look, Words
from tests.tools.conftest import Desk

from zettel.storage.errors import ChangedSinceError

RELATIONS = (SUPERSEDES, "supports")
MOST = 40
"""Moments looked from at once."""
NOTHING: MultipleResults[str] = multiple()

seconds = st.sampled_from((0, 1, 60, 3600, 7200, -1, -60, -3600))
"""Few values, so that the times of different sayings meet."""
picks = st.integers(0, 40)
whens = st.none() | st.builds(In, seconds) | st.builds(At, picks)
moments = st.none() | st.builds(At, picks, ticks=st.sampled_from((0, -1, 1)))
subjects = st.sampled_from(("", "Ana"))
tag_lists = st.lists(st.sampled_from(("red", "blue")), max_size=2, unique=True).map(tuple)
expecteds = st.none() | st.integers(-2, 1)
"""Revisions from the current one."""


class Conversation(Talk, RuleBasedStateMachine):
    """What agents, the scheduler, the clock and whoever looks may do next."""

    notes: Bundle[str] = Bundle("notes")
    runs: Bundle[str] = Bundle("runs")

    def __init__(
        self,
        portal: BlockingPortal,
        opening: Callable[[], AbstractAsyncContextManager[Desk]],
    ) -> None:
        RuleBasedStateMachine.__init__(self)
        Talk.__init__(self, portal, opening)

    def teardown(self) -> None:
        """Close the store."""
        self.close()

    @initialize(target=notes, happened=st.tuples(whens, whens, whens))
    def begin(self, happened: tuple[When | None, ...]) -> MultipleResults[str]:
        """A few notes to begin with: most rules are about one, or two."""
        told = [self.remembered("proj", self.words(happened=w, fresh=True)) for w in happened]
        return multiple(*filter(None, told))

    @rule(by=seconds)
    def pass_time(self, by: int) -> None:
        """The clock goes on, stands, or is set back."""
        self.now += timedelta(seconds=by)
        self.changed = True

    @rule(
        target=notes,
        namespace=st.sampled_from(NAMESPACES),
        subject=subjects,
        tags=tag_lists,
        happened=whens,
        ends=whens,
    )
    def remember(
        self,
        namespace: str,
        subject: str,
        tags: tuple[str, ...],
        happened: When | None,
        ends: When | None,
    ) -> str | MultipleResults[str]:
        """Something new, told in time, late, or ahead."""
        words = self.words(subject=subject, tags=tags, happened=happened, ends=ends, fresh=True)
        return self.remembered(namespace, words) or NOTHING

    @rule(target=notes, other=notes, relation=st.sampled_from(RELATIONS), happened=whens)
    def remember_linked(
        self, other: str, relation: str, happened: When | None
    ) -> str | MultipleResults[str]:
        """Something new that says what it has to do with another note."""
        words = self.words(happened=happened, fresh=True)
        return self.remembered("proj", replace(words, link=(other, relation))) or NOTHING

    @rule(note=notes)
    def remember_again(self, note: str) -> None:
        """What is there already is not stored twice."""
        story = self.model.notes[note]
        there = self.model.listed(Look(now=self.now), (story.namespace,), lambda _: True)
        if note in there:
            words = Words(content=story.now.content, subject=story.now.subject)
            assert self.door.remember(self.now, story.namespace, words) == (note, False)
            self.modelled(True, lambda: self.model.remember_again(note, self.now))

    @rule(
        note=notes,
        content=st.sampled_from((None, 0, 0, 1, 2)),
        subject=st.none() | subjects,
        tags=st.none() | tag_lists,
        happened=whens,
        correction=st.booleans(),
        expected=expecteds,
    )
    def update(
        self,
        note: str,
        content: int | None,
        subject: str | None,
        tags: tuple[str, ...] | None,
        happened: When | None,
        correction: bool,
        expected: int | None,
    ) -> None:
        """Other words, new ones (0) or ones said before, another date, or both."""
        words = self.words(subject=subject, tags=tags, happened=happened, fresh=content == 0)
        if content:
            said = self.model.notes[note].said
            words = replace(words, content=said[content % len(said)].content)
        ahead = words.happened is not None and words.happened > self.now
        if words.content is not None and ahead and not correction:
            return  # a note of its own, which test_two_clocks.py tells of
        self.updated(note, replace(words, correction=correction), expected)

    @rule(note=notes, ends=whens)
    def set_end(self, note: str, ends: When | None) -> None:
        """It ends by itself, or never."""
        self.updated(note, replace(self.words(ends=ends), endless=ends is None))

    @rule(note=notes, other=notes, relation=st.sampled_from(RELATIONS))
    def link(self, note: str, other: str, relation: str) -> None:
        """It has to do with another note."""
        self.updated(note, Words(link=(other, relation)))

    @rule(note=notes, which=picks, correction=st.booleans(), happened=whens)
    def unlink(self, note: str, which: int, correction: bool, happened: When | None) -> None:
        """It has no more to do with the other, or never had; perhaps told with new words."""
        ties = [tie for tie in self.model.notes[note].now.ties if tie.stood(None)]
        if ties:
            tie = ties[which % len(ties)]
            words = self.words(happened=happened, fresh=happened is not None)
            if words.happened and words.happened > self.now and not correction:
                return  # refused, as test_two_clocks.py tells
            gone = (tie.to, tie.relation)
            self.updated(note, replace(words, unlink=gone, correction=correction))

    @rule(note=notes, rev=st.integers(1, 6), expected=expecteds)
    def restore(self, note: str, rev: int, expected: int | None) -> None:
        """An earlier revision, brought back."""
        seen = self.expected_rev(note, expected)
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
    def evolve(self) -> str | MultipleResults[str]:
        """The scheduler works; not a word of the agents' changes."""
        run = self.door.evolve(self.now)
        return run if self.notice_run(run) else NOTHING

    @rule(target=runs, run=runs, partial=st.booleans())
    def undo(self, run: str, partial: bool) -> str | MultipleResults[str]:
        """A run, or the undoing of one, is taken back."""
        try:
            undo = self.door.undo(self.now, run, partial=partial)
        except ChangedSinceError:
            assert not partial
            return NOTHING
        return undo if self.notice_run(undo) else NOTHING

    @rule(
        as_of=moments,
        known_at=moments,
        namespace=st.sampled_from(NAMESPACES),
        tag=st.sampled_from((None, "red")),
    )
    def look(self, as_of: At | None, known_at: At | None, namespace: str, tag: str | None) -> None:
        """At a moment that matters, or right beside it."""
        look = self.look_at(as_of, known_at)
        self.compare(look, namespace, tag)
        self.compare_readings(look)

    @precondition(lambda self: len(self.model.notes) > 1)
    @rule(namespace=st.sampled_from(NAMESPACES))
    def look_from_everywhere(self, namespace: str) -> None:
        """Each moment as known now, and as memory was at each."""
        found = sorted({at + off * TICK for at in self.moments() for off in (-1, 0)})
        for at in found[:: -(-len(found) // MOST)]:
            self.compare(Look(now=self.now, as_of=at), namespace, None)
            self.compare(Look(now=self.now, known_at=at), namespace, None)

    @rule(as_of=moments, known_at=moments, note=notes, which=picks)
    def ask(self, as_of: At | None, known_at: At | None, note: str, which: int) -> None:
        """For a word that was said sometime."""
        look, said = self.look_at(as_of, known_at), self.model.notes[note].said
        word = word_of(said[which % len(said)])
        there = self.model.listed(look, SEARCHED["proj"], lambda _: True)
        contents = {note_id: seen.saying.content for note_id, seen in there.items()}
        found = self.door.ask(look, word)
        # What a superseded note told besides comes behind the newer one, but in no look back, where
        # the state tells that a note was superseded since.
        over = [one for one in found if one.view.state and not look.back]
        answered = {one.note_id: one.view.content for one in found if one not in over}
        assert all(one.view.state in ("", "superseded") for one in found)
        assert contents.keys().isdisjoint(one.note_id for one in over)
        assert {i for i, content in contents.items() if word in content} <= answered.keys()
        assert answered.items() <= contents.items()

    @invariant()
    @precondition(lambda self: self.changed)
    def everything_stands_as_modelled(self) -> None:
        """What stands now, and how it came about."""
        self.changed = False
        for namespace in ("proj", "other"):  # each with what is everywhere
            self.compare(Look(now=self.now), namespace, None)
        self.compare_readings(Look(now=self.now))
