"""Lines between a client's pipes and engines that die."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from zettel.server.engine.attachment import relay
from zettel.server.engine.attachment.relay import HIGH_WATER, Relay
from zettel.server.engine.ipc.connect import EngineConnection
from zettel.server.engine.ipc.lines import EDGE, MAX_MESSAGE, LineSplitter, id_at_the_edges
from zettel.server.engine.ipc.rendezvous import UnattachableError
from zettel.server.protocol.malformed import RejectedMessage, parse_message, too_long

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")

PATIENCE_S = 60
"""Seconds a thread may take that has nothing to wait for."""

Engine = Callable[[socket.socket], None]
"""What an engine does with one connection; then it closes it."""


def request(number: int, method: str = "tools/call") -> bytes:
    """A request as it is sent."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method}).encode() + b"\n"


def answering(*numbers: int) -> Engine:
    """Reads everything, and answers these."""

    def answer(connection: socket.socket) -> None:
        said = connection.makefile("rb").read().splitlines()
        heard = {json.loads(line).get("id") for line in said}
        for number in numbers:
            assert number in heard
            connection.sendall(b'{"jsonrpc":"2.0","id":%d,"result":{}}\n' % number)

    return answer


def dying(after: int, answers: bytes = b"") -> Engine:
    """Reads a number of lines, sends something, and closes the connection."""

    def die(connection: socket.socket) -> None:
        with connection.makefile("rb") as said:
            for _ in range(after):
                said.readline()
        connection.sendall(answers)

    return die


def pumped(said: bytes, *engines: Engine) -> list[dict[str, JsonValue]]:
    """What a client hears that says something and leaves, through engines that come one by one."""
    waiting = list(engines)
    threads: list[Thread] = []

    def attach() -> EngineConnection:
        if not waiting:
            problem = "there are no more"
            raise UnattachableError(problem)
        ours, other = socket.socketpair()
        engine = waiting.pop(0)

        def run() -> None:
            with other:
                engine(other)

        threads.append(Thread(target=run))
        threads[-1].start()
        return EngineConnection(ours, {})

    from_client, client_in = os.pipe()
    client_out, to_client = os.pipe()
    heard: list[bytes] = []
    writer = Thread(target=lambda: write_all(client_in, said))
    reader = Thread(target=lambda: heard.extend(read_all(client_out)))
    for thread in (writer, reader):
        thread.start()
    Relay(attach(), attach, lambda: None, (from_client, to_client)).run()
    os.close(to_client)
    os.close(from_client)
    for thread in (writer, reader, *threads):
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert waiting == []
    return [json.loads(line) for line in b"".join(heard).splitlines()]


def write_all(fd: int, data: bytes) -> None:
    """Write and close."""
    with open(fd, "wb") as pipe:
        pipe.write(data)


def read_all(fd: int) -> list[bytes]:
    """Read to the end and close."""
    with open(fd, "rb") as pipe:
        return [pipe.read()]


def ids(heard: list[dict[str, JsonValue]]) -> list[JsonValue]:
    """Of the messages a client heard."""
    return [message["id"] for message in heard]


def test_what_is_asked_before_the_end_is_answered() -> None:
    heard = pumped(request(1) + request(2), answering(2, 1))

    assert ids(heard) == [2, 1]


def test_a_last_line_without_its_newline_counts() -> None:
    assert ids(pumped(request(1).strip(), answering(1))) == [1]


def test_what_a_dead_engine_left_open_is_asked_of_the_next() -> None:
    first = dying(2, b'{"jsonrpc":"2.0","id":1,"result":{}}\n{"jsonrpc":"2.0","id":2,"res')
    heard = pumped(request(1) + request(2), first, answering(2))

    assert ids(heard) == [1, 2]
    assert all("result" in message for message in heard)


def test_a_call_that_two_engines_die_of_is_given_up_and_no_third_is_asked() -> None:
    (told,) = pumped(request(1), dying(1), dying(1))

    assert told["id"] == 1
    assert "safe to make the same call again" in json.dumps(told)


def test_an_engine_that_dies_with_nothing_open_is_not_missed() -> None:
    first = dying(1, b'{"jsonrpc":"2.0","id":1,"result":{}}\n')

    assert ids(pumped(request(1), first)) == [1]


def test_when_there_is_no_other_engine_every_open_call_says_why() -> None:
    heard = pumped(request(1) + request(2), dying(2))

    assert ids(heard) == [1, 2]
    assert all("there are no more" in json.dumps(message) for message in heard)


def test_the_second_engine_hears_the_handshake_and_the_client_not_its_answer() -> None:
    initialized = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
    said: list[bytes] = []

    def second(connection: socket.socket) -> None:
        said.extend(connection.makefile("rb").read().splitlines())
        replayed = json.loads(said[0])["id"]
        for answered in (json.dumps(replayed), "1"):
            connection.sendall(b'{"jsonrpc":"2.0","id":%s,"result":{}}\n' % answered.encode())

    first = dying(3, b'{"jsonrpc":"2.0","id":0,"result":{}}\n')
    heard = pumped(request(0, "initialize") + initialized + request(1), first, second)

    assert ids(heard) == [0, 1]
    assert [json.loads(line)["method"] for line in said] == [
        "initialize", "notifications/initialized", "tools/call",
    ]  # fmt: skip


def test_megabytes_go_both_ways_at_once_without_a_standstill() -> None:
    size = 3_000_000

    def chatty(connection: socket.socket) -> None:
        with connection.makefile("rb") as said:
            said.readline()
            # Speaks before it listens on, and more than any buffer holds.
            text = b"b" * size
            connection.sendall(b'{"jsonrpc":"2.0","id":1,"result":{"text":"%s"}}\n' % text)
            assert len(said.read()) > size

    told = b'{"jsonrpc":"2.0","method":"m","params":{"text":"%s"}}\n' % (b"a" * size)
    (heard,) = pumped(request(1) + told, chatty)

    assert len(json.dumps(heard)) > size


def test_a_client_that_reads_no_more_ends_it() -> None:
    ours, other = socket.socketpair()
    from_client, client_in = os.pipe()
    client_out, to_client = os.pipe()
    os.close(client_out)
    os.write(client_in, request(1))
    with other:
        other.sendall(b'{"jsonrpc":"2.0","id":1,"result":{}}\n')
        Relay(
            EngineConnection(ours, {}),
            lambda: EngineConnection(ours, {}),
            lambda: None,
            (from_client, to_client),
        ).run()
    for fd in (from_client, client_in, to_client):
        os.close(fd)
    ours.close()


class Stall(Exception):
    """The pump took nothing for a while."""


class Stuck:
    """A client that writes notifications as fast as they are taken, to an engine that reads none.

    Everything happens in the pump's own thread, in its calls of `patience`.
    """

    MOST = 64 * HIGH_WATER
    """Bytes after which a pump that still takes more has no bound."""
    NOTIFICATION = b'{"jsonrpc":"2.0","method":"m","params":{"text":"%s"}}\n' % (b"a" * 1_000)

    def __init__(self) -> None:
        self.ours, self.engine = socket.socketpair()
        self.from_client, self.client_in = os.pipe()
        self.client_out, self.to_client = os.pipe()
        os.set_blocking(self.client_in, False)
        self.taken = 0
        self._rest = b""
        self._refused = 0
        self.stalled: Callable[[], None] = self.stop
        """Called once nothing more is taken."""

    def stop(self) -> None:
        """End the pump."""
        raise Stall

    def pump(self, reattach: Callable[[], EngineConnection]) -> None:
        """Pump until the client has left, or `stop`."""
        fds = (self.from_client, self.to_client)
        with contextlib.suppress(Stall):
            Relay(EngineConnection(self.ours, {}), reattach, self._write, fds).run()

    def _write(self) -> None:
        if self.taken > self.MOST:
            raise Stall
        self._rest = self._rest or self.NOTIFICATION * 32
        try:
            written = os.write(self.client_in, self._rest)
        except BlockingIOError:
            self._refused += 1
        else:
            self.taken += written
            self._rest = self._rest[written:]
            self._refused = 0
        if self._refused > 10:
            self._refused = 0
            self.stalled()

    def close(self) -> None:
        """Close what is open."""
        self.ours.close()
        self.engine.close()
        for fd in (self.from_client, self.client_in, self.client_out, self.to_client):
            with contextlib.suppress(OSError):
                os.close(fd)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    """One whose pump does not wait when there is nothing to do."""
    monkeypatch.setattr(relay, "TICK_S", 0)
    stuck = Stuck()
    yield stuck
    stuck.close()


def no_other() -> EngineConnection:
    """Another engine, of which there is none."""
    problem = "there is no other"
    raise UnattachableError(problem)


def test_a_client_that_writes_faster_than_the_engine_reads_is_held_up(
    stuck: Stuck,
) -> None:
    stuck.pump(no_other)

    # And what is in the kernel's buffers, on both sides of the pump.
    assert HIGH_WATER < stuck.taken < 16 * HIGH_WATER


def test_the_client_is_read_on_after_an_engine_died_that_had_not_read_everything(
    stuck: Stuck,
) -> None:
    def die() -> None:
        stuck.engine.close()
        stuck.stalled = stuck.stop
        # What comes next is taken only by a pump that has forgotten what the dead one did not read.
        stuck.taken = 0

    stuck.stalled = die
    stuck.pump(no_other)

    assert stuck.taken > stuck.MOST


@given(
    pieces=st.lists(st.binary(max_size=8)),
    lines=st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"."))),
)
def test_lines_are_whole_however_they_come(pieces: list[bytes], lines: list[bytes]) -> None:
    stream = b"\n".join(lines) + b"\n" + b"".join(pieces)
    reader = LineSplitter()
    at_once = [*reader.feed(stream), *reader.end()]
    byte_by_byte = [line for n in range(len(stream)) for line in reader.feed(stream[n : n + 1])]

    assert at_once == [*byte_by_byte, *reader.end()]
    assert at_once == [line + b"\n" for line in stream.split(b"\n") if line.strip()]


@pytest.mark.parametrize(
    "long",
    [
        b'{"jsonrpc":"2.0","id":7,"method":"' + b"a" * MAX_MESSAGE + b'"}',
        b'{"jsonrpc":"2.0","method":"' + b"a" * MAX_MESSAGE + b'","id":"x"}',
        b"a" * (MAX_MESSAGE + 1),
        b" " * (3 * MAX_MESSAGE),
    ],
)
def test_a_line_that_is_too_long_keeps_its_id_and_its_length_but_not_its_weight(
    long: bytes,
) -> None:
    reader = LineSplitter()
    passed = [
        line for at in range(0, len(long), 65_536) for line in reader.feed(long[at:][:65_536])
    ]
    (passed_on,) = [*passed, *reader.feed(b"\n")]
    line = passed_on.removesuffix(b"\n")

    assert MAX_MESSAGE < len(line) <= MAX_MESSAGE + 2 * EDGE
    assert id_at_the_edges(line) == id_at_the_edges(long)
    assert too_long(line, line) == too_long(long, long)


def test_the_longest_message_that_is_allowed_is_passed_on_as_it_is() -> None:
    raw = b'{"jsonrpc":"2.0","id":7,"method":"' + b"a" * (MAX_MESSAGE - 36) + b'"}'
    assert len(raw) == MAX_MESSAGE
    reader = LineSplitter()

    assert reader.feed(raw + b"\n") == [raw + b"\n"]
    assert not isinstance(parse_message(raw), RejectedMessage)
