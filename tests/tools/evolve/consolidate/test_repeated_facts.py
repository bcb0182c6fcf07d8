"""A fact that several episodes tell alike is offered as one standing note."""

from collections.abc import Sequence

import pytest
from tests.tools.conftest import Desk, notes

from zettel.storage.notes import PROPOSED_FACT

IN_LYON = (
    "Ana lives in Lyon",
    "Lunch was late since the train was late and the sauce had burnt. Ana lives in Lyon, she says",
    "Ana still lives in Lyon and likes it there",
)


async def told(desk: Desk, contents: Sequence[str], **arguments: object) -> list[str]:
    """Tell each in a session of its own, a day apart; the ids."""
    ids = list[str]()
    for content in contents:
        desk.later(days=1)
        ids.append(await desk.told(content, session=f"of {desk.now:%d %B}", **arguments))
    await desk.evolve()
    return ids


async def offered(desk: Desk) -> list[str]:
    """Ids of the facts that are offered."""
    return await desk.found(tags=[PROPOSED_FACT])


async def test_a_fact_told_in_three_sessions_is_offered_in_its_plainest_words(
    any_desk: Desk,
) -> None:
    sources = await told(any_desk, IN_LYON)

    [fact] = await any_desk.memory.store.get(await offered(any_desk))

    assert (fact.kind, fact.content) == ("semantic", "Ana lives in Lyon")
    assert {(link.to, link.relation) for link in fact.links} == {
        (i, "derived_from") for i in sources
    }
    assert [n.content for n in await any_desk.memory.store.get(sources)] == list(IN_LYON)


async def test_an_offered_fact_is_no_answer_until_somebody_keeps_it(desk: Desk) -> None:
    sources = await told(desk, IN_LYON)
    [fact] = await offered(desk)
    assert set(await desk.found(query="Where does Ana live?")) == set(sources)
    [shown] = notes(await desk("recall", tags=["needs-review"]))
    times = f"Told 3 times, from 2026-11-21 to 2026-11-23 ({', '.join(sources)})."
    assert f"{times} Keep it as a fact" in str(shown["settle"])

    await desk("update", note_id=fact, tags=[])
    await desk.evolve()

    assert fact in await desk.found(query="Where does Ana live?")
    assert await offered(desk) == []


@pytest.mark.parametrize(
    "contents",
    [
        IN_LYON[:2],
        ("Ana lives in Lyon", "Ben lives in Lyon", "Cleo lives in Lyon"),
        ("Ana lives in Lyon", "Does Ana live in Lyon?", "Ana might live in Lyon"),
        (*IN_LYON, "Ana moved to Nantes"),
    ],
    ids=["twice", "of three people", "asked and supposed", "no longer so"],
)
async def test_nothing_is_offered_for_what_was_not_told_often_or_no_longer_holds(
    desk: Desk, contents: Sequence[str]
) -> None:
    await told(desk, contents)

    assert await offered(desk) == []


async def test_what_was_told_three_times_in_one_session_is_not_offered(desk: Desk) -> None:
    for content in IN_LYON:
        await desk.told(content, session="one evening")
    await desk.evolve()

    assert await offered(desk) == []


async def test_a_fact_that_stands_is_not_offered(desk: Desk) -> None:
    await desk.told("Ana lives in Lyon.", kind="semantic", subject="Ana")

    await told(desk, IN_LYON)

    assert await offered(desk) == []


async def test_an_offer_goes_when_another_value_is_told(desk: Desk) -> None:
    await told(desk, IN_LYON)
    assert await offered(desk) != []

    await told(desk, ["Ana moved to Nantes in May"])

    assert await offered(desk) == []


async def test_a_refused_fact_is_not_offered_again(desk: Desk) -> None:
    await told(desk, IN_LYON)
    await desk("forget", note_ids=await offered(desk))

    await told(desk, ["Ana lives in Lyon, near the river"])

    assert await offered(desk) == []


async def test_a_second_run_writes_nothing(desk: Desk) -> None:
    await told(desk, IN_LYON)
    [before] = await desk.memory.store.get(await offered(desk))

    await desk.evolve()

    assert await desk.memory.store.get(await offered(desk)) == [before]


@pytest.mark.parametrize(
    ("contents", "offer", "who"),
    [
        (
            ("I live in Lyon.", "I live in Lyon, near the park.", "I live in Lyon and cycle."),
            0,
            "user",
        ),
        (
            (
                "The user works as a glazier.",
                "The user works as a glazier in Porto.",
                "The user works as a glazier, mostly for churches.",
            ),
            0,
            "user",
        ),
        (
            (
                "My doctor is Dr. Salma Orsini on rue Garibaldi.",
                "Dr. Salma Orsini is my doctor.",
                "My doctor is Dr. Salma Orsini, who is back.",
            ),
            1,
            "user",
        ),
        (
            (
                "Ich wohne in Fürth.",
                "Ich wohne in Fürth, in der Südstadt.",
                "Ich wohne immer noch in Fürth.",
            ),
            0,
            "user",
        ),
        (
            (
                "Madame Petit habite à Nantes.",
                "Madame Petit habite à Nantes, rue Racine.",
                "Madame Petit habite toujours à Nantes.",
            ),
            0,
            "Petit",
        ),
        (
            (
                "Olek's sister is Agata.",
                "Olek's sister Agata called about the key.",
                "Agata is the sister of Olek.",
            ),
            0,
            "Olek",
        ),
    ],
)
async def test_a_fact_told_without_subject_or_in_another_language_is_offered(
    any_desk: Desk, contents: Sequence[str], offer: int, who: str
) -> None:
    sources = await told(any_desk, contents)

    [fact] = await any_desk.memory.store.get(await offered(any_desk))

    assert (fact.content, fact.subject) == (contents[offer], who)
    assert {link.to for link in fact.links} == set(sources)
    assert fact.valid_from == max(n.happened_at for n in await any_desk.memory.store.get(sources))


@pytest.mark.parametrize(
    "contents",
    [
        ("Ana said “I live in Lyon”.", "Ana: I live in Lyon.", "'I live in Lyon', wrote Ben."),
        ("Do I live in Lyon?", "I wish I lived in Lyon.", "I might live in Lyon one day."),
        ("Ich wohne nicht in Fürth.", "Wohne ich in Fürth?", "Wenn ich in Fürth wohne, gut."),
        (
            "Frau Ott wohnt in Fürth.",
            "Frau Ott wohnt in Fürth, am Bahnhof.",
            "Frau Ott wohnt noch in Fürth.",
            "Frau Ott ist nach Hof umgezogen.",
        ),
        ("Olek's sister is Agata.", "Olek's sister is Ewa.", "Olek's sister is Maja."),
    ],
    ids=["said by others", "asked and wished", "denied in German", "ended", "three sisters"],
)
async def test_what_others_say_of_themselves_or_what_is_not_so_is_not_offered(
    desk: Desk, contents: Sequence[str]
) -> None:
    await told(desk, contents)

    assert await offered(desk) == []


async def test_the_first_person_of_an_assistant_is_not_the_user(desk: Desk) -> None:
    await told(desk, ["I live in Lyon.", "I live in Lyon, near you."], subject="assistant")
    await told(desk, ["I live in Lyon, said the bot."], subject="assistant")

    assert await offered(desk) == []
