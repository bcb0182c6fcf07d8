"""Questions in two steps: whom the notes mean by somebody unnamed, and the answer about them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.tools.conftest import Desk, notes, pick

from zettel.storage.notes import Kind, Outline
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.fusion import Ranking, fuse, rank_rows, signal_values
from zettel.tools.ranking.multi_hop import (
    ANSWER_BEHIND,
    BRIDGE_MAX_NAMES,
    FIRST_LOOK_BEHIND,
    PLACE_FIRST_SHARE,
    BridgeEntity,
    find_bridge_entities,
    find_multi_hop,
    merge_by_place,
)
from zettel.tools.ranking.question import read_question
from zettel.tools.ranking.weights import OTHERWISE

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COLLEAGUE = "Where does Ana's colleague live?"


def test_a_name_leads_on_only_if_a_note_apart_from_whose_it_is_holds_it() -> None:
    notes = [
        _note(1, "Ana shares an office with Ben at Acme Works"),
        _note(2, "Ana left Acme Works"),
        _note(3, "In spring Ben moved to Oslo"),
    ]

    assert _names(notes, COLLEAGUE) == ["Ben"]


def test_who_is_only_addressed_is_not_who_is_meant() -> None:
    notes = [
        _note(1, "Thanks, Ben! My colleague Cleo came too", subject="Ana"),
        _note(2, "So did Cleo", subject="Ben"),
        _note(3, "Claude helped", subject="assistant"),
    ]

    assert _names(notes, COLLEAGUE) == ["Cleo"]


def test_the_name_of_which_the_answer_is_told_is_meant() -> None:
    notes = [
        _note(1, "Ana met Ben on the stairs"),
        _note(2, "Ana met Cleo on the stairs"),
        _note(3, "Somebody saw Ben swim"),
        _note(4, "Somebody gave Cleo the keys to a flat"),
    ]

    [first, second] = _leads(notes, COLLEAGUE, tied=(1, 2), told=(4,))

    assert (first.name, first.rows, first.share) == ("Cleo", (1,), 1.0)
    assert second.name == "Ben"
    assert second.share < 1.0


@pytest.mark.parametrize(
    "question",
    [
        "Who is my supervisor at the clinic, and how do I reach her?",
        "What is my shop called?",
        "Who was Ana's boss?",
        "What is behind the damp in Kwame's bedroom?",
        "How long do Halina's dumplings stay in the pot?",
        "What is Ana's job?",
        "At what time does Cleo leave Dad's on a Tuesday?",
    ],
)
def test_one_step_is_taken_where_the_name_itself_or_a_thing_without_one_is_asked_for(
    question: str,
) -> None:
    assert find_multi_hop(question) is None


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is Ana's boss's address?", "Ana's boss"),
        ("When do Ana's kids start school?", "Ana's kids"),
        ("Who is the owner of the undertaking Orlan runs?", "the undertaking Orlan runs"),
        ("Who pays for the teams of Ana?", "the teams of Ana"),
    ],
)
def test_persons_and_things_with_a_name_of_their_own_lead_on(question: str, words: str) -> None:
    unnamed = find_multi_hop(question)
    assert unnamed is not None
    assert unnamed.words == words


@pytest.mark.parametrize(
    ("question", "expected"),
    [(COLLEAGUE, "Ben"), ("Who pays for Ana's project?", "Umbra")],
)
def test_a_person_is_meant_where_a_person_is_asked_for(question: str, expected: str) -> None:
    notes = [
        _note(1, "With Ben I finished Umbra", subject="Ana"),
        _note(2, "The board likes Umbra", subject="Cleo"),
        _note(3, "I am tired", subject="Ben"),
    ]

    assert _leads(notes, question, tied=(1,), told=(2, 3))[0].name == expected


def test_who_is_called_what_the_question_says_is_meant_though_nobody_knows_them() -> None:
    notes = [
        _note(1, "My colleague Irena is on leave", subject="Ana"),
        _note(2, "Tobias fixed my bike", subject="Ana"),
        _note(3, "They say Irena has a flat in Graz"),
        _note(4, "I live in Utrecht", subject="Tobias"),
    ]

    assert _leads(notes, COLLEAGUE, tied=(1, 2), told=(3, 4))[0].name == "Irena"


def test_a_month_is_nobody() -> None:
    notes = [_note(1, "Ana was in Rome in March"), _note(2, "They say March is cold")]

    assert _names(notes, COLLEAGUE) == []


def test_my_colleague_is_looked_for_in_what_the_user_says() -> None:
    notes = [
        _note(1, "My new colleague is called Ben", subject="user"),
        _note(2, "Acme has hired Ben", subject="user"),
        _note(3, "Noted.", subject="assistant"),
    ]

    assert _names(notes, "Where does my colleague work?") == ["Ben"]


def test_what_speakers_say_of_a_project_themselves_leads_on_though_they_seldom_ask() -> None:
    notes = [
        _note(1, "My project Umbra has begun", subject="Ana"),
        _note(2, "They want Umbra in May", subject="Ana"),
        _note(3, "I am tired", subject="Ben"),
    ]

    assert _names(notes, "When must Ana's project be ready?") == ["Umbra"]


def test_what_is_noted_of_somebody_tells_of_nobody_else() -> None:
    notes = [
        _note(1, "Leads the project Umbra", subject="Ana"),
        _note(2, "Thinks Umbra is due in May", subject="Ana"),
    ]

    assert _names(notes, "When must Ana's project be ready?") == []


def test_a_request_beside_what_is_told_does_not_make_it_the_user_s() -> None:
    notes = [
        _note(1, "My project is called Umbra", subject="user"),
        _note(2, "The client wants Umbra in May. Can you draft a card for me?", subject="user"),
        _note(3, "Noted.", subject="assistant"),
    ]

    assert _names(notes, "When must my project be ready?") == ["Umbra"]


def test_who_is_told_of_without_a_word_of_whose_it_is_counts_by_what_is_asked_alone() -> None:
    notes = [
        _note(1, "Lunch was fun, Ben from my team was there", subject="user"),
        _note(2, "They hired Ben. Can you draft a card for me?", subject="user"),
        _note(3, "They hired Cleo. Can you draft a card for me?", subject="user"),
        _note(4, "They gave Cleo a flat", subject="user"),
        _note(5, "They gave Ben a flat", subject="user"),
        _note(6, "Noted.", subject="assistant"),
    ]

    [first, second] = _leads(notes, "Where does my colleague live?", tied=(1, 2, 3), told=(4, 5))

    assert (first.name, first.rows) == ("Ben", (0,))
    assert (second.name, second.share) == ("Cleo", 0.6)


def test_a_project_may_be_called_like_an_assistant() -> None:
    notes = [
        _note(1, "My project is called Mistral", subject="user"),
        _note(2, "The client wants Mistral in May", subject="user"),
        _note(3, "Noted.", subject="assistant"),
    ]

    assert _names(notes, "When must my project be ready?") == ["Mistral"]


def test_a_name_that_others_speak_of_too_is_less_likely_hers() -> None:
    notes = [
        _note(1, "They put Ana on Umbra"),
        _note(2, "They put Ana on Riga"),
        _note(3, "The client wants Umbra in May"),
        _note(4, "The ferry to Riga goes in May"),
        _note(5, "Somebody saw Riga"),
    ]

    leads = _leads(notes, "When must Ana's project be ready?", tied=(1, 2), told=(3, 4))

    assert [lead.name for lead in leads] == ["Umbra", "Riga"]
    assert leads[1].share < 1.0


def test_a_name_in_small_letters_leads_on_to_the_next() -> None:
    question = "When must the project of Ana's colleague be ready?"
    unnamed = find_multi_hop(question)

    assert unnamed is not None
    further = find_multi_hop(unnamed.named(question, "user"))
    assert further is not None
    assert further.name == "user"


_SAID = st.lists(
    st.lists(
        st.sampled_from(["Ana", "Ben", "Cleo", "I", "met", "at", "lunch.", "Acme Works"]),
        min_size=1,
        max_size=6,
    ).map(" ".join),
    min_size=1,
    max_size=8,
)


@given(said=_SAID, question=st.sampled_from([COLLEAGUE, "Who pays for my project?"]))
def test_leads_are_few_and_tied_to_whose_they_are(said: list[str], question: str) -> None:
    notes = [_note(i, text) for i, text in enumerate(said)]

    leads = _leads(notes, question, tied=tuple(range(len(notes))), told=(0,))

    assert len(leads) <= BRIDGE_MAX_NAMES
    assert all(0 < lead.share <= 1 and lead.rows for lead in leads)
    assert all(lead.name in notes[row].content for lead in leads for row in lead.rows)
    assert "Ana" not in {lead.name for lead in leads} or "my" in question


def _names(notes: list[Outline], question: str) -> list[str]:
    return [lead.name for lead in _leads(notes, question, tied=(1,), told=())]


def _leads(
    notes: list[Outline], question: str, *, tied: tuple[int, ...], told: tuple[int, ...]
) -> list[BridgeEntity]:
    unnamed, corpus = find_multi_hop(question), make_corpus(notes)
    assert unnamed is not None
    return find_bridge_entities(unnamed, _ranking(corpus, tied), _ranking(corpus, told))


def _ranking(corpus: Corpus, best: tuple[int, ...]) -> Ranking:
    hits = {f"n{number:02}": 1.0 for number in best}
    return fuse(signal_values(read_question("?", [], NOW), hits, {}, corpus), corpus)


def _note(number: int, content: str, *, subject: str = "") -> Outline:
    return Outline(
        note_id=f"n{number:02}",
        namespace="p",
        session="",
        subject=subject,
        happened_at=NOW + timedelta(seconds=number),
        kind=Kind.EPISODIC,
        content=content,
        times=(),
    )


def test_notes_of_a_second_look_get_places_however_near_they_are() -> None:
    corpus = make_corpus([_note(number, f"note {number}") for number in range(4)])
    first, second = _scored(corpus, 3, 2, 1, 0.5), _scored(corpus, 0.1, 0.2, 0.3, 0.4)

    placed = merge_by_place(first, second, np.array([3, 2]), share=1.0, best=3.0)

    assert placed.order.tolist() == [3, 2, 0, 1]
    assert placed.scores[3] == pytest.approx(3.0 * PLACE_FIRST_SHARE)
    assert placed.scores[[0, 1]].tolist() == [3, 2]


def test_on_one_place_the_notes_that_start_later_stand_behind_the_others() -> None:
    corpus = make_corpus([_note(number, f"note {number}") for number in range(3)])
    first, second = _scored(corpus, 3, 2, 1), _scored(corpus, 1, 2, 3)

    placed = merge_by_place(first, second, np.array([0]), share=1.0, best=3.0)
    answered = merge_by_place(
        placed, second, np.array([1]), share=1.0, best=3.0, behind=ANSWER_BEHIND
    )
    whole = merge_by_place(
        answered, second, np.array([2]), share=1.0, best=3.0, behind=FIRST_LOOK_BEHIND
    )

    assert whole.order.tolist() == [0, 1, 2]


def test_a_less_likely_name_stands_further_back() -> None:
    corpus = make_corpus([_note(number, f"note {number}") for number in range(3)])
    first, second = _scored(corpus, 3, 2, 1), _scored(corpus, 1, 2, 3)

    likely = merge_by_place(first, second, np.array([2]), share=0.9, best=3.0)
    unlikely = merge_by_place(first, second, np.array([2]), share=0.1, best=3.0)

    assert likely.order.tolist() == [2, 0, 1]
    assert unlikely.order.tolist() == [0, 2, 1]


def _scored(corpus: Corpus, *scores: float) -> Ranking:
    parts = {"text": (1.0, np.array(scores, np.float64))}
    return rank_rows(corpus, parts, np.arange(len(corpus)))


OBJECT = TypeAdapter(dict[str, float])


async def test_what_somebody_unnamed_does_is_found_by_who_that_is(desk: Desk) -> None:
    ben = await desk.told("Ben lives in a lighthouse near Riga")
    for person in ("Cleo", "Dan", "Eva", "Finn"):
        await desk.told(f"{person} lives in a flat in Paris")
    pair = await desk.told("Since spring Ben is the colleague of Ana")

    assert {ben, pair} <= set((await desk.found(query="Where does Ana's colleague live?"))[:3])


async def test_what_happened_right_after_or_before_an_event_is_lifted(desk: Desk) -> None:
    for day, what in (
        ("2024-06-01", "won a chess game"),
        ("2025-02-01", "climbed the tower"),
        ("2025-03-01", "moved to Riga with her dog"),
        ("2025-03-10", "bought a small boat"),
    ):
        await desk.told(f"Ana {what}", happened_at=day)

    async def lifted(query: str) -> dict[str, float]:
        answer = await desk("recall", query=query, detail="full")
        assert "Riga" in str(notes(answer)[1]["content"])
        shares = ((n["content"], pick(n, "signals")) for n in notes(answer))
        return {str(c): s["beside"] for c, s in shares if isinstance(s, dict) and "beside" in s}

    after = await lifted("What did Ana do after she moved to Riga?")
    before = await lifted("What did Ana do before she moved to Riga?")

    assert list(after) == ["Ana bought a small boat"]
    assert before.keys() == {"Ana won a chess game", "Ana climbed the tower"}
    assert before["Ana climbed the tower"] > before["Ana won a chess game"]


async def test_the_event_that_a_question_names_comes_behind_what_it_asks_for(desk: Desk) -> None:
    for day, what in (
        ("2026-05-01", "Ana went hiking at the lake"),
        ("2026-06-01", "Ana moved to Bristol"),
        ("2026-07-01", "Ana went hiking along the river"),
    ):
        await desk.told(what, happened_at=day)

    async def first(query: str) -> object:
        return notes(await desk("recall", query=query))[0]["content"]

    assert await first("Where did Ana go hiking before she moved to Bristol?") == (
        "Ana went hiking at the lake"
    )
    assert await first("Where did Ana go hiking after she moved to Bristol?") == (
        "Ana went hiking along the river"
    )


async def test_a_passage_is_looked_for_as_it_is_whatever_it_speaks_of(desk: Desk) -> None:
    passage = (
        "It was the first of many evenings on which Ana's brother had told them of the lake, before"
        " they moved to Bristol and the house by the river was sold at last"
    )
    for day, what in (("2026-06-01", "They moved to Bristol"), ("2026-05-01", "They had a lake")):
        await desk.told(what, happened_at=day)
    told = await desk.told(passage, happened_at="2026-08-01")

    [first, *_] = notes(await desk("recall", query=passage, detail="full"))

    assert first["note_id"] == told
    assert {"stepped", "beside", "in_order"}.isdisjoint(OBJECT.validate_python(first["signals"]))


async def test_names_in_small_letters_lead_on_too(desk: Desk) -> None:
    pair = await desk.told("My colleague Ben sits next to me", subject="Ana")
    ben = await desk.told("I live in a lighthouse", subject="Ben")
    for person in ("Cleo", "Dan", "Eva", "Finn"):
        await desk.told("I live in a flat in Paris", subject=person)

    for day in range(6):
        await desk.told(f"It rained where I live, on day {day}", subject="Ana")

    assert {pair, ben} <= set((await desk.found(query="where does ana's colleague live"))[:5])


async def test_what_a_signal_says_never_exceeds_its_weight(desk: Desk) -> None:
    for person in ("Cleo", "Dan", "Ben"):
        await desk.told(f"{person} lives in a flat in Paris")
    await desk.told("Since spring Ben is the colleague of Ana")

    answer = await desk("recall", query="Where does Ana's colleague live?", detail="full")

    signals = [OBJECT.validate_python(note["signals"]) for note in notes(answer)]
    scores = [note["score"] for note in notes(answer)]
    assert [sum(of.values()) for of in signals] == pytest.approx(scores, abs=1e-3)
    assert any("stepped" in of for of in signals)
    for of in signals:
        assert all(share <= OTHERWISE[n] + 1e-4 for n, share in of.items() if n != "stepped")


async def test_an_aside_that_ties_two_names_gets_a_place_beside_the_answer(desk: Desk) -> None:
    for day in range(12):
        await desk.told(f"Ana's colleague lives where it rained on day {day}")
    pair = await desk.told("Lunch with Ana was fun, Ben from the office told a joke about the lift")
    ben = await desk.told("Ben lives in Riga, above the trams")

    assert {ben, pair} <= set((await desk.found(query="Where does Ana's colleague live?"))[:5])


@pytest.mark.parametrize(
    ("tie", "first"),
    [
        ("Since spring Ben is the colleague of Ana", "tie"),
        ("Lunch with Ana was fun, Ben from the office told a joke about the lift", "answer"),
    ],
)
async def test_who_is_meant_comes_before_the_answer_if_a_note_says_so_and_else_behind(
    desk: Desk, tie: str, first: str
) -> None:
    told = {"tie": await desk.told(tie)}
    told["answer"] = await desk.told("Ben lives in Riga, above the trams")
    for day in range(12):
        await desk.told(f"Where Ana lives a colleague's cousin got wet on day {day}")

    best = (await desk.found(query="Where does Ana's colleague live?"))[:2]

    assert set(best) == set(told.values())
    assert best[0] == told[first]


async def test_what_tells_all_that_is_asked_is_not_crowded_out_by_second_looks(desk: Desk) -> None:
    for day in range(8):
        await desk.told(f"I had lunch with Ben and with Cleo on day {day}", subject="user")
        await desk.told(f"Ben works on the docks, shift {day}")
        await desk.told(f"Cleo works in a bakery, shift {day}")
    direct = await desk.told("My sister works as a nurse in Kiel", subject="user")

    assert (await desk.found(query="Where does my sister work?"))[0] == direct
