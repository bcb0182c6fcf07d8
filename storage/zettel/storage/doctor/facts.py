"""What a store looks like to whoever examines it: plain values, read without changing anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class RowFacts(NamedTuple):
    """A revision without its words."""

    row_id: str
    note_id: str
    rev: int
    current: bool
    known_from: datetime | None
    """UTC, timezone-aware."""
    known_to: datetime | None
    embed_model: str
    has_vectors: bool
    links: tuple[str, ...]
    """Ids that its links lead to."""
    link_ids: tuple[str, ...]
    """Ids under which others find these links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFacts:
    """One index that a table should have."""

    table: str
    column: str
    there: bool
    unindexed: int = 0
    """Rows it does not cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One table on its disk."""

    name: str
    rows: int
    doubled_keys: int
    """Keys that more than one row has."""
    small_fragments: int
    commits: int
    """Since the last upkeep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Files of a directory store that a crash left; all 0 where there is no directory."""

    damaged_manifests: int = 0
    empty_data: int = 0
    """Tables with data files of no bytes."""
    empty_index_files: int = 0
    leftovers: int = 0
    """Temporary files that no write can finish any more."""

    @property
    def keeps_shut(self) -> bool:
        """Whether opening the store would have to mend it first."""
        return bool(self.damaged_manifests or self.empty_data or self.empty_index_files)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """What was read of one store."""

    rows: tuple[RowFacts, ...]
    tables: tuple[TableFacts, ...]
    indices: tuple[IndexFacts, ...]
    model_id: str
    """That the store says its vectors are of."""
    half_superseded: tuple[str, ...] = ()
    """Ids of notes that are superseded by none that stands."""
    erasures_due: int = 0
    """Erasures that were ordered and are not finished."""
    relapsed: tuple[str, ...] = ()
    """Ids of erased notes that are there again."""
    old_versions: int = 0
    meta: Mapping[str, str] = field(default_factory=dict[str, str])
