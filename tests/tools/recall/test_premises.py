"""A note derived from others says so when one of them does not stand any more."""

import pytest
from tests.tools.conftest import Desk, ids, lettered, notes, pick

ASKED = "Which kiln do we buy?"


async def concluded(desk: Desk) -> tuple[str, str]:
    """A premise, and a note that an agent derived from it, among others."""
    for number in range(3):
        await desk.told(f"{lettered(number)} sails a boat in the harbour")
    premise = await desk.told("Clay from Ulm needs 1,300 degrees")
    conclusion = await desk.told(
        "We buy the big kiln, it alone is hot enough",
        links=[{"to": premise, "relation": "derived_from"}],
    )
    return premise, conclusion


async def lose(desk: Desk, premise: str, way: str) -> None:
    """The premise does not stand any more."""
    if way == "was forgotten":
        await desk("forget", note_ids=[premise])
    elif way == "was superseded":
        links = [{"to": premise, "relation": "supersedes"}]
        await desk.told("Clay from Ulm needs 1,000 degrees", links=links)
    else:
        await desk("update", note_id=premise, content="Clay from Ulm needs 1,000 degrees")


@pytest.mark.parametrize("way", ["was forgotten", "was superseded", "has changed since"])
async def test_a_conclusion_says_that_its_premise_is_gone_and_is_not_simply_found(
    any_desk: Desk, way: str
) -> None:
    premise, conclusion = await concluded(any_desk)
    before = await any_desk("recall", query=ASKED)
    await lose(any_desk, premise, way)

    answer = await any_desk("recall", query=ASKED)

    assert (before["verdict"], "premise" in notes(before)[0]) == ("found", False)
    assert ids(answer)[0] == conclusion
    assert notes(answer)[0]["premise"] == f"derived from {premise}, which {way}"
    assert answer["verdict"] == "uncertain"
    assert "premise" in str(answer["reason"])


@pytest.mark.parametrize("way", ["was forgotten", "was superseded"])
async def test_what_is_to_be_reviewed_lists_it_until_its_link_is_taken_out(
    any_desk: Desk, way: str
) -> None:
    premise, conclusion = await concluded(any_desk)
    assert await any_desk.found(tags=["needs-review"]) == []
    await lose(any_desk, premise, way)

    assert await any_desk.found(tags=["needs-review"]) == [conclusion]
    gone = {"to": premise, "relation": "derived_from", "remove": True}
    await any_desk("update", note_id=conclusion, links=[gone])

    assert await any_desk.found(tags=["needs-review"]) == []
    assert (await any_desk("recall", query=ASKED))["verdict"] == "found"


async def test_what_was_concluded_from_a_conclusion_says_so_too(any_desk: Desk) -> None:
    premise, conclusion = await concluded(any_desk)
    order = await any_desk.told(
        "The electrician comes for the big kiln's socket",
        links=[{"to": conclusion, "relation": "derived_from"}],
    )
    before = await any_desk("recall", note_ids=[order])
    await lose(any_desk, premise, "was forgotten")

    [shown] = notes(await any_desk("recall", note_ids=[order]))

    assert "premise" not in notes(before)[0]
    assert shown["premise"] == (
        f"derived from {conclusion}, which is derived from {premise}, which was forgotten"
    )
    assert set(await any_desk.found(tags=["needs-review"])) == {conclusion, order}


async def test_conclusions_in_a_circle_are_read_to_an_end(desk: Desk) -> None:
    premise, conclusion = await concluded(desk)
    link = {"to": conclusion, "relation": "derived_from"}
    await desk("update", note_id=premise, links=[link])

    answer = await desk("recall", query=ASKED)

    assert answer["verdict"] == "found"
    assert "premise" not in notes(answer)[0]
    assert await desk.found(tags=["needs-review"]) == []


async def test_the_pages_of_what_is_to_be_reviewed_leave_nothing_out(desk: Desk) -> None:
    premise, _ = await concluded(desk)
    told = [
        await desk.told(
            f"Shelf {number} goes there", links=[{"to": premise, "relation": "derived_from"}]
        )
        for number in range(4)
    ]
    for city in ("Paris", "Lyon", "Oslo"):
        await desk.told(f"Ana lives in {city}")
        desk.later(days=1)
    await desk.evolve()
    await desk("forget", note_ids=[premise])

    seen, page = list[str](), await desk("recall", tags=["needs-review"], limit=2)
    while True:
        seen += ids(page)
        if "omitted" not in page:
            break
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"))

    assert set(told) < set(seen)
    assert len(set(seen)) == 5 + 2  # the conclusions, and the later homes of Ana


async def test_a_premise_that_comes_back_carries_its_conclusion_again(desk: Desk) -> None:
    premise, _ = await concluded(desk)
    await desk("forget", note_ids=[premise])
    await desk("forget", note_ids=[premise], undo=True)

    answer = await desk("recall", query=ASKED)

    assert answer["verdict"] == "found"
    assert "premise" not in notes(answer)[0]


async def test_a_look_back_tells_a_conclusion_as_it_stood(desk: Desk) -> None:
    premise, conclusion = await concluded(desk)
    then = desk.now.isoformat()
    desk.later(days=1)
    await desk("forget", note_ids=[premise])

    answer = await desk("recall", query=ASKED, known_at=then)

    assert ids(answer)[0] == conclusion
    assert "premise" not in notes(answer)[0]
