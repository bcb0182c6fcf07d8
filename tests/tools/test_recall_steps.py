"""Questions that take more than one look: who is meant, and when that was."""

from tests.tools.conftest import Desk, notes, pick


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
        assert "Riga" in str(notes(answer)[0]["content"])
        shares = ((n["content"], pick(n, "signals")) for n in notes(answer))
        return {str(c): s["beside"] for c, s in shares if isinstance(s, dict) and "beside" in s}

    after = await lifted("What did Ana do after she moved to Riga?")
    before = await lifted("What did Ana do before she moved to Riga?")

    assert list(after) == ["Ana bought a small boat"]
    assert before.keys() == {"Ana won a chess game", "Ana climbed the tower"}
    assert before["Ana climbed the tower"] > before["Ana won a chess game"]


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
