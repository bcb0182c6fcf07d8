"""A plain model of memory: the four verbs over lists of sayings, and what recall must answer.

Nothing here is shared with the product: it is the contract written down a second time, slow and
short. A verb that must refuse raises `No` and leaves everything as it was.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.model.sayings import READABLE, TICK, TRUE_THEN, How, Saying, Seen, State, Story, Tie
from tests.model.words import (
    SUPERSEDES,
    Look,
    No,
    Words,
    dated,
    end_of,
    superseded,
    taking_over,
    unlinked,
)


@dataclass(kw_only=True)
class PlainMemory:
    """All notes of a store."""

    notes: dict[str, Story] = field(default_factory=dict[str, Story])

    def remember(self, note_id: str, namespace: str, words: Words, now: datetime) -> None:
        """A first saying."""
        happened = words.happened or now
        begins = min(happened, now)
        said = Saying(
            known_from=now,
            content=words.content or "",
            subject=words.subject or "",
            tags=words.tags or (),
            happened=happened,
            begins=begins,
            ends=words.ends,
        )
        if said.ends and said.ends <= begins:
            raise No
        if words.link:
            said = replace(said, ties=self._linked(note_id, said, words.link, now))
        self.notes[note_id] = Story(note_id=note_id, namespace=namespace, said=[said])
        self._settle(superseded(said), now)

    def remember_again(self, note_id: str, now: datetime) -> None:
        """Nothing new; what it supersedes is settled as of now."""
        self._settle(superseded(self.notes[note_id].now), now)

    def update(
        self, note_id: str, words: Words, now: datetime, *, expected: int | None = None
    ) -> None:
        """The next saying, if it says anything new."""
        story = self._live(note_id)
        new = self._updated(note_id, story.now, words, now)
        self._add(story, new, now, expected)

    def restore(
        self, note_id: str, rev: int, now: datetime, *, expected: int | None = None
    ) -> None:
        """An earlier saying again: what was said since was never true."""
        story = self._live(note_id)
        if rev > len(story.said):
            raise No
        old, back = story.now, story.said[rev - 1]
        ends = old.ends if State.SUPERSEDED in (old.state, back.state) else back.ends
        new = replace(
            back,
            known_from=old.known_from,
            how=How.NEVER,
            change="restore",
            state=old.state,
            taken_over=old.taken_over if ends == old.ends else None,
            ends=ends,
        )
        self._add(story, new, now, expected)

    def forget(self, note_id: str, now: datetime) -> None:
        """Out of every recall; what it superseded stands again."""
        story = self.notes[note_id]
        if story.now.state is State.FORGOTTEN:
            return
        _say(story, replace(story.now, state=State.FORGOTTEN, how=How.SAME, change="forget"), now)
        self._settle(superseded(story.now), now)

    def bring_back(self, note_id: str, now: datetime) -> None:
        """As it was before it was forgotten, but for who takes its place by now."""
        story = self.notes[note_id]
        if story.now.state is State.FORGOTTEN:
            before = next(s.state for s in reversed(story.said) if s.state is not State.FORGOTTEN)
            _say(story, replace(story.now, state=before, how=How.SAME, change="restore"), now)
            self._settle(superseded(story.now), now)
        self._settle({note_id}, now)

    def evolved(self, note_id: str, change: str, run: str, now: datetime) -> None:
        """A revision that evolution or its undo made: not a word of the agent's is another."""
        story = self.notes[note_id]
        how = How.NEVER if change == "undo" else How.SAME
        _say(story, replace(story.now, how=how, change=change), now, run)

    def listed(
        self, look: Look, namespaces: Iterable[str], having: Callable[[Saying], bool]
    ) -> dict[str, Seen]:
        """Note id -> what recall shows of it, newest first."""
        found = dict[str, Seen]()
        for note_id, story in self.notes.items():
            seen = _shown(story, look)
            if seen and story.namespace in set(namespaces) and having(seen.saying):
                found[note_id] = seen
        order = sorted(found, key=lambda i: (found[i].saying.happened, i), reverse=True)
        return {note_id: found[note_id] for note_id in order}

    def read(self, look: Look, note_id: str) -> Seen | None:
        """What recall shows of a note that it is asked for by id."""
        story = self.notes[note_id]
        if look.as_of:
            return story.about(look.as_of, look.known_at, READABLE)
        seen = story.standing(look.known_at)
        return seen if seen and seen.saying.state in READABLE else None

    def links(self, look: Look, note_id: str) -> set[tuple[str, str]]:
        """The other note and the relation of every link a note is shown with."""
        at = look.moment if look.back else None
        shown = {i for i in self.notes if self.read(look, i)}
        said = {i: seen.saying for i in shown if (seen := self.notes[i].standing(look.known_at))}
        ties = {i: [tie for tie in last.ties if tie.stood(at)] for i, last in said.items()}
        own = {(tie.to, tie.relation) for tie in ties.get(note_id, ()) if tie.to in shown}
        here = {
            (other, f"{tie.relation} (from)")
            for other, theirs in ties.items()
            for tie in theirs
            if tie.to == note_id
        }
        return own | here

    def _live(self, note_id: str) -> Story:
        if self.notes[note_id].now.state is State.FORGOTTEN:
            raise No
        return self.notes[note_id]

    def _updated(self, note_id: str, old: Saying, words: Words, now: datetime) -> Saying:
        new_words = words.content not in (None, old.content)
        over = old.state is not State.ACTIVE and words.happened is None
        happened = words.happened or old.happened
        if new_words and not over and not words.correction:
            happened = words.happened or now
        never = words.correction or (over if new_words else happened != old.happened)
        world = new_words and not never
        begins = old.begins
        if world or (happened != old.happened and happened <= now):
            begins = min(happened, now)
        ends = None if words.endless else end_of(words, old)
        new = replace(
            old,
            how=How.NEVER if never else How.WORLD if world else How.SAME,
            change="correct" if never else "update",
            content=words.content if words.content is not None else old.content,
            subject=words.subject if words.subject is not None else old.subject,
            tags=words.tags if words.tags is not None else old.tags,
            happened=happened,
            begins=begins,
            ends=ends,
            taken_over=old.taken_over if ends == old.ends else None,
            ties=old.ties
            if not never
            else tuple(dated(t, old, happened, begins) for t in old.ties),
        )
        if words.unlink:
            ended = min(happened, now) if words.happened and words.content is not None else now
            new = replace(new, ties=unlinked(new.ties, words.unlink, ended, never=words.correction))
        if words.link:
            new = replace(new, ties=self._linked(note_id, new, words.link, now))
        told = (new.until, new.begins) != (old.until, old.begins)
        if told and new.until and new.until <= new.begins:
            raise No
        return new

    def _linked(
        self, note_id: str, said: Saying, link: tuple[str, str], now: datetime
    ) -> tuple[Tie, ...]:
        to, relation = link
        if to == note_id or self.notes[to].now.state is State.FORGOTTEN:
            raise No
        twins = [tie for tie in said.ties if (tie.to, tie.relation) == link]
        if any(tie.stood(None) for tie in twins):
            return said.ties
        if relation == SUPERSEDES:  # put in again, it had never ended
            others = [tie for tie in said.ties if tie not in twins]
            return (*others, Tie(to=to, relation=relation, begins=said.happened))
        return (*said.ties, Tie(to=to, relation=relation, begins=now if twins else said.begins))

    def _check_circle(self, note_id: str, new: Saying) -> None:
        ahead, seen = superseded(new), set[str]()
        while ahead:
            seen |= ahead
            ahead = {i for at in ahead for i in superseded(self.notes[at].now)} - seen
        if note_id in seen:
            raise No

    def _add(self, story: Story, new: Saying, now: datetime, expected: int | None) -> None:
        old = story.now
        if _words(new) == _words(old):
            # Sent again, it finishes what may have been cut off.
            self._settle([story.note_id] if old.until else [], now)
            return
        if expected is not None:
            since = story.said[expected:]
            if expected > len(story.said) or not all(saying.run for saying in since):
                raise No
        if superseded(new) - superseded(old):
            self._check_circle(story.note_id, new)
        _say(story, new, now)
        turned = {tie.to for tie in taking_over(new) ^ taking_over(old)}
        self._settle([*turned, *([story.note_id] if old.until or new.until else [])], now)

    def _settle(self, note_ids: Iterable[str], now: datetime) -> None:
        """Close what another note takes the place of, and open what none does any more.

        What a forgotten one has superseded follows who takes the place of that.
        """
        for note_id in sorted(self._with_those_behind(note_ids)):
            story = self.notes[note_id]
            old = story.now
            if old.state not in TRUE_THEN:
                continue
            first = self._taken_over(note_id)
            closed = first is not None and first <= now
            new = replace(
                old,
                how=How.SAME,
                change="revive" if first is None else "supersede",
                taken_over=first,
                state=State.SUPERSEDED if closed else State.ACTIVE,
            )
            # A clock that was set back opens nothing that has ended by then.
            ended = first is not None and old.state is State.SUPERSEDED
            if new.until != old.until or (new.state is not old.state and not ended):
                _say(story, new, now)

    def _with_those_behind(self, note_ids: Iterable[str]) -> set[str]:
        found, ahead = set[str](), set(note_ids)
        while ahead:
            found |= ahead
            gone = (i for i in ahead if self.notes[i].now.state is State.FORGOTTEN)
            ahead = {to for i in gone for to in superseded(self.notes[i].now)} - found
        return found

    def _takes_places(self, note_id: str) -> bool:
        """Whether a note is not forgotten, or one of its namespace takes its place and places."""
        own = self.notes[note_id]
        if own.now.state is not State.FORGOTTEN:
            return True
        return any(
            self._takes_places(other.note_id)
            for other in self.notes.values()
            if note_id in superseded(other.now) and other.namespace == own.namespace
        )

    def _taken_over(self, note_id: str) -> datetime | None:
        return min(
            (
                tie.begins
                for story in self.notes.values()
                if self._takes_places(story.note_id)
                for tie in story.now.ties
                if tie.to == note_id and tie.relation == SUPERSEDES and tie.stood(None)
            ),
            default=None,
        )


def _shown(story: Story, look: Look) -> Seen | None:
    """What stands now needs no clock to have begun: the clock may have been set back."""
    if look.back:
        return story.about(look.moment, look.known_at)
    seen = story.standing(None)
    unasked = seen and seen.saying.state is State.ACTIVE and not seen.saying.over(look.now)
    return seen if unasked else None


def _say(story: Story, new: Saying, now: datetime, run: str = "") -> None:
    known_from = max(now, story.now.known_from + TICK)
    story.said.append(replace(new, known_from=known_from, run=run))


def _words(said: Saying) -> Mapping[str, object]:
    """What two sayings must share for the later one to say nothing new."""
    return {
        "words": (said.content, said.subject, said.tags, said.kind),
        "times": (said.happened, said.begins, said.ends),
        "links": frozenset(said.ties),
        "state": said.state,
    }
