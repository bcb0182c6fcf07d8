"""What a text tells, what opens it, and what it asks at its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.text.utterance import parts_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "I moved to Lyon now. Can you find a gym?",
            {"I moved to Lyon now.": 0.7, "Can you find a gym?": 0.3},
        ),
        (
            "Guess what. I moved to Lyon now. Can you find a gym?",
            {"I moved to Lyon now.": 0.595, "Can you find a gym?": 0.255, "Guess what.": 0.15},
        ),
        ("Hey Mel! Wow! I live in Lyon.", {"I live in Lyon.": 0.85, "Hey Mel! Wow!": 0.15}),
        ("Hey Mel! How are you?", {"Hey Mel!": 0.7, "How are you?": 0.3}),
        (
            "I moved there in May. Where to? Guess! Which gym? And when?",
            {"I moved there in May. Where to? Guess!": 0.7, "Which gym? And when?": 0.3},
        ),
        (
            'It rained all day.\nHe asked: "Are you coming?"',
            {"It rained all day.": 0.7, 'He asked: "Are you coming?"': 0.3},
        ),
        (
            "你好！我搬到了里昂。健身房在哪里？",
            {"我搬到了里昂。": 0.595, "健身房在哪里？": 0.255, "你好！": 0.15},
        ),
    ],
)
def test_what_is_told_weighs_most_in_a_text(text: str, parts: dict[str, float]) -> None:
    assert dict(parts_of(text)) == pytest.approx(parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I moved to Lyon.",
        "By the way.",
        "How do we deploy? Run make deploy.",
        "Where do you live now?",
        "# Deployment\n\nRun make deploy.",
        "我很累，所以先回家了。明天再说吧，好吗。",
        "- ?",
        "Lyon. ?",
        "Which gym? And when?",
    ],
)
def test_a_text_of_one_kind_stays_whole(text: str) -> None:
    assert parts_of(text) == [(text, 1.0)]


@given(st.text(alphabet="ab .!?。？\n\"'", max_size=60))
def test_the_parts_are_the_text_but_for_white_space_and_weigh_one(text: str) -> None:
    parts = parts_of(text)

    joined = "".join(part for part, _ in parts)
    assert sorted("".join(joined.split())) == sorted("".join(text.split()))
    assert sum(weight for _, weight in parts) == pytest.approx(1)
    assert [weight for _, weight in parts] == sorted((w for _, w in parts), reverse=True)
