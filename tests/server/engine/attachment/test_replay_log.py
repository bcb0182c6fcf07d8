"""What a second engine hears when the first one dies."""

import json

import pytest
from pydantic import JsonValue

from zettel.server.engine.attachment.relay import REPLAY_ID, ReplayLog


def line(**message: JsonValue) -> bytes:
    """A message as it is sent."""
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def request(request_id: JsonValue, method: str = "tools/call") -> bytes:
    """A request."""
    return line(id=request_id, method=method, params={})


def answer(request_id: JsonValue) -> bytes:
    """Its answer."""
    return line(id=request_id, result={})


INITIALIZED = line(method="notifications/initialized")


def test_what_has_no_answer_is_said_again_in_order() -> None:
    journal = ReplayLog()
    for said in (request(1), request("a"), request(2)):
        journal.heard(said)
    assert journal.answered(answer(1))

    assert journal.replay() == [request("a"), request(2)]


def test_a_number_and_a_text_are_two_ids() -> None:
    journal = ReplayLog()
    journal.heard(request(1))
    journal.heard(request("1"))
    journal.answered(answer("1"))

    assert journal.replay() == [request(1)]


def test_the_handshake_is_said_again_and_its_second_answer_is_for_nobody() -> None:
    journal = ReplayLog()
    journal.heard(request(0, "initialize"))
    journal.answered(answer(0))
    journal.heard(INITIALIZED)
    journal.heard(request(1))
    handshake, initialized, call = journal.replay()

    assert json.loads(handshake) == json.loads(request(REPLAY_ID, "initialize"))
    assert (initialized, call) == (INITIALIZED, request(1))
    assert not journal.answered(answer(REPLAY_ID))
    assert journal.answered(answer(1))


def test_a_handshake_without_an_answer_is_resent_as_it_was() -> None:
    journal = ReplayLog()
    journal.heard(request(0, "initialize"))
    journal.heard(INITIALIZED)
    journal.heard(request(1))

    assert journal.replay() == [request(0, "initialize"), INITIALIZED, request(1)]
    assert journal.answered(answer(0))


def test_without_a_handshake_nothing_is_made_up() -> None:
    journal = ReplayLog()
    journal.heard(request(1, "server/discover"))
    journal.answered(answer(1))

    assert journal.replay() == []


def test_the_second_death_is_told_and_the_first_is_not() -> None:
    journal = ReplayLog()
    journal.heard(request(1))
    assert journal.died() == []
    journal.heard(request(2))
    (told,) = journal.died()
    error = json.loads(told)

    assert error["id"] == 1
    assert "may have been stored" in error["error"]["message"]
    assert "safe to make the same call again" in error["error"]["message"]
    assert journal.replay() == [request(2)]


def test_an_id_used_again_begins_anew() -> None:
    journal = ReplayLog()
    journal.heard(request(1))
    journal.died()
    journal.answered(answer(1))
    journal.heard(request(1))

    assert journal.died() == []


def test_what_was_cancelled_is_not_said_again() -> None:
    journal = ReplayLog()
    journal.heard(request(1))
    journal.heard(line(method="notifications/cancelled", params={"requestId": 1}))

    assert not journal.waiting


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":7,"method":"ping","params":\n',
        b'{"jsonrpc":"2.0","id":7,"method":"a\xff"}\n',
        b'{"jsonrpc":"2.0","id":7,"method":' + b"[" * 100_000 + b"\n",
    ],
)
def test_a_broken_message_whose_id_can_be_told_waits_for_its_answer(raw: bytes) -> None:
    journal = ReplayLog()
    journal.heard(raw)
    assert journal.replay() == [raw]
    journal.answered(line(id=7, error={"code": 1, "message": "m"}))

    assert not journal.waiting


@pytest.mark.parametrize(
    "raw",
    [
        b"[1]\n",
        b"nonsense\n",
        request(None),
        request(1.5),
        request(True),
        request("\ud800"),
        answer(5),
        line(method="notifications/progress", params={"requestId": 1}),
        line(method="notifications/cancelled"),
    ],
)
def test_what_no_answer_can_be_told_of_is_not_waited_for(raw: bytes) -> None:
    journal = ReplayLog()
    journal.heard(raw)

    assert not journal.waiting


def test_what_an_engine_asks_is_the_clients() -> None:
    journal = ReplayLog()
    journal.heard(request(1))

    assert journal.answered(request(1, "ping"))
    assert journal.waiting


def test_a_stream_is_opened_again_at_the_next_engine_but_starts_none() -> None:
    journal = ReplayLog()
    journal.heard(request(1, "subscriptions/listen"))
    assert journal.waiting
    assert journal.died() == []
    assert not journal.waiting
    journal.heard(request(2))

    assert journal.replay() == [request(1, "subscriptions/listen"), request(2)]
    assert journal.answered(answer(2))
    assert journal.died() == []
    assert journal.replay() == [request(1, "subscriptions/listen")]


def test_a_stream_that_was_cancelled_is_not_opened_again() -> None:
    journal = ReplayLog()
    journal.heard(request(1, "subscriptions/listen"))
    journal.died()
    journal.heard(line(method="notifications/cancelled", params={"requestId": 1}))

    assert journal.replay() == []


def test_what_was_subscribed_to_is_subscribed_to_again_and_that_answer_is_for_nobody() -> None:
    journal = ReplayLog()
    for number, (method, uri) in enumerate(
        (("subscribe", "memory://a"), ("subscribe", "memory://b"), ("unsubscribe", "memory://a"))
    ):
        journal.heard(line(id=number, method=f"resources/{method}", params={"uri": uri}))
        assert journal.answered(answer(number))
    journal.died()
    [again] = journal.replay()

    assert json.loads(again)["method"] == "resources/subscribe"
    assert json.loads(again)["params"] == {"uri": "memory://b"}
    assert not journal.answered(answer(json.loads(again)["id"]))
