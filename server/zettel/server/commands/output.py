"""The output of commands: one line of JSON for programs, or text for people; their progress."""

import json
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from zettel.server.protocol.json_text import plain_value
from zettel.storage.progress import ReportProgress
from zettel.tools.printable import printable

if TYPE_CHECKING:
    from rich.console import Console


StyledText = tuple[str, str]
"""A piece of a line, and its style: `id`, `strong`, `faint`, `added`, `removed`, or empty."""


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line. A terminal wraps it at words, and indents all but its first part."""

    spans: tuple[StyledText, ...]
    indent: int = 4
    """Spaces before what is wrapped: no line of a command begins with so many."""

    @property
    def plain(self) -> str:
        """The line without styles, fit to be printed."""
        return printable("".join(text for text, _ in self.spans))


def line(*pieces: str | StyledText, indent: int = 4) -> Line:
    """A line of texts and of texts with a style."""
    spans = tuple((piece, "") if isinstance(piece, str) else piece for piece in pieces)
    return Line(spans, indent)


def block(text: str, lead: Line) -> list[Line]:
    """A stored text of any number of lines behind `lead`, whose indent they all get but the first.

    So no line of a stored text can pose as a line of the command.
    """
    first, *rest = text.expandtabs().splitlines() or [""]
    begun = Line((*lead.spans, (first, "")), lead.indent)
    return [begun, *(line(" " * lead.indent + each, indent=lead.indent) for each in rest)]


@dataclass(frozen=True, slots=True)
class Output:
    """One printed result."""

    data: object
    """Printed with `--json`; None prints nothing."""
    text: str
    """Printed without `--json`, its line feeds are meant; the empty string prints nothing."""
    styled: Sequence[Line] = ()
    """The text for a terminal, where it has styles."""

    @classmethod
    def of(cls, data: object, lines: Sequence[Line]) -> "Output":
        """A result whose text has styles."""
        return cls(data, "\n".join(each.plain for each in lines), lines)

    def lines(self) -> Sequence[Line]:
        """The text as lines with a fitting indent."""
        if self.styled:
            return self.styled
        return [_as_line(text) for text in self.text.split("\n")] if self.text else []

    def render(self, *, as_json: bool) -> str:
        """The line or lines to print where there is no terminal; empty for nothing."""
        if not as_json:
            return "\n".join(each.plain for each in self.lines())
        if self.data is None:
            return ""
        return json.dumps(self.data, ensure_ascii=False, default=plain_value)


_COLUMN = re.compile(r" *\S+(?: \S+){0,2}? {2,}(?=\S)")
"""The first column of a table, as far as what comes behind it."""
COLUMN_MAX_CHARACTERS = 26


def _as_line(text: str) -> Line:
    """A line of a text: what is wrapped goes on below the second column, if it has one."""
    column = _COLUMN.match(text)
    if column and column.end() <= COLUMN_MAX_CHARACTERS:
        return line(text, indent=column.end())
    return line(text, indent=len(text) - len(text.lstrip(" ")) + 4)


def number_of(number: int, one: str, many: str = "") -> str:
    """A number and what it counts: "1 note", "2 notes". `many` is for words without a plain s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


CLI_PRINCIPAL = "cli"
"""Author of what commands change."""
UNRECORDED = "The store could not note it down, so no later erasure will name it."
"""Said of a copy of notes that a store on a full or read-only disk has no record of."""

Say = Callable[[Output], None]
"""Prints one result."""


@contextmanager
def progress(console: "Console") -> Generator[ReportProgress]:
    """Show progress while the body runs: a bar where the total is known, else a spinner.

    Args:
        console: Of standard error, since standard output carries the result.
    """
    if not console.is_terminal:
        lines = _Lines()
        yield lambda step, done, total: console.print(
            lines.of(step, done, total, monotonic()), highlight=False
        )
        return
    # Heavy, and few commands need it.
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    known_total = (
        *(TextColumn("{task.description}"), BarColumn()),
        *(TextColumn("{task.completed:,.0f} of {task.total:,.0f}"), TimeRemainingColumn()),
    )
    no_total = (SpinnerColumn(), TextColumn("{task.description}{task.fields[amount]}"))
    at_work: Progress | None = None
    step_of, task = ("", False), TaskID(0)

    def tell(step: str, done: int, total: int) -> None:
        nonlocal at_work, step_of, task
        if at_work is None or step_of != (step, bool(total)):
            if at_work is not None:
                at_work.stop()
            columns = known_total if total else no_total
            at_work = Progress(*columns, console=console, transient=True)
            # With the amount: what was done before says nothing of the time that is left.
            task = at_work.add_task(step, completed=done, total=total or None, amount="")
            step_of = (step, bool(total))
            at_work.start()
        amount = f" {done:,}" if done else ""
        at_work.update(task, completed=done, total=total or None, amount=amount)

    try:
        yield tell
    finally:
        if at_work is not None:
            at_work.stop()


class _Lines:
    """Progress in lines, with the time that is left by what was done since a step began."""

    def __init__(self) -> None:
        self._step, self._first, self._since_s = "", 0, 0.0

    def of(self, step: str, done: int, total: int, now_s: float) -> str:
        """The line for a report at a time of a monotonic clock."""
        if step != self._step:
            self._step, self._first, self._since_s = step, done, now_s
        if not total:
            return f"{step}: {done}" if done else step
        worked = done - self._first
        left_s = (now_s - self._since_s) / worked * (total - done) if worked > 0 else 0.0
        left = f", {timedelta(seconds=round(left_s))} left" if left_s >= 1 else ""
        return f"{step}: {done} of {total}{left}"
