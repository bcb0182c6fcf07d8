"""Progress of a command: a bar on a terminal, lines anywhere else."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from zettel.server.commands.output import ReportProgress


@contextmanager
def progress(console: Console) -> Generator[ReportProgress]:
    """Show progress while the body runs; the bar is removed at the end.

    Args:
        console: Of standard error, since standard output carries the result.
    """
    if not console.is_terminal:
        yield lambda step, done, total: console.print(_line(step, done, total), highlight=False)
        return
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
