"""Chats as apps export them: each turn on its day, whichever number of a date is the month."""

import pytest
from tests.tools.conftest import Desk, notes, pick

GRETA_AND_HENK = (
    "Did you get the key of the workshop from the caretaker?",
    "Yes I did, it hangs next to the door. Do you need it?",
    "Ich brauche ihn am Mittwoch, da kommt der Glaser und misst die Fenster aus.",
    "Good. I will be there, and I bring you the frame that we made.",
    "Thanks! What do I owe you for the wood and the screws?",
    "Nothing, you paid me last time, I think. Bring a cake instead of that.",
    "I will bring the plum cake, do you like it?",
    "I love it, you know that. And do not forget the ladder.",
    "Could you ask Lea whether she wants to come, too? I have not heard of her for a month.",
    "I asked her, she says she is away for the week and sends you her love.",
)


def exported(stamp: str) -> str:
    """The chat, a turn a line behind this stamp."""
    turns = (f"{stamp} {('Greta', 'Henk')[n % 2]}: {s}" for n, s in enumerate(GRETA_AND_HENK))
    return "\n".join(turns)


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("4/6/26, 6:00 PM -", {"4/6/26": "2026-04-06"}),
        ("[06/04/2026, 18:00:11]", {"06/04/2026": "2026-04-06"}),
        ("[06.04.26, 18:00:11]", {"06.04.26": "2026-04-06"}),
        ("2026-04-06 18:00", {}),
    ],
)
async def test_a_turn_has_its_day_and_the_answer_tells_how_its_date_was_read(
    any_desk: Desk, stamp: str, told: dict[str, str]
) -> None:
    answer = await any_desk("remember", content=exported(stamp))

    assert answer["times"] == {**told, "am Mittwoch": "2026-04-08"}
    (note,) = notes(await any_desk("recall", query="Wann kommt der Glaser?", limit=1))
    assert str(note["happened_at"]).startswith("2026-04-06T18:00")


async def test_a_chat_is_read_by_the_day_that_is_named_with_it(desk: Desk) -> None:
    chat = exported("[06/04/2026, 18:00:11]")

    answer = await desk("remember", content=chat, happened_at="2026-06-04")

    assert pick(answer, "times", "06/04/2026") == "2026-06-04"
