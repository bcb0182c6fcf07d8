"""Commands that ask the engine."""

import json
import sys
from pathlib import Path

import pytest
from anyio import to_thread
from tests.server.engine.test_listener import opened, said
from tests.server.engine_homes import Home, home_at

from zettel.server.engine.ipc.calls import EngineCalls, EngineGoneError, calls_hello
from zettel.server.engine.ipc.handshake import session_hello

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets of POSIX")


async def test_a_connection_for_calls_answers_each_line_and_counts_as_a_client(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as house:
        line = await house.come(calls_hello(session_hello(house.place.store, {})))
        calls = EngineCalls(line)
        unknown = await to_thread.run_sync(lambda: calls.call("bogus", {}))
        wrong = await to_thread.run_sync(lambda: calls.call("list", {"limit": "many"}))
        sessions = house.listener.sessions
        calls.close()

    assert sessions == 1
    assert house.listener.sessions == 0
    for answer, text in ((unknown, "bogus"), (wrong, "limit")):
        error = answer["error"]
        assert isinstance(error, dict)
        assert "InvalidArgumentError" in json.dumps(error["classes"])
        assert text in str(error["text"])


async def test_a_line_that_is_no_call_is_answered_and_the_next_one_heard(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        line = await house.come(calls_hello(session_hello(house.place.store, {})))
        first = await to_thread.run_sync(lambda: said(line, ["no", "call"]))
        second = await to_thread.run_sync(lambda: said(line, {"call": "bogus", "arguments": {}}))
        line.sock.close()

    assert "error" in first
    assert "error" in second


async def test_a_shutdown_ends_the_calls_of_a_command(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        line = await house.come(calls_hello(session_hello(house.place.store, {})))
        calls = EngineCalls(line)
        house.shutdown.request()
        with pytest.raises(EngineGoneError):
            await to_thread.run_sync(lambda: calls.call("bogus", {}))
            await to_thread.run_sync(lambda: calls.call("bogus", {}))
        calls.close()


def printed(home: Home, *words: str) -> str:
    """What a command prints."""
    done = home.run("--namespace", "farm", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_command_prints_the_same_through_the_engine_and_in_process(tmp_path: Path) -> None:
    with home_at(tmp_path / "store") as home:
        printed(home, "add", "Ana keeps bees in Ulm", "--subject", "Ana", "--valid-until", "2040")
        pid = home.engine().pid
        note_id = json.loads(printed(home, "list", "--json"))["note_id"]
        for words in (
            *(("list",), ("show", note_id[-7:]), ("recall", "Where are bees?", "--explain")),
            *(("graph", note_id), ("stats",), ("review",), ("history", note_id[-5:])),
        ):
            told = [printed(home, *words), printed(home, "--in-process", *words)]
            assert told[0] == told[1], words
        assert home.engine().pid == pid
        missing = [home.run("show", "ZZZZ"), home.run("--in-process", "show", "ZZZZ")]
        assert [done.returncode for done in missing] == [1, 1]
        assert missing[0].stderr == missing[1].stderr
        refused = home.run("--namespace", "../up", "list")
        assert refused.returncode == 2
        assert refused.stderr.startswith("zettel: setting namespace: '../up'")


@pytest.mark.slow
def test_looking_at_a_store_that_is_not_there_starts_no_engine_and_makes_none(
    tmp_path: Path,
) -> None:
    with home_at(tmp_path / "store") as home:
        elsewhere = str(tmp_path / "elsewhere")
        done = home.run("--store", elsewhere, "list")

        assert done.returncode == 3
        assert "holds no notes yet" in done.stderr
        assert home.engines() == []
        assert not Path(elsewhere).exists()
