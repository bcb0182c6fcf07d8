"""Where an engine cannot be had: Zettel works all the same, or says what to set."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.server.engine_homes import Home, ask, gone, greet, home_at, lists_tools
from tests.server.processes import PATIENCE_S, Process, tool_call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sandboxes of POSIX")

NO_CHILDREN = """
import _posixsubprocess, os, subprocess
def refused(*_args, **_kwargs):
    raise {error}
os.fork = os.posix_spawn = os.posix_spawnp = refused
_posixsubprocess.fork_exec = subprocess._fork_exec = refused
"""
"""Stands in for a sandbox whose kernel refuses `fork`: here root may always."""

NO_UNIX_SOCKETS = """
import socket
class Refused(socket.socket):
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if family == socket.AF_UNIX and fileno is None:
            raise PermissionError(1, "Operation not permitted")
        super().__init__(family, type, proto, fileno)
socket.socket = Refused
"""

NO_SOCKET_FILES = """
import os, socket
class Refused(socket.socket):
    def bind(self, address):
        if self.family == socket.AF_UNIX and os.getcwd().endswith(".engine"):
            raise OSError(95, "Operation not supported")
        super().bind(address)
socket.socket = Refused
"""

NO_SOCKETS_AT_ALL = """
import socket
class Refused(socket.socket):
    def bind(self, address):
        raise PermissionError(1, "Operation not permitted")
    def connect(self, address):
        raise PermissionError(1, "Operation not permitted")
socket.socket = Refused
"""

BROKEN_PYTHON = """
import sys
sys.executable = {executable!r}
"""

WITHOUT_ROOTS_RIGHTS = """
import ctypes, os, sys
# PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: file modes hold for root as for
# anybody.
if sys.platform == "linux":
    for right in (1, 2):
        ctypes.CDLL(None).prctl(24, right, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def within(tmp_path: Path, rules: str) -> dict[str, str]:
    """An environment in which every Python starts with these rules."""
    folder = tmp_path / "sandbox"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(rules, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def said(process: Process) -> str:
    """What an attachment wrote on its standard error, once it has left."""
    process.stdin.close()
    assert process.end() == 0
    assert process.popen.stderr is not None
    return process.popen.stderr.read().decode()


@pytest.mark.parametrize(
    "error",
    [
        "PermissionError(1, 'Operation not permitted')",
        pytest.param("BlockingIOError(11, 'try again')", marks=pytest.mark.slow),
    ],
)
def test_without_background_processes_it_serves_in_process_and_says_so(
    home: Home, tmp_path: Path, error: str
) -> None:
    sandbox = within(tmp_path, NO_CHILDREN.format(error=error))
    client = home.attach(**sandbox)

    assert lists_tools(client)
    warned = said(client)
    assert home.engines() == []
    assert "in-process" in warned
    assert "Traceback" not in warned


@pytest.mark.slow
def test_an_engine_that_cannot_even_start_leaves_its_client_served(
    home: Home, tmp_path: Path
) -> None:
    sandbox = within(tmp_path, BROKEN_PYTHON.format(executable="/bin/false"))
    client = home.attach(**sandbox)

    assert lists_tools(client)
    warned = said(client)
    assert "in-process" in warned
    assert "Traceback" not in warned


@pytest.mark.slow
def test_a_folder_without_socket_files_has_its_engine_elsewhere(home: Home, tmp_path: Path) -> None:
    sandbox = within(tmp_path, NO_SOCKET_FILES)
    one, two = home.attach(**sandbox), home.attach(**sandbox)

    assert lists_tools(one)
    assert lists_tools(two)
    engine = home.engine()
    assert home.run("stop").returncode == 0
    assert gone(engine)


@pytest.mark.slow
@pytest.mark.parametrize("rules", [NO_UNIX_SOCKETS, NO_SOCKETS_AT_ALL])
def test_without_sockets_it_works_or_says_what_to_set(
    home: Home, tmp_path: Path, rules: str
) -> None:
    client = home.attach(**within(tmp_path, rules))

    assert lists_tools(client)
    warned = said(client)
    assert len(home.engines()) <= 1
    assert home.engines() or "in-process" in warned
    assert "Traceback" not in warned


@pytest.mark.slow
def test_a_client_that_may_not_reach_the_engine_serves_itself_beside_it(
    home: Home, tmp_path: Path
) -> None:
    free = home.attach()
    told = ask(free, 2, "remember", content="Ana keeps bees")
    caged = home.attach(**within(tmp_path, NO_SOCKETS_AT_ALL))
    found = ask(caged, 2, "recall", note_ids=told["note_id"])
    warned = said(caged)

    assert found["verdict"] == "found"
    assert str(home.engine().pid) in warned


@pytest.mark.slow
def test_a_read_only_home_fails_each_call_with_what_to_set(tmp_path: Path) -> None:
    locked = tmp_path / "home"
    locked.mkdir()
    locked.chmod(0o555)
    with home_at(tmp_path / "store") as home:
        env = home.environment(HOME=str(locked), XDG_DATA_HOME="")
        del env["ZETTEL_STORE"]
        command = [sys.executable, "-c", WITHOUT_ROOTS_RIGHTS, sys.executable, "-m", "zettel"]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=tmp_path,
        ) as popen:
            client = Process(popen=popen)
            greet(client)
            client.say({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
            listed = client.hear()
            client.say(tool_call(3, "remember", content="x"))
            failed = json.dumps(client.hear())
            client.stdin.close()
            assert popen.wait(PATIENCE_S) == 0

        assert json.dumps(listed).count('"inputSchema"') == 4
        assert "ZETTEL_STORE" in failed
        assert '"isError": true' in failed
        # What was started for it ends by itself, though not at once.
        assert psutil.wait_procs(home.engines(), PATIENCE_S)[1] == []


@pytest.mark.parametrize("words", [("serve", "--check"), ("serve",), ("list",)], ids=" ".join)
def test_a_command_of_a_user_who_may_not_read_the_store_says_whose_it_is_to_run(
    tmp_path: Path, home: Home, words: tuple[str, ...]
) -> None:
    home.store.chmod(0)
    command = [sys.executable, "-c", WITHOUT_ROOTS_RIGHTS, sys.executable, "-m", "zettel", *words]

    done = subprocess.run(
        command, env=home.environment(), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    home.store.chmod(0o700)

    assert done.returncode == 2, done.stderr
    assert "Run this as the user who owns the store." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_path_longer_than_any_sockets_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(f"{'long' * 10}-{n}" for n in range(8)))
    with home_at(deep / "store") as home:
        one, two = home.attach(), home.attach()

        assert lists_tools(one)
        assert lists_tools(two)
        assert len(home.engines()) == 1
        assert len(str(home.private)) > 300


def test_in_process_starts_nothing_in_the_background(home: Home) -> None:
    assert lists_tools(home.attach("--in-process"))
    assert home.engines() == []
