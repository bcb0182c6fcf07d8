"""JSON schemas as small as agents' context is dear, in the dialect every client accepts."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue

DROPPED = frozenset(
    {
        "$defs",
        "additionalProperties",
        "exclusiveMinimum",
        "format",
        "minItems",
        "minLength",
        "minimum",
        "title",
    }
)
"""Keys that cost tokens and tell an agent nothing (clients refused some: `format`, bounds)."""

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
