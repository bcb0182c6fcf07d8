"""`recall`: by question, by filter, by id, on the whole, page by page, within its budget."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp import Client
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import (
    Desk,
    Refused,
    ids,
    lettered,
    notes,
    opened_desk,
    pick,
    pick_values,
)

from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.language.times import iso
from zettel.tools.recall.modes import CORE_MAX_NOTES
from zettel.tools.state.memory import Memory, Policy
from zettel.tools.trust import TrustRules


async def test_the_note_that_answers_comes_first(desk: Desk) -> None:
    await desk.told("Ben painted the fence", subject="Ben")
    answer = await desk.told("Ana painted a sunrise over the lake", subject="Ana")
    await desk.told("Ana bought milk", subject="Ana")

    assert (await desk.found(query="What sunrise did Ana paint?"))[0] == answer


async def test_an_answer_inherits_the_words_of_its_question(desk: Desk) -> None:
    await desk.told("What did you do at the pottery class?", subject="Ana", session="s")
    reply = await desk.told("A bowl, and it broke!", subject="Ben", session="s")
    await desk.told("My cat sleeps all day long", subject="Ben", session="t")

    assert reply in (await desk.found(query="What did Ben make at the pottery class?"))[:2]


async def test_a_question_is_not_answered_from_another_namespace(desk: Desk) -> None:
    await desk.told("The secret is 42", namespace="theirs")

    answer = await desk("recall", query="secret")

    assert answer["verdict"] == "nothing_relevant"
    assert answer["reason"]


async def test_the_user_namespace_is_searched_along(desk: Desk) -> None:
    note_id = await desk.told("Always answer in French", namespace="user")

    [note] = notes(await desk("recall", query="answer language"))

    assert (note["note_id"], note["namespace"]) == (note_id, "user")


async def test_recall_without_arguments_gives_profile_work_newest_and_names(desk: Desk) -> None:
    core = await desk.told("The user is a botanist", kind="core", namespace="user")
    for number in range(12):
        await desk.told(f"event number {number}", tags=["log"])

    answer = await desk("recall")

    assert ids(answer)[0] == core
    assert len(ids(answer)) == 10
    assert answer["overview"] == {"tags": {"log": 12}, "namespaces": {"proj": 12, "user": 1}}


async def test_open_work_of_earlier_sessions_is_shown_at_the_start_of_a_new_one(
    desk: Desk,
) -> None:
    open_work = await desk.told("Goal: migrate the store", kind="working", session="last week")
    for number in range(20):
        await desk.told(f"event {number}")

    assert open_work in await desk.found()


async def test_a_page_can_be_asked_for_in_another_size_and_detail(desk: Desk) -> None:
    for number in range(15):
        await desk.told(f"lecture {number} on bees")
    page = await desk("recall", query="bees", limit=2)

    rest = await desk("recall", cursor=pick(page, "omitted", "cursor"), limit=5, detail="index")

    assert [set(note) for note in notes(rest)] == [{"note_id", "line"}] * 5


@pytest.mark.parametrize(
    "other", [{"query": "wasps"}, {"subject": "Ana"}, {"tags": ["x"]}, {"namespace": "elsewhere"}]
)
async def test_a_cursor_is_not_taken_for_another_question(
    desk: Desk, other: dict[str, object]
) -> None:
    for number in range(5):
        await desk.told(f"lecture {number} on bees")
    page = await desk("recall", query="bees", limit=2)
    cursor = pick(page, "omitted", "cursor")

    with pytest.raises(Refused, match="Pass the cursor alone"):
        await desk("recall", cursor=cursor, **other)

    rest = await desk("recall", cursor=cursor, query="bees", namespace="proj")
    assert len(notes(rest)) == 2


@pytest.mark.parametrize("asked", [{"query": "bees"}, {"subject": "Ana"}, {"since": "2026"}])
@pytest.mark.parametrize("sizes", [{}, {"max_tokens": 1_000}])
async def test_a_cursor_goes_on_in_the_namespace_it_was_made_for_whoever_passes_it(
    desk: Desk, asked: dict[str, object], sizes: dict[str, object]
) -> None:
    told = {await desk.told(f"lecture {lettered(n)} on bees", subject="Ana") for n in range(5)}
    page = await desk("recall", limit=2, **asked, **sizes)

    async with opened_desk(desk.memory, namespace="elsewhere") as other:
        other.now = desk.now
        rest = await other("recall", cursor=pick(page, "omitted", "cursor"), limit=5)

    assert set(ids(rest)) == told - set(ids(page))


async def test_a_list_whose_last_shown_note_was_erased_does_not_begin_anew(desk: Desk) -> None:
    told = [await desk.told(f"lecture {lettered(n)} on bees", tags=["bees"]) for n in range(5)]
    page = await desk("recall", tags=["bees"], limit=2)
    cursor, last = pick(page, "omitted", "cursor"), ids(page)[-1]

    await desk("forget", note_ids=[last])
    rest = await desk("recall", cursor=cursor, limit=5)
    preview = await desk("forget", note_ids=[last], erase=True)
    await desk("forget", confirm=preview["confirm"])

    assert set(ids(rest)) == {*told} - {*ids(page)}
    assert ids(await desk("recall", cursor=cursor, limit=5)) == ids(rest)


@pytest.mark.parametrize("query", ["\u200b", " \u2060\ufeff\n", "\u00ad"])
async def test_a_question_of_characters_that_are_not_shown_is_none(desk: Desk, query: str) -> None:
    note_id = await desk.told("Ana keeps bees")

    answer = await desk("recall", query=query)

    assert ids(answer) == [note_id]
    assert "overview" in answer


@pytest.mark.parametrize(("given", "shown"), [({"limit": 10}, 10), ({}, 12)])
async def test_a_page_goes_on_in_the_default_size_only_when_that_is_given(
    desk: Desk, given: dict[str, int], shown: int
) -> None:
    for number in range(30):
        await desk.told(f"lecture {number} on bees")
    page = await desk("recall", query="bees", limit=12, detail="index")

    rest = await desk("recall", cursor=pick(page, "omitted", "cursor"), **given)

    assert [set(note) for note in notes(rest)] == [{"note_id", "line"}] * shown


async def test_every_page_goes_on_with_the_limit_of_the_first(desk: Desk) -> None:
    for number in range(120):
        await desk.told(f"lecture {number} on bees")
    page, sizes = await desk("recall", query="bees", limit=50, max_tokens=8_000), list[int]()
    while "omitted" in page:
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"))
        sizes.append(len(notes(page)))

    assert sizes == [50, 20]


async def test_only_notes_that_spoke_for_themselves_are_strengthened(desk: Desk) -> None:
    asked = await desk.told("Which database is in Oslo?", subject="Ana", session="s")
    filler = await desk.told("giraffes sleep standing", subject="Ben", session="s")

    served = await desk.found(query="database in Oslo")
    await desk.memory.usage.flush(desk.memory.store)

    assert served == [asked, filler]
    assert (await desk.memory.store.usage_of(served)).keys() == {asked}


async def test_filters_alone_list_all_matches_newest_first(desk: Desk) -> None:
    told = [await desk.told(f"step {n}", tags=["plan"], happened_at=f"2026-01-0{n}") for n in "312"]
    await desk.told("something else", tags=["other"])

    assert await desk.found(tags=["plan", "unused"]) == [told[0], told[2], told[1]]


async def test_since_and_until_hold_for_when_it_happened_or_was_told(desk: Desk) -> None:
    old = await desk.told("the fire of 1999", happened_at="1999-05-05")
    await desk.told("breakfast", happened_at="2026-11-20")

    assert await desk.found(since="1999", until="1999-05") == [old]
    assert len(await desk.found(since="today")) == 2


async def test_as_of_is_what_relative_times_are_relative_to(desk: Desk) -> None:
    answer = await desk("recall", query="x", since="last month", as_of="2023-05-08")

    assert (answer["as_of"], answer["since"]) == ("2023-05-08T23:59:59Z", "2023-04-01T00:00:00Z")
    assert answer["now"] == iso(desk.now)


async def test_a_filter_that_matches_nothing_names_the_nearest(desk: Desk) -> None:
    await desk.told("a", tags=["gardening"], subject="Caroline")

    tag = await desk("recall", tags=["gardning"])
    subject = await desk("recall", subject="Carolin")
    namespace = await desk("recall", query="a", namespace="pro")

    assert "'gardening'" in str(tag["reason"])
    assert "'Caroline'" in str(subject["reason"])
    assert "'proj'" in str(namespace["reason"])


async def test_ids_read_notes_of_any_namespace_and_name_the_missing(desk: Desk) -> None:
    note_id = await desk.told("far away", namespace="elsewhere")
    missing = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

    answer = await desk("recall", note_ids=[note_id.lower(), missing])

    assert ids(answer) == [note_id]
    assert missing in str(answer["reason"])


async def test_a_forgotten_note_is_told_apart_from_one_that_never_was(desk: Desk) -> None:
    shown, forgotten = await desk.told("Ana keeps bees"), await desk.told("Ben keeps goats")
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    await desk("forget", note_ids=[forgotten])

    answer = await desk("recall", note_ids=[shown, unknown, forgotten])

    assert answer["reason"] == (
        f"No note with id {unknown}. Forgotten: {forgotten}; forget with undo=true brings back."
    )
    with pytest.raises(Refused, match=f"No note with id '{unknown}'"):
        await desk("recall", note_ids=[unknown, forgotten])


async def test_an_unknown_id_tells_the_agent_what_to_call_next(desk: Desk) -> None:
    with pytest.raises(
        Refused, match=r"No note with id '01ARZ3NDEKTSV4RRFFQ69G5FAV'\. Call recall"
    ):
        await desk("recall", note_ids=["01ARZ3NDEKTSV4RRFFQ69G5FAV"])


async def test_full_detail_tells_the_whole_story(desk: Desk) -> None:
    first = await desk.told("Where is Ana?", session="s", subject="Ben")
    note_id = await desk.told(
        "Ana is in Lyon", session="s", links=[{"to": first, "relation": "re"}]
    )
    await desk("update", note_id=note_id, context="Holiday", reason="asked")

    [note] = notes(await desk("recall", note_ids=[note_id], detail="full"))

    assert [pick(note, "history", n, "rev") for n in (0, 1)] == [1, 2]
    assert pick(note, "history", 1, "changed") == {"context": ["", "Holiday"]}
    assert pick(note, "history", 1, "reason") == "asked"
    relations = {pick(note, "links", n, "relation") for n in (0, 1)}
    assert relations == {"re", "previous in session"}
    [found] = notes(await desk("recall", query="Ana Lyon", limit=1, detail="full"))
    shares = [float(str(share)) for share in pick_values(found, "signals")]
    assert float(str(found["score"])) == pytest.approx(sum(shares), abs=1e-3)


async def test_index_detail_is_one_line_a_note(desk: Desk) -> None:
    await desk.told("word " * 100, subject="Ana", happened_at="2026-01-02")

    [note] = notes(await desk("recall", query="word", detail="index"))

    assert set(note) == {"note_id", "line"}
    assert str(note["line"]).startswith("2026-01-02 Ana: word word")
    assert len(str(note["line"])) <= 120


async def test_a_line_names_the_speaker_of_a_turn_once(desk: Desk) -> None:
    turns = ("Zoé: Venison or hare?", "Ben: Venison.", "Zoé: Fine.", "Ben: And the sauce?")
    talk = "\n".join(f"{turn}{' What do you say to that?' * 8}" for turn in turns)
    first = pick(await desk("remember", content=talk), "note_id")

    parts = notes(await desk("recall", subject="Zoé", detail="index"))

    assert str(first) in {note["note_id"] for note in parts}
    assert all(str(note["line"]).startswith("2026-11-20 Zoé: ") for note in parts)
    assert not any("Zoé: Zoé:" in str(note["line"]) for note in parts)


async def test_links_are_readable_from_both_ends_and_never_dangle(desk: Desk) -> None:
    a = await desk.told("alpha")
    b = await desk.told("beta", links=[{"to": a, "relation": "supports"}])

    async def links_of(note_id: str) -> object:
        return notes(await desk("recall", note_ids=[note_id]))[0].get("links")

    assert await links_of(b) == [{"note_id": a, "relation": "supports", "line": "2026-11-20 alpha"}]
    assert await links_of(a) == [
        {"note_id": b, "relation": "supports (from)", "line": "2026-11-20 beta"}
    ]
    await desk("forget", note_ids=[a])
    assert await links_of(b) is None


async def test_pages_neither_overlap_nor_miss_while_others_write(desk: Desk) -> None:
    told = [await desk.told(f"lecture {n} on bees", tags=["bees"]) for n in range(25)]

    for question in ({"query": "bees"}, {"tags": ["bees"]}):
        page = await desk("recall", **question, limit=10)
        seen = ids(page)
        while "omitted" in page:
            await desk.told(f"another note on bees {len(seen)} {question}", tags=["bees"])
            page = await desk("recall", cursor=pick(page, "omitted", "cursor"))
            seen += ids(page)
        assert sorted(seen) == sorted(told)
        await _forget_others(desk, told)


@pytest.mark.parametrize("question", [{"query": "bees"}, {"tags": ["bees"]}, {"subject": "Ana"}])
@pytest.mark.parametrize("linked", [(0, 5), (5, 0), (1, 4)])
async def test_what_a_page_shows_beside_another_note_is_in_no_other_page(
    desk: Desk, question: dict[str, object], linked: tuple[int, int]
) -> None:
    topics = ("hive", "pollen", "smoker", "queen", "honey", "wax")
    contents = [f"Ana spoke of the {topic} of bees" for topic in topics]
    told = [await desk.told(c, tags=["bees"], subject="Ana") for c in contents]
    newer, older = (told[at] for at in linked)
    await desk("update", note_id=newer, links=[{"to": older, "relation": "contradicts"}])

    for limit in (2, 3, 4):
        page = await desk("recall", **question, limit=limit)
        seen = ids(page)
        while "omitted" in page:
            cursor = pick(page, "omitted", "cursor")
            page = await desk("recall", cursor=cursor)
            assert ids(await desk("recall", cursor=cursor)) == ids(page)
            assert pick(page, "notes", 0)
            seen += ids(page)
        assert sorted(seen) == sorted(told)


async def test_a_cursor_without_a_ranking_knows_what_was_shown_beside_another_note(
    desk: Desk,
) -> None:
    told = [await desk.told(f"log of {word}", tags=["log"]) for word in ("hive", "wax", "pollen")]
    await desk("update", note_id=told[2], links=[{"to": told[0], "relation": "contradicts"}])
    page = await desk("recall", tags=["log"], limit=2)

    fresh = Memory(store=desk.memory.store, embedder=desk.memory.embedder)
    async with opened_desk(fresh) as again:
        again.now = desk.now
        rest = await again("recall", cursor=pick(page, "omitted", "cursor"))

    assert (ids(page), ids(rest)) == ([told[2], told[0]], [told[1]])
    assert pick(page, "omitted", "count") == 1


async def _forget_others(desk: Desk, told: list[str]) -> None:
    extra = [i for i in await desk.found(tags=["bees"], limit=100) if i not in told]
    await desk("forget", note_ids=extra)


async def test_a_page_goes_on_after_a_restart(desk: Desk) -> None:
    told = [await desk.told(f"lecture {n} on bees") for n in range(15)]
    page = await desk("recall", query="bees", limit=10)

    fresh = Memory(store=desk.memory.store, embedder=desk.memory.embedder)
    async with opened_desk(fresh) as again:
        again.now = desk.now
        rest = await again("recall", cursor=pick(page, "omitted", "cursor"))

    assert sorted(ids(page) + ids(rest)) == sorted(told)


async def test_a_list_goes_on_after_a_restart_and_knows_no_end(desk: Desk) -> None:
    told = [await desk.told(f"entry {n}", tags=["log"]) for n in range(45)]
    seen, page = list[str](), await desk("recall", tags=["log"], limit=20)
    while True:
        seen += ids(page)
        if "omitted" not in page:
            break
        fresh = Memory(store=desk.memory.store, embedder=desk.memory.embedder)
        async with opened_desk(fresh) as again:
            again.now = desk.now
            page = await again("recall", cursor=pick(page, "omitted", "cursor"))

    assert seen == told[::-1]


async def _erase(desk: Desk, gone: list[str]) -> None:
    preview = await desk("forget", note_ids=gone, erase=True)
    await desk("forget", confirm=preview["confirm"])


ALL_OF_HER: list[dict[str, object]] = [
    {"subject": "Ana", "limit": 5},
    {"query": "Tell me everything about Ana", "limit": 5},
    {"tags": ["honey"], "limit": 5},
    {"tags": ["honey"], "limit": 100, "max_tokens": 100},
    {"limit": 5, "max_tokens": 120},
]
"""Requests whose pages go on in a list."""


@pytest.mark.parametrize("question", ALL_OF_HER)
async def test_who_erases_page_by_page_leaves_no_note(
    any_desk: Desk, question: dict[str, object]
) -> None:
    told = list[str]()
    for day in range(1, 13):
        content = f"Ana weighed the honey of shelf {lettered(day)}"
        when = f"2026-01-{day:02}"
        told.append(await any_desk.told(content, subject="Ana", tags=["honey"], happened_at=when))
    page, seen = await any_desk("recall", **question), list[str]()
    listed = await _rest(any_desk, page)

    while True:
        seen += ids(page)
        await _erase(any_desk, ids(page))
        if "omitted" not in page:
            break
        page = await any_desk("recall", cursor=pick(page, "omitted", "cursor"))

    assert seen == listed
    if question.get("max_tokens") != 120:  # an overview is of the newest notes alone
        assert await any_desk.found(tags=["honey"]) == []


async def _rest(desk: Desk, page: dict[str, object]) -> list[str]:
    """The notes of a page and of all that follow."""
    seen = ids(page)
    while "omitted" in page:
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"))
        seen += ids(page)
    return seen


@pytest.mark.parametrize("question", ALL_OF_HER[:3])
@pytest.mark.parametrize("gone", [slice(0, 3), slice(3, 5)])
async def test_pages_miss_nothing_where_shown_notes_were_erased(
    desk: Desk, question: dict[str, object], gone: slice
) -> None:
    contents = [f"Ana weighed the honey of shelf {lettered(number)}" for number in range(12)]
    told = [await desk.told(c, subject="Ana", tags=["honey"]) for c in contents]
    for newer, older in ((11, 2), (10, 4)):  # shown beside it, ahead of its place
        links = [{"to": told[older], "relation": "contradicts"}]
        await desk("update", note_id=told[newer], links=links)
    page = await desk("recall", **question)
    listed = await _rest(desk, page)

    await _erase(desk, ids(page)[gone])
    seen, counts = ids(page), list[object]()
    while "omitted" in page:
        counts.append(pick(page, "omitted", "count"))
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"))
        seen += ids(page)

    assert (seen, counts) == (listed, [7, 2])
    assert sorted(seen) == sorted(told)


@pytest.mark.parametrize("question", [ALL_OF_HER[0], ALL_OF_HER[2]])
async def test_after_an_erasure_and_a_restart_no_page_leaves_out_a_note_unsaid(
    desk: Desk, question: dict[str, object]
) -> None:
    contents = [f"Ana weighed the honey of shelf {lettered(number)}" for number in range(12)]
    told = [await desk.told(c, subject="Ana", tags=["honey"]) for c in contents]
    page = await desk("recall", **question)
    await _erase(desk, ids(page)[:3])
    fresh = Memory(store=desk.memory.store, embedder=desk.memory.embedder)
    async with opened_desk(fresh) as again:
        again.now = desk.now
        seen = await _rest(again, page)
        assert sorted(seen) == sorted(told)

        await _erase(again, ids(page)[3:])
    other = Memory(store=desk.memory.store, embedder=desk.memory.embedder)
    async with opened_desk(other) as again:
        again.now = desk.now
        if "subject" in question:  # its order is no order of time: where to go on is not known
            with pytest.raises(Refused, match="cursor is unknown or has expired"):
                await _rest(again, page)
        else:
            assert sorted(await _rest(again, page)) == sorted(told)


async def test_a_page_never_shows_what_was_forgotten_meanwhile(desk: Desk) -> None:
    told = [await desk.told(f"secret {n} " + "word " * 60) for n in range(3)]
    page = await desk("recall", note_ids=told, max_tokens=200)
    await desk("forget", note_ids=told)

    rest = await desk("recall", cursor=pick(page, "omitted", "cursor"))

    assert (ids(rest), rest["verdict"]) == ([], "nothing_relevant")
    assert rest["reason"]


async def test_later_pages_say_why_too(desk: Desk) -> None:
    for number in range(15):
        await desk.told(f"lecture {number} on bees")
    page = await desk("recall", query="bees", detail="full")

    rest = await desk("recall", cursor=pick(page, "omitted", "cursor"))

    assert all(note["why"] for note in notes(rest))


async def test_an_ordinary_answer_leaves_out_why_and_what_is_only_alike(desk: Desk) -> None:
    for number in range(3):
        await desk.told(f"lecture {number} on the dances of bees", subject="bees")
    await desk.evolve()

    full = notes(await desk("recall", query="bees", detail="full"))
    plain = notes(await desk("recall", query="bees"))

    assert all(note["why"] and note["links"] for note in full)
    assert not any(note.keys() & {"why", "links"} for note in plain)


async def test_many_missing_ids_do_not_break_the_budget(desk: Desk) -> None:
    known = await desk.told("x")
    missing = [f"01ARZ3NDEKTSV4RRFFQ69G{n:04}" for n in range(50)]

    answer = await desk("recall", note_ids=[known, *missing], max_tokens=100)

    assert len(json.dumps(answer, separators=(",", ":"))) <= 400
    assert "and 47 more" in str(answer["reason"])


async def test_a_profile_leaves_room_for_the_newest(desk: Desk) -> None:
    for number in range(12):
        await desk.told(f"core fact {number}", kind="core")
    newest = await desk.told("just happened")

    assert newest in await desk.found(limit=10)


async def profile(desk: Desk) -> list[str]:
    """The core notes of a recall without arguments, in order."""
    shown = notes(await desk("recall", max_tokens=8000))
    return [str(note["content"]) for note in shown if note.get("kind") == "core"]


async def test_core_notes_of_the_future_come_after_those_that_have_happened(desk: Desk) -> None:
    told = [f"trusted fact {lettered(number)}" for number in range(3)]
    for content in told:
        await desk.told(content, kind="core")
    for number in range(CORE_MAX_NOTES):
        await desk.told(
            f"forged fact {lettered(number)}", kind="core", happened_at=f"9990-01-{number + 1:02}"
        )

    shown = await profile(desk)

    assert shown[:3] == told[::-1]
    assert len(shown) == CORE_MAX_NOTES
    assert shown[3] == f"forged fact {lettered(CORE_MAX_NOTES - 1)}"


async def flooded(desk: Desk) -> list[str]:
    """Twelve core notes of the owner's, then many of another principal's."""
    told = [f"trusted fact {lettered(number)}" for number in range(12)]
    for content in told:
        await desk.told(content, kind="core")
    server = create_server(desk, ClientDefaults(transport="t", namespace="proj", principal="eve"))
    async with Client(server) as client:
        for number in range(2 * CORE_MAX_NOTES):
            arguments = {"content": f"forged fact {lettered(number)}", "kind": "core"}
            await client.call_tool("remember", arguments)
    return told


async def test_core_notes_of_another_principal_are_in_nobody_elses_profile(desk: Desk) -> None:
    told = await flooded(desk)

    shown = await profile(desk)

    assert shown[: len(told)] == told[::-1]


async def test_one_author_does_not_fill_the_profile_while_notes_of_others_wait(desk: Desk) -> None:
    desk.memory = desk.memory.under(Policy(trust=TrustRules(frozenset({"eve"}))))
    told = await flooded(desk)

    shown = await profile(desk)

    assert len(shown) == CORE_MAX_NOTES
    assert shown[10:] == told[:1:-1]
    assert shown[0] == f"forged fact {lettered(2 * CORE_MAX_NOTES - 1)}"


async def test_one_author_alone_fills_the_profile_newest_first(desk: Desk) -> None:
    told = [f"trusted fact {lettered(number)}" for number in range(CORE_MAX_NOTES + 5)]
    for content in told:
        await desk.told(content, kind="core")

    assert await profile(desk) == told[:4:-1]


async def test_a_mistyped_namespace_is_named_though_user_notes_are_found(desk: Desk) -> None:
    await desk.told("I like tea", namespace="user")
    await desk.told("x", namespace="myproject")

    answer = await desk("recall", query="tea", namespace="myprojcet")

    assert len(ids(answer)) == 1
    assert "'myproject'" in str(answer["reason"])


async def test_an_excerpt_is_made_of_verbatim_stretches(desk: Desk) -> None:
    content = "\n\n".join(f"Paragraph {n} tells of item {n}.  It ends   here." for n in range(200))
    await desk.told(content)

    [note] = notes(await desk("recall", query="item 77", max_tokens=600))

    stretches = str(note["content"]).split(" … ")
    assert "item 77." in str(note["content"])
    assert all(stretch in content for stretch in stretches)


async def test_a_cursor_of_nobody_is_refused(desk: Desk) -> None:
    with pytest.raises(Refused, match="Call recall with the query again"):
        await desk("recall", cursor="bm90IG91cnM")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"limit": 0}, "limit: 0 is out of range"),
        ({"limit": 10**9}, "limit: 1000000000 is out of range"),
        ({"max_tokens": 99}, "max_tokens: 99"),
        ({"query": "q" * 4097}, "query: 4,097"),
        ({"since": "2026-02", "until": "2026-01"}, "since: 2026-02-01T00:00:00Z is after until"),
        ({"kind": "epizodic"}, "kind: 'epizodic'"),
        ({"query": "x", "namespace": "../etc"}, "namespace: '../etc'"),
        ({"since": "soonish"}, "since: 'soonish'"),
    ],
)
async def test_a_question_that_cannot_be_asked_is_refused(
    desk: Desk, arguments: dict[str, object], named: str
) -> None:
    with pytest.raises(Refused) as refusal:
        await desk("recall", **arguments)

    assert named in str(refusal.value)


async def test_a_long_note_comes_as_its_best_passages(desk: Desk) -> None:
    filler = "Nothing of note happened on that day at all. " * 120
    await desk.told(f"{filler}The vault combination is 7-7-3. {filler}")

    [note] = notes(await desk("recall", query="vault combination", max_tokens=300))

    assert note["excerpt"] is True
    assert "7-7-3" in str(note["content"])


texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1, max_size=400)
texts = texts.filter(lambda t: t.strip())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    contents=st.lists(texts, min_size=1, max_size=8, unique=True),
    query=st.sampled_from(["", "a", "zwölf 東京 🦊", "e " * 300]),
    max_tokens=st.integers(min_value=100, max_value=400),
    when=st.sampled_from([{}, {"since": "2020", "until": "2030-01-01T00:00:00.123456+05:00"}]),
    detail=st.sampled_from(["index", "notes", "full"]),
    tags=st.lists(st.text("äb🦊", min_size=1, max_size=200), max_size=6),
)
@example(
    contents=["0", "0000"],
    query="",
    max_tokens=100,
    when={"since": "2020", "until": "2030-01-01T00:00:00.123456+05:00"},
    detail="index",
    tags=[],
)
async def test_no_answer_is_larger_than_its_budget_and_the_first_note_is_always_there(
    contents: list[str],
    query: str,
    max_tokens: int,
    when: dict[str, str],
    detail: str,
    tags: list[str],
) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    async with opened_desk(memory, namespace="n" * 64) as desk:
        for content in contents:
            told = {"tags": tags, "subject": "🦊" * 50, "session": "s" * 200, "kind": "procedural"}
            await desk("remember", content=content, valid_until="2031", namespace="user", **told)

        question = {"query": query} if query.strip() else {}
        answer = await desk("recall", **question, max_tokens=max_tokens, detail=detail, **when)

    size = len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
    assert -(-size // 4) <= max_tokens
    assert answer["verdict"] == "nothing_relevant" or ids(answer)
