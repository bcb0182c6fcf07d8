"""Changes of facts, and notes that change nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.retrieval.errors import DataError

DATA = Path(__file__).with_name("data")


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    language: str


class Change(_Line):
    """A note that changes what an older one tells."""

    sort: str
    old: str
    new: str
    names_old: bool
    """Whether the new note says the old value outright."""
    others: tuple[str, ...]
    """Near notes that it does not change."""
    old_language: str = ""
    """Where it is another than the new note's."""


class World(_Line):
    """Notes of which none changes what an earlier one tells."""

    notes: tuple[str, ...]


_T = TypeVar("_T", bound=_Line)


def read_changes() -> Sequence[Change]:
    """Every change."""
    return _read(DATA / "changes.jsonl", Change)


def read_worlds() -> Sequence[World]:
    """Every world without changes."""
    return _read(DATA / "no_changes.jsonl", World)


def _read(path: Path, form: type[_T]) -> Sequence[_T]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [form.model_validate_json(line) for line in lines]
    except ValidationError as error:
        raise DataError(path, f"holds another line: {error}", "See records.py.") from error
