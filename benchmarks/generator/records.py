"""What the generator yields: documents, questions, and the operations that tell and ask them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

Style = Literal["dialogue", "assistant", "notes"]
"""Who tells: people among themselves; a user to an assistant, who talks back at length; or an
agent that writes notes about people, without a speaker."""
Op = Literal["remember", "update", "forget", "recall", "restart"]
"""`restart`: let evolution come to rest (which compacts), then stop the server and start it."""


class Category(StrEnum):
    """The twelve kinds of question; a number and a name."""

    SINGLE_HOP = "1 single-hop"
    MULTI_HOP = "2 multi-hop"
    LIST = "3 list"
    UPDATE = "4 knowledge-update"
    CONFLICT = "5 implicit conflict"
    POINT_IN_TIME = "6 point in time"
    TEMPORAL = "7 temporal"
    ORDER = "8 sequence order"
    ABSTENTION = "9 abstention"
    FORGET = "10 forget"
    INTERFERENCE = "11 interference"
    ISOLATION = "12 scope isolation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text that is told, by `remember` or as a note's new content by `update`."""

    id: str
    conversation: str
    """The namespace it is told in."""
    session: str
    time: str
    """When it happened, ISO 8601 with zone."""
    speaker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is known of a telling."""

    document: str
    replaces: str = ""
    """The document that this one silently contradicts: it should be among the candidates."""
    resembles: str = ""
    """A document of the same slot and another person: no candidate for replacement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Which documents go, and nothing else."""

    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question with what is known of its answer."""

    id: str
    conversation: str
    question: str
    category: Category
    variant: str
    """What sets it apart within its category."""
    answer: str
    evidence: tuple[str, ...] = ()
    """Documents that answer it; in the order things happened where that is asked."""
    answerable: bool = True
    asked_at: str
    stale: tuple[str, ...] = ()
    """Documents that were true once: not to be returned unasked."""
    wrong: tuple[str, ...] = ()
    """Documents that state what was rejected: to come after the evidence."""
    secrets: tuple[str, ...] = ()
    """Words that stood in forgotten notes only: to be nowhere in the answer."""


Expect = Telling | Forgetting | Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of a tool, or a restart."""

    op: Op
    t: datetime
    """When it is made, UTC."""
    args: Mapping[str, JsonValue]
    """As the tool takes them, with document ids where it takes note ids."""
    expect: Expect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a document says of whom."""

    person: str
    """A project's name for what is said of a project."""
    slot: str
    value: str
    true: bool = True
    """Whether it was so when it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything one seed yields."""

    name: str
    style: Style
    documents: tuple[Document, ...]
    operations: tuple[Operation, ...]
    stated: Mapping[str, Stated] = field(default_factory=dict[str, Stated])
    """By document, in no order; those that state a fact. It is in none of the files."""

    @property
    def queries(self) -> list[Query]:
        """The questions in the order they are asked."""
        return [o.expect for o in self.operations if isinstance(o.expect, Query)]


def write_world(world: World, folder: Path) -> None:
    """Write `documents.jsonl`, `operations.jsonl` and `queries.jsonl`; equal worlds, equal bytes.

    Args:
        world: What to write.
        folder: Made if it is not there; files of these names are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in world_lines(world).items():
        (folder / name).write_bytes("".join(f"{line}\n" for line in lines).encode())


def world_lines(world: World) -> dict[str, list[str]]:
    """The lines of each file by its name."""
    operations = [
        {
            "op": o.op,
            "t": o.t.isoformat(),
            "args": o.args,
            "expect": _told(asdict(o.expect)) if o.expect else {},
        }
        for o in world.operations
    ]
    return {
        "documents.jsonl": _lines(asdict(d) for d in world.documents),
        "operations.jsonl": _lines(operations),
        "queries.jsonl": _lines(asdict(q) for q in world.queries),
    }


def _told(values: Mapping[str, object]) -> dict[str, object]:
    """Without what is empty, so that a line can be read."""
    return {name: value for name, value in values.items() if value not in ("", ())}


def _lines(values: Iterable[Mapping[str, object]]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]
