"""A question about the past of what has changed since is answered with the call that tells it."""

import re
from datetime import UTC, datetime

import pytest
from tests.tools.conftest import Desk, notes


async def ask_as_told(desk: Desk, answer: dict[str, object]) -> list[str]:
    """What the call in an answer's reason finds."""
    found = re.search(r'recall\(query="(.+)", as_of="(.+)"\)', str(answer["reason"]))
    assert found
    then = await desk("recall", query=found[1], as_of=found[2])
    return [str(note["content"]) for note in notes(then)]


@pytest.mark.parametrize(
    "question",
    ["What was the rent before?", "How high was the rent originally?", "What rent in July 2026?"],
)
async def test_an_updated_note_says_how_to_read_what_it_said_before(
    desk: Desk, question: str
) -> None:
    rent = await desk.told("The rent is 900 euros", happened_at="2026-06-01")
    for other in ("Ben repairs clocks", "Lunch is soup", "The lake froze"):
        await desk.told(other)
    await desk("update", note_id=rent, content="The rent is 980 euros", happened_at="2026-11-01")

    answer = await desk("recall", query=question)

    assert answer["verdict"] == "uncertain"
    assert (await ask_as_told(desk, answer))[0] == "The rent is 900 euros"


async def test_the_call_for_what_was_so_asks_among_the_same_notes(desk: Desk) -> None:
    asked = {"namespace": "shop", "tags": ["costs"]}
    rent = await desk.told("The rent is 900 euros", happened_at="2026-06-01", **asked)
    await desk.told("The rent is low for Lyon", happened_at="2026-06-01")
    await desk("update", note_id=rent, content="The rent is 980 euros", happened_at="2026-11-01")

    answer = await desk("recall", query="What was the rent before?", **asked)

    assert 'tags=["costs"], namespace="shop", as_of="' in str(answer["reason"])


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Did the shop ever use Redis as a cache?", True),
        ("Has the shop had Redis for its cache?", True),
        ("Does the shop use Redis as its cache?", False),
        ("Did the shop ever use Valkey as a cache?", False),
        ("Did the shop ever use Memcached as a cache?", False),
    ],
)
async def test_whether_something_ever_was_is_answered_from_before_the_update(
    desk: Desk, question: str, *, told: bool
) -> None:
    cache = await desk.told("The shop's cache is Redis 7", happened_at="2026-06-01")
    await desk.told("Ben repairs clocks")
    text = "The shop's cache is Valkey 8"
    await desk("update", note_id=cache, content=text, happened_at="2026-11-01")

    answer = await desk("recall", query=question)

    assert ("as_of" in str(answer.get("reason"))) is told
    if told:
        assert (await ask_as_told(desk, answer))[0] == "The shop's cache is Redis 7"


RENT = ("The rent is 900 euros", "The rent is 980 euros")
MIETE = ("Die Miete beträgt 900 Euro", "Die Miete beträgt 980 Euro")


@pytest.mark.parametrize(
    ("told", "question", "first"),
    [
        (RENT, "What was the rent in July 2026?", 0),
        (RENT, "How high was the rent on 3 August?", 0),
        (MIETE, "Wie hoch war die Miete im Juli 2026?", 0),
        (RENT, "What is the rent?", 1),
    ],
)
async def test_a_dated_question_is_answered_by_what_stood_then(
    desk: Desk, told: tuple[str, str], question: str, first: int
) -> None:
    old = await desk.told(told[0], happened_at="2026-06-01")
    link = {"to": old, "relation": "supersedes"}
    await desk.told(told[1], happened_at="2026-11-01", links=[link])

    answer = await desk("recall", query=question)

    assert notes(answer)[0]["content"] == told[first]
    assert answer["verdict"] == "found"


async def test_of_a_pair_that_nobody_settled_the_one_that_stood_then_comes_first(
    desk: Desk,
) -> None:
    old = await desk.told("Billing runs on Postgres 15", happened_at="2026-11-10")
    desk.now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    new = await desk.told("What Postgres billing did run on: moved from Postgres 15 to Postgres 17")
    for other in ("Ben repairs clocks", "Lunch is soup", "The lake froze"):
        await desk.told(other)
    await desk.evolve()
    [note] = await desk.memory.store.get([new])
    assert (old, "may_supersede") in [(link.to, link.relation) for link in note.links]
    desk.now = datetime(2026, 11, 30, 12, tzinfo=UTC)

    then = await desk.found(query="Which Postgres did billing run on on 12 November?")
    today = await desk.found(query="Which Postgres does billing run on?")

    assert (then[0], today[0]) == (old, new)


@pytest.mark.parametrize(
    ("time", "verdict"), [("in May 2026", "uncertain"), ("on 20 November 2026", "found")]
)
async def test_before_it_was_told_and_once_it_was_replaced_a_note_does_not_stand(
    desk: Desk, time: str, verdict: str
) -> None:
    old = await desk.told(RENT[0], happened_at="2026-06-01")
    link = {"to": old, "relation": "supersedes"}
    await desk.told(RENT[1], happened_at="2026-11-01", links=[link])
    desk.now = datetime(2026, 12, 20, 12, tzinfo=UTC)

    answer = await desk("recall", query=f"What was the rent {time}?")

    assert notes(answer)[0]["content"] == RENT[1]
    assert answer["verdict"] == verdict


@pytest.mark.parametrize(
    ("edit", "question"),
    [
        (
            {"content": "The rent is 980 euros", "happened_at": "2026-06-01"},
            "What was the rent before?",
        ),
        ({"tags": ["flat"], "happened_at": "2026-11-01"}, "What was the rent before?"),
        ({"content": "The rent is 980 euros", "happened_at": "2026-11-01"}, "What is the rent?"),
        (
            {"content": "The rent is 980 euros", "happened_at": "2026-11-01"},
            "What was the rent in May 2026?",
        ),
        (
            {"content": "The rent is 980 euros", "happened_at": "2026-11-01"},
            "What is the first rent I pay?",
        ),
    ],
    ids=[
        "it was never true",
        "it said the same",
        "asked for now",
        "nothing was told of then",
        "an order is asked for",
    ],
)
async def test_no_past_is_offered_where_there_is_none(
    desk: Desk, edit: dict[str, object], question: str
) -> None:
    rent = await desk.told("The rent is 900 euros", happened_at="2026-06-01")
    await desk("update", note_id=rent, **edit)

    answer = await desk("recall", query=question)

    assert "as_of" not in str(answer.get("reason"))


async def test_a_note_that_names_the_past_time_answers_though_it_superseded_one(
    desk: Desk,
) -> None:
    old = await desk.told("The returns portal is at 50 percent", happened_at="2026-11-10")
    release = "Deployed a release on 18 November with the returns portal at 100 percent"
    new = await desk.told(release, links=[{"to": old, "relation": "supersedes"}])

    answer = await desk("recall", query="Which release did we deploy on 18 November?")

    assert notes(answer)[0]["note_id"] == new
    assert "reason" not in answer


PRINTERS = ("Brother", "Canon", "Xerox")


async def tell_printers(desk: Desk) -> None:
    """Three printers, each of which took the place of the one before."""
    before = ""
    for month, printer in zip((1, 4, 8), PRINTERS, strict=True):
        links = [{"to": before, "relation": "supersedes"}] if before else []
        before = await desk.told(
            f"The office printer is a {printer}",
            subject="printer",
            happened_at=f"2026-{month:02}-10",
            links=links,
        )


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Which printer did the office have in February 2026?", "Brother"),
        ("Which printer, a Canon or another, did the office have in February 2026?", "Brother"),
        ("Which printer did the office have in May 2026?", "Canon"),
        ("Which printer did we have in February 2026?", "Brother"),
        ("Which printer did the office have before the Canon?", "Brother"),
        ("Which printer did the office have before the Xerox?", "Canon"),
        ("Which printer did the office have before the Xerox v2.0 came?", "Canon"),
        ("Welchen printer hatte das office früher, vor dem Canon?", "Brother"),
        ("Which printer did the office have at first?", "Brother"),
        ("Which printer did the office have originally?", "Brother"),
        ("Which printer did the office have before?", "Canon"),
        ("Which printer does the office have?", "Xerox"),
    ],
)
async def test_of_several_one_after_the_other_the_one_that_is_meant_comes_first(
    desk: Desk, question: str, first: str
) -> None:
    await tell_printers(desk)

    answer = await desk("recall", query=question)

    assert notes(answer)[0]["content"] == f"The office printer is a {first}"
    assert answer["verdict"] != "nothing_relevant"


@pytest.mark.parametrize(
    ("question", "then"),
    [
        ("When did the backup run originally?", "02:00"),
        ("When did the backup run before 04:00?", "02:00"),
        ("When did the backup run before 05:30?", "04:00"),
        ("When did the backup run before?", "04:00"),
    ],
)
async def test_of_a_note_that_was_updated_twice_the_call_leads_to_what_is_meant(
    desk: Desk, question: str, then: str
) -> None:
    backup = await desk.told("The backup runs at 02:00", happened_at="2026-03-01")
    for month, hour in ((6, "04:00"), (10, "05:30")):
        content, day = f"The backup runs at {hour}", f"2026-{month:02}-01"
        await desk("update", note_id=backup, content=content, happened_at=day)

    answer = await desk("recall", query=question)

    assert (await ask_as_told(desk, answer))[0] == f"The backup runs at {then}"


@pytest.mark.parametrize("query", [{}, {"query": "Which printer did the office have?"}])
async def test_filters_of_a_time_say_how_what_held_then_is_found(
    desk: Desk, query: dict[str, object]
) -> None:
    await tell_printers(desk)
    desk.later(days=1)

    empty = await desk("recall", since="2026-01", until="2026-02", **query)
    assert empty["verdict"] == "nothing_relevant"
    found = re.search(r'pass as_of="(.+)"', str(empty["reason"]))
    assert found
    then = await desk("recall", as_of=found[1], since="2026-01", until="2026-02", **query)
    assert [note["content"] for note in notes(then)] == ["The office printer is a Brother"]

    none = await desk("recall", since="2025-01", until="2025-02", **query)
    assert none["reason"] == "No note matches all the filters."


@pytest.mark.parametrize(
    "question",
    [
        "Did Uwe ever have an exception?",
        "Until when did Uwe have an exception?",
        "Everything about Uwe",
        "Was Uwe exempt on 10 November?",
    ],
)
async def test_what_has_expired_is_not_denied_but_told_where_it_is(
    desk: Desk, question: str
) -> None:
    note_id = await desk.told(
        "Contractor Uwe has an exception from the password policy.",
        happened_at="2026-11-01",
        valid_until="2026-11-15",
    )
    await desk.told("The password policy asks for twelve characters.")

    answer = await desk("recall", query=question)

    assert answer["verdict"] == "uncertain"
    reason = str(answer["reason"])
    assert "A note that holds no longer speaks of Uwe: recall(" in reason
    then = reason.split('as_of="')[1].split('"')[0]
    assert (await desk.found(query=question, as_of=then))[:1] == [note_id]


async def test_what_was_replaced_is_not_denied_by_its_name(desk: Desk) -> None:
    old = await desk.told(
        "Lumen's catalogue is searched by Elastic Cloud.", happened_at="2026-08-01"
    )
    link = {"to": old, "relation": "supersedes"}
    await desk.told("Typesense does the search.", happened_at="2026-11-05", links=[link])
    for other in ("Ben repairs clocks", "Lunch is soup", "The lake froze"):
        await desk.told(other)

    answer = await desk("recall", query="Did the clocks ever run on Elastic?")

    assert (answer["verdict"], "holds no longer" in str(answer["reason"])) == ("uncertain", True)
    assert "Elastic" in (await ask_as_told(desk, answer))[0]


async def test_of_filters_that_only_a_note_passes_which_has_expired_that_is_said(
    desk: Desk,
) -> None:
    await desk.told("Uwe is exempt.", happened_at="2026-11-01", valid_until="2026-11-15")

    answer = await desk("recall", since="2026-11-01", until="2026-11-10")

    assert 'but one that ended does: pass as_of="2026-11-10' in str(answer["reason"])


async def test_a_name_of_nobody_is_still_said_to_be_unknown(desk: Desk) -> None:
    await desk.told("Uwe is exempt.", happened_at="2026-11-01", valid_until="2026-11-15")
    await desk.told("Nina is on holiday.")

    answer = await desk("recall", query="Did Hubert ever have an exception?")

    assert "holds no longer" not in str(answer["reason"])


async def test_of_two_names_the_one_that_the_past_note_has_is_named(desk: Desk) -> None:
    await desk.told("Uwe has an exception.", happened_at="2026-11-01", valid_until="2026-11-15")
    await desk.told("Hubert drives a red car.", happened_at="2026-11-01")

    answer = await desk("recall", query="Did Hubert and Uwe ever have an exception?")

    assert "speaks of Uwe: recall(" in str(answer["reason"])


@pytest.mark.parametrize("question", ["When is Uwe's birthday?", "Was Uwe exempt on 18 November?"])
async def test_what_a_past_note_does_not_tell_leads_nowhere(desk: Desk, question: str) -> None:
    await desk.told("Uwe is exempt.", happened_at="2026-11-01", valid_until="2026-11-15")
    await desk.told("Uwe drives a red car.", happened_at="2026-11-01")

    answer = await desk("recall", query=question)

    assert "holds no longer" not in str(answer.get("reason"))


async def test_a_note_told_later_that_names_the_time_answers_for_it(desk: Desk) -> None:
    await desk.told("The pager limit is 1 GiB, raised on 12 May", happened_at="2026-05-12")
    desk.now = datetime(2026, 5, 25, 12, tzinfo=UTC)
    week = await desk.told("A page woke Kenji on 22 May: the pager limit raised to 2 GiB")
    await desk.evolve()
    desk.now = datetime(2026, 6, 5, 12, tzinfo=UTC)

    assert (await desk.found(query="Which pager page woke Kenji on 22 May?"))[0] == week
