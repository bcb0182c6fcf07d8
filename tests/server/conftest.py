"""Fixtures of the server's tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.server.engine_homes import Home, home_at
from tests.server.engines import ListeningEngine
from tests.server.processes import Launcher, Served, serving

from zettel.server.engine.ipc.rendezvous import Rendezvous


@pytest.fixture
def engine() -> ListeningEngine:
    """An engine without a store."""
    return ListeningEngine()


@pytest.fixture
def zettel(tmp_path: Path) -> Iterator[Launcher]:
    """Starts `zettel` on this test's own store; nothing it started outlives the test."""
    with ExitStack() as running:
        yield Launcher(store=tmp_path / "store", running=running)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One `zettel serve` for all tests of a module."""
    with serving(tmp_path_factory.mktemp("served") / "store") as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A store with no engine yet."""
    with home_at(tmp_path / "store") as home:
        yield home


@pytest.fixture
def place(tmp_path: Path) -> Rendezvous:
    """A prepared meeting place."""
    place = Rendezvous(str(tmp_path / "store"))
    place.prepare()
    return place
