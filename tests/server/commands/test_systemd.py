"""systemd is notified when the server is ready and when it stops."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.processes import PATIENCE_S, Launcher

from zettel.server.commands.serve import notify

HEALTH = Path(__file__).parents[3] / "deploy" / "health.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd")


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """Where a service manager listens."""
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("abstract sockets are Linux's")
    # A socket's path must be short.
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
    ):
        where = str(Path(folder, "notify"))
        listening.bind(where if request.param == "path" else f"\0{where}")
        monkeypatch.setenv("NOTIFY_SOCKET", where if request.param == "path" else f"@{where}")
        listening.settimeout(PATIENCE_S)
        yield listening


def test_a_service_manager_hears_what_is_said(manager: socket.socket) -> None:
    notify("READY=1", "STATUS=serves")

    assert manager.recv(4096) == b"READY=1\nSTATUS=serves"


@pytest.mark.parametrize("address", ["", "relative", "/none/such"])
def test_nobody_is_told_where_nobody_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    notify("READY=1")


def health(url: str) -> int:
    """What the image's health check makes of a server."""
    environment = os.environ | {"ZETTEL_PORT": url.rpartition(":")[2]}
    done = subprocess.run([sys.executable, HEALTH], env=environment, timeout=30, check=False)
    return done.returncode


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_serve_is_ready_when_it_answers_and_says_when_it_leaves(
    manager: socket.socket, zettel: Launcher
) -> None:
    served = zettel.serve()
    ready = manager.recv(4096).decode()
    well = health(served.url)
    served.process.popen.send_signal(signal.SIGTERM)

    assert ready.splitlines() == ["READY=1", f"STATUS=serves {served.url}"]
    assert manager.recv(4096) == b"STOPPING=1"
    assert served.process.end() == 0
    assert (well, health(served.url)) == (0, 1)
