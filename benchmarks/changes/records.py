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
    world: str = ""
    """Where several changes are told among the same notes."""

    @property
    def place(self) -> str:
        """Namespace in which it is told."""
        return self.world or self.id


class _ToldChange(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sort: str
    old: str
    new: str
    names_old: bool


class _ToldWorld(_Line):
    """Notes, and several changes told among them, as an agent tells them."""

    notes: tuple[str, ...]
    changes: tuple[_ToldChange, ...]


class World(_Line):
    """Notes of which none changes what an earlier one tells."""

    notes: tuple[str, ...]


class Pair(_Line):
    """Two notes told weeks apart: of two things of one sort, or of one thing that has changed."""

    of: str
    """What tells the two things apart, such as `person`, or `one thing`."""
    older: str
    younger: str
    asked: str
    """Is answered by the older note alone; of one thing by the younger."""
    asked_else: str = ""
    """Of two things: is answered by the younger note alone."""

    @property
    def place(self) -> str:
        """Namespace in which it is told, with all others that are alike."""
        return "one-thing" if self.is_one_thing else "two-things"

    @property
    def is_one_thing(self) -> bool:
        """Whether the younger note is the news of the older one."""
        return not self.asked_else


_T = TypeVar("_T", bound=_Line)


def read_changes() -> Sequence[Change]:
    """Changes of which most have no word of change, each in a world of its own."""
    return _read(DATA / "changes.jsonl", Change)


def read_told(*, kept_aside: bool) -> Sequence[Change]:
    """Changes as agents tell them, several in a world; half of the worlds are kept aside."""
    name = "told_worlds_kept_aside.jsonl" if kept_aside else "told_worlds.jsonl"
    return [
        Change(
            **told.model_dump(),
            id=f"{world.id}.{place}",
            language=world.language,
            others=world.notes,
            world=world.id,
        )
        for world in _read(DATA / name, _ToldWorld)
        for place, told in enumerate(world.changes)
    ]


def read_worlds() -> Sequence[World]:
    """Every world without changes."""
    return _read(DATA / "no_changes.jsonl", World)


def read_pairs() -> Sequence[Pair]:
    """Pairs of notes on two things, and on one."""
    return _read(DATA / "pairs.jsonl", Pair)


def _read(path: Path, form: type[_T]) -> Sequence[_T]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [form.model_validate_json(line) for line in lines]
    except ValidationError as error:
        raise DataError(path, f"holds another line: {error}", "See records.py.") from error
