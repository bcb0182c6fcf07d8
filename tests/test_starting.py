"""A forked process is what a fresh one is: its arguments, its surroundings and its end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from benchmarks.processes import has_ended
from tests.starting import finish, interpreter, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the fork server")

PATIENCE_S = 60

SAYS_WHAT_IT_IS = """
import json, os, signal, sys
print(json.dumps({
    "name": __name__,
    "argv": sys.argv,
    "path": sys.path[0],
    "cwd": os.getcwd(),
    "env": {name: os.environ.get(name) for name in ("HOME", "ZETTEL_STORE", "TZ", "GONE")},
    "input": sys.stdin.read(),
    "group": os.getpgrp(),
    "signals": {name: str(signal.getsignal(getattr(signal, name))).split(" at ")[0]
                for name in ("SIGINT", "SIGTERM", "SIGPIPE", "SIGCHLD", "SIGHUP")},
}))
print("some errors", file=sys.stderr)
sys.exit(7)
"""
WAITS = """
import os, sys
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program that says what it is."""
    path = tmp_path / "program.py"
    path.write_text(SAYS_WHAT_IT_IS, encoding="utf-8")
    return path


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """A program that says who it is and waits for the end of its input."""
    path = tmp_path / "waiting.py"
    path.write_text(WAITS, encoding="utf-8")
    return path


def test_a_forked_process_is_told_what_a_fresh_one_is_and_ends_alike(
    script: Path, tmp_path: Path
) -> None:
    env = {**os.environ, "ZETTEL_STORE": "/a store", "TZ": "Asia/Tokyo", "HOME": str(tmp_path)}
    forked, fresh = (
        finish(str(script), "a b", "", env=env, cwd=tmp_path, timeout=PATIENCE_S, fresh=fresh)
        for fresh in (False, True)
    )

    assert json.loads(forked.stdout) == json.loads(fresh.stdout)
    assert (forked.returncode, forked.stderr) == (7, "some errors\n")
    assert (fresh.returncode, fresh.stderr) == (7, "some errors\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_forked_process_takes_signals_and_its_end_is_waited_for(
    waiting: Path, number: signal.Signals
) -> None:
    with start(str(waiting)) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(number)

        assert process.wait(PATIENCE_S) == -number
        assert process.poll() == -number


def test_what_stands_in_for_the_interpreter_hands_on_streams_status_and_end(
    script: Path, waiting: Path
) -> None:
    done = subprocess.run([interpreter(), script], input=b"said", capture_output=True, check=False)
    with subprocess.Popen(
        [interpreter(), waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        forked = psutil.Process(int(process.stdout.readline()))
        assert forked.pid != process.pid
        process.kill()

        assert has_ended(forked, PATIENCE_S)

    assert (done.returncode, done.stderr) == (7, b"some errors\n")
    assert json.loads(done.stdout)["input"] == "said"
