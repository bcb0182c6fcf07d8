"""Saying hello to engines, dying ones and things that are none."""

import json
import os
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.connect import RefusedError, dial
from zettel.server.engine.ipc.handshake import Message, request
from zettel.server.engine.ipc.rendezvous import Rendezvous

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets of POSIX")


@contextmanager
def answering(place: Rendezvous, ipc: str, answer: bytes) -> Generator[list[Message]]:
    """An engine that gives one client this answer; what the client said."""
    said: list[Message] = []
    engine_lock = EngineLock.take(place, ipc)
    assert engine_lock is not None
    engine_lock.announce()
    listening: socket.socket = engine_lock.listening

    def run() -> None:
        client, _ = listening.accept()
        with client, client.makefile("rb") as lines:
            said.append(json.loads(lines.readline()))
            client.sendall(answer)

    thread = Thread(target=run)
    thread.start()
    try:
        yield said
    finally:
        thread.join()
        engine_lock.release()


@pytest.mark.parametrize("ipc", ["unix", "tcp"])
def test_an_engine_that_answers_is_reached(place: Rendezvous, ipc: str) -> None:
    with answering(place, ipc, b'{"zettel":1,"pid":5}\n') as said:
        line = dial(place, request(place.store, "status"))
        assert line is not None
        line.sock.close()
        secret = place.read_record().get("secret")

    assert line.answer["pid"] == 5
    assert said[0]["want"] == "status"
    assert said[0].get("secret") == secret
    assert (secret is None) == (ipc == "unix")


@pytest.mark.parametrize("answer", [b"", b'{"zettel":1', b"HTTP/1.1 400\n", b"{}\n", b"\xff\n"])
def test_an_end_or_nonsense_instead_of_the_answer_means_nobody(
    place: Rendezvous, answer: bytes
) -> None:
    with answering(place, "unix", answer):
        assert dial(place, request(place.store, "status")) is None


def test_a_refusal_says_why(place: Rendezvous) -> None:
    with (
        answering(place, "unix", b'{"zettel":1,"refused":"setting x"}\n'),
        pytest.raises(RefusedError, match="setting x"),
    ):
        dial(place, request(place.store, "session"))


def test_without_an_engine_there_is_nobody_and_the_working_directory_stays(
    place: Rendezvous, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert dial(place, request(place.store, "status")) is None
    assert dial(Rendezvous(str(tmp_path / "none")), request("", "status")) is None
    assert Path.cwd() == tmp_path


def test_the_port_of_a_dead_engine_is_not_talked_to(place: Rendezvous) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        place.write_record({"pid": os.getpid(), "port": foreign.getsockname()[1], "secret": "s"})
        foreign.settimeout(0)

        assert dial(place, request(place.store, "status")) is None
        with pytest.raises(BlockingIOError):
            foreign.accept()


def test_a_socket_in_a_folder_that_is_not_ours_is_not_talked_to(tmp_path: Path) -> None:
    foreign = Rendezvous(str(tmp_path / "foreign"))
    foreign.prepare()
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / ".engine").symlink_to(foreign.folder)
    engine_lock = EngineLock.take(foreign, "unix")
    assert engine_lock is not None

    assert dial(Rendezvous(str(ours)), request(str(ours), "status")) is None
    engine_lock.release()
