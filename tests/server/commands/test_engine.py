"""Status and stop, for people and programs."""

import sys
from pathlib import Path

import pytest

from zettel.server.commands.doctor import check_engine
from zettel.server.commands.engine import status, status_output, stop
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc import connect, rendezvous
from zettel.server.engine.ipc.file_lock import try_lock
from zettel.server.engine.ipc.handshake import Message
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.takeover import take_over
from zettel.storage.errors import EngineUnreachableError, StoreServedError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="engines of POSIX")

ENGINE: Message = {
    "version": "0.1.0", "pid": 77, "url": "", "uptime_s": 3725, "clients": 2,
    "endpoint": "unix /s/.engine/engine.sock", "state": "ok", "problem": None,
    "model": {"name": "m", "ready": False}, "queue": 4,
    "evolution": {"last": None, "outcome": None, "next": "2026-11-20T09:00:00Z"},
    "size": {"notes": 3, "revisions": 5, "bytes": 1234567},
}  # fmt: skip


def test_without_an_engine_there_is_nothing_to_tell_or_to_stop(tmp_path: Path) -> None:
    place = Rendezvous(str(tmp_path / "store"))

    assert status(place) == {"store": place.store, "engine": None}
    assert stop(place) is None
    assert (
        status_output(status(place)).text.splitlines()[0]
        == "engine  none; the next client starts one"
    )
    assert not (tmp_path / "store").exists()


def test_a_person_reads_what_runs() -> None:
    text = status_output({"store": "/s", "engine": ENGINE}).text

    for told in ("process 77", "1 h 2 min", "m (not ready)", "4 waiting", "last never",
                 "1,234,567 bytes", "/s"):  # fmt: skip
        assert told in text
    assert "problem" not in text
    assert "HTTP" not in text


def test_a_store_in_a_bucket_whose_bytes_nobody_counts_is_not_said_to_have_none() -> None:
    size: Message = {"notes": 3, "revisions": 5, "bytes": 0}
    engine: Message = {**ENGINE, "size": size}
    text = status_output({"store": "s3://b/s", "engine": engine}).text

    assert "3 notes, 5 revisions" in text
    assert "bytes" not in text


def test_an_engine_that_is_still_starting_has_no_size_yet() -> None:
    starting = ENGINE | {"state": "starting", "queue": None, "size": None, "problem": "p"}
    text = status_output({"store": "/s", "engine": starting}).text

    assert "size" not in text
    assert "queue" not in text
    assert "problem    p" in text


def test_an_engine_that_cannot_be_reached_is_not_said_to_have_stopped(place: Rendezvous) -> None:
    held = try_lock(place.lock)
    assert held is not None
    with pytest.raises(EngineUnreachableError, match="cannot be reached"):
        stop(place)


def test_an_engine_that_does_not_answer_is_named_in_one_sentence(
    place: Rendezvous, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "HELLO_ANSWER_S", 0.05)
    engine_lock = EngineLock.take(place, "unix")
    assert engine_lock is not None
    engine_lock.announce()
    with pytest.raises(EngineUnreachableError) as raised:
        status(place)
    (finding,) = check_engine(place)
    engine_lock.release()

    assert f"{place.store!r} cannot be used: its engine (process " in str(raised.value)
    assert finding.means.startswith("Clients wait for the store: its engine (process ")
    assert finding.means.count("process") == 1


def test_a_server_is_the_engine_and_says_where_it_is(place: Rendezvous) -> None:
    engine_lock = take_over(place, "unix", "http://127.0.0.1:1")
    assert engine_lock is not None
    with pytest.raises(StoreServedError, match=r"http://127\.0\.0\.1:1"):
        take_over(place, "unix", "http://127.0.0.1:2")
    assert place.read_record()["url"] == "http://127.0.0.1:1"
    engine_lock.release()


def test_any_number_of_servers_serve_a_bucket_and_the_first_is_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rendezvous, "runtime_folder", lambda: str(tmp_path / "run"))
    place = Rendezvous("s3://bucket/notes")
    engine_lock = take_over(place, "unix", "http://127.0.0.1:1")
    assert engine_lock is not None

    assert take_over(place, "unix", "http://127.0.0.1:2") is None

    assert place.read_record()["url"] == "http://127.0.0.1:1"
    engine_lock.release()


def test_a_server_of_a_store_that_is_a_file_has_no_clients_but_those_of_http(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()

    assert take_over(Rendezvous(str(tmp_path / "file")), "unix", "") is None


def test_after_a_server_has_left_the_next_one_begins(place: Rendezvous) -> None:
    for number in range(2):
        engine_lock = take_over(place, "tcp", f"http://127.0.0.1:{number}")
        assert isinstance(engine_lock, EngineLock)
        engine_lock.release()
