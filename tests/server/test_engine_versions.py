"""Two versions of Zettel on one store: the newer one takes over, and only once."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.engine_homes import Home, ask, gone, home_at, structured
from tests.server.processes import tool_call

from zettel.server.version import VERSION

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")

PRETEND = """
import zettel.server.version
zettel.server.version.VERSION = {version!r}
"""

OLDER, NEWER = "0.0.1", "99.0"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A store with no engine yet."""
    with home_at(tmp_path / "store") as home:
        yield home


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
    told = ask(old, 2, "remember", content="told to the old one")
    engine = home.engine()
    assert version_of(home) == OLDER
    new = home.attach()
    found = ask(new, 2, "recall", note_ids=told["note_id"])

    assert gone(engine)
    assert version_of(home) == VERSION
    assert found["verdict"] == "found"
    assert ask(old, 3, "remember", content="told to the new one")["status"] == "stored"
    assert len(home.engines()) == 1


def test_an_older_client_is_served_by_a_newer_engine(home: Home, tmp_path: Path) -> None:
    home.attach(**of_version(tmp_path, NEWER))
    engine = home.engine()
    plain, old = home.attach(), home.attach(**of_version(tmp_path, OLDER))
    told = [ask(client, 2, "remember", content=str(id(client))) for client in (plain, old)]

    assert [answer["status"] for answer in told] == ["stored", "stored"]
    assert home.engine() == engine
    assert version_of(home) == NEWER


def test_calls_in_flight_survive_the_change_of_version(home: Home, tmp_path: Path) -> None:
    old = home.attach(**of_version(tmp_path, OLDER))
    ask(old, 1000, "remember", content="the store is open")
    old.say(*(tool_call(n, "remember", content=f"note {n}") for n in range(2, 34)))
    first = old.hear()
    new = home.attach()
    answers = [first, *(old.hear() for _ in range(31))]

    assert {str(answer["id"]) for answer in answers} == set(map(str, range(2, 34)))
    assert all(structured(answer)["note_id"] for answer in answers)
    assert len(home.run("list", "--json").stdout.splitlines()) == 33
    assert ask(new, 2, "recall", since="2000")["notes"]
    assert version_of(home) == VERSION


def test_a_newer_client_does_not_end_a_server_somebody_started(home: Home, tmp_path: Path) -> None:
    served = home.spawn("serve", "--port", "0", **of_version(tmp_path, OLDER))
    while "Ctrl-C" not in served.read_line():
        pass
    new = home.attach()

    assert ask(new, 2, "remember", content="Ana keeps bees")["status"] == "stored"
    assert served.popen.poll() is None
    assert home.engines() == []
