"""Which of two versions is the newer one."""

from importlib.metadata import version
from itertools import pairwise, product

import pytest

from zettel.server.engine.ipc.version import VERSION, is_newer

IN_ORDER = (
    "nonsense", "0.1.0.dev1", "0.1.0a1", "0.1.0rc2", "0.1.0rc10", "0.1.0", "0.1.0.post1",
    "0.1.1", "0.9", "0.10", "1.0", "99.0",
)  # fmt: skip


def test_the_code_is_of_the_version_that_is_installed() -> None:
    assert version("zettel-mcp") == VERSION


@pytest.mark.parametrize(("older", "newer"), [*pairwise(IN_ORDER)])
def test_versions_have_an_order(older: str, newer: str) -> None:
    assert is_newer(newer, older)
    assert not is_newer(older, newer)


def test_no_two_versions_are_each_newer_than_the_other() -> None:
    known = (*IN_ORDER, "", "1.0.0", "v1.0", "1.0+local", "1.0-x", "1.0rc", "1.0.dev")

    assert not [(a, b) for a, b in product(known, known) if is_newer(a, b) and is_newer(b, a)]


def test_zeros_at_the_end_mean_nothing() -> None:
    assert not is_newer("1.0.0", "1.0")
    assert not is_newer("1.0", "1.0.0")
