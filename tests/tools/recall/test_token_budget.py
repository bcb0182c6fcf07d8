"""The token budget of an answer: each content once, context where it helps, links last."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, ids, lettered, notes, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.answers import LinkLine, RecalledNote
from zettel.tools.recall.token_budget import fit
from zettel.tools.render import count_tokens
from zettel.tools.state.memory import Memory

COPIES = TypeAdapter(list[dict[str, str]])


def size(answer: dict[str, object]) -> int:
    """Tokens of an answer."""
    return count_tokens(json.loads(json.dumps(answer)))


async def test_the_same_words_of_the_same_person_are_shown_once_with_where_else(
    desk: Desk,
) -> None:
    first = await desk.told("Had a migraine", subject="Ana", session="a", happened_at="2026-01-02")
    again = await desk.told("had a  Migraine", subject="ana", session="b", happened_at="2026-03-04")
    far = await desk.told("Had a migraine", subject="Ana", namespace="user")
    ben = await desk.told("Had a migraine", subject="Ben")

    for question in ({"query": "Who had a migraine?"}, {"since": "2026-01"}):
        answer = await desk("recall", **question)
        shown = {str(note["note_id"]): note for note in notes(answer)}
        assert len(shown) == 2
        assert ben in shown
        [ana] = shown.keys() - {ben}
        also = [pick(shown[ana], "also", n, "note_id") for n in (0, 1)]
        assert {ana, *also} == {first, again, far}
        assert "omitted" not in answer


async def test_a_copy_says_when_and_where_it_was_told(desk: Desk) -> None:
    far = await desk.told("Had a migraine", happened_at="2026-01-02", namespace="user")
    await desk.told("Had a migraine")

    [note] = notes(await desk("recall", since="2026-01"))

    told = {"note_id": far, "happened_at": "2026-01-02T00:00:00Z", "namespace": "user"}
    assert note["also"] == [told]


async def test_copies_take_no_place_on_a_page_and_none_is_missed(desk: Desk) -> None:
    told = [
        await desk.told(f"{lettered(number // 3)} in garden with bees", session=f"s{number}")
        for number in range(18)
    ]

    page = await desk("recall", query="bees garden", limit=4)
    assert len(ids(page)) == 4
    seen = list[str]()
    while True:
        for note in notes(page):
            copies = COPIES.validate_python(note.get("also", []))
            seen += [str(note["note_id"]), *(copy["note_id"] for copy in copies)]
        if "omitted" not in page:
            break
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"), limit=4)

    assert sorted(seen) == sorted(told)


async def test_no_page_of_one_note_repeats_what_another_has_said(desk: Desk) -> None:
    for number in range(6):
        await desk.told(f"bees in garden {number % 2}", session=f"s{number}")

    page, seen = await desk("recall", query="bees in garden 1", limit=1), list[str]()
    while notes(page):
        seen += [str(note["content"]) for note in notes(page)]
        if "omitted" not in page:
            break
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"), limit=1)

    assert seen == ["bees in garden 1", "bees in garden 0"]


async def test_notes_asked_for_by_id_come_each_by_itself(desk: Desk) -> None:
    told = [await desk.told("the same words", session=name) for name in "ab"]

    assert ids(await desk("recall", note_ids=told)) == told


async def test_context_is_told_where_notes_read_alike_or_say_little(desk: Desk) -> None:
    clear = await desk.told(
        "On Monday we moved the billing database of Acme from Oslo to the new cluster in Bergen",
        context="standup",
    )
    short = await desk.told("Yes, billing can move", context="asked by Ben")
    nameless = await desk.told(
        "we decided that billing should never be run on the same day as the backups",
        context="retrospective",
    )
    twins = [
        await desk.told(
            f"The billing report of {name} was late again because of the printer", context=name
        )
        for name in ("Acme", "Initech")
    ]

    found = {
        str(n["note_id"]): n.get("context")
        for n in notes(await desk("recall", query="billing", limit=10))
    }
    assert found == {
        clear: None,
        short: "asked by Ben",
        nameless: "retrospective",
        twins[0]: "Acme",
        twins[1]: "Initech",
    }
    [whole] = notes(await desk("recall", note_ids=[clear], detail="full"))
    assert whole["context"] == "standup"


links = st.lists(
    st.builds(LinkLine, note_id=st.just("0" * 26), relation=st.sampled_from(["supports", "x"])),
    max_size=3,
)
views = st.lists(
    st.builds(
        RecalledNote,
        note_id=st.uuids().map(str),
        content=st.text(min_size=1, max_size=600),
        why=st.sampled_from(["", "words match"]),
        days=st.sampled_from(["", "2026-11-27", "2026-11-27, 2026-12-01/2026-12-31"]),
        links=links,
    ),
    max_size=8,
)


def cut(note: RecalledNote, characters: int) -> RecalledNote:
    """The beginning of a note."""
    short = note.copy()
    short["content"] = note.get("content", "")[:characters]
    short["excerpt"] = True
    return short


@given(notes=views, budget=st.integers(min_value=100, max_value=600))
def test_links_and_days_never_cost_a_note_nor_any_of_its_words(
    notes: list[RecalledNote], budget: int
) -> None:
    bare = [note.copy() for note in notes]
    for note in bare:
        note.pop("links", None)
        note.pop("days", None)

    linked = fit(notes, budget=budget, reserve=20, excerpt=cut)
    unlinked = fit(bare, budget=budget, reserve=20, excerpt=cut)

    assert count_tokens(linked) <= budget - 20
    assert [(n["note_id"], n.get("content")) for n in linked[: len(unlinked)]] == [
        (n["note_id"], n.get("content")) for n in unlinked
    ]


async def test_links_come_as_far_as_there_is_room(desk: Desk) -> None:
    hub = await desk.told("hub of bees")
    for number in range(6):
        link = [{"to": hub, "relation": "supports"}]
        await desk.told(f"bees and garden number {number} " + "word " * 12, links=link)

    answers = [await desk("recall", query="bees", max_tokens=budget) for budget in (2000, 500)]

    roomy, tight = (sum("links" in note for note in notes(answer)) for answer in answers)
    assert len(ids(answers[1])) == 7
    assert roomy == 7 > tight > 0


told_texts = st.lists(
    st.tuples(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1, max_size=200
        ).filter(str.strip),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda told: told[0].strip(),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    told=told_texts,
    query=st.sampled_from(["", "a", "e 0 東京 🦊"]),
    max_tokens=st.integers(min_value=100, max_value=700),
    detail=st.sampled_from(["index", "notes", "full"]),
)
async def test_an_answer_with_links_copies_and_contradictions_keeps_its_budget_and_its_evidence(
    told: list[tuple[str, bool, bool]], query: str, max_tokens: int, detail: str
) -> None:
    """The same notes with and without links: what is shown of them is the same."""
    question = {"query": query} if query else {"since": "2020"}
    shown = list[list[object]]()
    for linking in (True, False):
        memory = Memory(store=DictStore(), embedder=HashEmbedder())
        async with opened_desk(memory) as desk:
            last = ""
            for content, again, against in told:
                relation = "contradicts" if against and detail != "notes" else "supports"
                links = [{"to": last, "relation": relation}] if last and linking else []
                await desk("remember", content=content, context="c" * 30, links=links)
                if again:
                    await desk("remember", content=content, session="again", links=links)
                last = str(pick(await desk("recall", since="2020", limit=1), "notes", 0, "note_id"))
            answer = await desk("recall", **question, max_tokens=max_tokens, detail=detail)
        assert size(answer) <= max_tokens
        assert answer["verdict"] == "nothing_relevant" or ids(answer)
        shown.append([note.get("content") for note in notes(answer)])
    if detail == "notes":
        assert shown[0] == shown[1]
