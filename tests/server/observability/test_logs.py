"""An engine's log: one file of bounded size, and what others print goes along."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, os, sys
from zettel.server.observability import logs
logs.LOG_BYTES, logs.LOGS_KEPT = 2_000, 2
logs.log_to_file("info", sys.argv[1])
for number in range(200):
    logging.getLogger("zettel").info("record %d", number)
os.write(1, b"printed\\n")
os.write(2, b"complained\\n")
"""


def test_a_log_never_grows_beyond_its_bounds(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, check=True
    )
    newest = path.read_text(encoding="utf-8")

    assert {file.name for file in tmp_path.iterdir()} == {
        "engine.log", "engine.log.1", "engine.log.2",
    }  # fmt: skip
    assert all(file.stat().st_size < 3_000 for file in tmp_path.iterdir())
    assert "record 199" in newest
    assert newest.endswith("printed\ncomplained\n")
    assert done.stdout == done.stderr == ""


def test_a_log_that_cannot_be_written_goes_to_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "none" / "engine.log"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "record 199" in done.stderr
    assert "complained" in done.stderr


FLOOD = """
import logging
from zettel.server.observability.logs import configure_logging
configure_logging("info", "text")
for number in range(100):
    logging.getLogger("asyncio").error("socket.accept() out of system resource\\nsocket: a")
    logging.getLogger("asyncio").error("Task exception was never retrieved")
"""


def test_connections_that_cannot_be_accepted_are_logged_once_a_minute() -> None:
    done = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, check=True)

    assert done.stderr.count("socket.accept() out of system resource") == 1
    assert done.stderr.count("Task exception was never retrieved") == 100
