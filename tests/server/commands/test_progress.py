"""Progress of a command."""

from io import StringIO

import pytest
from rich.console import Console

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
