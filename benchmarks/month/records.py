"""A made-up month: its sessions, what is told in them and what is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from benchmarks.retrieval.errors import DataError

Sort = Literal["fact", "change", "old", "kind", "time", "me", "two", "language", "never"]
"""What a question asks for: a fact; what changed, now or before; all of a kind; what holds at a
time; the user; what two notes tell together; in another language than it was told; what nobody
told."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SessionLine(_Line):
    """A session begins."""

    type: Literal["session"]
    id: str
    at: datetime
    project: str = ""


class Settling(_Line):
    """What a note changes."""

    ref: str
    settled: bool
    """Whether the agent settles it, if `remember` names the older note."""


class NoteLine(_Line):
    """A note is told."""

    type: Literal["remember"]
    ref: str
    content: str
    subject: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    happened_at: str = ""
    changes: Settling | None = None

    @property
    def arguments(self) -> Mapping[str, JsonValue]:
        """Of `remember`."""
        given = self.model_dump(include={"content", "subject", "kind", "tags", "happened_at"})
        return {name: list(v) if name == "tags" else v for name, v in given.items() if v}


class Question(_Line):
    """A question is asked."""

    type: Literal["ask"]
    id: str
    question: str
    gold: tuple[str, ...]
    """Refs of the notes that answer; empty where none does."""
    stale: tuple[str, ...] = ()
    """Refs of notes that hold an old value."""
    all: bool = False
    """Whether only all of `gold` together answer."""
    sort: Sort


Line = Annotated[SessionLine | NoteLine | Question, Field(discriminator="type")]
_REMEDY = "Lines are as benchmarks/month/records.py says."
_LINE: TypeAdapter[SessionLine | NoteLine | Question] = TypeAdapter(Line)


def read_month(path: Path) -> Sequence[SessionLine | NoteLine | Question]:
    """The lines of a month in their order.

    Raises:
        DataError: A line is not of these, or names what was not told before.
    """
    lines = list[SessionLine | NoteLine | Question]()
    told = set[str]()
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = _LINE.validate_json(raw)
        except ValidationError as error:
            raise DataError(path, f"line {number} is none of a month: {error}", _REMEDY) from error
        if isinstance(line, NoteLine):
            told.add(line.ref)
        named = {*line.gold, *line.stale} if isinstance(line, Question) else set[str]()
        if isinstance(line, NoteLine) and line.changes:
            named = {line.changes.ref}
        if missing := named - told:
            problem = f"line {number} names what nobody has told: {sorted(missing)}"
            raise DataError(path, problem, _REMEDY)
        lines.append(line)
    return lines
