"""Which lines of a text are headings, and which only look like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.headings import BOLD_LEVEL, PLAIN_LEVEL, find_headings


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# Roof\ntiles\n## Gutters\nzinc\n", {"# Roof": 1, "## Gutters": 2}),
        ("Roof\n====\n\nTiles are red.\n\nGutters\n---\nzinc\n", {"Roof": 1, "Gutters": 2}),
        ("**Toiture**\n\nLe couvreur.\n", {"**Toiture**": BOLD_LEVEL}),
        ("Lost passes\n\nReport the loss.\n", {"Lost passes": PLAIN_LEVEL}),
        ("§ 5 Lärm\n\nSonntags ist Ruhe.\n", {"§ 5 Lärm": PLAIN_LEVEL}),
        ("Minutes\n\nWater\n\nThe meter ran.\n", {"Minutes": PLAIN_LEVEL, "Water": PLAIN_LEVEL}),
        ("Open points:\n\nThe roof.\n", {"Open points:": PLAIN_LEVEL}),
        ("# 漏水\n\n打电话给王师傅。\n", {"# 漏水": 1}),
    ],
)
def test_lines_that_name_what_stands_below_are_headings(text: str, levels: dict[str, int]) -> None:
    assert {text[one.start : one.end]: one.level for one in find_headings(text)} == levels


@pytest.mark.parametrize(
    "text",
    [
        "```sh\n# Install\npip install tarn\n```\n",
        "~~~\nRoof\n====\n~~~\n",
        "#1 is done, #2 is not.\n",
        "Dear Nell,\n\nthe move went well.\n",
        "It rained.\n\nWe stayed in.\n",
        "Milk\n\nEggs\n\nFlour\n\nWe bake on Friday.\n",
        "- Milk\n- Eggs\n\nWe bake on Friday.\n",
        "Yours\nPhilippa\n",
        "The last words\n",
        "We bake on Friday.\n\nPhilippa",
        "**Never** open it.\n",
        "---\ntitle: Roof\n---\ntiles\n",
        "| Part | Size |\n|---|---|\n",
    ],
)
def test_code_sentences_salutations_lists_and_tables_are_none(text: str) -> None:
    assert find_headings(text) == []


@given(st.text(max_size=200) | st.text(alphabet="#*=-ab \n`", max_size=80))
def test_headings_of_any_text_are_in_order_and_within_one_line(text: str) -> None:
    found = find_headings(text)

    assert found == sorted(found, key=lambda one: one.start)
    assert all(text[one.start : one.end].strip() for one in found)
    assert not any("\n" in text[one.start : one.end] for one in found)
