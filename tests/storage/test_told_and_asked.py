"""Where a text turns from telling to asking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.told_and_asked import told_and_asked


@pytest.mark.parametrize(
    ("text", "told", "asked"),
    [
        ("I moved to Lyon. Can you find a gym?", "I moved to Lyon.", "Can you find a gym?"),
        ("I moved. Where to? Guess! Which gym? And when?", "I moved. Where to? Guess!", ...),
        ('It rained.\nHe asked: "Are you coming?"', "It rained.", 'He asked: "Are you coming?"'),
        ("リヨンに引っ越しました。ジムはどこですか？", "リヨンに引っ越しました。", ...),
    ],
)
def test_the_questions_at_the_end_are_cut_off(text: str, told: str, asked: object) -> None:
    first, second = told_and_asked(text)

    assert first == told
    assert second == (text[len(told) :].strip() if asked is ... else asked)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I moved to Lyon.",
        "How do we deploy? Run make deploy.",
        "Where do you live now?",
        "- ?",
        "Lyon. ?",
        "Which gym? And when?",
    ],
)
def test_what_tells_or_asks_only_stays_whole(text: str) -> None:
    assert told_and_asked(text) == (text, "")


@given(st.text(alphabet="ab .!?。？\n\"'", max_size=60))
def test_both_together_are_the_text_but_for_white_space(text: str) -> None:
    told, asked = told_and_asked(text)

    assert "".join((told + asked).split()) == "".join(text.split())
    assert told or not text
    assert not asked or asked.rstrip(" \n\"'").endswith(("?", "？"))
