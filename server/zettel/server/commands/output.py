"""The output of commands: one line of JSON for programs, or text for people; their progress."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zettel.storage.progress import ReportProgress

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Output:
    """One printed result."""

    data: object
    """Printed with `--json`; None prints nothing."""
    text: str
    """Printed without `--json`; the empty string prints nothing."""

    def render(self, *, as_json: bool) -> str:
        """The line or lines to print; empty for nothing."""
        if not as_json:
            return self.text
        if self.data is None:
            return ""
        return json.dumps(self.data, ensure_ascii=False, default=plain)


CLI_PRINCIPAL = "cli"
"""Author of what commands change."""

Say = Callable[[Output], None]
"""Prints one result."""


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
