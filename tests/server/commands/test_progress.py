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
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_what_is_no_terminal_gets_a_line_each_time() -> None:
    assert shown(terminal=False) == "construct: 1 of 4\nconstruct: 4 of 4\nlink: 2\n"


@pytest.mark.parametrize("step", ["construct", "link"])
def test_a_terminal_gets_a_bar_for_the_step_at_work(step: str) -> None:
    drawn = shown(terminal=True)

    assert step in drawn
    assert "━" in drawn
    assert "of 4" not in drawn
