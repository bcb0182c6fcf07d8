"""Never two engines on one store: whatever its path is called, whatever was left behind."""

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.engine_homes import Home, gone, home_at, lists_tools
from tests.server.processes import serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="paths and signals of POSIX")


def test_every_spelling_of_a_path_is_one_store(home: Home, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home.store, target_is_directory=True)
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    spellings = [
        "store",
        "./store/",
        "nowhere/../store",
        str(home.store),
        f"{home.store}/",
        f"{home.store}//.",
        str(tmp_path / "link"),
        str(tmp_path / "up" / "store"),
        f"file://{home.store}",
        f"file://localhost{home.store}/",
    ]
    for spelling in spellings:
        home.attach(cwd=tmp_path, ZETTEL_STORE=spelling)
        assert len(home.engines()) == 1, spelling
    home.attach("--store", "store", cwd=tmp_path, ZETTEL_STORE="/nowhere")
    home.attach(ZETTEL_STORE="~/store", HOME=str(tmp_path))

    assert len(home.engines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "store", "up"]


def test_no_environment_leads_to_a_second_engine(home: Home, tmp_path: Path) -> None:
    for name in ("XDG_RUNTIME_DIR", "TMPDIR", "HOME", "XDG_DATA_HOME", "ZETTEL_IPC"):
        value = "tcp" if name == "ZETTEL_IPC" else str(tmp_path)
        assert lists_tools(home.attach(**{name: value}))

    assert len(home.engines()) == 1


def leave_everything(home: Home) -> None:
    """The files of a killed engine are left as they are."""
    assert home.private.is_dir()


def leave_a_foreign_pid(home: Home) -> None:
    """The record names a process that lives, and is no engine."""
    record = home.private / "engine.json"
    told = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps(told | {"pid": os.getpid()}), encoding="utf-8")


def leave_nonsense(home: Home) -> None:
    """The record was cut off, and the socket is a file."""
    (home.private / "engine.json").write_bytes(b'{"pid": ')
    for path in home.private.glob("*.sock"):
        path.unlink()
        path.write_bytes(b"no socket")


def leave_no_lock(home: Home) -> None:
    """Somebody tidied up."""
    for path in home.private.glob("*.lock"):
        path.unlink()


def leave_nothing(home: Home) -> None:
    """Somebody tidied up with all their heart."""
    for path in home.private.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("leave", "ipc"),
    [
        (leave_everything, "unix"),
        (leave_everything, "tcp"),
        (leave_a_foreign_pid, "unix"),
        (leave_a_foreign_pid, "tcp"),
        (leave_nonsense, "unix"),
        (leave_no_lock, "unix"),
        (leave_nothing, "unix"),
    ],
)
def test_what_a_killed_engine_leaves_behind_is_in_nobodys_way(
    tmp_path: Path, leave: Callable[[Home], None], ipc: str
) -> None:
    with home_at(tmp_path / "store", ipc=ipc) as home:
        living = home.attach()
        killed = home.engine()
        killed.send_signal(signal.SIGKILL)
        assert gone(killed)
        leave(home)
        newcomer = home.attach()

        assert lists_tools(newcomer)
        assert lists_tools(living)
        assert len(home.engines()) == 1
        assert home.engine() != killed


def test_a_foreign_server_on_the_port_of_a_killed_engine_is_not_waited_for(tmp_path: Path) -> None:
    with home_at(tmp_path / "store", ipc="tcp") as home, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        home.private.mkdir(mode=0o700)
        record = {"pid": os.getpid(), "port": silent.getsockname()[1], "secret": "x"}
        (home.private / "engine.json").write_text(json.dumps(record), encoding="utf-8")

        assert lists_tools(home.attach())
        assert len(home.engines()) == 1


def test_ten_clients_that_lose_their_engine_share_the_next_one(home: Home) -> None:
    clients = [home.attach() for _ in range(10)]
    killed = home.engine()
    killed.kill()
    assert gone(killed)
    for client in clients:
        client.say({"jsonrpc": "2.0", "id": "again", "method": "ping"})

    assert [client.hear()["id"] for client in clients] == ["again"] * 10
    assert len(home.engines()) == 1


def test_a_copy_of_a_store_in_use_has_an_engine_of_its_own(tmp_path: Path) -> None:
    with home_at(tmp_path / "store", ipc="tcp") as home:
        home.attach()
        original = home.engine()
        copy = home.store.with_name("copy")
        shutil.copytree(home.store, copy)
        newcomer = home.attach(ZETTEL_STORE=str(copy))

        assert lists_tools(newcomer)
        assert len(home.engines()) == 2
        assert original in home.engines()


def test_removing_the_lock_of_a_living_engine_makes_no_second_one(home: Home) -> None:
    first = home.attach()
    (home.private / "engine.lock").unlink()
    second = home.attach()

    assert lists_tools(first)
    assert lists_tools(second)
    assert len(home.engines()) == 1


def test_clients_attach_to_serve_and_a_second_serve_names_it_and_exits_with_3(home: Home) -> None:
    with serving(home.store) as served:
        client = home.attach()
        second = home.run("serve", "--port", "0")

        assert lists_tools(client)
        assert home.engines() == []
        assert second.returncode == 3
        assert str(served.process.popen.pid) in second.stderr
        assert served.url in second.stderr
        assert len(second.stderr.splitlines()) == 1
