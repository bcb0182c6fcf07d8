"""Categories 7 and 8: when something happened, and in which order."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from pydantic import JsonValue

from benchmarks.generator import talk
from benchmarks.generator.acts import Act
from benchmarks.generator.records import Category
from benchmarks.generator.story import Story
from benchmarks.generator.words import EVENTS

_DATED = 4
"""Events with a date in their words, of every second person."""
_TAGS: list[JsonValue] = ["event"]
_HALF_DAY = timedelta(hours=12)
"""A session is over by then, and the next begins a day later at the earliest."""
_WHEN = (
    "When was {name}'s {noun}?",
    "On which day did the {noun} of {name} take place?",
    "What is the date of {name}'s {noun}?",
)
_MY_WHEN = (
    "When was my {noun}?",
    "On which day did my {noun} take place?",
    "What is the date of my {noun}?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    document: str
    day: date
    told: datetime
    """When its session begins."""
    past: str
    noun: str


def tell_events(story: Story) -> None:
    """Tell what happened, with dates in words and without: categories 7 and 8."""
    events = story.rng.sample(EVENTS, len(EVENTS))
    for person in story.people[::2]:
        dated = [
            _tell_dated(story, session, person, *events.pop()) for session in story.sessions(_DATED)
        ]
        _ask_when(story, person, dated)
        _ask_window(story, person, dated)
        _ask_beside(story, person, dated)
        _ask_relative(story, person, dated)
    for person in story.people[1::2]:
        _tell_order(story, person, [(e[0], e[1]) for e in (events.pop() for _ in range(6))])


def ask_filter(story: Story) -> None:
    """List the events of a window by the filters alone: exactly those that happened in it."""
    last = len(story.starts) - 2  # what is told late is told in the last session
    first, end = story.sessions(2, last=last)
    since, until = story.starts[first].date(), story.starts[end].date()
    happened = story.happened("event")
    inside = [document for document, day in happened.items() if since <= day <= until]
    if inside:
        story.ask(
            story.recall(
                Category.TEMPORAL,
                "window filter",
                "",
                evidence=inside,
                args={"since": since.isoformat(), "until": until.isoformat(), "tags": _TAGS},
            )
        )


def _tell_dated(story: Story, session: int, person: str, past: str, noun: str) -> _Event:
    told = story.starts[session]
    days = story.rng.choice((1, 3, story.rng.randint(2, 6), 14, story.rng.randint(5, 20)))
    day = told.date() - timedelta(days=days)
    phrases = [f"on {day.day} {day:%B %Y}"]
    phrases += {1: ["yesterday"], 3: ["three days ago"], 14: ["two weeks ago"]}.get(days, [])
    if 2 <= days <= 6:
        phrases.append(f"last {day:%A}")
    when = story.rng.choice(phrases)
    speaker = story.speaker(person)
    who = "I" if story.is_own(person, speaker) else person
    text = story.rng.choice((f"{when[0].upper()}{when[1:]} {who} {past}.", f"{who} {past} {when}."))
    act, document = story.remember(text, speaker, tags=_TAGS)
    story.add(session, [act])
    return _Event(document=document, day=day, told=told, past=past, noun=noun)


def _ask_when(story: Story, person: str, events: list[_Event]) -> None:
    mine = story.style == "assistant" and person == story.people[0]
    for event in events:
        question = story.rng.choice(_MY_WHEN if mine else _WHEN)
        _ask(story, "when", question.format(name=person, noun=event.noun), [event])


def _ask_window(story: Story, person: str, events: list[_Event]) -> None:
    middle = story.rng.choice(events).day
    first = middle - timedelta(days=story.rng.randint(0, 3))
    last = middle + timedelta(days=story.rng.randint(1, 4))
    found = [event for event in events if first <= event.day <= last]
    question = f"What happened to {_named(story, person)} between {_day(first)} and {_day(last)}?"
    _ask(story, "window in words", question, found)


def _ask_beside(story: Story, person: str, events: list[_Event]) -> None:
    ordered = sorted(events, key=lambda event: event.day)
    at = story.rng.randrange(len(ordered) - 1)
    before, after = ordered[at], ordered[at + 1]
    if before.day == after.day:
        return
    who = "I" if _named(story, person) == "me" else person
    _ask(story, "after", f"What did {who} do next after the {before.noun}?", [after])
    _ask(story, "before", f"What did {who} do last before the {after.noun}?", [before])


def _ask_relative(story: Story, person: str, events: list[_Event]) -> None:
    event = story.rng.choice(events)
    asked = event.told + _HALF_DAY
    who = "I" if _named(story, person) == "me" else person
    days = (asked.date() - event.day).days
    same = [other for other in events if other.day == event.day and other.told <= event.told]
    question = (
        f"What did {who} do {days} days ago?" if days > 1 else f"What did {who} do yesterday?"
    )
    _ask(story, "relative", question, same, as_of=asked.isoformat())
    monday = event.day - timedelta(days=event.day.weekday() - 7)
    asked = datetime.combine(monday + timedelta(days=6), time(20), tzinfo=event.told.tzinfo)
    week = [
        other
        for other in events
        if monday - timedelta(days=7) <= other.day < monday and other.told < asked
    ]
    if week:
        _ask(story, "relative", f"What did {who} do last week?", week, as_of=asked.isoformat())


def _tell_order(story: Story, person: str, events: list[tuple[str, str]]) -> None:
    """Three events on their days, one told late that lies between, and two in one second."""
    last = len(story.starts) - 1
    sessions = story.sessions(3, last=last - 1)
    told = [
        _tell_undated(story, session, person, *event)
        for session, event in zip(sessions, events[:3], strict=True)
    ]
    late = _tell_late(story, story.starts[sessions[0]] + _HALF_DAY, person, *events[3])
    [session] = story.sessions(1)
    tied = _tell_tied(story, session, person, events[4:])
    first, second, third = told
    _ask_order(story, "far apart", person, [first, third])
    _ask_order(story, "three", person, told)
    _ask_order(story, "told late", person, [first, late, second])
    _ask_order(story, "same second", person, tied)


def _tell_undated(story: Story, session: int, person: str, past: str, noun: str) -> _Event:
    speaker = story.speaker(person)
    act, document = story.remember(_today(story, person, speaker, past), speaker, tags=_TAGS)
    story.add(session, [act])
    told = story.starts[session]
    return _Event(document=document, day=told.date(), told=told, past=past, noun=noun)


def _tell_late(story: Story, happened: datetime, person: str, past: str, noun: str) -> _Event:
    speaker = story.speaker(person)
    who = "I" if story.is_own(person, speaker) else person
    text = talk.opened(story.rng, f"nobody knows that {who} {past} back then")
    act, document = story.remember(text, speaker, tags=_TAGS)
    story.add(len(story.starts) - 1, [replace(act, happened=happened)])
    return _Event(document=document, day=happened.date(), told=happened, past=past, noun=noun)


def _tell_tied(
    story: Story, session: int, person: str, events: list[tuple[str, str]]
) -> list[_Event]:
    speaker, told = story.speaker(person), story.starts[session]
    acts, tied = list[Act](), list[_Event]()
    for past, noun in events:
        act, document = story.remember(_today(story, person, speaker, past), speaker, tags=_TAGS)
        acts.append(replace(act, at_once=bool(tied)))
        tied.append(_Event(document=document, day=told.date(), told=told, past=past, noun=noun))
    story.add(session, acts)
    return tied


def _ask_order(story: Story, variant: str, person: str, events: list[_Event]) -> None:
    nouns = [f"the {event.noun}" for event in story.rng.sample(events, len(events))]
    whom = _named(story, person)
    listed = f"{', '.join(nouns[:-1])} or {nouns[-1]}"
    question = f"What came first for {whom}, {listed}?"
    if len(nouns) > 2:
        listed = f"{', '.join(nouns[:-1])} and {nouns[-1]}"
        question = f"In which order did these happen to {whom}: {listed}?"
    answer = ", ".join(event.noun for event in events)
    evidence = [event.document for event in events]
    story.ask(story.recall(Category.ORDER, variant, question, answer=answer, evidence=evidence))


def _ask(story: Story, variant: str, question: str, events: list[_Event], **more: str) -> None:
    answer = ", ".join(f"{event.past} ({event.day.isoformat()})" for event in events)
    evidence = [event.document for event in events]
    story.ask(
        story.recall(
            Category.TEMPORAL, variant, question, answer=answer, evidence=evidence, args=more
        )
    )


def _today(story: Story, person: str, speaker: str, past: str) -> str:
    who = "I" if story.is_own(person, speaker) else person
    return talk.opened(story.rng, f"{who} {past} today")


def _named(story: Story, person: str) -> str:
    return "me" if story.style == "assistant" and person == story.people[0] else person


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
