"""What the report shows beside the figures."""

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.retrieval.ask import Outcome
from benchmarks.retrieval.drive import Told
from benchmarks.retrieval.evolve import Evolution
from benchmarks.retrieval.read import read_dataset
from benchmarks.retrieval.report import run_lines, write_report
from benchmarks.retrieval.run import Result
from benchmarks.retrieval.tools import Verdict


def outcome(question_id: str, *ranked: str, verdict: Verdict = "found", order: str = "") -> Outcome:
    return Outcome(
        question_id=question_id,
        ranked=ranked,
        verdict=verdict,
        degraded=False,
        milliseconds=(3.0,),
        order=order,
    )


def report(folder: Path, *outcomes: Outcome, at_rest: bool = True) -> str:
    result = Result(
        told=Told(documents_of={}, milliseconds=(1.0, 2.0), already_known=0),
        evolution=Evolution(runs=2, changed=1, created=0, at_rest=at_rest),
        outcomes=outcomes,
        resident_bytes=3 * 2**20,
        disk_bytes=2**19,
        seconds={"remembering": 1.0},
    )
    return write_report(read_dataset(folder), result, command="run it", machine="a machine")


def test_figures_are_shown_in_percent_by_category_and_for_all(chat_folder: Path) -> None:
    text = report(chat_folder, outcome("q1", "x", "c"), outcome("q2"), outcome("q3", "a"))

    zeros = " | ".join(["0.00"] * 7)
    half = "0.00 | 50.00 | 50.00 | 50.00 | 50.00 | 31.55 | 25.00"
    assert f"| photo | 1 | {zeros} |" in text
    assert f"| **all answerable** | 2 | {half} |" in text


def test_verdicts_are_counted_apart_for_what_can_be_answered(chat_folder: Path) -> None:
    text = report(
        chat_folder,
        outcome("q1", verdict="uncertain"),
        outcome("q2"),
        outcome("q3", verdict="nothing_relevant"),
    )

    assert "| answerable | 1 | 1 | 0 | 50.0 % |" in text
    assert "| unanswerable | 0 | 0 | 1 | 100.0 % |" in text


def test_how_sure_recall_is_is_held_against_what_can_be_answered(chat_folder: Path) -> None:
    sure, less, unsure = (
        replace(outcome(name), confidence=confidence)
        for name, confidence in (("q1", 0.9), ("q2", 0.4), ("q3", 0.5))
    )

    assert "against unanswerable: 0.500" in report(chat_folder, sure, less, unsure)
    assert "AUROC" not in report(chat_folder, outcome("q1"), outcome("q2"), outcome("q3"))
    assert json.loads(next(iter(run_lines([sure]))))["score"] == 0.9


def test_costs_come_with_their_units(chat_folder: Path) -> None:
    text = report(chat_folder, outcome("q1"), outcome("q2"), outcome("q3"))

    assert "| remember p50 / p95 | 1.0 / 2.0 ms (2 calls) |" in text
    assert "| server's resident memory, peak | 3 MiB |" in text
    assert "| store on disk | 0.5 MiB |" in text


def test_a_scheduler_that_never_rests_stands_out(chat_folder: Path) -> None:
    outcomes = (outcome("q1"), outcome("q2"), outcome("q3"))

    assert "**not at rest**" in report(chat_folder, *outcomes, at_rest=False)


def test_a_forbidden_or_withheld_document_is_named_as_a_violation(belief_folder: Path) -> None:
    text = report(belief_folder, outcome("p1", "new", "garden"), outcome("p2", "oldest"))

    assert "| a document out of the question's scope | 1 | 1: p1 |" in text
    assert "| a superseded document, or another person's | 2 | 1: p2 |" in text


def test_no_violation_is_a_plain_zero(belief_folder: Path) -> None:
    text = report(belief_folder, outcome("p1", "new"), outcome("p2"))

    assert "| a document out of the question's scope | 1 | 0 |" in text


def test_the_share_of_orders_answered_right_is_shown(order_folder: Path) -> None:
    right = report(order_folder, outcome("o1", order="B"))
    wrong = report(order_folder, outcome("o1", order=""))

    assert "| gap-2 | 1 | 100.00 % |" in right
    assert "| **all** | 1 | 0.00 % |" in wrong


def test_a_run_line_holds_query_ranking_and_verdict() -> None:
    assert list(run_lines([outcome("q", "a", "b")])) == [
        '{"query": "q", "ranked": ["a", "b"], "verdict": "found"}'
    ]
