"""Questions that take more than one look: who is meant, and when that was."""

import pytest
from pydantic import TypeAdapter
from tests.tools.conftest import Desk, notes, pick

from zettel.tools.ranking.weights import OTHERWISE

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


async def test_what_tells_all_that_is_asked_is_not_crowded_out_by_second_looks(desk: Desk) -> None:
    for day in range(8):
        await desk.told(f"I had lunch with Ben and with Cleo on day {day}", subject="user")
        await desk.told(f"Ben works on the docks, shift {day}")
        await desk.told(f"Cleo works in a bakery, shift {day}")
    direct = await desk.told("My sister works as a nurse in Kiel", subject="user")

    assert direct in (await desk.found(query="Where does my sister work?"))[:3]
