"""The state of a store as plain values for its examination."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class RowFacts(NamedTuple):
    """A revision without its text."""

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
    """Ids of linked notes."""
    link_ids: tuple[str, ...]
    """Ids under which `linking_to` finds these links."""
    state: str = "active"
    premises: tuple[str, ...] = ()
    """Ids of the notes that it is derived from; of a composed note none."""


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
    """One table on the disk."""

    name: str
    doubled_keys: int
    """Keys of more than one row."""
    small_fragments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Files that a crash left; all 0 without a directory."""

    damaged_manifests: int = 0
    empty_data: int = 0
    """Tables with empty data files."""
    empty_index_files: int = 0
    leftovers: int = 0
    """Temporary files of no running write."""

    @property
    def keeps_shut(self) -> bool:
        """Whether opening the store has to repair it first."""
        return bool(self.damaged_manifests or self.empty_data or self.empty_index_files)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """The state of one store."""

    rows: tuple[RowFacts, ...]
    tables: tuple[TableFacts, ...]
    indices: tuple[IndexFacts, ...]
    model_id: str
    """The model of its vectors, as recorded."""
    half_superseded: tuple[str, ...] = ()
    """Ids of superseded notes without a standing successor, and of active ones with one."""
    erasures_due: int = 0
    """Ordered, unfinished erasures."""
    invalid: tuple[str, ...] = ()
    """Rows that no tool could have made: their keys, each with what is wrong."""
    relapsed: tuple[str, ...] = ()
    """Ids of erased notes that are there again."""
    old_versions: int = 0
    meta: Mapping[str, str] = field(default_factory=dict[str, str])
