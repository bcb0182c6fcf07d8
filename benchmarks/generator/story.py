"""One conversation in the making: who takes part, what is told in which session, what is asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random

from pydantic import JsonValue

from benchmarks.generator import talk
from benchmarks.generator.acts import Act, timed
from benchmarks.generator.records import (
    Category,
    Forgetting,
    Operation,
    Query,
    Stated,
    Style,
    Telling,
)
from benchmarks.generator.slots import Slot

USER, ASSISTANT = "user", "assistant"
_ELLIPTIC_SHARE = 0.25
"""Of the one-step facts of a dialogue, the share told by a mere word after a question."""
_ASKING_SHARE = 0.4
"""Of what a user tells an assistant, the share that ends in a request."""
_SHOWN: dict[str, JsonValue] = {"limit": 20, "max_tokens": 32_000}
"""The deepest figure is at 20, and none is about the budget."""
_IN_FULL = (Category.SINGLE_HOP, Category.ABSTENTION, Category.FORGET)
"""Asked for with `detail="full"`: for the scores, and for everything that could leak."""


@dataclass(slots=True, kw_only=True)
class Story:
    """A conversation that is being written. Its methods add to it; `lay_out` ends it."""

    name: str
    """The namespace."""
    style: Style
    people: tuple[str, ...]
    """The user of an assistant is the first."""
    starts: tuple[datetime, ...]
    """When each session begins; at least a day apart."""
    rng: Random
    values: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Slot -> values that nobody has yet; shared by stories that must not collide."""
    used: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Slot -> values that somebody has."""
    stated: dict[str, Stated] = field(default_factory=dict[str, Stated])
    """What each document says of whom."""
    _sessions: list[list[list[Act]]] = field(init=False)
    _after: list[Act] = field(default_factory=list[Act], init=False)
    _told: set[str] = field(default_factory=set[str], init=False)
    _asked: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._sessions = [[] for _ in self.starts]

    def pick(self, slot: Slot) -> str:
        """A value of the slot that nobody has yet."""
        if slot.name not in self.values:
            self.values[slot.name] = self.rng.sample(slot.values, len(slot.values))
        value = self.values[slot.name].pop()
        self.used.setdefault(slot.name, []).append(value)
        return value

    def sessions(self, count: int, *, first: int = 0, last: int | None = None) -> list[int]:
        """That many different sessions in their order, from `first` up to `last`."""
        end = len(self.starts) if last is None else last + 1
        return sorted(self.rng.sample(range(first, end), count))

    def speaker(self, person: str, *, own: float = 0.7) -> str:
        """Who tells of a person: the person with that probability, where people talk."""
        if self.style == "notes":
            return ""
        if self.style == "assistant":
            return USER
        if person in self.people and self.rng.random() < own:
            return person
        return self.rng.choice([p for p in self.people if p != person])

    def is_own(self, person: str, speaker: str) -> bool:
        """Whether a speaker tells of a person in the first person."""
        return speaker == person or (speaker == USER and person == self.people[0])

    def fact(
        self, slot: Slot, person: str, value: str, speaker: str, *, plain: bool = False
    ) -> str:
        """One of the ways to tell a fact; plainly, or else perhaps in passing."""
        templates = slot.about
        if slot.own and self.is_own(person, speaker):
            templates = (*slot.own, slot.aside) if slot.aside and not plain else slot.own
        sentence = self.rng.choice(templates)
        return talk.opened(self.rng, sentence.format(name=person, value=value))

    def question(self, slot: Slot, person: str, templates: Sequence[str] = ()) -> str:
        """One of the ways to ask for a slot; a user asks for the own one by "I"."""
        if not templates and slot.mine and self.style == "assistant" and person == self.people[0]:
            return self.rng.choice(slot.mine)
        return self.rng.choice(templates or slot.asked).format(name=person)

    def remember(self, text: str, speaker: str, **more: JsonValue) -> tuple[Act, str]:
        """An act that tells a text, and the document's id; no text is told twice.

        Args:
            text: A text that was told before gets a remark behind it.
            speaker: The note's subject; empty for an agent's note.
            **more: Further arguments of `remember`.
        """
        while text in self._told:
            text = f"{text} {talk.small_talk(self.rng, questions=False)}"
        document = f"{self.name}-d{len(self._told)}"
        self._told.add(text)
        args: dict[str, JsonValue] = {"content": text, "namespace": self.name, **more}
        if speaker:
            args["subject"] = speaker
        return Act(op="remember", args=args, expect=Telling(document=document)), document

    def tell(
        self,
        session: int,
        slot: Slot,
        person: str,
        value: str,
        *,
        speaker: str | None = None,
        elliptic: bool = False,
        plain: bool = False,
        replaces: str = "",
        resembles: str = "",
        **more: JsonValue,
    ) -> str:
        """Tell a fact in a session, and return its document's id.

        Args:
            session: Its number.
            slot: What the fact is about.
            person: Whose slot it is; a project's name for a project's.
            value: The slot's value.
            speaker: Who tells it; None lets the style decide.
            elliptic: Whether it may be told by a mere word after a question.
            plain: Whether it may not be told in passing.
            replaces: The document that it silently contradicts.
            resembles: The document of the same slot and another person.
            **more: Further arguments of `remember`.
        """
        teller = self.speaker(person) if speaker is None else speaker
        before = list[Act]()
        asker = self._asker(person, teller) if elliptic else ""
        if asker and self.rng.random() < _ELLIPTIC_SHARE:
            asked, _ = self.remember(talk.to_you(self.rng.choice(slot.mine)), asker)
            before, text = [asked], self.rng.choice(talk.ELLIPTIC).format(value=value)
        else:
            text = self.fact(slot, person, value, teller, plain=plain)
            if teller == USER and self.rng.random() < _ASKING_SHARE:
                text = f"{text} Now, {talk.request(self.rng)}"
        told, document = self.remember(text, teller, **more)
        self.stated[document] = Stated(person=person, slot=slot.name, value=value)
        expect = Telling(document=document, replaces=replaces, resembles=resembles)
        self.add(session, [*before, replace(told, expect=expect)], slot)
        return document

    def _asker(self, person: str, speaker: str) -> str:
        if not speaker or not self.is_own(person, speaker):
            return ""
        others = [p for p in self.people if p != person]
        return ASSISTANT if speaker == USER else self.rng.choice(others)

    def revise(self, document: str, slot: Slot, person: str, value: str, speaker: str) -> Act:
        """An act that updates a told note; the new document's id is in its `expect`."""
        text = self.fact(slot, person, value, speaker, plain=True)
        told, new = self.remember(text, speaker)
        self.stated[new] = Stated(person=person, slot=slot.name, value=value)
        args: dict[str, JsonValue] = {"note_id": document, "content": told.args["content"]}
        return Act(op="update", args=args, expect=Telling(document=new))

    def forget(self, documents: Sequence[str], **filters: JsonValue) -> Act:
        """An act that forgets documents: by filters, or by their ids where none are given."""
        args: dict[str, JsonValue] = dict(filters) or {"note_ids": list(documents)}
        if filters:
            args["namespace"] = self.name
        return Act(op="forget", args=args, expect=Forgetting(documents=tuple(documents)))

    def recall(
        self,
        category: Category,
        variant: str,
        question: str,
        *,
        answer: str = "",
        evidence: Sequence[str] = (),
        stale: Sequence[str] = (),
        wrong: Sequence[str] = (),
        secrets: Sequence[str] = (),
        args: Mapping[str, JsonValue] | None = None,
    ) -> Act:
        """An act that asks; without evidence there is no answer.

        Args:
            category: Of the twelve.
            variant: What sets it apart within the category.
            question: In plain words; empty for filters or ids alone.
            answer: In words.
            evidence: Documents that answer.
            stale: Documents that were true once.
            wrong: Documents that state what was rejected.
            secrets: Words of forgotten notes.
            args: Further arguments of `recall`.
        """
        query = Query(
            id=f"{self.name}-q{self._asked}",
            conversation=self.name,
            question=question,
            category=category,
            variant=variant,
            answer=answer,
            evidence=tuple(evidence),
            answerable=bool(evidence),
            asked_at="",
            stale=tuple(stale),
            wrong=tuple(wrong),
            secrets=tuple(secrets),
        )
        self._asked += 1
        given: dict[str, JsonValue] = {"namespace": self.name, **_SHOWN, **(args or {})}
        if category in _IN_FULL:
            given["detail"] = "full"
        if question:
            given["query"] = question
        return Act(op="recall", args=given, expect=query)

    def add(self, session: int, acts: Iterable[Act], slot: Slot | None = None) -> None:
        """Put acts into a session, to follow each other; an assistant answers the user's last."""
        acts = list(acts)
        if acts[-1].op == "remember" and acts[-1].args.get("subject") == USER:
            acts.append(self.remember(talk.reply(self.rng, slot), ASSISTANT)[0])
        self._sessions[session].append(acts)

    def ask(self, *acts: Act) -> None:
        """Ask when everything is told, after the restart."""
        self._after += acts

    def notes_in(self, session: int) -> int:
        """How many notes a session tells so far."""
        return sum(act.op == "remember" for acts in self._sessions[session] for act in acts)

    def happened(self, tag: str) -> dict[str, date]:
        """Documents with a tag told in the sessions -> the day each happened."""
        return {
            act.expect.document: (act.happened or start).date()
            for start, chunks in zip(self.starts, self._sessions, strict=True)
            for acts in chunks
            for act in acts
            if isinstance(act.expect, Telling) and act.args.get("tags") == [tag]
        }

    def lay_out(self) -> tuple[list[Operation], list[Act]]:
        """Give every act of the sessions its time.

        Returns:
            The operations in the order of time, and what is to be asked after the restart.
        """
        operations = list[Operation]()
        for number, (start, chunks) in enumerate(zip(self.starts, self._sessions, strict=True)):
            self.rng.shuffle(chunks)
            time = start
            for act in (act for acts in chunks for act in acts):
                if not act.at_once:
                    time += timedelta(seconds=self.rng.randint(60, 180))
                operations.append(timed(act, time, session=f"{self.name}-s{number}"))
        return operations, self._after
