"""How far a command has come: a bar on a terminal, lines anywhere else."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

Tell = Callable[[str, int, int], None]
"""Step, notes done, notes to do in all; 0 in all where that is not known."""


@contextmanager
def progress(console: Console) -> Generator[Tell]:
    """Show progress while something works; a bar leaves nothing behind.

    Args:
        console: Where; standard error, for what a command prints is its result.
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
