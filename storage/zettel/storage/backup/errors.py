"""Errors of backups and restores, by remedy.

BackupError
├── BackupExistsError       another file, or --force
├── BackupUnwritableError   another directory
├── BackupDamagedError      another copy of it
├── NewerBackupError        upgrade Zettel
└── StoreNotEmptyError      a namespace, or an empty store
"""

from pathlib import Path

from zettel.storage.errors import ZettelError


class BackupError(ZettelError):
    """A backup cannot be made or restored; the person who keeps it can act."""


class BackupExistsError(BackupError, FileExistsError):
    """The file exists, and replacing it was not allowed."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(
            f"{str(file)!r} exists already and was left as it is. Name another file, or pass"
            " --force to replace it."
        )


class BackupUnwritableError(BackupError, OSError):
    """The backup's file cannot be written."""

    def __init__(self, file: Path, problem: str) -> None:
        self.file = file
        super().__init__(
            f"The backup {str(file)!r} was not written: {problem}. Name a file in a directory that"
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


class NewerBackupError(BackupError):
    """A newer Zettel made the backup."""

    def __init__(self, file: Path, found: str) -> None:
        self.file, self.found = file, found
        super().__init__(
            f"The backup {str(file)!r} has {found}, which this Zettel does not know. Upgrade"
            " zettel-mcp; nothing was restored."
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
