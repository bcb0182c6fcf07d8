"""Examines backups in a process of its own and prints by how much its memory grew at its peak.

python -m tests.storage.backup.bomb sound.zettel bomb.zettel ...
"""

import resource
import sys
from pathlib import Path

from zettel.storage.backup.archive import checked
from zettel.storage.backup.errors import BackupDamagedError
from zettel.storage.backup.reader import examined


def untold(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def main(sound: str, *bombs: str) -> None:
    """Examine a sound backup first, so that only the bombs' own memory is counted."""
    examine(Path(sound))
    for bomb in bombs:
        before = peak()
        try:
            examine(Path(bomb))
        except BackupDamagedError as error:
            print(peak() - before, error.problem)  # noqa: T201 its purpose


def examine(file: Path) -> None:
    """Read every row of a backup."""
    examined(checked(file, untold), problem_of=lambda _note: "", room=None, tell=untold)


def peak() -> int:
    """The largest resident size so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main(*sys.argv[1:])
