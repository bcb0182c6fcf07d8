"""Operations that still lack their time, and how they get it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import JsonValue

from benchmarks.generator.records import Document, Expect, Op, Operation, Query, Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An operation that still lacks its time."""

    op: Op
    args: Mapping[str, JsonValue]
    expect: Expect | None = None
    happened: datetime | None = None
    """Of what is told late."""
    at_once: bool = False
    """In the same second as the act before."""


def timed(act: Act, time: datetime, *, session: str) -> Operation:
    """The act as an operation of that moment."""
    args, expect = dict(act.args), act.expect
    if act.op == "remember":
        args |= {"happened_at": (act.happened or time).isoformat(), "session": session}
    elif act.op == "update":
        args["happened_at"] = time.isoformat()
    elif isinstance(expect, Query):
        expect = replace(expect, asked_at=str(args.get("as_of", time.isoformat())))
    return Operation(op=act.op, t=time, args=args, expect=expect)


def document_of(operation: Operation, *, namespace: str, speaker: str) -> Document:
    """The document that an operation tells."""
    assert isinstance(operation.expect, Telling)
    args = operation.args
    return Document(
        id=operation.expect.document,
        conversation=namespace,
        session=str(args.get("session", "")),
        time=str(args["happened_at"]),
        speaker=speaker,
        text=str(args["content"]),
    )
