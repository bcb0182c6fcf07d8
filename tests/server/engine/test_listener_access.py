"""Nobody but its owner gets a word out of an engine."""

import json
import socket
import stat
import sys
from pathlib import Path

import pytest
from tests.server.engine_homes import Home, home_at, lists_tools
from tests.server.processes import INITIALIZE, PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file modes of POSIX")


@pytest.mark.parametrize("ipc", ["unix", "tcp"])
def test_an_engines_files_are_for_their_owner_alone(tmp_path: Path, ipc: str) -> None:
    with home_at(tmp_path / "store", ipc=ipc) as home:
        home.attach()
        modes = {path: path.lstat().st_mode for path in (home.private, *home.private.iterdir())}

        assert modes
        assert not [path for path, mode in modes.items() if stat.S_IMODE(mode) & 0o077]


def unanswered(home: Home, line: bytes) -> bool:
    """Whether the engine hangs up on a line without a word."""
    record = json.loads((home.private / "engine.json").read_text(encoding="utf-8"))
    with socket.create_connection(("127.0.0.1", record["port"]), PATIENCE_S) as stranger:
        stranger.sendall(line + b"\n")
        try:
            return stranger.recv(1) == b""
        except ConnectionResetError:
            return True


def test_an_engine_on_a_port_answers_nobody_without_the_secret(tmp_path: Path) -> None:
    with home_at(tmp_path / "store", ipc="tcp") as home:
        client = home.attach()
        hello = {"zettel": 1, "store": str(home.store), "want": "session"}
        lines = [
            json.dumps(INITIALIZE).encode(),
            json.dumps(hello).encode(),
            json.dumps(hello | {"secret": ""}).encode(),
            json.dumps(hello | {"secret": "kränkung"}, ensure_ascii=False).encode(),
            json.dumps(hello | {"want": "drain"}).encode(),
            json.dumps(hello | {"want": "status"}).encode(),
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r",
            b"\xff\xfe",
            b"[]",
        ]

        assert [line for line in lines if not unanswered(home, line)] == []
        assert lists_tools(client)
        assert len(home.engines()) == 1
