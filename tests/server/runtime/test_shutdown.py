"""How a spawned `zettel` ends: its client leaves, a signal comes, its parent dies."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.processes import (
    INITIALIZE,
    INITIALIZED,
    Launcher,
    environment,
    shake_hands,
    tool_call,
)


def test_calls_still_open_at_the_end_of_input_are_answered(zettel: Launcher) -> None:
    process = zettel.spawn()
    process.say(INITIALIZE, INITIALIZED, *(tool_call(n, "remember", content=f"note {n}")
                                           for n in range(2, 8)))  # fmt: skip
    process.stdin.close()
    answers = [process.hear() for _ in range(7)]

    assert {str(answer["id"]) for answer in answers} == {str(number) for number in range(1, 8)}
    assert all("result" in answer for answer in answers)
    assert process.end() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(zettel: Launcher, number: signal.Signals) -> None:
    process = zettel.spawn()
    shake_hands(process)
    process.say(tool_call(2, "remember", content="the last words"))
    assert "result" in process.hear()
    process.popen.send_signal(number)

    assert process.end() == 0
    assert process.popen.stderr is not None
    assert b"Traceback" not in process.popen.stderr.read()
    assert "the last words" in zettel.run("list").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_before_the_first_message_ends_it_too(zettel: Launcher) -> None:
    process = zettel.spawn()
    process.popen.send_signal(signal.SIGTERM)

    # Before Python itself has come so far as to listen, a signal kills.
    assert process.end() in {0, -signal.SIGTERM}


def test_a_client_that_reads_no_more_ends_it(zettel: Launcher) -> None:
    process = zettel.spawn()
    shake_hands(process)
    assert process.popen.stdout is not None
    process.popen.stdout.close()
    process.say({"jsonrpc": "2.0", "id": 2, "method": "ping"})

    assert process.end() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="orphans of POSIX")
def test_it_ends_when_whoever_started_it_dies(tmp_path: Path) -> None:
    script = """
import subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-m", "zettel", "--in-process"], stdout=subprocess.PIPE
)
child.stdout.readline()
"""
    for_child, ours = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=for_child,
        stderr=subprocess.PIPE,
        env=environment(tmp_path / "store", ZETTEL_LOG_LEVEL="error"),
    ) as parent:
        os.close(for_child)
        os.write(ours, json.dumps(INITIALIZE).encode() + b"\n")
        assert parent.stderr is not None
        # The child holds this pipe too: it closes when both are gone, although stdin stays open.
        errors = parent.stderr.read()
        os.close(ours)

    assert b"Traceback" not in errors
