"""Input schemas the conformance suite looks at: a rich one, and one that asks for a header."""

from pydantic import JsonValue

Schema = dict[str, JsonValue]


def _needs(*names: JsonValue) -> Schema:
    return {"required": list(names)}


RICH: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [_needs("phone"), _needs("email")]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, **_needs("contactMethod")},
    "then": _needs("phone"),
    "else": _needs("email"),
    "additionalProperties": False,
}

HEADED: Schema = {
    "type": "object",
    "properties": {"place": {"type": "string", "x-mcp-header": "Place"}},
    **_needs("place"),
}

SCHEMAS = {"json_schema_2020_12_tool": RICH, "test_headed": HEADED}
"""Tool -> its schema."""
