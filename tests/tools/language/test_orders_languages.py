"""Outside English, too, a report of what somebody does is no order, and an order is one."""

import tomllib
from pathlib import Path
from typing import TypedDict

import pytest

from zettel.tools.language.marks import find_marks


class Sentences(TypedDict):
    """The sentences of one language."""

    honest: list[str]
    pairs: list[tuple[str, str]]
    orders: list[str]


LANGUAGES: dict[str, Sentences] = tomllib.loads(
    Path(__file__).with_name("order_languages.toml").read_text(encoding="utf-8")
)


HONEST = [text for table in LANGUAGES.values() for text in table["honest"]]
ORDERS = [text for table in LANGUAGES.values() for text in table["orders"]]
PAIRS = [pair for table in LANGUAGES.values() for pair in table["pairs"]]


@pytest.mark.parametrize("text", HONEST)
def test_a_sentence_of_every_day_is_not_marked(text: str) -> None:
    assert find_marks(text) == ()


@pytest.mark.parametrize("text", ORDERS)
def test_an_order_in_another_language_is_marked(text: str) -> None:
    assert find_marks(text)


@pytest.mark.parametrize(("report", "order"), PAIRS)
def test_a_report_is_not_marked_and_the_order_in_its_words_is(report: str, order: str) -> None:
    assert find_marks(report) == ()
    assert find_marks(order)
