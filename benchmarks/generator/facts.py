"""Categories 1 to 3: what was told once, what takes several notes, what was told bit by bit."""

from dataclasses import dataclass

from benchmarks.generator.links import COLLEAGUE, OF_PROJECT, PROJECT
from benchmarks.generator.plan import Fact, Plan
from benchmarks.generator.records import Category
from benchmarks.generator.slots import HOBBY, Slot
from benchmarks.generator.story import Story

_SINGLE_HOPS = 8
"""Questions a conversation."""
_ASPECTS = 2
"""Slots told of each project."""
_PAIR_PHRASES = ("{name}'s colleague", "the colleague of {name}", "the person {name} works with")
_MY_PAIR_PHRASES = ("my colleague", "the person I work with")
_PROJECT_PHRASES = ("{name}'s project", "the project of {name}", "the undertaking {name} runs")
_MY_PROJECT_PHRASES = ("my project", "the project I run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact that was told once."""

    document: str
    value: str


def tell_facts(story: Story, plan: Plan) -> dict[Fact, Told]:
    """Tell the plain facts, and ask for some: category 1.

    Facts of one slot are told one after the other, so that each but the first looks like the one
    before it without replacing it.
    """
    told = dict[Fact, Told]()
    lopsided = [(person, plan.lopsided) for person in story.people[1:]]
    facts = (*plan.plain, *lopsided)
    for slot in dict.fromkeys(slot for _, slot in facts):
        owners = [person for person, other in facts if other is slot]
        before = ""
        for session, person in zip(story.sessions(len(owners)), owners, strict=True):
            value = story.pick(slot)
            document = story.tell(session, slot, person, value, elliptic=True, resembles=before)
            told[person, slot] = Told(document=document, value=value)
            before = document
    for person, slot in story.rng.sample(sorted(told, key=_order), min(_SINGLE_HOPS, len(told))):
        _ask(story, "", story.question(slot, person), told[person, slot])
    return told


def tell_links(story: Story, plan: Plan, told: dict[Fact, Told]) -> None:
    """Tell who works with whom on what, and ask across: category 2."""
    projects = {person: _tell_project(story, person) for person in story.people}
    for first, second in zip(story.people[::2], story.people[1::2], strict=False):
        [session] = story.sessions(1)
        link = story.tell(session, COLLEAGUE, first, second)
        for asked, other in ((first, second), (second, first)):
            pair = story.question(COLLEAGUE, asked, _phrases(story, asked, colleague=True))
            slot = story.rng.choice([s for p, s in plan.plain if p == other])
            _ask(story, "2 hops", _about(story, slot, pair), told[other, slot], link)
            slot, aspect = story.rng.choice(projects[other].aspects)
            theirs = story.rng.choice((f"{pair}'s project", f"the project of {pair}"))
            through = (link, projects[other].document)
            _ask(story, "3 hops", _about(story, slot, theirs), aspect, *through)
    for person, project in projects.items():
        slot, aspect = story.rng.choice(project.aspects)
        own = story.question(PROJECT, person, _phrases(story, person, colleague=False))
        _ask(story, "2 hops", _about(story, slot, own), aspect, project.document)


def tell_lists(story: Story) -> None:
    """Tell several values of one slot in as many sessions, and ask for all: category 3."""
    for person in story.people[::2]:
        count = story.rng.randint(3, min(5, len(story.starts)))
        values = [story.pick(HOBBY) for _ in range(count)]
        documents = [
            story.tell(session, HOBBY, person, value)
            for session, value in zip(story.sessions(count), values, strict=True)
        ]
        question = story.question(HOBBY, person)
        story.ask(
            story.recall(
                Category.LIST,
                f"{count} values",
                question,
                answer=", ".join(values),
                evidence=documents,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    document: str
    """Tells whose it is."""
    aspects: tuple[tuple[Slot, Told], ...]


def _tell_project(story: Story, person: str) -> _Project:
    name = story.pick(PROJECT)
    [session] = story.sessions(1)
    document = story.tell(session, PROJECT, person, name)
    aspects = list[tuple[Slot, Told]]()
    for slot in story.rng.sample(OF_PROJECT, _ASPECTS):
        value, [session] = story.pick(slot), story.sessions(1)
        aspect = story.tell(session, slot, name, value, speaker=story.speaker(person))
        aspects.append((slot, Told(document=aspect, value=value)))
    return _Project(document=document, aspects=tuple(aspects))


def _phrases(story: Story, person: str, *, colleague: bool) -> tuple[str, ...]:
    if story.style == "assistant" and person == story.people[0]:
        return _MY_PAIR_PHRASES if colleague else _MY_PROJECT_PHRASES
    return _PAIR_PHRASES if colleague else _PROJECT_PHRASES


def _about(story: Story, slot: Slot, whom: str) -> str:
    """A question about somebody who is not named."""
    return story.rng.choice(slot.asked).format(name=whom)


def _ask(story: Story, variant: str, question: str, found: Told, *through: str) -> None:
    category = Category.MULTI_HOP if through else Category.SINGLE_HOP
    evidence = (*through, found.document)
    story.ask(
        story.recall(
            category, variant or "one slot", question, answer=found.value, evidence=evidence
        )
    )


def _order(fact: Fact) -> tuple[str, str]:
    return fact[0], fact[1].name
