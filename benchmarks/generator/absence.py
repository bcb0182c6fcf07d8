"""Categories 9, 10 and 12: what was never told, what was forgotten, what belongs to others."""

from datetime import timedelta

from pydantic import JsonValue

from benchmarks.generator import talk
from benchmarks.generator.acts import Act
from benchmarks.generator.facts import Told
from benchmarks.generator.plan import Fact, Plan
from benchmarks.generator.records import Category
from benchmarks.generator.slots import Slot
from benchmarks.generator.story import Story
from benchmarks.generator.words import SYLLABLES

_SECRETS = (
    Slot(
        name="clinic",
        values=(),
        own=("I've booked a bed at the {value} sanatorium",),
        about=("{name} has a bed booked at the {value} sanatorium",),
        asked=("Where will {name} get medical treatment?",),
        mine=("Where will I get medical treatment?",),
    ),
    Slot(
        name="savings",
        values=(),
        own=("All I have put aside lies with {value} and Sons",),
        about=("All {name} has put aside lies with {value} and Sons",),
        asked=("At which bank does {name} keep money?",),
        mine=("At which bank do I keep money?",),
    ),
    Slot(
        name="alarm",
        values=(),
        own=("Say {value} at my door and the siren stays quiet",),
        about=("Say {value} at {name}'s door and the siren stays quiet",),
        asked=("What is the code word for {name}'s alarm?",),
        mine=("What is the code word for my alarm?",),
    ),
    Slot(
        name="middle name",
        values=(),
        own=("My passport says {value} between first and last",),
        about=("{name}'s passport says {value} between first and last",),
        asked=("What is {name}'s middle name?",),
        mine=("What is my middle name?",),
    ),
)
"""Four: one each for by id and by query, two for by person."""


def ask_untold(story: Story, other: Story, plan: Plan) -> None:
    """Ask for what nobody told, told of others only, or told elsewhere: category 9.

    Args:
        story: Where it is asked.
        other: Another user's, where the first person of the same name has the untold slot.
        plan: Which slots were left out.
    """
    first, *rest = story.people
    value = other.pick(plan.untold)
    [session] = other.sessions(1)
    other.tell(session, plan.untold, first, value)
    _ask_absent(story, "told in another scope", story.question(plan.untold, first))
    for person in rest[:2]:
        _ask_absent(story, "never told", story.question(plan.untold, person))
    _ask_absent(story, "told of another", story.question(plan.lopsided, first))


def tell_and_forget(story: Story, leaver: str) -> None:
    """Tell secrets, forget them, and ask again and again: categories 9 and 10.

    Args:
        story: Whose first two people have a secret each.
        leaver: Somebody of whom nothing but secrets is told.
    """
    by_id, by_query, *by_person = story.rng.sample(_SECRETS, len(_SECRETS))
    _one_secret(story, "by id", story.people[0], by_id)
    _one_secret(story, "by query", story.people[1], by_query)
    told, linked, forgotten = story.sessions(3)
    tokens = [_token(story) for _ in by_person]
    speaker = leaver if story.style == "dialogue" else story.speaker(leaver)
    documents = [
        story.tell(told, slot, leaver, token, speaker=speaker)
        for slot, token in zip(by_person, tokens, strict=True)
    ]
    beside = _neighbour(story, linked, documents[0])
    # Without a speaker only the words of a note say whom it is about.
    filters: dict[str, JsonValue] = (
        {"subject": leaver} if story.style == "dialogue" else {"query": leaver}
    )
    asked = [story.question(slot, leaver) for slot in by_person]
    asks = [_ask_secret(story, "by person", question, tokens) for question in asked]
    story.add(forgotten, [story.forget(documents, **filters), *asks])
    for slot, token in zip(by_person, tokens, strict=True):
        _ask_again(story, "by person", leaver, slot, token, beside, told)


def tell_apart(story: Story, other: Story, told: dict[Fact, Told]) -> None:
    """Give another user's people of the same names other values, and ask both: category 12."""
    for person in story.people[:2]:
        slot = story.rng.choice([s for p, s in told if p == person])
        value = other.pick(slot)
        [session] = other.sessions(1)
        document = other.tell(session, slot, person, value)
        theirs = Told(document=document, value=value)
        for asked, fact in ((story, told[person, slot]), (other, theirs)):
            question = asked.question(slot, person)
            asked.ask(
                asked.recall(
                    Category.ISOLATION,
                    "equal names",
                    question,
                    answer=fact.value,
                    evidence=(fact.document,),
                )
            )


def _one_secret(story: Story, way: str, person: str, slot: Slot) -> None:
    told, linked, forgotten = story.sessions(3)
    token = _token(story)
    document = story.tell(told, slot, person, token)
    beside = _neighbour(story, linked, document)
    forget = story.forget([document], **({"query": token} if way == "by query" else {}))
    ask = _ask_secret(story, way, story.question(slot, person), [token])
    story.add(forgotten, [forget, ask])
    _ask_again(story, way, person, slot, token, beside, told)


def _ask_again(
    story: Story,
    way: str,
    person: str,
    slot: Slot,
    token: str,
    beside: str,
    told: int,
) -> None:
    """After compaction and restart: in words, by the very word, beside it, and as of then."""
    question = story.question(slot, person)
    then = story.starts[told] + timedelta(hours=12)
    unasked = story.recall(Category.ABSTENTION, "forgotten", question, secrets=[token])
    story.ask(
        unasked,
        _ask_secret(story, f"{way}, exact word", token, [token]),
        _ask_secret(story, f"{way}, beside", "", [token], note_ids=[beside]),
        _ask_secret(story, f"{way}, as of then", question, [token], as_of=then.isoformat()),
    )


def _ask_secret(
    story: Story, variant: str, question: str, tokens: list[str], **more: JsonValue
) -> Act:
    return story.recall(Category.FORGET, variant, question, secrets=tokens, args=more)


def _ask_absent(story: Story, variant: str, question: str) -> None:
    story.ask(story.recall(Category.ABSTENTION, variant, question))


def _neighbour(story: Story, session: int, document: str) -> str:
    """A note with a link to a secret, and nothing of it in its words."""
    speaker = story.speaker(story.people[0])
    text = talk.small_talk(story.rng, questions=False)
    links: list[JsonValue] = [{"to": document, "relation": "supports"}]
    act, beside = story.remember(text, speaker, links=links)
    story.add(session, [act])
    return beside


def _token(story: Story) -> str:
    return "".join(story.rng.sample(SYLLABLES, 3)).capitalize()
