"""Being the one engine of a store."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.file_lock import is_locked, try_lock
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous
from zettel.server.engine.ipc.sockets import connect_loopback, connect_unix

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks and sockets of POSIX")


@pytest.fixture
def place(tmp_path: Path) -> Rendezvous:
    """A prepared meeting place."""
    place = Rendezvous(str(tmp_path / "store"))
    place.prepare()
    return place


@pytest.fixture(params=["unix", "tcp"])
def claim(place: Rendezvous, request: pytest.FixtureRequest) -> Iterator[EngineLock]:
    """The engine of that place."""
    claim = EngineLock.take(place, str(request.param))
    assert claim is not None
    claim.announce()
    yield claim
    claim.release()


def test_a_lock_is_held_by_one_and_free_when_that_one_lets_go(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert not is_locked(path)
    held = try_lock(path)
    assert held is not None
    assert is_locked(path)
    assert try_lock(path) is None
    os.close(held)
    assert not is_locked(path)


def test_asking_whether_a_lock_is_held_does_not_take_it(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    (tmp_path / "lock").touch()
    assert not is_locked(path)
    held = try_lock(path)

    assert held is not None
    os.close(held)


def test_there_is_no_second_claim(claim: EngineLock) -> None:
    assert EngineLock.take(claim.place, "unix", wait_s=0) is None
    assert EngineLock.take(claim.place, "tcp", wait_s=0) is None


def test_clients_find_the_claim_by_its_record(claim: EngineLock) -> None:
    record = claim.place.read_record()
    port, folder = record.get("port"), record.get("socket")
    reached = connect_loopback(port) if isinstance(port, int) else connect_unix(str(folder), SOCKET)
    reached.close()

    assert record["pid"] == os.getpid()
    assert record.get("secret", "") == claim.secret
    assert bool(claim.secret) == isinstance(port, int)


def test_a_claim_that_ends_leaves_only_its_locks(claim: EngineLock) -> None:
    claim.withdraw()
    left = set(os.listdir(claim.place.folder))

    assert left == {"engine.lock"}
    assert not claim.hold()
    assert is_locked(claim.place.lock)


def test_lock_and_record_that_were_tidied_away_are_made_anew(claim: EngineLock) -> None:
    os.unlink(claim.place.lock)
    os.unlink(claim.place.record)

    assert claim.hold()
    assert claim.place.read_record()["pid"] == os.getpid()
    assert EngineLock.take(claim.place, "unix", wait_s=0) is None


def test_a_lock_somebody_else_took_is_lost(claim: EngineLock) -> None:
    os.unlink(claim.place.lock)
    theirs = try_lock(claim.place.lock)
    assert theirs is not None

    assert not claim.hold()
    os.close(theirs)


def test_a_socket_that_was_removed_cannot_be_mended(place: Rendezvous) -> None:
    claim = EngineLock.take(place, "unix")
    assert claim is not None
    claim.announce()
    assert claim.hold()
    os.unlink(os.path.join(place.folder, SOCKET))

    assert not claim.hold()
    claim.release()


def test_a_removed_store_is_noticed_also_when_it_is_made_anew(claim: EngineLock) -> None:
    assert claim.store_is_there()
    shutil.rmtree(claim.place.store)
    assert not claim.store_is_there()
    os.makedirs(claim.place.store)
    assert not claim.store_is_there()


def test_the_record_of_a_dead_engine_is_gone_before_the_next_one_is_announced(
    place: Rendezvous,
) -> None:
    place.write_record({"pid": 1, "port": 1, "secret": "x"})
    claim = EngineLock.take(place, "unix")
    assert claim is not None

    assert place.read_record() == {}
    claim.release()


@pytest.mark.parametrize("ipc", ["unix", "tcp"])
def test_an_engine_whose_store_was_made_anew_leaves_the_next_engines_files_alone(
    place: Rendezvous, ipc: str
) -> None:
    first = EngineLock.take(place, ipc)
    assert first is not None
    shutil.rmtree(place.store)
    place.prepare()
    second = EngineLock.take(place, ipc)
    assert second is not None
    second.announce()
    files = set(os.listdir(place.folder))

    first.release()

    assert place.read_record()["pid"] == os.getpid()
    assert set(os.listdir(place.folder)) == files
    second.release()
