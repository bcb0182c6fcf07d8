"""The query and the report of a scan, and access to the scan, which needs an extra."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zettel.storage.errors import ExtraMissingError
from zettel.storage.progress import ReportProgress, no_progress


class MatchKind(StrEnum):
    """Kind of a match; the matched text itself is never shown."""

    ID = "id"
    TEXT = "text"
    TERM = "term"
    """A word of the text in a full-text index's vocabulary."""
    VECTOR = "vector"


class FileKind(StrEnum):
    """Sort of file it was found in."""

    DATA = "data"
    VECTOR_INDEX = "vector index"
    TEXT_INDEX = "full-text index"
    SCALAR_INDEX = "scalar index"
    MANIFEST = "manifest"
    TRANSACTION = "transaction"
    DELETION = "deletion"
    TEMPORARY = "temporary"
    LOG = "log"
    SETTINGS = "settings"
    ENGINE = "engine"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureQuery:
    """Ids, texts and vectors that must not be in the store."""

    ids: Sequence[str] = ()
    """Note ids."""
    texts: Sequence[str] = ()
    """The contents of the notes' text columns; a tag or a subject is a text, too."""
    vectors: Sequence[NDArray[np.float32]] = ()
    """Arrays `(passages, dim)`, rows of unit length."""
    spared: frozenset[str] = frozenset()
    """Ids of other notes that may contain the same words."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class VerifyFinding:
    """One place that still contains erased content."""

    path: str
    """Of the file, below the store's directory."""
    kind: FileKind
    what: MatchKind
    column: str = ""
    """Of a table or index; empty for the raw bytes of the file."""
    note_id: str = ""
    """Of the row; empty if unknown."""
    live: bool = False
    """Whether the row is in the newest version of its table: not even deleted."""
    count: int = 1
    """Number of matching pieces."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unread:
    """A file that could not be decoded; only its raw bytes were searched."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The result of a scan."""

    findings: Sequence[VerifyFinding]
    elsewhere: Sequence[str]
    """Ids of other live notes that contain the same words."""
    unread: Sequence[Unread]
    files: int
    size: int
    """Bytes of all files."""

    @property
    def gone(self) -> bool:
        """Whether it is proven that only other notes contain the same words."""
        return not self.findings and not self.unread


class Scan(Protocol):
    """`zettel.storage.verify.scan.scan`."""

    def __call__(
        self,
        directory: Path,
        wanted: ErasureQuery,
        *,
        beside: Sequence[Path] = (),
        tell: ReportProgress = no_progress,
    ) -> VerifyReport:
        """Search every file of a store's directory."""
        ...


def load_scan() -> Scan:
    """Import the scan, which takes a second.

    Raises:
        ExtraMissingError: pylance is not installed.
    """
    require_extra()
    from zettel.storage.verify.scan import scan  # noqa: PLC0415  needs the extra

    return scan


def load_stored_model(directory: Path) -> str:
    """The embedding model of a store's vectors; empty if it cannot be read.

    Raises:
        ExtraMissingError: pylance is not installed.
    """
    require_extra()
    from zettel.storage.verify.lance_reader import stored_model  # noqa: PLC0415  needs the extra

    return stored_model(directory)


def require_extra() -> None:
    """Check that pylance is installed.

    Raises:
        ExtraMissingError: It is not.
    """
    if find_spec("lance") is None:
        raise ExtraMissingError("verify", "decoding a store's files")
