"""Two versions of Zettel on one store: the newer one takes over, and only once."""

import json
import sys
from pathlib import Path

import pytest
from tests.server.engine_homes import Home, gone, lists_tools

from zettel.server.engine.ipc.version import VERSION

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")

PRETEND = """
import zettel.server.engine.ipc.version
zettel.server.engine.ipc.version.VERSION = {version!r}
"""

OLDER, NEWER = "0.0.1", "99.0"


def of_version(tmp_path: Path, version: str) -> dict[str, str]:
    """An environment in which Zettel, and the engine it starts, is of that version."""
    folder = tmp_path / f"version-{version}"
    folder.mkdir(exist_ok=True)
    text = PRETEND.format(version=version)
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def version_of(home: Home) -> str:
    """What the engine says it is."""
    record = json.loads((home.private / "engine.json").read_text(encoding="utf-8"))
    return str(record["version"])


def test_a_newer_client_has_an_older_engine_replaced(home: Home, tmp_path: Path) -> None:
    old = home.attach(**of_version(tmp_path, OLDER))
    engine = home.engine()
    assert version_of(home) == OLDER
    new = home.attach()

    assert gone(engine)
    assert version_of(home) == VERSION
    assert lists_tools(new)
    assert lists_tools(old)
    assert len(home.engines()) == 1


def test_an_older_client_is_served_by_a_newer_engine(home: Home, tmp_path: Path) -> None:
    home.attach(**of_version(tmp_path, NEWER))
    engine = home.engine()
    plain, old = home.attach(), home.attach(**of_version(tmp_path, OLDER))

    assert lists_tools(plain)
    assert lists_tools(old)
    assert home.engine() == engine
    assert version_of(home) == NEWER


@pytest.mark.slow
def test_a_newer_client_does_not_end_a_server_somebody_started(home: Home, tmp_path: Path) -> None:
    served = home.spawn("serve", "--port", "0", **of_version(tmp_path, OLDER))
    while "Ctrl-C" not in served.read_line():
        pass
    new = home.attach()

    assert lists_tools(new)
    assert served.popen.poll() is None
    assert home.engines() == []
