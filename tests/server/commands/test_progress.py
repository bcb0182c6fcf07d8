"""Progress of a command."""

from io import StringIO

import pytest
from rich.console import Console

from zettel.server.commands import output
from zettel.server.commands.output import progress


def shown(*, terminal: bool) -> str:
    console = Console(file=StringIO(), force_terminal=terminal, width=80)
    with progress(console) as tell:
        tell("construct", 1, 4)
        tell("construct", 4, 4)
        tell("link", 2, 0)
        tell("mend", 0, 0)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_what_is_no_terminal_gets_a_line_each_time() -> None:
    assert shown(terminal=False) == "construct: 1 of 4\nconstruct: 4 of 4\nlink: 2\nmend\n"


@pytest.mark.parametrize("step", ["construct", "link", "mend"])
def test_a_terminal_gets_a_bar_for_a_known_total_and_else_a_spinner(step: str) -> None:
    drawn = shown(terminal=True)
    frames = [frame for frame in drawn.splitlines() if step in frame]

    assert frames
    assert all(("\u2501" in frame) == (step == "construct") for frame in frames)
    assert "0 of" not in drawn
    assert "100" not in drawn


def test_lines_say_how_long_it_takes_yet_by_what_this_run_has_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter((100.0, 110.0, 119.0, 200.0))
    monkeypatch.setattr(output, "monotonic", lambda: next(times))
    console = Console(file=StringIO(), width=80)
    with progress(console) as tell:
        tell("importing", 4_000, 9_000)  # stored by an earlier run
        tell("importing", 4_500, 9_000)
        tell("importing", 9_000, 9_000)
        tell("linking", 5, 10)

    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().splitlines() == [
        "importing: 4000 of 9000",
        "importing: 4500 of 9000, 0:01:30 left",
        "importing: 9000 of 9000",
        "linking: 5 of 10",
    ]
