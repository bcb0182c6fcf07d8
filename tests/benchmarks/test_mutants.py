"""`benchmarks.mutants` tells killed from surviving mutants, and never touches the checkout."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from benchmarks.mutants.__main__ import HERE, Mutant, main

CODE = """def double(number):
    return 2 * number


def is_even(number):
    return number % 2 == 0
"""
TESTS = """from zettel.storage.sums import double, is_even


def test_double():
    assert double(3) == 6


def test_is_even():
    assert is_even(2)


def test_that_fails():
    assert double(3) == 7
"""
DOUBLE, EVEN, FAILS = (f"tests/test_sums.py::test_{n}" for n in ("double", "is_even", "that_fails"))
FILE = "storage/zettel/storage/sums.py"

KILLED = {"id": "K1", "old": "2 * number", "new": "3 * number", "killer": [DOUBLE]}
SURVIVOR = {"id": "S1", "old": "number % 2 == 0", "new": "True", "killer": [EVEN]}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small product and its tests."""
    files = {
        FILE: CODE,
        # In front of the installed package of that name.
        "storage/zettel/storage/__init__.py": "",
        "tests/test_sums.py": TESTS,
        "pytest.ini": "[pytest]\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def made(checkout: Path, *mutants: Mapping[str, object], only: tuple[str, ...] = ()) -> int:
    """The exit code of a run with these mutants."""
    listed = checkout / "mutants.jsonl"
    listed.write_text(
        "".join(json.dumps({"file": FILE, **mutant}) + "\n" for mutant in mutants),
        encoding="utf-8",
    )
    chosen = ["--only", *only] if only else []
    return main(["--mutants", str(listed), "--root", str(checkout), *chosen])


@pytest.mark.slow
def test_a_killed_and_a_surviving_mutant_are_told_apart_and_counted(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(checkout, KILLED, SURVIVOR) == 1
    assert capsys.readouterr().out.splitlines() == [
        "killed K1",
        "survived S1",
        "1 of 2 killed, 50.0%",
    ]
    assert (checkout / FILE).read_text(encoding="utf-8") == CODE


@pytest.mark.slow
def test_the_chosen_mutants_alone_are_made(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(checkout, SURVIVOR, KILLED, only=("K1",)) == 0
    assert capsys.readouterr().out.splitlines() == ["killed K1", "1 of 1 killed, 100.0%"]
    assert made(checkout, KILLED, only=("K2",)) == 2
    assert "K2" in capsys.readouterr().err


@pytest.mark.parametrize(("old", "times"), [("4 * number", 0), ("number", 4), (CODE, 1)])
def test_a_mutant_that_fits_no_place_or_several_or_changes_nothing_is_stale(
    checkout: Path, capsys: pytest.CaptureFixture[str], old: str, times: int
) -> None:
    assert made(checkout, KILLED, {**KILLED, "id": "K9", "old": old, "new": CODE}) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"stale mutant K9: `old` occurs {times} times in {FILE}" in said.err


@pytest.mark.slow
@pytest.mark.parametrize("killer", [FAILS, "tests/test_sums.py::test_gone"])
def test_a_killer_must_pass_before_any_fault_is_put_in(
    checkout: Path, capsys: pytest.CaptureFixture[str], killer: str
) -> None:
    assert made(checkout, {**KILLED, "killer": [DOUBLE, killer]}) == 2
    assert "must pass before any fault is put in" in capsys.readouterr().err


def test_the_committed_mutants_have_a_name_a_place_and_a_killer_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = (HERE / "mutants.jsonl").read_text(encoding="utf-8").splitlines()
    mutants = [Mutant(**json.loads(line)) for line in lines]

    assert len({mutant.id for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        text = (HERE.parents[1] / mutant.file).read_text(encoding="utf-8")
        assert (mutant.id, text.count(mutant.old)) == (mutant.id, 1)
        assert mutant.killer
        assert all((HERE.parents[1] / k.partition("::")[0]).is_file() for k in mutant.killer)
    assert main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(mutants)
