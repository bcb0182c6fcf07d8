"""The output of commands: one line of JSON for programs, or text for people; their progress."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from unicodedata import category

from zettel.storage.progress import ReportProgress

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Output:
    """One printed result."""

    data: object
    """Printed with `--json`; None prints nothing."""
    text: str
    """Printed without `--json`, through `printable_lines`; the empty string prints nothing."""

    def render(self, *, as_json: bool) -> str:
        """The line or lines to print; empty for nothing."""
        if not as_json:
            return printable_lines(self.text)
        if self.data is None:
            return ""
        return json.dumps(self.data, ensure_ascii=False, default=plain)


CLI_PRINCIPAL = "cli"
"""Author of what commands change."""

Say = Callable[[Output], None]
"""Prints one result."""

CONTINUATION_INDENT = "    "
"""Before each line of a text but its first: no line of a command begins with it."""


def printable(text: str) -> str:
    """One line in which all that a terminal obeys, reorders or hides is a visible escape.

    Escaped are the general categories C (control and format characters, surrogates, private and
    unassigned code points), Zl and Zp (Unicode Standard, section 4.5): with them C0 and C1
    controls, line ends, bidi controls, zero-width and tag characters. Spaces of any width stay.
    """
    return "".join(
        character
        if character.isprintable() or category(character) == "Zs"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def printable_lines(text: str) -> str:
    """A text whose line feeds are meant: each of its lines as `printable` makes it."""
    return "\n".join(map(printable, text.split("\n")))


def printable_block(text: str) -> str:
    """A text of several lines, the second and later ones indented.

    So no line of a stored text can pose as a line of the command.
    """
    return f"\n{CONTINUATION_INDENT}".join(map(printable, text.expandtabs().splitlines()))


def plain(value: object) -> str:
    """Text for a value that JSON has no form of; a time in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextmanager
def progress(console: "Console") -> Generator[ReportProgress]:
    """Show progress while the body runs; the bar is removed at the end.

    Args:
        console: Of standard error, since standard output carries the result.
    """
    if not console.is_terminal:
        yield lambda step, done, total: console.print(_line(step, done, total), highlight=False)
        return
    # Heavy, and few commands need it.
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        known = dict[str, TaskID]()

        def tell(step: str, done: int, total: int) -> None:
            for other in known.keys() - {step}:
                bars.remove_task(known.pop(other))
            if step not in known:
                known[step] = bars.add_task(step)
            bars.update(known[step], completed=done, total=total or None)

        yield tell


def _line(step: str, done: int, total: int) -> str:
    return f"{step}: {done} of {total}" if total else f"{step}: {done}"
