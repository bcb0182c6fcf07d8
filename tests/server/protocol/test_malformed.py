"""Messages that the SDK cannot parse are distinguished and keep their ids."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import JSONRPCNotification, JSONRPCRequest

from zettel.server.protocol.malformed import MAX_MESSAGE, RejectedMessage, parse_message, too_long

PING = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'


def rejected(raw: bytes) -> RejectedMessage:
    """Parse what cannot be parsed."""
    found = parse_message(raw)
    assert isinstance(found, RejectedMessage)
    return found


def test_a_good_message_passes() -> None:
    assert isinstance(parse_message(PING), JSONRPCRequest)
    assert isinstance(parse_message(b'{"jsonrpc":"2.0","method":"x"}'), JSONRPCNotification)


@pytest.mark.parametrize(
    ("raw", "request_id", "problem"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"\\ud800"}}', 7, "surrogate"),
        (b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"\\udc00":1}}', 7, "surrogate"),
        (b'{"method":"x","params":{"a":"\\ud800"},"jsonrpc":"2.0","id":"b"}', "b", "surrogate"),
        (b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"\xff"}}', 7, "not UTF-8"),
        (b'{"jsonrpc":"2.0","id":"q","method":"x"', "q", "not JSON"),
        (b'{"method":"x","params":{,"jsonrpc":"2.0","id":8}', 8, "not JSON"),
        (b'{"jsonrpc":"2.0","id":7,"method":"x","params":' + b"[" * 50_000, 7, "too deep"),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"x"}', None, "neither a whole number nor text"),
        (b'{"jsonrpc":"2.0","id":true,"method":"x"}', None, "neither a whole number nor text"),
        (b'{"jsonrpc":"2.0","id":null,"method":"x"}', None, "neither a whole number nor text"),
        (b'{"jsonrpc":"2.0","id":3,"method":5}', 3, "not a JSON-RPC 2.0"),
        (b'[{"jsonrpc":"2.0","id":3,"method":"x"}]', None, "batches"),
        (b"3", None, "not a JSON object"),
        (b"hello", None, "not JSON"),
        (b"\xef\xbb\xbf" + PING, 7, "begins with a byte order mark"),
    ],
)
def test_a_bad_message_is_answered_under_its_id(
    raw: bytes, request_id: int | str | None, problem: str
) -> None:
    found = rejected(raw)

    assert found.request_id == request_id
    assert problem in found.error.message
    assert "pydantic" not in found.error.message


def test_an_id_inside_the_arguments_is_not_the_messages() -> None:
    inner = b'{"jsonrpc":"2.0","method":"x","params":{"note":{"id":5}},'

    assert rejected(inner).request_id is None


def test_a_long_message_keeps_its_id() -> None:
    start = b'{"jsonrpc":"2.0","id":9,"method":"x","params":{"content":"' + b"a" * 600
    end = b"a" * 600 + b'"},"jsonrpc":"2.0","id":9}'

    assert too_long(start).request_id == 9
    assert too_long(b"a" * 600, end).request_id == 9
    assert f"{MAX_MESSAGE:,}" in too_long(start).error.message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_answer(raw: bytes) -> None:
    found = parse_message(raw)

    if isinstance(found, RejectedMessage):
        json.loads(found.answer().model_dump_json(by_alias=True, exclude_unset=True))


@given(st.dictionaries(st.text(), st.text()))
def test_any_message_the_sdk_understands_passes(params: dict[str, str]) -> None:
    raw = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "x", "params": params})

    assert isinstance(parse_message(raw.encode()), JSONRPCRequest)
