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
    replay_log = ReplayLog()
    for said in (request(1), request("a"), request(2)):
        replay_log.heard(said)
    assert replay_log.answered(answer(1))

    assert replay_log.replay() == [request("a"), request(2)]


def test_a_number_and_a_text_are_two_ids() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1))
    replay_log.heard(request("1"))
    replay_log.answered(answer("1"))

    assert replay_log.replay() == [request(1)]


@pytest.mark.parametrize("used_again", [0, 1])
def test_the_handshake_is_said_again_and_its_second_answer_is_for_nobody(used_again: int) -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(0, "initialize"))
    replay_log.answered(answer(0))
    replay_log.heard(INITIALIZED)
    replay_log.heard(request(used_again))
    handshake, initialized, call = replay_log.replay()

    assert json.loads(handshake) == json.loads(request(REPLAY_ID, "initialize"))
    assert (initialized, call) == (INITIALIZED, request(used_again))
    assert not replay_log.answered(answer(REPLAY_ID))
    assert replay_log.answered(answer(used_again))


def test_a_handshake_without_an_answer_is_resent_as_it_was() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(0, "initialize"))
    replay_log.heard(INITIALIZED)
    replay_log.heard(request(1))

    assert replay_log.replay() == [request(0, "initialize"), INITIALIZED, request(1)]
    assert replay_log.answered(answer(0))


def test_without_a_handshake_nothing_is_made_up() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1, "server/discover"))
    replay_log.answered(answer(1))

    assert replay_log.replay() == []


def test_the_second_death_is_told_and_the_first_is_not() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1))
    assert replay_log.died() == []
    replay_log.heard(request(2))
    (told,) = replay_log.died()
    error = json.loads(told)

    assert error["id"] == 1
    assert "may have been stored" in error["error"]["message"]
    assert "safe to make the same call again" in error["error"]["message"]
    assert replay_log.replay() == [request(2)]


def test_an_id_used_again_begins_anew() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1))
    replay_log.died()
    replay_log.answered(answer(1))
    replay_log.heard(request(1))

    assert replay_log.died() == []


def test_what_was_cancelled_is_not_said_again() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1))
    replay_log.heard(line(method="notifications/cancelled", params={"requestId": 1}))

    assert not replay_log.waiting


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":7,"method":"ping","params":\n',
        b'{"jsonrpc":"2.0","id":7,"method":"a\xff"}\n',
        b'{"jsonrpc":"2.0","id":7,"method":' + b"[" * 100_000 + b"\n",
    ],
)
def test_a_broken_message_whose_id_can_be_told_waits_for_its_answer(raw: bytes) -> None:
    replay_log = ReplayLog()
    replay_log.heard(raw)
    assert replay_log.replay() == [raw]
    replay_log.answered(line(id=7, error={"code": 1, "message": "m"}))

    assert not replay_log.waiting


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
    replay_log = ReplayLog()
    replay_log.heard(raw)

    assert not replay_log.waiting


def test_what_an_engine_asks_is_the_clients() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1))

    assert replay_log.answered(request(1, "ping"))
    assert replay_log.waiting


def test_a_stream_is_opened_again_at_the_next_engine_but_starts_none() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1, "subscriptions/listen"))
    assert replay_log.waiting
    assert replay_log.died() == []
    assert not replay_log.waiting
    replay_log.heard(request(2))

    assert replay_log.replay() == [request(1, "subscriptions/listen"), request(2)]
    assert replay_log.answered(answer(2))
    assert replay_log.died() == []
    assert replay_log.replay() == [request(1, "subscriptions/listen")]


def test_a_stream_that_was_cancelled_is_not_opened_again() -> None:
    replay_log = ReplayLog()
    replay_log.heard(request(1, "subscriptions/listen"))
    replay_log.died()
    replay_log.heard(line(method="notifications/cancelled", params={"requestId": 1}))

    assert replay_log.replay() == []


def test_what_was_subscribed_to_is_subscribed_to_again_and_that_answer_is_for_nobody() -> None:
    replay_log = ReplayLog()
    for number, (method, uri) in enumerate(
        (("subscribe", "memory://a"), ("subscribe", "memory://b"), ("unsubscribe", "memory://a"))
    ):
        replay_log.heard(line(id=number, method=f"resources/{method}", params={"uri": uri}))
        assert replay_log.answered(answer(number))
    replay_log.died()
    [again] = replay_log.replay()

    assert json.loads(again)["method"] == "resources/subscribe"
    assert json.loads(again)["params"] == {"uri": "memory://b"}
    assert not replay_log.answered(answer(json.loads(again)["id"]))
