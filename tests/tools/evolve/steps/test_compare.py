"""Evolution links what may not both be true, says how to settle it, and settles nothing itself."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, notes, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import OPEN_RELATIONS, Link, Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.changes.undo import undo_run
from zettel.tools.evolve.run import waiting
from zettel.tools.state.memory import Memory

LYON, PARIS, ROME = "Ana lives in Lyon", "Ana has moved to Paris", "Ana lives in Rome now"


async def open_links(desk: Desk, note_id: str) -> list[Link]:
    """The rule's standing guesses in a note."""
    [note] = await desk.memory.store.get([note_id])
    return [link for link in note.links if link.relation in OPEN_RELATIONS and link.stood(None)]


async def told_apart(desk: Desk, *contents: str) -> list[str]:
    """Remember each on a day of its own, then evolve; the ids."""
    ids = list[str]()
    for content in contents:
        ids.append(await desk.told(content))
        desk.later(days=1)
    await desk.evolve()
    return ids


async def test_a_later_value_is_linked_and_both_notes_show_it(desk: Desk) -> None:
    older, younger = await told_apart(desk, LYON, PARIS)

    [link] = await open_links(desk, younger)
    assert (link.to, link.relation, link.made_by) == (older, "may_supersede", "rule")
    shown = await desk("recall", note_ids=[younger])
    assert pick(shown, "notes", 0, "links", 0, "relation") == "may_supersede"
    call = f'update(note_id="{younger}", links=[{{"to": "{older}", "relation": "supersedes"}}])'
    assert call in str(pick(shown, "notes", 0, "links", 0, "reason"))
    shown = await desk("recall", note_ids=[older])
    assert pick(shown, "notes", 0, "links", 0, "relation") == "may_supersede (from)"
    assert PARIS in str(pick(shown, "notes", 0, "links", 0, "line"))


async def test_what_is_open_is_handed_over_until_it_is_settled(desk: Desk) -> None:
    older, younger = await told_apart(desk, LYON, PARIS)
    tagged = await desk.told("the boiler", tags=["needs-review"])

    assert set(await desk.found(tags=["needs-review"])) == {younger, tagged}
    assert "tags" not in notes(await desk("recall", note_ids=[younger]))[0]

    await desk("update", note_id=younger, links=[{"to": older, "relation": "supersedes"}])
    await desk.evolve()

    assert await desk.found(tags=["needs-review"]) == [tagged]


async def test_nothing_is_hidden_and_no_state_is_changed(desk: Desk) -> None:
    told = await told_apart(desk, LYON, PARIS, ROME)

    assert set(await desk.found(query="Where does Ana live?")) == set(told)
    states = [(n.state, n.valid_until) for n in await desk.memory.store.get(told)]
    assert set(states) == {(State.ACTIVE, None)}


async def test_what_may_have_replaced_a_note_comes_right_behind_it_if_that_one_is_asked_for(
    desk: Desk,
) -> None:
    older, younger = await told_apart(desk, "Ana lives in Lyon, in the old town", PARIS)
    for number in range(4):
        await desk.told(f"The old town of Lyon has {number} bridges")

    found = await desk.found(query="old town of Lyon, Ana lives in", limit=3)

    assert found[found.index(older) + 1] == younger


async def test_the_newest_value_comes_first_whatever_its_words(desk: Desk) -> None:
    told = await told_apart(desk, LYON, "Ana resides in Paris", "Ana has settled in Rome")

    assert await desk.found(query="Where does Ana live?") == told[::-1]
    assert await desk.found(query="Where does Ana live?", limit=1) == [told[2]]
    assert await desk.found(query="Does Ana still live in Lyon?", limit=1) == [told[2]]


async def test_what_puts_the_newest_first_shows(desk: Desk) -> None:
    await told_apart(desk, LYON, "Ana resides in Paris")

    answer = await desk("recall", query="Where does Ana live?", detail="full")

    first, second = notes(answer)
    assert pick(first, "signals", "newest")
    assert "may have replaced one below" in str(first["why"])
    assert first["score"] == second["score"]


@pytest.mark.parametrize(
    "query",
    [
        "When did Ana live in Lyon?",
        "Where did Ana live first?",
        "Where did Ana live before?",
        "Where did Ana use to live?",
        "Where did Ana live in May 2020?",
    ],
)
async def test_a_former_value_that_is_asked_for_is_not_behind_its_successor(
    desk: Desk, query: str
) -> None:
    await told_apart(desk, LYON, "Ana resides in Paris")

    answer = await desk("recall", query=query, detail="full")

    assert not any("newest" in str(note["signals"]) for note in notes(answer))


async def test_a_former_value_that_is_asked_for_comes_first_before_anybody_settles(
    desk: Desk,
) -> None:
    older, younger = await told_apart(desk, MYSQL, POSTGRES)

    answer = await desk(
        "recall", query="What held the orders before we switched to Postgres?", detail="full"
    )

    first, second = notes(answer)
    assert (first["note_id"], second["note_id"]) == (older, younger)
    assert pick(first, "signals", "former")
    assert "may have been replaced by one below" in str(first["why"])


@pytest.mark.parametrize(
    ("older", "younger", "query"),
    [
        ("On staging the port is 8443", "In production the port is 9000", "the port on staging"),
        (
            "For Heron the deadline is 3 December",
            "For Kestrel the deadline is 10 January",
            "what's heron's deadline",
        ),
        ("Ana lives in Lyon", "Ana moved to Marketing", "Where does Ana live?"),
        ("Ana drives a Volvo", "Ana drives Tiago to school", "What car does Ana drive?"),
    ],
)
async def test_what_says_less_of_what_is_asked_is_not_put_first(
    desk: Desk, older: str, younger: str, query: str
) -> None:
    await told_apart(desk, older, younger)

    answer = await desk("recall", query=query, detail="full")

    assert not any("newest" in str(note["signals"]) for note in notes(answer))


async def test_a_note_redated_before_the_one_it_may_supersede_is_not_put_first(
    desk: Desk,
) -> None:
    _, younger = await told_apart(desk, LYON, "Ana resides in Paris")
    query = "Where does Ana live?"
    assert "newest" in str(await desk("recall", query=query, detail="full"))

    await desk("update", note_id=younger, happened_at="2019-05-01")

    answer = await desk("recall", query=query, detail="full")
    assert not any("newest" in str(note["signals"]) for note in notes(answer))
    assert [link.to for link in await open_links(desk, younger)]


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        (
            "The user plans a trip to Lisbon with Carla",
            "The trip to Lisbon is cancelled, Carla can't get time off",
        ),
        (  # a month that is over by now
            "The user plans a trip to Lisbon with Carla in June",
            "The trip to Lisbon in June is cancelled, Carla can't get time off",
        ),
        (
            "Diego looks after the contact with the client of Kestrel",
            "Diego is leaving the project; Lucia looks after the contact with the client",
        ),
    ],
)
async def test_what_says_that_a_thing_is_over_comes_before_it_and_marks_it(
    desk: Desk, older: str, younger: str
) -> None:
    old, new = await told_apart(desk, older, younger)

    answer = await desk("recall", query=older)

    assert [note["note_id"] for note in notes(answer)] == [new, old]
    assert pick(answer, "notes", 1, "links", 0) == {"note_id": new, "relation": "superseded_by"}


async def test_what_says_that_another_thing_is_over_marks_nothing(desk: Desk) -> None:
    _, new = await told_apart(
        desk,
        "The user plans a trip to Lisbon with Carla",
        "Rosalia's concert is cancelled; the user plans a trip to Lisbon with Carla",
    )

    answer = await desk("recall", query="the trip to Lisbon")

    assert await open_links(desk, new)
    assert "superseded_by" not in str(answer)


async def test_another_persons_fact_is_not_linked(desk: Desk) -> None:
    _, other = await told_apart(desk, LYON, "Ben has moved to Paris")

    assert await open_links(desk, other) == []


async def test_what_is_told_of_one_day_may_contradict(desk: Desk) -> None:
    older = await desk.told("The rate limit is 100 requests")
    younger = await desk.told("The rate limit is 250 requests")
    await desk.evolve()

    [link] = await open_links(desk, younger)
    assert (link.to, link.relation) == (older, "may_contradict")


async def test_a_negated_statement_is_linked_to_the_one_it_negates(desk: Desk) -> None:
    older, younger = await told_apart(
        desk,
        "The staging server runs behind nginx with two workers",
        "The staging server no longer runs behind nginx with two workers",
    )

    [link] = await open_links(desk, younger)
    assert (link.to, link.relation) == (older, "may_supersede")


async def test_an_older_fact_told_later_is_linked_from_the_younger(desk: Desk) -> None:
    [younger] = await told_apart(desk, PARIS)
    older = await desk.told(LYON, happened_at="2020-05-01")
    await desk.evolve()

    assert [link.to for link in await open_links(desk, younger)] == [older]
    assert await open_links(desk, older) == []


@pytest.mark.parametrize("way", ["supersedes", "contradicts", "forget", "remove", "correct"])
async def test_the_link_of_a_settled_pair_goes_and_stays_away(desk: Desk, way: str) -> None:
    older, younger = await told_apart(desk, LYON, PARIS)

    match way:
        case "forget":
            await desk("forget", note_ids=[older])
        case "remove":
            await desk("update", note_id=younger, links=[{"to": older, "remove": True}])
        case "correct":
            await desk("update", note_id=older, content="Ana likes Lyon", correction=True)
        case relation:
            await desk("update", note_id=younger, links=[{"to": older, "relation": relation}])
    await desk.evolve()

    assert await open_links(desk, younger) == []
    await desk("update", note_id=younger, subject="Ana")  # looked at once more
    await desk.evolve()
    assert await open_links(desk, younger) == []


@pytest.mark.parametrize("relation", ["supersedes", "same_as", "contradicts"])
async def test_a_settled_pair_is_offered_no_more_though_evolution_has_not_run(
    desk: Desk, relation: str
) -> None:
    older, younger = await desk.told(LYON), await desk.told(PARIS)
    assert await desk.found(tags=["needs-review"]) == [younger]

    await desk("update", note_id=younger, links=[{"to": older, "relation": relation}])

    assert await desk.found(tags=["needs-review"]) == []
    assert "may_supersede" not in str(await desk("recall", note_ids=[younger, older]))


async def test_a_question_for_what_comes_is_answered_by_it_right_after_it_was_settled(
    desk: Desk,
) -> None:
    older = await desk.told("The gym opens at 7:00")
    told = await desk("remember", content="The gym opens at 6:00 from 15 December 2030")
    begins = "2030-12-15T00:00:00Z"
    assert f'happened_at="{begins}"' in str(pick(told, "candidates", 0, "settle"))
    links = [{"to": older, "relation": "supersedes"}]

    await desk("update", note_id=told["note_id"], happened_at=begins, links=links)

    asked = "When will the gym open on 20 December 2030?"
    assert (await desk.found(query=asked))[0] == told["note_id"]
    assert (await desk.found(query="When does the gym open?"))[0] == older


async def test_a_change_that_an_agent_proposed_is_open_until_it_is_settled(desk: Desk) -> None:
    older, younger = await desk.told("Bees hum"), await desk.told("The tap drips")
    proposed, settled = ({"to": older, "relation": r} for r in ("may_supersede", "supersedes"))
    await desk("update", note_id=younger, links=[proposed])
    await desk.evolve()
    assert await desk.found(tags=["needs-review"]) == [younger]

    await desk("update", note_id=younger, links=[settled])
    await desk.evolve()

    assert await desk.found(tags=["needs-review"]) == []


async def test_a_forgotten_note_that_comes_back_is_an_open_question_again(desk: Desk) -> None:
    older, younger = await told_apart(desk, LYON, PARIS)
    await desk("forget", note_ids=[older])
    await desk.evolve()

    await desk("forget", note_ids=[older], undo=True)
    await desk.evolve()

    assert [link.to for link in await open_links(desk, younger)] == [older]


async def test_a_link_says_nothing_of_a_note_that_is_forgotten(desk: Desk) -> None:
    older, younger = await told_apart(desk, "Ana works at Zebulon Press", "Ana works at Korvo Labs")

    await desk("forget", note_ids=[older])

    assert "Zebulon" not in str(await desk("recall", note_ids=[younger], detail="full"))


async def test_undoing_the_run_takes_its_links_back_and_the_next_makes_none(desk: Desk) -> None:
    older, younger = await desk.told(LYON), await desk.told(PARIS, happened_at="2027-01-01")
    before = await desk.memory.store.get([older, younger])
    await desk.evolve("r")
    assert await open_links(desk, younger)

    await undo_run(desk.memory, "r", now=desk.now, undo_id="u", who="test", partial=False)

    after = await desk.memory.store.get([older, younger])
    assert [note.links for note in after] == [note.links for note in before]
    assert (await desk.evolve()).changed == 0


async def test_a_note_keeps_its_other_links(desk: Desk) -> None:
    _, younger = await told_apart(
        desk, "Ana lives in the old town of Lyon", "Ana lives in the old town of Bern"
    )

    [note] = await desk.memory.store.get([younger])
    assert {link.relation for link in note.links} >= {"may_supersede", "shares_name"}


PEOPLE, PLACES = st.sampled_from(["Ana", "Ben"]), st.sampled_from(["Lyon", "Bern", "Rome"])
TOLD = st.builds(
    "{} {} {}".format,
    PEOPLE,
    st.sampled_from(["lives in", "moved to", "no longer lives in", "works at"]),
    PLACES,
)
DONE = st.one_of(
    st.tuples(st.just("tell"), TOLD, st.integers(0, 3)),
    st.tuples(
        st.sampled_from(["change", "forget", "back", "supersede", "unlink", "evolve"]),
        TOLD,
        st.integers(0, 3),
    ),
)


async def carry_out(desk: Desk, ids: list[str], what: str, content: str, number: int) -> None:
    """One call of an agent, if there is a note that it can be about."""
    desk.later(days=number)
    if what == "tell" or not ids:
        answer = await desk("remember", content=content)
        ids.append(str(answer["note_id"]))
        return
    note_id, links = ids[number % len(ids)], list[dict[str, object]]()
    [note] = await desk.memory.store.get([note_id])
    match what:
        case "evolve":
            await desk.evolve()
        case "forget":
            await desk("forget", note_ids=[note_id])
        case "back":
            await desk("forget", note_ids=[note_id], undo=True)
        case "change" if note.state is State.ACTIVE:
            await desk("update", note_id=note_id, content=content)
        case "unlink" if note.state is State.ACTIVE:
            standing = {link.to for link in note.links if link.stood(None)}
            links = [{"to": to, "remove": True} for to in sorted(standing)]
        case "supersede" if note.state is State.ACTIVE:
            earlier = (await desk.memory.store.get([min(ids)]))[0]
            if earlier.note_id != note_id and earlier.state is State.ACTIVE:
                links = [{"to": earlier.note_id, "relation": "supersedes"}]
        case _:
            pass
    if links:
        await desk("update", note_id=note_id, links=links)


async def everything(memory: Memory) -> dict[str, Note]:
    """Every current note, in any state."""
    notes = await memory.store.find(NoteFilter(states=()), limit=1_000)
    return {note.note_id: note for note in notes}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(DONE, min_size=2, max_size=8))
async def test_whatever_agents_do_a_second_run_changes_nothing_and_links_lead_to_other_notes(
    done: list[tuple[str, str, int]],
) -> None:
    memory, ids = Memory(store=DictStore(), embedder=HashEmbedder()), list[str]()
    async with opened_desk(memory) as desk:
        for step in done:
            await carry_out(desk, ids, *step)
        said = {i: note.content for i, note in (await everything(memory)).items()}
        await desk.evolve()
        before = await everything(memory)

        second = await desk.evolve()

        assert second.changed == 0
        assert await everything(memory) == before
        assert await waiting(memory) == 0
        assert {i: note.content for i, note in before.items()} == said
        for note in before.values():
            leads = [k.to for k in note.links if k.relation in OPEN_RELATIONS and k.stood(None)]
            assert note.note_id not in leads
            assert len(leads) <= 3
            if note.state is State.ACTIVE:
                assert {before[to].state for to in leads} <= {State.ACTIVE}


MYSQL = "Orders of the shop stand in MySQL on the server. The hosting firm runs it."
POSTGRES = "We switched the orders from MySQL to Postgres on the server of the shop"


async def test_a_change_in_other_words_is_linked_and_the_newer_note_comes_first(desk: Desk) -> None:
    older, younger = await told_apart(desk, MYSQL, POSTGRES)

    [link] = await open_links(desk, younger)
    assert (link.to, link.relation) == (older, "may_supersede")
    assert link.reason == "tells of a change (“switched the orders from”)"
    answer = await desk("recall", query="Where are the orders of the shop?")
    assert [note["note_id"] for note in notes(answer)] == [younger, older]
    assert pick(answer, "notes", 1, "links") == [{"note_id": younger, "relation": "superseded_by"}]
    settle = str(pick(answer, "notes", 0, "links", 0, "reason"))
    assert (
        f'update(note_id="{younger}", links=[{{"to": "{older}", "relation": "supersedes"}}])'
        in settle
    )
    assert f'[{{"to": "{older}", "relation": "may_supersede", "remove": true}}]' in settle


async def test_one_pair_of_an_answer_says_how_it_is_settled_and_every_pair_of_a_list(
    desk: Desk,
) -> None:
    lunch = (
        "Lunch of the shop is at noon in the canteen",
        "Lunch of the shop moved from noon to 1",
    )
    told = await told_apart(desk, MYSQL, lunch[0], POSTGRES, lunch[1])

    asked = await desk("recall", query="Where are the shop's orders, when is lunch of the shop?")
    listed = await desk("recall", tags=["needs-review"])

    assert set(told) <= {str(note["note_id"]) for note in notes(asked)}
    assert str(asked).count("both hold: ") == 1
    assert str(asked).count("'relation': 'superseded_by'") == 2
    assert str(listed).count("both hold: ") == 2


async def test_a_note_changes_one_other_at_most_by_words_of_a_change(desk: Desk) -> None:
    *_, younger = await told_apart(
        desk, MYSQL, "The orders of the shop in MySQL have a nightly backup", POSTGRES
    )

    assert len(await open_links(desk, younger)) == 1


async def test_a_note_that_supersedes_one_is_said_to_change_no_other(desk: Desk) -> None:
    backup = "The orders of the shop in MySQL have a nightly backup"
    orders, _, younger = await told_apart(desk, MYSQL, backup, POSTGRES)
    [link] = await open_links(desk, younger)

    links = [{"to": link.to, "relation": "supersedes"}]
    await desk("update", note_id=younger, links=links)
    await desk.evolve()

    assert link.to == orders
    assert await open_links(desk, younger) == []


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        (
            "The garage takes the blue car at 7:30 one Tuesday in June for its new badge",
            "From June on the early shift begins at 13:00 instead of 13:30, says the new plan",
        ),
        (
            "Releases go out on Mondays, 09:30 to 11:00, since the files of Ostvik come late",
            "Ostvik wants a month of evidence: days to keep raised from 14 to 30",
        ),
        (
            "Flights are booked: back on Tuesday, landing 22:10 from Trauburg, one suitcase each",
            "From this week on the choir no longer meets on Tuesday: yoga has rented the hall",
        ),
    ],
)
async def test_a_number_or_day_in_common_makes_no_note_the_former_state_of_another(
    desk: Desk, older: str, younger: str
) -> None:
    _, new = await told_apart(desk, older, younger)

    assert await open_links(desk, new) == []


async def test_a_document_on_the_same_thing_is_not_changed(desk: Desk) -> None:
    words = " ".join(f"paragraph{number} explains" for number in range(60))
    _, younger = await told_apart(desk, f"{MYSQL} {words}", POSTGRES)

    assert await open_links(desk, younger) == []


async def test_what_is_open_costs_an_answer_nothing_where_it_shows_one_note(desk: Desk) -> None:
    older, younger = await told_apart(desk, MYSQL, POSTGRES)
    query = "Where are the orders of the shop?"

    [first] = notes(await desk("recall", query=query, limit=1))

    assert first["note_id"] == younger
    assert "links" not in first
    [first] = notes(await desk("recall", note_ids=[older]))
    assert POSTGRES[:40] in str(pick(first, "links", 0, "line"))


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("The API listens on port 8080.", "The API listens on port 9090."),
        ("Das Treffen ist am Montag um zehn", "Das Treffen ist am Mittwoch um zehn"),
        ("接口服务监听 8080 端口。", "接口服务监听 9090 端口。"),
    ],
)
async def test_another_value_in_the_same_words_is_named_and_linked(
    desk: Desk, older: str, younger: str
) -> None:
    old = await desk.told(older)
    desk.later(days=1)

    answer = await desk("remember", content=younger)
    await desk.evolve()

    assert pick(answer, "candidates", 0, "note_id") == old
    assert "in the same place" in str(pick(answer, "candidates", 0, "why"))
    [link] = await open_links(desk, str(answer["note_id"]))
    assert (link.to, link.relation) == (old, "may_supersede")


STACK = "The lantern dashboard uses Vite, React 18 and Node 20."


@pytest.mark.parametrize(
    ("younger", "linked"),
    [
        ("The lantern dashboard builds on Node 22 now", True),
        ("The lantern dashboard of the second team uses Node 22", False),
    ],
)
async def test_another_number_of_a_name_is_a_change_where_the_note_tells_of_now(
    desk: Desk, younger: str, linked: bool
) -> None:
    _, new = await told_apart(desk, STACK, younger)

    links = await open_links(desk, new)

    assert [link.reason for link in links] == ["says “node 22”, not “node 20”"] * linked


BRANCH = "Export of invoices is on hold; the branch feat/invoice-pdf stays as it is."
TASK = "Open: write the API docs of /returns before the demo"
HOURS = "The English reading group of Fiona meets on the first Wednesday at 19:00 on the mezzanine"


@pytest.mark.parametrize(
    ("older", "younger", "reason"),
    [
        (BRANCH, "Back on the table: Tobiasz picks up feat/invoice-pdf", "Back on"),
        (TASK, "The API docs of /returns are written and published", "tells that it is done"),
        ("Issue #41: profiles shift by one bin", "#41 closed, with a test", "that it is done"),
        (HOURS, "The English reading group sits in the café, same hour", "same hour"),
        ("Quota of the store: 30 % of it", "The quota of the store is at 80 %", "80 %"),
    ],
)
async def test_a_change_is_linked_by_what_it_names_ends_or_leaves_as_it_was(
    desk: Desk, older: str, younger: str, reason: str
) -> None:
    old, new = await told_apart(desk, older, younger)

    [link] = await open_links(desk, new)

    assert link.to == old
    assert reason in str(link.reason)


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        (BRANCH, "The customers wait and/or call, so it is back on the table"),
        (TASK, "The docs of the API of another team are still to be written"),
        ("Issue #41: profiles shift by one bin", "#42 closed, with a test"),
        ("Ben, with us since 2017, keeps the keys", "Ann has kept the keys since 2009"),
        ("The discount of Sodalis is 36 %", "Loyal readers get 5 % back"),
    ],
)
async def test_no_change_is_linked_by_what_other_notes_may_say_too(
    desk: Desk, older: str, younger: str
) -> None:
    _, new = await told_apart(desk, older, younger)

    assert await open_links(desk, new) == []


async def test_a_named_old_value_is_found_by_its_word_and_the_newer_note_stands_first(
    desk: Desk,
) -> None:
    long = "All orders, invoices and customers of the shop are kept on one server with MySQL"
    old = await desk.told(long)
    for number in range(4):
        await desk.told(f"We went to the shop number {number}")
    desk.later(days=1)

    told = "The shop went from MySQL to Postgres, we switched over"
    answer = await desk("remember", content=told)
    await desk.evolve()
    shown = await desk("recall", query="Where are the orders of the shop kept?")

    assert pick(answer, "candidates", 0, "note_id") == old
    found = [note["note_id"] for note in notes(shown)]
    assert found.index(answer["note_id"]) < found.index(old)
    [older] = [note for note in notes(shown) if note["note_id"] == old]
    assert pick(older, "links", 0, "relation") == "superseded_by"


async def test_a_part_is_not_linked_to_its_whole_or_another_part(desk: Desk) -> None:
    whole = await desk.told("The API listens on port 8080.")
    desk.later(days=1)
    parts = [
        await desk.told(
            f"The API listens on port {port}.", links=[{"to": whole, "relation": "part_of"}]
        )
        for port in (9090, 9091)
    ]

    await desk.evolve()

    assert [await open_links(desk, part) for part in parts] == [[], []]
