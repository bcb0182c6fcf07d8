"""Arguments far longer than any that is taken: refused, without looking through all of them."""

import sys
from collections.abc import Callable

import pytest
from pydantic import JsonValue
from tests.tools.conftest import START, Desk, Refused

from zettel.server.protocol.schemas import RecallArguments, read_arguments
from zettel.storage.errors import ZettelError
from zettel.tools import validation
from zettel.tools.language.times import resolve
from zettel.tools.state.caches import CURSOR_MAX_CHARACTERS

LONG = 400_000
LIST: list[JsonValue] = [1] * LONG
NAMES: list[JsonValue] = ["a"] * LONG


def calls(work: Callable[[], object]) -> int:
    """Number of Python functions that a piece of work calls."""
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


def refused(**given: JsonValue) -> str:
    """What reading the arguments of a recall says."""
    with pytest.raises(ZettelError) as error:
        read_arguments(RecallArguments, given, owner="recall")
    return str(error.value)


@pytest.mark.parametrize(
    "given",
    [
        {"x" * LONG: 1},
        {"detail": "y" * LONG},
        {"query": [{"a": [1] * 10}] * LONG},
        {"limit": LIST},
        {"limit": '"' + "z" * LONG},
        {"tags": NAMES},
        {"tags": "[" + "1," * LONG + "1]"},
    ],
)
def test_a_huge_argument_takes_few_steps(given: dict[str, JsonValue]) -> None:
    seen = list[str]()

    def read() -> None:
        try:
            arguments = read_arguments(RecallArguments, given, owner="recall")
            validation.check_list("tags", arguments.tags)
        except ZettelError as error:
            seen.append(str(error))

    assert calls(read) < 4_000
    assert len(seen[0]) < 800


def test_the_nearest_name_is_still_named() -> None:
    assert "Did you mean 'query'?" in refused(qery="x")
    assert "400000 entries are too many" in refused(tags=NAMES)
    assert "[1, 1, 1" in refused(limit=LIST)


def test_names_and_times_are_compared_up_to_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[str]()

    def compare(word: str, *_: object, **__: object) -> list[str]:
        compared.append(word)
        return []

    monkeypatch.setattr("difflib.get_close_matches", compare)
    assert validation.nearest("x" * (validation.MAX_NAME + 1), ["y"]) is None
    assert compared == []
    assert resolve("2026 " * LONG, START) is None


async def test_a_cursor_longer_than_any_is_unknown(desk: Desk) -> None:
    with pytest.raises(Refused, match="This cursor is unknown"):
        await desk("recall", cursor="W" * (CURSOR_MAX_CHARACTERS + 1))


@pytest.mark.parametrize("tool", ["remember", "recall", "forget"])
async def test_a_text_that_grows_when_it_is_folded_is_refused(desk: Desk, tool: str) -> None:
    name, most = ("content", 32_768) if tool == "remember" else ("query", 4_096)

    for characters in (most, 300):
        with pytest.raises(Refused, match="compatibility characters, written out, take more than"):
            await desk(tool, **{name: "\ufdfa" * characters})

    await desk(tool, **{name: f"{'ﬁ' * (most // 2)} ½ … ㎏"})
