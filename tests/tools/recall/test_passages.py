"""What an answer quotes of a note that is too long for it: the passage that answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import Desk, notes

from zettel.storage.text.passages import sentence_spans
from zettel.tools.ranking.cut import NO_TALK_MAX_NOTES, SHOWN_MAX_NOTES
from zettel.tools.ranking.excerpt import EXCERPT_GAP, rank_passages
from zettel.tools.render import (
    FIRST_PLACES,
    LATER_QUOTED_MAX_CHARACTERS,
    QUOTED_MAX_CHARACTERS,
)

MILL = """\
# The mill at Ravensbeck

The mill grinds from September to May. Agathe runs it with her nephew, and on Saturdays there is a
tour that begins at the bridge, in the yard or, if it rains, in the barn where the sacks are. The
wheel was rebuilt in oak in 2011 by a firm from Malton. The stones are dressed twice a year by a man
who comes from Whitby with his own hammer, and who stays for the night.

## Sluice

The gate is raised by eight turns of the crank, and by ten when the brook is low. Grease it before
the first frost. Leaves are raked out of the screen on the bank every morning in October, and put on
the heap behind the hedge. In a flood the pin is pulled out with the long hook and laid on the sill.

## Parking

There were two complaints by the farm next door. From now on coaches wait behind the chapel, and
nobody stops in the lane, because the milk lorry has to get through at six in the morning.

## Spare parts

| Part | Size | Shelf |
|---|---|---|
| Belt of the hoist, with a spare buckle that fits both ends | 4 m | B2 |
| Brush for the hopper, soft, not the one with the wire bristles | 30 cm | A1 |
| Felt ring under the damsel, to be soaked in oil for one night | 8 cm | A4 |
| Leather cup of the pump in the yard, which is nailed and not glued | 6 cm | A5 |
| Glass for the lantern, wrapped in paper, four pieces | 20 cm | D1 |
| Bolt of the wheel | M20 | C7 |

## Money

A bag of flour brings four. We pay 1,310 a year, water rights included, to the estate, and what is
left goes into the roof. Visitors give what they like.
"""


async def _quoted(desk: Desk, question: str, text: str = MILL) -> str:
    assert len(text) > QUOTED_MAX_CHARACTERS
    await desk("remember", content=text)
    (note,) = notes(await desk("recall", query=question))
    assert len(str(note["content"])) <= QUOTED_MAX_CHARACTERS
    return str(note["content"])


async def test_a_passage_is_quoted_with_the_heading_that_says_what_it_is_about(desk: Desk) -> None:
    quoted = await _quoted(desk, "Where is the parking?")

    assert "## Parking\n\nThere were two complaints" in quoted
    assert "behind the chapel" in quoted
    assert "## Sluice" in await _quoted(desk, "How many turns of the crank are needed?")


async def test_behind_the_third_note_an_answer_quotes_what_answers_of_a_shorter_note(
    desk: Desk,
) -> None:
    for day in range(5):
        asides = (
            f"On day {day} the {what} was cleaned and oiled, and put back on its shelf by the door."
            for what in ("saw", "lathe", "plane", "drill")
        )
        await desk("remember", content=" ".join(("The kiln is fired at 6.", *asides)))

    found = notes(await desk("recall", query="At what time is the kiln fired?", limit=5))

    assert [note.get("excerpt", False) for note in found] == [False, False, False, True, True]
    for note in found:
        assert "The kiln is fired at 6." in str(note["content"])
    for note in found[FIRST_PLACES:]:
        assert len(str(note["content"])) <= LATER_QUOTED_MAX_CHARACTERS
    whole = notes(await desk("recall", query="When is the kiln fired?", max_tokens=4_000))
    assert not any(note.get("excerpt") for note in whole)


async def test_fewer_notes_are_shown_where_people_do_not_talk_with_each_other(desk: Desk) -> None:
    for room in range(20):
        await desk("remember", content=f"The heating of room {room} is read in March.")
        for who, whom in (("Ana", "Ben"), ("Ben", "Ana")):
            said = f"{whom}, will you read the heating of room {room} in March?"
            talk = {"session": f"talk {room}", "namespace": "talk"}
            await desk("remember", content=f"{who}: {said}", subject=who, **talk)

    question = "Which heating is read in March?"
    stated = notes(await desk("recall", query=question))
    talked = notes(await desk("recall", query=question, namespace="talk"))

    assert len(stated) == NO_TALK_MAX_NOTES
    assert len(talked) == SHOWN_MAX_NOTES


async def test_a_passage_begins_where_a_sentence_or_a_heading_does(desk: Desk) -> None:
    quoted = await _quoted(desk, "With what is the pin pulled out in a flood?")

    assert "In a flood the pin is pulled out with the long hook" in quoted
    starts = {MILL[start:end].split("\n")[-1].strip() for start, end in sentence_spans(MILL)}
    for stretch in quoted.split(EXCERPT_GAP):
        assert any(stretch.startswith(start) for start in starts if start)


async def test_a_sentence_that_states_what_is_asked_for_is_quoted_though_it_has_other_words(
    desk: Desk,
) -> None:
    letter = "\n\n".join(
        (
            "Dear Nell, the move went well enough, and nothing was broken but a jug.",
            *(
                f"At the new place the {what} stands where the light is best in the morning. I"
                " carried it up the stairs first of all, and alone, for the others were asleep."
                for what in ("loom", "piano", "mirror", "cradle")
            ),
            "For the new place we pay 1,150 a month, heating included.",
            "The landlady plays the trombone, but only until seven, and not on Sundays.",
        )
    )

    assert "1,150 a month" in await _quoted(desk, "How much is the rent of the new place?", letter)


async def test_the_sentence_behind_the_one_with_the_words_is_quoted_too(desk: Desk) -> None:
    quoted = await _quoted(desk, "Were there complaints by the farm?")

    assert "From now on coaches wait behind the chapel" in quoted


async def test_a_row_of_a_table_is_quoted_with_the_names_of_its_columns(desk: Desk) -> None:
    quoted = await _quoted(desk, "On which shelf is the bolt of the wheel?")

    assert "| Part | Size | Shelf |" in quoted
    assert "| Bolt of the wheel | M20 | C7 |" in quoted


async def test_what_has_nothing_of_the_question_does_not_fill_the_room_that_is_left(
    desk: Desk,
) -> None:
    quoted = await _quoted(desk, "Who complained about the parking?")

    assert quoted.startswith("## Parking")
    assert "Agathe" not in quoted


async def test_small_words_of_a_language_choose_no_passage(desk: Desk) -> None:
    manual = "\n\n".join(
        (
            "# Four à bois",
            "## Allumage",
            "On met trois fagots de châtaignier, la veille, à dix-sept heures.",
            *(
                f"Pour le {what} il faut une place au sec, et il faut le ranger le soir même, pour"
                " qui vient le lendemain et pour le voisin."
                for what in ("rouable", "seau", "balai", "panier", "tablier", "banc")
            ),
        )
    )

    quoted = await _quoted(desk, "Que faut-il pour l'allumage ?", manual)

    assert "## Allumage\n\nOn met trois fagots de châtaignier" in quoted


@pytest.mark.parametrize("asked", ["node17", "NODE17", "node-17"])
async def test_a_row_is_found_by_a_name_with_a_number_that_every_row_begins_like(
    desk: Desk, asked: str
) -> None:
    rows = "".join(
        f"| node{at:02} | {'db' if at % 2 else 'web'} | 10.0.0.{at} |\n" for at in range(45)
    )
    table = f"Hosts\n\n| name | role | ip |\n|---|---|---|\n{rows}"

    quoted = await _quoted(desk, f"What is the ip of {asked}?", table)

    assert "| node17 | db | 10.0.0.17 |" in quoted


@given(
    text=st.lists(
        st.sampled_from(["# A\n", "Ben comes. ", "x" * 90, "\n\n", "| a | b |\n", "1. ", "```\n"])
        | st.text(max_size=30),
        max_size=40,
    ).map("".join),
    query=st.sampled_from(["", "When does Ben come?", "a"]) | st.text(max_size=20),
    characters=st.integers(min_value=2, max_value=700),
)
def test_what_is_quoted_stands_in_the_text_in_its_order_and_is_no_longer_than_asked_for(
    text: str, query: str, characters: int
) -> None:
    ranked = rank_passages(text, query)
    quoted = ranked.cut(characters)

    assert len(quoted) <= characters
    places = [place for passage in ranked.order for place in passage]
    assert len(places) == len(set(places))
    at = 0
    for stretch in [quoted[:-1]] if quoted.endswith("…") else quoted.split(EXCERPT_GAP):
        if EXCERPT_GAP not in text:
            at = text.index(stretch, at) + len(stretch)
