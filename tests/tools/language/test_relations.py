"""Relations to what has a full stop in its name."""

import pytest

from zettel.tools.language.relations import find_relations


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Johanna works as a midwife at the St. Josef hospital.",
            [("works at", "St. Josef hospital")],
        ),
        ("Paul lives in St. Gallen.", [("lives in", "St. Gallen")]),
        ("Paul wohnt in St. Gallen und Ben in Bonn.", [("lives in", "St. Gallen")]),
        ("Cleo works at Dr. Oetker in Bielefeld.", [("works at", "Oetker")]),
        ("Ana works at the U.S. embassy.", []),
        ("Ana works at Siemens. Ben runs.", [("works at", "Siemens")]),
    ],
)
def test_a_name_does_not_end_at_its_own_full_stop(text: str, told: list[tuple[str, str]]) -> None:
    assert [(one.label, one.whom) for one in find_relations(text)] == told
