"""Every error the benchmark raises on purpose.

    BenchmarkError
    ├── DataError      the data given cannot be read as any known format
    └── ServerError    the server did not start, refused a call or could not evolve

The benchmark knows Zettel from outside only, so its errors are no part of Zettel's own tree.
"""

from pathlib import Path


class BenchmarkError(Exception):
    """Anything that ends the benchmark, worded for who started it."""


class DataError(BenchmarkError, ValueError):
    """A file or folder is not the data it should be.

    Args:
        place: The file or folder, with a line number where that helps.
        problem: What is wrong with it.
        remedy: What to give instead.
    """

    def __init__(self, place: str | Path, problem: str, remedy: str) -> None:
        self.place = str(place)
        super().__init__(f"{str(place)!r} {problem}. {remedy}")


class ServerError(BenchmarkError, RuntimeError):
    """The server failed; the tail of its log is part of the message.

    Args:
        doing: What was asked of it.
        problem: What it did instead.
        log: The end of its log, empty if there is none.
    """

    def __init__(self, doing: str, problem: str, log: str = "") -> None:
        self.doing = doing
        tail = f"\nThe end of the server's log:\n{log}" if log else ""
        super().__init__(f"{doing}: {problem}. Run again with --keep-store to look at it.{tail}")
