"""The four tools as a client sees them: name, text, schemas, hints."""

from dataclasses import dataclass

from mcp.types import Tool, ToolAnnotations
from pydantic import TypeAdapter

from zettel.server import texts
from zettel.server.compact import JsonObject, compact_schema
from zettel.server.schemas import (
    Arguments,
    ForgetArguments,
    RecallArguments,
    RememberArguments,
    UpdateArguments,
)
from zettel.storage.errors import UnknownNameError
from zettel.tools.answers import ForgetAnswer, RecallAnswer, RememberAnswer, UpdateAnswer
from zettel.tools.validation import nearest

RememberAdapter = TypeAdapter(RememberAnswer)
RecallAdapter = TypeAdapter(RecallAnswer)
UpdateAdapter = TypeAdapter(UpdateAnswer)
ForgetAdapter = TypeAdapter(ForgetAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tool: what is advertised, and the model its arguments are read into."""

    advertised: Tool
    arguments: type[Arguments]


def _entry(
    name: str,
    description: str,
    arguments: type[Arguments],
    answer: JsonObject,
    annotations: ToolAnnotations,
) -> Entry:
    advertised = Tool(
        name=name,
        description=description,
        input_schema=compact_schema(arguments),
        output_schema=answer,
        annotations=annotations,
    )
    return Entry(advertised=advertised, arguments=arguments)


def _hints(*, read_only: bool = False, destructive: bool = False) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=True,
        open_world_hint=False,
    )


TOOLS: dict[str, Entry] = {
    entry.advertised.name: entry
    for entry in (
        _entry(
            "remember", texts.REMEMBER, RememberArguments, RememberAdapter.json_schema(), _hints()
        ),
        _entry(
            "recall",
            texts.RECALL,
            RecallArguments,
            RecallAdapter.json_schema(),
            _hints(read_only=True),
        ),
        _entry("update", texts.UPDATE, UpdateArguments, UpdateAdapter.json_schema(), _hints()),
        _entry(
            "forget",
            texts.FORGET,
            ForgetArguments,
            ForgetAdapter.json_schema(),
            _hints(destructive=True),
        ),
    )
}
"""By name, in the order they are listed: an agent remembers and recalls most."""


def find_tool(name: str) -> Entry:
    """The tool of this name.

    Raises:
        UnknownNameError: There is none; the message names the nearest.
    """
    if name in TOOLS:
        return TOOLS[name]
    near = nearest(name, TOOLS)
    meant = f"Did you mean {near!r}? " if near else ""
    remedy = f"{meant}The tools are {', '.join(TOOLS)}."
    raise UnknownNameError("tool", name[:80], TOOLS, remedy)
