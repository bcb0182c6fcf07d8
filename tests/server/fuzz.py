"""What clients should never send, for every door: arguments, messages and bytes."""

import json

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import JsonValue

from zettel.server.protocol.server import TOOLS

ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ("", " ", "\0", "a\0b", "\ud800", "\U0001f9e0" * 20, "2026", "yesterday", ID, "ns", "null",
         "[1,", '{"a":', "../up", "' OR 1=1 --", "%s%n", "9" * 5_000, "a" * 33_000, "-1", "NaN")
    ),
)  # fmt: skip
numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from((0, -1, 2**63, 10**400, 1e308, float("nan")))
)
scalars: SearchStrategy[JsonValue] = st.one_of(st.none(), st.booleans(), numbers, texts)
values: SearchStrategy[JsonValue] = st.one_of(
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)
        ),
        max_leaves=10,
    ),
    st.integers(1, 90).map(lambda depth: json.loads("[" * depth + "]" * depth)),
)
"""JSON and what Python's JSON takes for it, halves of surrogates and NaN among it."""


def _fitting(schema: dict[str, JsonValue]) -> SearchStrategy[JsonValue]:
    """What a schema asks for, as far as its type goes."""
    if isinstance(choice := schema.get("enum"), list):
        return st.sampled_from(choice)
    match schema.get("type"):
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(-1, 200)
        case "array":
            items = schema.get("items")
            inner = _fitting(items) if isinstance(items, dict) else texts
            return st.lists(inner, max_size=5)
        case "object":
            inside = schema.get("properties")
            assert isinstance(inside, dict)
            fields = {k: _fitting(v) for k, v in inside.items() if isinstance(v, dict)}
            return st.fixed_dictionaries({}, optional=fields)
        case _:
            return texts


def _arguments(name: str) -> SearchStrategy[tuple[str, dict[str, JsonValue]]]:
    properties: dict[str, dict[str, JsonValue]]
    properties = TOOLS[name].advertised.input_schema["properties"]
    fields = {k: st.one_of(_fitting(v), _fitting(v), values) for k, v in properties.items()}
    fitting: SearchStrategy[dict[str, JsonValue]] = st.fixed_dictionaries({}, optional=fields)
    nothing = dict[str, JsonValue]()
    besides = st.one_of(
        st.just(nothing), st.just(nothing), st.dictionaries(texts, values, max_size=2)
    )

    def called(
        given: dict[str, JsonValue], more: dict[str, JsonValue]
    ) -> tuple[str, dict[str, JsonValue]]:
        return name, {**given, **more}

    return st.builds(called, fitting, besides)


calls = st.sampled_from(tuple(TOOLS)).flatmap(_arguments)
"""A tool and arguments for it, most of them of the advertised types."""


def _message(call: tuple[str, dict[str, JsonValue]], request_id: JsonValue) -> bytes:
    params: dict[str, JsonValue] = {"name": call[0], "arguments": call[1]}
    message = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}
    return json.dumps(message).encode()


odd_messages: SearchStrategy[bytes] = st.one_of(
    st.builds(_message, calls, st.one_of(st.integers(0, 3), values)),
    st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.sampled_from(("2.0", "1.0", 2, None)),
            "id": st.one_of(st.integers(0, 3), values),
            "method": st.sampled_from(
                ("ping", "tools/call", "tools/list", "resources/read", "completion/complete",
                 "initialize", "resources/subscribe", "notifications/cancelled", "x", 5)
            ),
            "params": values,
            "result": values,
            "error": values,
        },
    ).map(lambda message: json.dumps(message).encode()),
    st.lists(values, max_size=3).map(lambda batch: json.dumps(batch).encode()),
)  # fmt: skip


@st.composite
def _spoilt(draw: st.DrawFn) -> bytes:
    """A message that was cut, doubled, or had bytes changed on its way."""
    raw = draw(odd_messages)
    at, more = draw(st.integers(0, len(raw))), draw(st.binary(max_size=4))
    return draw(st.sampled_from((raw[:at], raw[:at] + more + raw[at:], raw + raw, raw[at:])))


garbage: SearchStrategy[bytes] = st.one_of(odd_messages, _spoilt(), st.binary(max_size=60))
"""Bytes that may hold a message, of which nothing is known."""

TELLTALES = ("Traceback", "pydantic", 'File "', "failed inside", "-32603")
"""What no answer may hold, whatever was asked."""
