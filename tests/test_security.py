"""Every claim of SECURITY.md names the test that shows it, and that test is there."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<claim>[^|]+\.) \| (?P<proof>[^|]+) \|$", re.M)
NODE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of a file's test functions that pytest collects."""
    path = ROOT / file
    if not path.is_file() or not path.name.startswith("test_"):
        return frozenset()
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_claim_names_one_test_that_is_there() -> None:
    claims = [(row["claim"], NODE.findall(row["proof"])) for row in ROW.finditer(TEXT)]

    assert len(claims) >= 70
    assert [claim for claim, named in claims if len(named) != 1] == []
    missing = [
        f"{file}::{name}"
        for _, named in claims
        for file, name in named
        if name not in names_in(file)
    ]
    assert missing == []


def test_no_test_is_named_outside_a_claim_or_for_two() -> None:
    named = NODE.findall(TEXT)
    in_rows = [node for row in ROW.finditer(TEXT) for node in NODE.findall(row["proof"])]

    assert sorted(named) == sorted(in_rows)
    assert len(set(named)) == len(named)


def test_no_row_of_a_table_of_claims_is_overlooked() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and "::" in line]

    assert [row for row in rows if not ROW.fullmatch(row)] == []
