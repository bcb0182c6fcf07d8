"""A store whose `.engine` was left behind by dead processes opens through the attachment, whole."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.server.engine_homes import Home, ask, gone, home_at, lists_tools

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")

NOTES = 5

RECORDS = [
    b"",
    b"\x00" * 512,
    b"\xff\xfe{}",
    b"null",
    b"[]",
    b'{"pid": ',
    b'{"pid": "x", "port": "y", "socket": 5, "secret": {}, "url": 7, "version": null}',
    b'{"pid": -1, "port": 123456789}',
    b'{"pid": 1e400, "socket": "/nowhere/at/all"}',
    b'{"socket": "\\u0000"}',
    b"[" * 100_000,
]
"""Nothing an engine ever wrote."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A store with some notes, whose engine was killed."""
    with home_at(tmp_path / "store") as made:
        made.configure(settle_seconds=3600)  # of many engines none has to evolve
        client = made.attach()
        for number in range(NOTES):
            ask(client, number + 2, "remember", content=f"fact {number}")
        client.stdin.close()
        assert client.end() == 0
        end_engine(made)
        yield made


def end_engine(home: Home) -> None:
    """Kill the one engine there is (kill -9)."""
    engine = home.engine()
    engine.send_signal(signal.SIGKILL)
    assert gone(engine)


def dead_pid() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def name_a_dead_process(home: Home) -> None:
    """The record names a process that has ended, and a port nobody listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        record = {"pid": dead_pid(), "port": closed.getsockname()[1], "secret": "x"}
    (home.private / "engine.json").write_text(json.dumps(record), encoding="utf-8")


def leave_a_deaf_socket(home: Home) -> None:
    """There is a socket, and nobody listens on it."""
    path = home.private / "engine.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as deaf:
        folder = Path.cwd()
        os.chdir(home.private)
        try:
            deaf.bind("engine.sock")
        finally:
            os.chdir(folder)


def leave_locks(home: Home) -> None:
    """Unlocked lock files that hold the ids of dead processes."""
    for name in ("engine.lock", "spawn.lock", "store.lock"):
        (home.private / name).write_text(f"{dead_pid()}\n", encoding="utf-8")


def leave_drafts(home: Home) -> None:
    """Records that were never finished, and a folder open to all."""
    for number in range(3):
        (home.private / f"engine.json.{dead_pid()}{number}").write_bytes(b'{"pid"')
    home.private.chmod(0o755)


LEFT: tuple[Callable[[Home], None], ...] = (
    name_a_dead_process,
    leave_a_deaf_socket,
    leave_locks,
    leave_drafts,
)


@pytest.mark.parametrize(
    "states", [LEFT[:1], pytest.param(LEFT[1:], marks=pytest.mark.slow)], ids=["a pid", "others"]
)
def test_what_dead_processes_left_behind_hides_no_note_and_hinders_no_change(
    home: Home, states: tuple[Callable[[Home], None], ...]
) -> None:
    told = {f"fact {number}" for number in range(NOTES)}
    for leave in states:
        leave(home)

        client = home.attach()

        ask(client, 2, "remember", content=f"fact behind {leave.__name__}")
        told.add(f"fact behind {leave.__name__}")
        found = ask(client, 3, "recall", since="2000", limit=100)["notes"]
        assert isinstance(found, list)
        assert {str(n["content"]) for n in found if isinstance(n, dict)} == told, leave
        assert len(home.engines()) == 1, leave
        end_engine(home)


@pytest.mark.parametrize(
    "records",
    [RECORDS[5:6], pytest.param(RECORDS[:5] + RECORDS[6:], marks=pytest.mark.slow)],
    ids=["cut off", "others"],
)
def test_a_record_that_no_engine_wrote_is_as_good_as_none(home: Home, records: list[bytes]) -> None:
    for record in records:
        (home.private / "engine.json").write_bytes(record)

        assert home.run("status", "--json").returncode == 0, record[:80]
        assert lists_tools(home.attach()), record[:80]
        end_engine(home)
