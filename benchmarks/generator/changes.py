"""Categories 4, 5, 6 and 11: what changed, what contradicts, what held once, what was rejected."""

from dataclasses import replace
from datetime import timedelta

from pydantic import JsonValue

from benchmarks.generator import talk
from benchmarks.generator.acts import Act
from benchmarks.generator.plan import Plan
from benchmarks.generator.records import Category, Stated, Telling
from benchmarks.generator.slots import Slot
from benchmarks.generator.story import ASSISTANT, USER, Story

_MOST_CHANGES = 4
_WRONG = {
    "city": "I have {whose} home down as {value}.",
    "employer": "I have {whose} employer down as {value}.",
    "role": "I have {whose} profession down as {value}.",
    "car": "I have {whose} car down as {value}.",
}
"""What somebody takes for true; an assistant amid a long answer."""
_REJECTION = (
    "No, that is a mix-up.",
    "No, wherever that comes from, it is wrong.",
    "Not at all, that was never so.",
)


def tell_changes(story: Story, plan: Plan) -> None:
    """Change a slot once or several times: categories 4 and 6.

    Half of the people have their note updated; the others get a new one that supersedes it.
    """
    for number, (person, slot) in enumerate(plan.chained):
        changes = story.rng.randint(1, min(_MOST_CHANGES, len(story.starts) - 1))
        sessions = story.sessions(changes + 1)
        speaker = story.speaker(person)
        value, updates = story.pick(slot), number % 2 == 0
        first = story.tell(sessions[0], slot, person, value, speaker=speaker, plain=True)
        documents, values = [first], [value]
        for session in sessions[1:]:
            value = story.pick(slot)
            if updates:
                change = story.revise(first, slot, person, value, speaker)
            else:
                change = _superseding(story, documents[-1], slot, person, value, speaker)
            assert isinstance(change.expect, Telling)
            now = change.expect.document
            variant = "update" if updates else "superseding note"
            story.add(
                session, [change, _current(story, slot, person, value, now, documents, variant)]
            )
            documents, values = [*documents, now], [*values, value]
        _ask_later(story, slot, person, documents, values, updates=updates)
        _ask_back(story, slot, person, sessions, documents, values)


def tell_conflicts(story: Story, plan: Plan) -> None:
    """Tell a new value without a word of the old one: category 5."""
    for person, slot in plan.conflicting:
        older, newer = story.sessions(2)
        speaker, old_value, value = story.speaker(person), story.pick(slot), story.pick(slot)
        old = story.tell(older, slot, person, old_value, speaker=speaker, plain=True)
        new = story.tell(newer, slot, person, value, speaker=speaker, plain=True, replaces=old)
        question = story.question(slot, person)
        answer = f"{value}, formerly {old_value}"
        story.ask(
            story.recall(Category.CONFLICT, "both", question, answer=answer, evidence=(new, old))
        )


def tell_rejections(story: Story, plan: Plan) -> None:
    """Let somebody state a wrong value that is rejected at once: category 11."""
    for person, slot in plan.rejected:
        wrong_value, value = story.pick(slot), story.pick(slot)
        guesser, speaker = _guesser_and_speaker(story, person)
        yours = story.is_own(person, speaker)
        whose = "your" if yours else f"{person}'s"
        guess = _WRONG[slot.name].format(value=wrong_value, whose=whose)
        if guesser == ASSISTANT:
            guess = f"{guess} {talk.reply(story.rng, slot, without=value)}"
        stated, wrong = story.remember(guess, guesser)
        rejection = story.rng.choice(_REJECTION)
        text = f"{rejection} {story.fact(slot, person, value, speaker, plain=True)}"
        rejected, right = story.remember(text, speaker)
        fact = Stated(person=person, slot=slot.name, value=value)
        story.stated |= {right: fact, wrong: replace(fact, value=wrong_value, true=False)}
        [session] = story.sessions(1)
        story.add(session, [stated, rejected], slot)
        question = story.question(slot, person)
        story.ask(
            story.recall(
                Category.INTERFERENCE,
                "rejected",
                question,
                answer=value,
                evidence=(right,),
                wrong=(wrong,),
            )
        )


def _superseding(story: Story, old: str, slot: Slot, person: str, value: str, speaker: str) -> Act:
    links: list[JsonValue] = [{"to": old, "relation": "supersedes"}]
    told, document = story.remember(
        story.fact(slot, person, value, speaker, plain=True), speaker, links=links
    )
    story.stated[document] = Stated(person=person, slot=slot.name, value=value)
    return told


def _current(
    story: Story,
    slot: Slot,
    person: str,
    value: str,
    now: str,
    stale: list[str],
    variant: str,
) -> Act:
    question = story.question(slot, person)
    return story.recall(
        Category.UPDATE, variant, question, answer=value, evidence=(now,), stale=stale
    )


def _ask_later(
    story: Story,
    slot: Slot,
    person: str,
    documents: list[str],
    values: list[str],
    *,
    updates: bool,
) -> None:
    """Once more after the restart; and for the history of an updated note."""
    *old, now = documents
    variant = "update" if updates else "superseding note"
    story.ask(_current(story, slot, person, values[-1], now, old, f"{variant}, later"))
    if updates:
        story.ask(
            story.recall(
                Category.UPDATE,
                "history",
                "",
                answer="; ".join(values),
                evidence=documents,
                args={"note_ids": [documents[0]], "detail": "full"},
            )
        )


def _ask_back(
    story: Story,
    slot: Slot,
    person: str,
    sessions: list[int],
    documents: list[str],
    values: list[str],
) -> None:
    """For each value that held once, on a day half way to the next."""
    for number in range(len(documents) - 1):
        begun, ended = (story.starts[session] for session in sessions[number : number + 2])
        # Sessions last some hours, so that half a day after a start lies between two of them.
        day = begun + max((ended - begun) / 2, timedelta(hours=12))
        question = slot.then.format(name=person, day=f"{day.day} {day:%B %Y}")
        if story.style == "assistant" and person == story.people[0]:
            question = slot.then_mine.format(day=f"{day.day} {day:%B %Y}")
        story.ask(
            story.recall(
                Category.POINT_IN_TIME,
                f"{len(documents) - 1 - number} back",
                question,
                answer=values[number],
                evidence=(documents[number],),
                stale=[d for d in documents if d != documents[number]],
                args={"as_of": day.isoformat()},
            )
        )


def _guesser_and_speaker(story: Story, person: str) -> tuple[str, str]:
    if story.style == "notes":
        return "", ""
    if story.style == "assistant":
        return ASSISTANT, USER
    return story.rng.choice([p for p in story.people if p != person]), person
