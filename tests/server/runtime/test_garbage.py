"""How often a server looks for garbage."""

import subprocess
import sys
from pathlib import Path

import pytest

from zettel.server.runtime.garbage import COLLECTED_TOGETHER

PROGRAM = """
import gc, sys
from zettel.server import main
sys.argv = ["zettel", "--version"]
try:
    main.main()
except SystemExit:
    pass
print(gc.get_threshold()[0], gc.isenabled())
"""


@pytest.mark.slow
def test_the_command_looks_for_garbage_once_in_ten_thousand_objects(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert said.stdout.splitlines()[-1] == f"{COLLECTED_TOGETHER} True"
