"""The cost benchmark: real enough notes, a report, and an exit code that says what was kept."""

import pytest
from benchmarks.cost import tending
from benchmarks.cost.__main__ import main
from benchmarks.cost.measure import Pair
from benchmarks.cost.report import Measured, kept_bounds, write_report
from benchmarks.cost.tending import Tending
from benchmarks.cost.words import Words


def measured(*, remember: float = 1.0, back: float = 1.0, busy: float = 1.0) -> Measured:
    """What costs so many times what it is compared with."""
    even = Pair(ours=[10.0], other=[10.0], parts=[(8.0, 2.0)])
    return Measured(
        notes=1000,
        remember=Pair(ours=[10.0 * remember], other=[10.0], parts=[(8.0, 2.0)], candidates=1),
        update=even,
        back=Pair(ours=[10.0 * back], other=[10.0]),
        ask=even,
        tending=Tending(
            upkeep_ms=200.0,
            evolve_ms=3000.0,
            resident_mb=500.0,
            idle=[40.0],
            busy=[40.0 * busy],
        ),
    )


def test_notes_are_of_real_length_never_alike_and_the_same_for_the_same_seed() -> None:
    words, again = Words(7), Words(7)
    told = [words.telling() for _ in range(500)]

    assert all(25 <= len(telling.content.split()) <= 45 for telling in told)
    assert len({telling.content for telling in told}) == 500
    assert [again.telling() for _ in range(500)] == told


def test_a_bound_is_kept_up_to_its_factor_and_not_above() -> None:
    assert kept_bounds([measured(), measured(remember=1.5, back=1.3)])
    assert not kept_bounds([measured(), measured(remember=1.51)])
    assert not kept_bounds([measured(back=1.31)])
    assert kept_bounds([measured(busy=2.0)])
    assert not kept_bounds([measured(busy=2.01)])


def test_the_report_names_each_ratio_and_what_is_broken() -> None:
    report = write_report([measured(remember=2.0)], command="make", machine="here")

    assert (
        "| 1000 | `remember` (1 times) | 20.0 ms (20.0) | encode, `add` 10.0 ms (10.0) | 2.00"
        " | ≤ 1.5 | **no** |"
    ) in report
    assert "in 1 of 2 answers" in report


@pytest.mark.slow
def test_a_small_run_measures_everything(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for constant, few in {"EVOLVED": 8, "UPKEEP_ROUNDS": 4, "ASKED": 4}.items():
        monkeypatch.setattr(tending, constant, few)
    code = main(["--notes", "60", "--rounds", "2", "--model", "hash"])

    report = capsys.readouterr().out
    assert code in (0, 1)  # how quick this machine is, is not what is tested
    assert report.count("| 60 |") == 6
    assert "python -m benchmarks.cost --notes 60" in report
