"""How long an engine lives: past its clients, not past its idleness, its store or a word."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.server.engine_homes import Home, ask, gone, home_at, lists_tools
from tests.server.processes import INITIALIZE, tool_call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")

SOON = 0.02
"""Minutes without a client after which an engine leaves, where that is to be seen: 1.2 s."""


def remove(store: Path) -> None:
    """Remove a folder that others may just be writing into."""
    while store.exists():
        shutil.rmtree(store, ignore_errors=True)


def test_a_client_that_closes_its_end_leaves_the_engine_to_the_others(home: Home) -> None:
    staying, leaving = home.attach(), home.attach()
    engine = home.engine()
    leaving.stdin.close()

    assert leaving.end() == 0
    assert lists_tools(staying)
    assert home.engine() == engine


@pytest.mark.slow
def test_an_attachment_ends_with_the_process_that_started_it(home: Home) -> None:
    script = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "zettel"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.buffer.raw.read(1)
"""
    # Another process keeps the client's end open, so that the end of input tells nothing.
    for_child, ours = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=for_child,
        stdout=subprocess.PIPE,
        env=home.environment(),
    ) as parent:
        os.close(for_child)
        os.write(ours, json.dumps(INITIALIZE).encode() + b"\n")
        assert parent.stdout is not None
        attachment = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)

        assert gone(attachment)
    os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_attachment_and_no_engine(home: Home, number: signal.Signals) -> None:
    client = home.attach()
    engine = home.engine()
    client.popen.send_signal(number)

    assert client.end() == 0
    assert home.engine() == engine


def test_an_engine_that_nobody_needs_leaves_and_takes_its_files_along(home: Home) -> None:
    home.configure(idle_minutes=SOON)
    client = home.attach()
    engine = home.engine()
    client.stdin.close()

    assert client.end() == 0
    assert gone(engine)
    assert not list(home.private.glob("*.sock"))
    assert not (home.private / "engine.json").exists()


@pytest.mark.slow
def test_clients_that_come_while_engines_leave_are_served(home: Home) -> None:
    home.configure(idle_minutes=SOON / 60)
    for _ in range(12):
        client = home.attach()
        assert lists_tools(client)
        client.stdin.close()
        assert client.end() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are read in /proc")
def test_an_engine_may_open_more_files_than_its_first_client(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with home_at(tmp_path / "store", fresh=True) as home:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        try:
            client = home.attach()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert lists_tools(client)
        allowed = home.engine().rlimit(psutil.RLIMIT_NOFILE)

    assert allowed == (min(8192, hard), hard)


def test_an_engine_does_without_the_temporary_directory_of_a_client_that_is_gone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "of-a-shell"
    folder.mkdir()
    with home_at(tmp_path / "store", fresh=True) as home:
        client = home.attach(TMPDIR=str(folder))
        ask(client, 2, "remember", content="Ana keeps bees", namespace="farm")
        first = home.engine()
        remove(folder)  # where the engine tries for a moment whether it can write
        assert gone(first)
        told = ask(client, 3, "remember", content="Ben keeps wasps", namespace="farm")
        found = ask(client, 4, "recall", query="Who keeps bees?", namespace="farm")

    assert told["status"] == "stored"
    assert found["verdict"] == "found"


def test_a_silent_client_keeps_the_engine(home: Home) -> None:
    home.configure(idle_minutes=SOON)
    silent = home.attach()
    engine = home.engine()
    # A second engine, on another store, measures the time: it began later and is gone first.
    with home_at(home.store.with_name("other")) as other:
        other.configure(idle_minutes=SOON)
        leaving = other.attach()
        clock = other.engine()
        leaving.stdin.close()
        assert gone(clock)

    assert home.engine() == engine
    assert lists_tools(silent)


@pytest.mark.slow
def test_the_first_question_of_a_cold_session_is_answered_by_meaning(home: Home) -> None:
    home.configure(model="all-MiniLM-L6-v2", model_wait_seconds=200, recall_seconds=300)
    ask(home.attach(), 2, "remember", content="Ana drives a red convertible car")
    assert home.run("stop").returncode == 0
    assert home.run("evolve", "--once").returncode == 0
    answer = ask(home.attach(), 2, "recall", query="What automobile does Ana own?")

    assert "degraded" not in answer
    assert answer["verdict"] == "found"


@pytest.mark.slow
def test_what_waits_for_evolution_is_done_before_an_engine_leaves(home: Home) -> None:
    home.configure(idle_minutes=SOON / 100, settle_seconds=1)
    client = home.attach()
    engine = home.engine()
    told = ask(client, 2, "remember", content="Yesterday Ana kept 12 bees in Lisbon")
    client.stdin.close()
    assert gone(engine)

    shown = json.loads(home.run("show", str(told["note_id"]), "--json").stdout)
    assert shown.get("keywords") or shown.get("entities") or shown.get("times")


@pytest.mark.slow
@pytest.mark.parametrize("idle", [False, True], ids=["with a client", "alone"])
def test_an_engine_never_outlives_its_store(home: Home, idle: bool) -> None:
    home.configure(settle_seconds=600)
    client = home.attach()
    engine = home.engine()
    ask(client, 2, "remember", content="Ana keeps bees")
    if idle:
        client.stdin.close()
        client.end()
    remove(home.store)

    assert gone(engine)
    assert not home.store.exists()


@pytest.mark.slow
def test_a_store_that_is_removed_while_it_evolves_begins_anew(home: Home) -> None:
    client = home.attach()
    engine = home.engine()
    for n in range(3):
        ask(client, 2 + n, "remember", content=f"Ana keeps {n} bees in Turin since 2019")
    client.stdin.close()
    client.end()
    # What evolution is just writing may make some of the folders again.
    remove(home.store)
    ended = gone(engine)
    home.configure()
    client = home.attach()
    ask(client, 2, "remember", content="Ben plays chess")
    known = json.dumps(ask(client, 3, "recall", limit=9))

    assert ended
    assert "Ben plays chess" in known
    assert "bees" not in known


def test_stop_ends_the_engine_and_has_nothing_to_do_without_one(home: Home) -> None:
    client = home.attach()
    ask(client, 2, "remember", content="Ana keeps heliotrope bees")
    client.stdin.close()
    client.end()
    engine = home.engine()
    stopped = home.run("stop")
    again = home.run("stop")
    log = (home.private / "engine.log").read_text(encoding="utf-8")

    assert gone(engine)
    assert (stopped.returncode, again.returncode) == (0, 0)
    assert str(engine.pid) in stopped.stdout
    assert log
    assert "heliotrope" not in log
    assert "heliotrope" in home.run("list").stdout


def test_a_client_whose_engine_was_stopped_gets_another_one(home: Home) -> None:
    client = home.attach()
    engine = home.engine()
    assert home.run("stop").returncode == 0
    assert gone(engine)

    assert lists_tools(client)
    assert home.engine() != engine


def test_status_tells_what_runs_and_that_nothing_does(home: Home) -> None:
    before = home.run("status", "--json")
    client = home.attach()
    ask(client, 2, "remember", content="Ana keeps bees")
    engine = home.engine()
    running = json.loads(home.run("status", "--json").stdout)
    words = home.run("status").stdout

    assert before.returncode == 0
    assert not json.loads(before.stdout)["engine"]
    assert str(engine.pid) in json.dumps(running)
    for name in ("engine", "pid", "version", "uptime", "clients", "model", "queue", "evolution"):
        assert name in json.dumps(running), name
    assert str(engine.pid) in words


@pytest.mark.slow
def test_an_engine_answers_what_is_open_before_a_signal_ends_it(home: Home) -> None:
    client = home.attach()
    ask(client, 1000, "remember", content="the store is open")
    engine = home.engine()
    client.say(*(tool_call(n, "remember", content=f"note {n}") for n in range(2, 34)))
    client.hear()
    engine.send_signal(signal.SIGINT)
    answers = [client.hear() for _ in range(31)]

    assert all("result" in answer for answer in answers)
    assert gone(engine)
    assert len(home.run("list", "--json").stdout.splitlines()) == 33
