"""The labelled pairs of cause, support and contradiction: how far the rules may be trusted."""

import pytest
from benchmarks.evolution.cues import Pair, measure_cues, read_pairs, write_cues

FLOORS = {"cause": (1.0, 0.70), "support": (0.95, 0.95), "contradiction": (1.0, 0.85)}
"""Precision and recall, a little below what was measured (benchmarks/RESULTS.md)."""


@pytest.mark.parametrize("relation", FLOORS)
def test_each_relation_is_read_rather_rightly_than_often(relation: str) -> None:
    pairs = read_pairs()[relation]
    read = measure_cues(relation, pairs)

    assert len(pairs) >= 40
    assert len(pairs) / 3 <= read.true <= 2 * len(pairs) / 3
    least_precision, least_recall = FLOORS[relation]
    assert read.precision >= least_precision, read.wrong
    assert read.recall >= least_recall, read.missed


def test_what_is_found_wrongly_costs_precision_and_what_is_missed_recall() -> None:
    pairs: list[Pair] = [
        ("The dam broke", "That is why the mill stands still", True),
        ("The dam broke", "That is why the mill stands still", False),
        ("The dam broke", "The mill stands still", True),
    ]
    read = measure_cues("cause", pairs)

    assert (read.precision, read.recall) == (0.5, 0.5)


def test_the_table_has_a_line_a_relation() -> None:
    assert len(write_cues().strip().splitlines()) == 2 + len(FLOORS)
