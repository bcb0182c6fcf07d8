"""Errors of backups and restores, by remedy.

BackupError
├── BackupExistsError       another file, or --force
├── BackupUnwritableError   another directory
├── BackupDamagedError      another copy of it
├── ExportDamagedError      the line it names, or another export
├── BackupTooLargeError     another disk
├── NewerBackupError        upgrade Zettel
├── BackupErasesError       another store, or erase these notes first
└── StoreNotEmptyError      a namespace, or an empty store
"""

from collections.abc import Sequence
from pathlib import Path

from zettel.storage.errors import ZettelError


class BackupError(ZettelError):
    """A backup cannot be made or restored; the person who keeps it can act."""


class BackupExistsError(BackupError, FileExistsError):
    """The file exists, and replacing it was not allowed, or is not possible."""

    def __init__(self, file: Path, *, replaceable: bool = True) -> None:
        self.file = file
        forced = ", or pass --force to replace it" if replaceable else ""
        super().__init__(
            f"{str(file)!r} exists already and was left as it is. Name another file{forced}."
        )


class BackupUnwritableError(BackupError, OSError):
    """A file cannot be written."""

    def __init__(self, file: Path, problem: str) -> None:
        self.file = file
        super().__init__(
            f"{str(file)!r} was not written: {problem}. Name a file in a directory that"
            " is there, writable and has space."
        )


class BackupDamagedError(BackupError, ValueError):
    """A backup's file has changed since it was written; nothing was restored.

    Args:
        file: The backup.
        place: Position: a part's name, the manifest, the end of the file.
        problem: The damage.
    """

    def __init__(self, file: Path, place: str, problem: str) -> None:
        self.file, self.place, self.problem = file, place, problem
        super().__init__(
            f"The backup {str(file)!r} is damaged at {place}: {problem}. Nothing was restored."
            " Restore another copy of it, or another backup."
        )


class ExportDamagedError(BackupError, ValueError):
    """A file that is to be imported is none that Zettel could have exported; nothing was written.

    Args:
        file: The export.
        place: Position: a line's number.
        problem: The damage.
    """

    def __init__(self, file: Path, place: str, problem: str) -> None:
        self.file, self.place, self.problem = file, place, problem
        super().__init__(
            f"{str(file)!r} cannot be imported, {place}: {problem}. Nothing was written. Mend that"
            " place, or export the notes again."
        )


class BackupTooLargeError(BackupError):
    """A backup's rows need more space than the store's disk has; nothing was restored."""

    def __init__(self, file: Path, needed: int, room: int) -> None:
        self.file, self.needed, self.room = file, needed, room
        super().__init__(
            f"{str(file)!r} unpacks to {needed:,} bytes or more, and {room:,} are free."
            " Nothing was restored. Bring it into a --store on a larger disk."
        )


class NewerBackupError(BackupError):
    """A newer Zettel made the backup."""

    def __init__(self, file: Path, found: str) -> None:
        self.file, self.found = file, found
        super().__init__(
            f"The backup {str(file)!r} has {found}, which this Zettel does not know. Upgrade"
            " zettel-mcp; nothing was restored."
        )


class BackupErasesError(BackupError):
    """A backup's record of erasures names notes that the store holds; nothing was restored."""

    def __init__(self, file: Path, note_ids: Sequence[str]) -> None:
        self.file, self.note_ids = file, tuple(note_ids)
        super().__init__(
            f"The backup {str(file)!r} records {len(note_ids)} notes as erased that this store"
            f" holds, such as {note_ids[0]!r}. Restoring it would erase them, so nothing was"
            " restored. Erase them yourself (zettel forget --erase), or restore into another"
            " --store."
        )


class StoreNotEmptyError(BackupError):
    """Restoring into a store with notes needs a namespace."""

    def __init__(self, place: str, revisions: int) -> None:
        self.place, self.revisions = place, revisions
        super().__init__(
            f"The store at {place!r} holds {revisions} revisions and was left as it is. Pass"
            " --into-namespace NAME to add the backup's notes to it under that name, or --store"
            " with an empty directory."
        )
