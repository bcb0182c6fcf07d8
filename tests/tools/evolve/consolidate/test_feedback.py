"""Feedback that a user gave several times is offered as one rule, and linked to one that stands."""

from collections.abc import Sequence

import pytest
from tests.tools.changes.test_undo import undo
from tests.tools.conftest import Desk, notes

from zettel.storage.notes import PROPOSED_RULE
from zettel.tools.evolve.run import waiting

NO_MOCKS = (
    "No mocks in the tests, use the fake payment server",
    "User wants no mocks in the tests, they should use the fake payment server",
    "Please no mocks in our tests, use the fake payment server",
    "Tests must use the fake payment server, never mocks",
)
IN_OWN_WORDS = (
    (
        "Ask before you delete files.",
        "Never delete a file without asking me first.",
        "You deleted files again without asking; always ask before deleting.",
        "Always ask me first before deleting anything.",
    ),
    (
        "Don't edit files in gen/ by hand.",
        "The gen/ folder must not be edited by hand.",
        "You edited gen/ by hand again.",
    ),
)
OTHER_RULES = (
    (
        "Ask before you rename files.",
        "Ask before you delete files.",
        "Ask before you move files.",
        "Ask before you share files.",
    ),
    (
        "You sent the invoice to Ben again.",
        "You sent an invoice to Ben again.",
        "You sent the invoice to Ben again, thanks.",
    ),
)
MOCKS = "Mocks are fine in the tests, no fake payment server needed"


async def told_in_sessions(desk: Desk, contents: Sequence[str], **arguments: object) -> list[str]:
    """Tell each in a session of its own, a day apart; the ids."""
    ids = list[str]()
    for content in contents:
        desk.later(days=1)
        session = f"session of {desk.now:%d %B}"
        ids.append(await desk.told(content, session=session, **arguments))
    return ids


async def offered(desk: Desk) -> list[str]:
    """Ids of the rules that are offered."""
    return await desk.found(tags=[PROPOSED_RULE])


async def test_feedback_given_four_times_is_offered_as_one_rule_with_its_sources(
    any_desk: Desk,
) -> None:
    told = await told_in_sessions(any_desk, NO_MOCKS)
    await any_desk.evolve()

    [rule] = await any_desk.memory.store.get(await offered(any_desk))

    assert rule.kind == "procedural"
    assert rule.content in NO_MOCKS
    assert {(link.to, link.relation) for link in rule.links} == {(i, "derived_from") for i in told}
    assert [n.content for n in await any_desk.memory.store.get(told)] == list(NO_MOCKS)


@pytest.mark.parametrize("contents", IN_OWN_WORDS, ids=lambda contents: contents[0])
async def test_feedback_given_in_own_words_each_time_is_offered_as_one_rule(
    any_desk: Desk, contents: Sequence[str]
) -> None:
    await told_in_sessions(any_desk, contents)
    await any_desk.evolve()

    [rule] = await any_desk.memory.store.get(await offered(any_desk))

    assert rule.content in contents
    assert "again" not in rule.content


@pytest.mark.parametrize("contents", OTHER_RULES, ids=lambda contents: contents[0])
async def test_rules_that_are_not_one_and_mere_complaints_are_offered_as_none(
    any_desk: Desk, contents: Sequence[str]
) -> None:
    await told_in_sessions(any_desk, contents)
    await any_desk.evolve()

    assert await offered(any_desk) == []


async def test_what_people_say_to_each_other_makes_no_rule(desk: Desk) -> None:
    cheers = ["Never give up, keep pushing!", "Keep pushing and never give up", "Never give up!"]
    for number, cheer in enumerate((*cheers, "Keep pushing, never ever give up")):
        desk.later(days=1)
        session = f"evening {number}"
        await desk.told("How did the race go?", session=session, subject="Ana")
        await desk.told("I came in last. Do you believe that?", session=session, subject="Ben")
        await desk.told(cheer, session=session, subject="Ana")
    await desk.evolve()

    assert await offered(desk) == []


async def test_an_offered_rule_waits_for_an_answer_and_names_the_calls_that_give_it(
    desk: Desk,
) -> None:
    told = await told_in_sessions(desk, NO_MOCKS[:3])
    await desk.evolve()
    [rule] = await offered(desk)

    assert set(await desk.found(query="mocks in payment tests")) == set(told)
    assert await desk.found(tags=["needs-review"]) == [rule]
    [shown] = notes(await desk("recall", tags=["needs-review"]))

    assert f'update(note_id="{rule}", tags=[])' in str(shown["settle"])
    assert f'forget(note_ids=["{rule}"])' in str(shown["settle"])
    assert f"3 times, from 2026-11-21 to 2026-11-23 ({', '.join(told)})." in str(shown["settle"])


async def test_of_many_sources_an_offered_rule_names_the_first(desk: Desk) -> None:
    told = await told_in_sessions(desk, [*NO_MOCKS[:3], NO_MOCKS[0] + ", please"])
    await desk.evolve()

    [shown] = notes(await desk("recall", tags=["needs-review"]))

    assert f"({', '.join(told[:3])}, …)." in str(shown["settle"])


async def test_a_rule_that_is_kept_answers_and_is_no_longer_offered(desk: Desk) -> None:
    told = await told_in_sessions(desk, NO_MOCKS[:3])
    await desk.evolve()
    [rule] = await offered(desk)

    await desk("update", note_id=rule, tags=[])
    await desk.evolve()

    assert await offered(desk) == []
    assert await desk.found(tags=["needs-review"]) == []
    assert await desk.found(kind="procedural") == [rule]
    [kept] = await desk.memory.store.get([rule])
    assert {k.to for k in kept.links if k.relation == "derived_from"} == set(told)
    assert kept.keywords  # evolution reads it now as any other note


async def test_feedback_given_again_is_linked_to_the_rule_that_was_kept(desk: Desk) -> None:
    await told_in_sessions(desk, NO_MOCKS[:3])
    await desk.evolve()
    [rule] = await offered(desk)
    await desk("update", note_id=rule, tags=[])

    [again] = await told_in_sessions(desk, NO_MOCKS[3:])
    await desk.evolve()

    [note] = await desk.memory.store.get([again])
    assert (rule, "supports") in {(link.to, link.relation) for link in note.links}
    assert await offered(desk) == []


async def test_feedback_is_linked_to_a_rule_that_an_agent_told_before(desk: Desk) -> None:
    [rule] = await told_in_sessions(desk, NO_MOCKS[:1], kind="procedural")
    told = await told_in_sessions(desk, NO_MOCKS[1:])
    await desk.evolve()

    found = await desk.memory.store.get(told)

    assert all((rule, "supports") in {(k.to, k.relation) for k in n.links} for n in found)
    assert await offered(desk) == []


async def test_a_refused_rule_is_not_offered_again_however_often_it_is_asked_for(
    desk: Desk,
) -> None:
    await told_in_sessions(desk, NO_MOCKS[:3])
    await desk.evolve()
    [rule] = await offered(desk)

    await desk("forget", note_ids=[rule])
    await told_in_sessions(desk, NO_MOCKS[3:])
    await desk.evolve()

    assert await offered(desk) == []


@pytest.mark.parametrize(
    "contents",
    [
        NO_MOCKS[:2],
        ["No mocks in the tests, use the fake payment server", "We met Ana", "It rains in Ulm"],
        ["The tests ran with mocks", "The tests of the fake server ran", "The server of tests ran"],
    ],
    ids=["too few", "of other things", "nothing is asked for"],
)
async def test_no_rule_is_made_of_what_was_not_asked_for_often(
    desk: Desk, contents: Sequence[str]
) -> None:
    await told_in_sessions(desk, contents)
    await desk.evolve()

    assert await offered(desk) == []


async def test_what_was_said_three_times_on_one_occasion_is_no_rule(desk: Desk) -> None:
    for content in NO_MOCKS[:3]:
        await desk.told(content, session="one")
    await desk.evolve()

    assert await offered(desk) == []


async def test_feedback_that_reverses_an_earlier_one_does_not_count_with_it(desk: Desk) -> None:
    await told_in_sessions(desk, [*NO_MOCKS[:2], MOCKS, NO_MOCKS[2]])
    await desk.evolve()

    assert await offered(desk) == []


async def test_a_rule_is_no_longer_offered_once_the_contrary_is_wanted(desk: Desk) -> None:
    await told_in_sessions(desk, NO_MOCKS[:3])
    await desk.evolve()
    assert await offered(desk)

    await told_in_sessions(desk, [MOCKS])
    await desk.evolve()

    assert await offered(desk) == []


async def test_superseded_feedback_does_not_count(desk: Desk) -> None:
    told = await told_in_sessions(desk, NO_MOCKS[:3])
    links = [{"to": told[0], "relation": "supersedes"}]
    await desk("remember", content="The checkout has no tests any more", links=links)
    await desk.evolve()

    assert await offered(desk) == []


@pytest.mark.parametrize(
    "source", ["https://example.org/page", "mail from a customer", "tool: crawler"]
)
async def test_orders_from_sources_that_are_not_trusted_never_become_a_rule(
    desk: Desk, source: str
) -> None:
    await told_in_sessions(desk, NO_MOCKS, source=source)
    await desk.evolve()

    assert await offered(desk) == []


async def test_one_untrusted_order_does_not_make_up_the_number(desk: Desk) -> None:
    await told_in_sessions(desk, NO_MOCKS[:2])
    await told_in_sessions(desk, NO_MOCKS[2:], source="https://example.org/page")
    await desk.evolve()

    assert await offered(desk) == []


async def test_a_second_run_writes_nothing_and_an_undo_takes_the_offer_back(
    any_desk: Desk,
) -> None:
    await told_in_sessions(any_desk, NO_MOCKS)
    await any_desk.evolve("first")
    before = await any_desk.memory.store.version()

    again = await any_desk.evolve()
    assert (again.changed, again.created, await waiting(any_desk.memory)) == (0, 0, 0)
    assert await any_desk.memory.store.version() == before

    await undo(any_desk, "first")
    await any_desk.evolve()
    assert await offered(any_desk) == []


async def test_the_offer_goes_when_a_source_is_forgotten_and_is_made_anew_of_the_rest(
    desk: Desk,
) -> None:
    told = await told_in_sessions(desk, NO_MOCKS)
    await desk.evolve()
    [rule] = await offered(desk)

    await desk("forget", note_ids=[told[0]])
    assert await offered(desk) == []
    await desk.evolve()

    [anew] = await offered(desk)
    [note] = await desk.memory.store.get([anew])
    assert anew != rule
    assert {link.to for link in note.links} == set(told[1:])


@pytest.mark.parametrize(
    "told",
    [
        [
            "Don't commit before running the linter",
            "Please run the linter before you commit",
            "Never commit without running the linter",
        ],
        ["No adverbs, please", "Avoid adverbs", "Please avoid adverbs"],
        [
            "Leave out the greeting",
            "Please leave the greeting out",
            "Please leave out the greeting",
        ],
        [
            "Answer in bullet points",
            "Please answer in bullet points",
            "Use bullet points to answer",
        ],
    ],
)
async def test_a_wish_is_heard_in_the_negative_in_one_word_and_by_how_it_is_done(
    desk: Desk, told: list[str]
) -> None:
    ids = await told_in_sessions(desk, told)
    await desk.evolve()

    [rule] = await desk.memory.store.get(await offered(desk))
    assert {link.to for link in rule.links} == set(ids)


@pytest.mark.parametrize("told", ["No fever", "Please continue", "No visitors", "Never mind"])
async def test_reports_and_acts_of_the_moment_make_no_rule(desk: Desk, told: str) -> None:
    await told_in_sessions(desk, [told, f"{told}!", f"{told}."])
    await desk.evolve()

    assert await offered(desk) == []


async def test_a_german_user_is_heard_too(desk: Desk) -> None:
    await told_in_sessions(
        desk,
        [
            "Bitte keine Mocks, die Tests sollen den Testserver nehmen",
            "Nutzer will keine Mocks in den Tests, immer den Testserver nehmen",
            "Bitte in den Tests nie Mocks nehmen, immer den Testserver",
        ],
    )
    await desk.evolve()

    assert len(await offered(desk)) == 1
