"""The four tools as advertised: names, descriptions, compact schemas, hints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcp.types import Tool, ToolAnnotations
from pydantic import BaseModel, JsonValue, TypeAdapter

from zettel.server.protocol import texts
from zettel.server.protocol.schemas import (
    Arguments,
    ForgetArguments,
    RecallArguments,
    RememberArguments,
    UpdateArguments,
    unknown_name,
)
from zettel.tools.answers import ForgetAnswer, RecallAnswer, RememberAnswer, UpdateAnswer

DROPPED = frozenset(
    {
        "$defs",
        "exclusiveMinimum",
        "format",
        "minItems",
        "minLength",
        "minimum",
        "title",
    }
)
"""Keys without use to an agent; some clients reject `format` and bounds."""

JsonObject = dict[str, JsonValue]


def compact_schema(model: type[BaseModel]) -> JsonObject:
    """The advertised input schema of a tool.

    Args:
        model: Its arguments.

    Returns:
        `type`, `properties` and `required`, without titles, null branches, references, formats
        and lower bounds.
    """
    full: JsonObject = model.model_json_schema()
    definitions = full.get("$defs")
    small = _compact(full, definitions if isinstance(definitions, dict) else {})
    small.pop("description", None)
    return small


def _compact(node: Mapping[str, JsonValue], definitions: Mapping[str, JsonValue]) -> JsonObject:
    node = _without_null(node)
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = definitions[reference.rsplit("/", 1)[-1]]
        assert isinstance(target, dict)
        kept = {key: value for key, value in target.items() if key != "description"}
        return _compact(kept | {k: v for k, v in node.items() if k != "$ref"}, definitions)
    small: JsonObject = {}
    for key, value in node.items():
        if key in DROPPED or (key == "default" and value in (None, False)):
            continue
        if key == "properties" and isinstance(value, dict):
            small[key] = {
                name: _compact(inner, definitions)
                for name, inner in value.items()
                if isinstance(inner, dict)
            }
        elif key == "items" and isinstance(value, dict):
            small[key] = _compact(value, definitions)
        else:
            small[key] = value
    return small


def _without_null(node: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    branches = node.get("anyOf")
    if not isinstance(branches, Sequence) or isinstance(branches, str):
        return node
    kept = [b for b in branches if isinstance(b, dict) and b.get("type") != "null"]
    if len(kept) != 1:
        return node
    return kept[0] | {key: value for key, value in node.items() if key != "anyOf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEntry:
    """One tool: its advertised form and the model of its arguments."""

    advertised: Tool
    arguments: type[Arguments]


def _tool(
    name: str,
    description: str,
    arguments: type[Arguments],
    answer: type[object],
    *,
    read_only: bool = False,
    destructive: bool = False,
) -> ToolEntry:
    advertised = Tool(
        name=name,
        description=description,
        input_schema=compact_schema(arguments),
        output_schema=TypeAdapter(answer).json_schema(),
        annotations=ToolAnnotations(
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )
    return ToolEntry(advertised=advertised, arguments=arguments)


TOOLS: dict[str, ToolEntry] = {
    entry.advertised.name: entry
    for entry in (
        _tool("remember", texts.REMEMBER, RememberArguments, RememberAnswer),
        _tool("recall", texts.RECALL, RecallArguments, RecallAnswer, read_only=True),
        _tool("update", texts.UPDATE, UpdateArguments, UpdateAnswer),
        _tool("forget", texts.FORGET, ForgetArguments, ForgetAnswer, destructive=True),
    )
}
"""By name, in the listed order: the most used first."""


def find_tool(name: str) -> ToolEntry:
    """The tool of this name.

    Raises:
        UnknownNameError: There is none; the message names the nearest.
    """
    if name in TOOLS:
        return TOOLS[name]
    raise unknown_name("tool", name, TOOLS, f"The tools are {', '.join(TOOLS)}.")
