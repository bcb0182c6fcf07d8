"""A person's terminal: wrapped lines, colours, a pager, and a sign that something is waited for."""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING

import typer

from zettel.server.commands.output import Line
from zettel.tools.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

STYLES = {
    "id": "yellow",
    "strong": "bold",
    "faint": "dim",
    "added": "green",
    "removed": "red",
}
"""Styles of `StyledText` as rich names them; what git uses."""
WRAPPED_MIN_CHARACTERS = 20
"""Least room beside an indent; in less, the terminal breaks the lines."""
PAGER_OPTIONS = "FRX"
"""Of less, unless `LESS` is set: colours, no pager for what fits (git's default)."""
SHOWN_AFTER_S = 0.4
"""Seconds until a command says what it waits for."""


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def show(lines: Sequence[Line], *, paged: bool = True) -> None:
    """Print lines: on a terminal wrapped, in colours, and in a pager if they do not fit.

    No lines print nothing; `paged` ones may go to a pager.
    """
    if not is_terminal():
        for each in lines:
            typer.echo(each.plain)
        return
    if not lines:
        return
    from rich.console import Console  # noqa: PLC0415  a tenth of a second, for terminals only

    console = Console(highlight=False, markup=False, emoji=False)
    shown = [part for each in lines for part in wrapped(each, console)]
    if not paged or len(shown) < console.height or not sys.stdin.isatty():
        for part in shown:
            console.print(part, soft_wrap=True)
        return
    os.environ.setdefault("LESS", PAGER_OPTIONS)
    # What is left after less was left early is not printed.
    with suppress(BrokenPipeError), console.pager(styles=not console.no_color):
        for part in shown:
            console.print(part, soft_wrap=True)


def wrapped(each: Line, console: "Console") -> "list[Text]":
    """A line as the lines that fit on the console, broken at words where there are any."""
    from rich.text import Text  # noqa: PLC0415  as above

    text = Text.assemble(
        *((printable(words), STYLES.get(style, "")) for words, style in each.spans)
    )
    room = console.width - each.indent
    if text.cell_len <= console.width or room < WRAPPED_MIN_CHARACTERS:
        return [text]
    first = text.wrap(console, console.width)[0]
    # A first word that does not fit beside what is before it begins its own line.
    rest = text[len(first.plain) :]
    rest = rest[len(rest.plain) - len(rest.plain.lstrip(" ")) :]
    indent = Text(" " * each.indent)
    return [first, *(indent + part for part in rest.wrap(console, room))] if rest else [first]


@contextmanager
def waiting(words: str) -> Generator[None]:
    """While the body runs for long, show on standard error what is waited for."""
    if not sys.stderr.isatty():
        yield
        return
    shown = list["Status"]()

    def start() -> None:
        from rich.console import Console  # noqa: PLC0415  as above
        from rich.status import Status  # noqa: PLC0415

        shown.append(Status(words, console=Console(stderr=True)))
        shown[0].start()

    timer = Timer(SHOWN_AFTER_S, start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for status in shown:
            status.stop()
