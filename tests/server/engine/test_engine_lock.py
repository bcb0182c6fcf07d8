"""Being the one engine of a store."""

import errno
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc import file_lock, rendezvous
from zettel.server.engine.ipc.file_lock import is_locked, try_lock
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous
from zettel.server.engine.ipc.sockets import connect_loopback, connect_unix

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks and sockets of POSIX")


@pytest.fixture(params=["unix", "tcp"])
def engine_lock(place: Rendezvous, request: pytest.FixtureRequest) -> Iterator[EngineLock]:
    """The engine of that place."""
    engine_lock = EngineLock.take(place, str(request.param))
    assert engine_lock is not None
    engine_lock.announce()
    yield engine_lock
    engine_lock.release()


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


def test_there_is_no_second_claim(engine_lock: EngineLock) -> None:
    assert EngineLock.take(engine_lock.place, "unix", wait_s=0) is None
    assert EngineLock.take(engine_lock.place, "tcp", wait_s=0) is None


def test_clients_find_the_claim_by_its_record(engine_lock: EngineLock) -> None:
    record = engine_lock.place.read_record()
    port, folder = record.get("port"), record.get("socket")
    reached = connect_loopback(port) if isinstance(port, int) else connect_unix(str(folder), SOCKET)
    reached.close()

    assert record["pid"] == os.getpid()
    assert record.get("secret", "") == engine_lock.secret
    assert bool(engine_lock.secret) == isinstance(port, int)


def test_a_claim_that_ends_leaves_only_its_locks(engine_lock: EngineLock) -> None:
    engine_lock.withdraw()
    left = set(os.listdir(engine_lock.place.folder))

    assert left == {"engine.lock"}
    assert not engine_lock.hold()
    assert is_locked(engine_lock.place.lock)


def test_lock_and_record_that_were_tidied_away_are_made_anew(engine_lock: EngineLock) -> None:
    os.unlink(engine_lock.place.lock)
    os.unlink(engine_lock.place.record)

    assert engine_lock.hold()
    assert engine_lock.place.read_record()["pid"] == os.getpid()
    assert EngineLock.take(engine_lock.place, "unix", wait_s=0) is None


@contextmanager
def without_descriptors() -> Generator[None]:
    """Let this process open no further file."""
    import resource  # noqa: PLC0415  POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            os.open(os.curdir, os.O_RDONLY)
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("deleted", [(), ("record",), ("record", "lock")])
def test_without_descriptors_the_engine_stays_and_looks_again_later(
    engine_lock: EngineLock, deleted: tuple[str, ...]
) -> None:
    for name in deleted:
        os.unlink(getattr(engine_lock.place, name))

    with without_descriptors():
        assert engine_lock.hold()

    assert engine_lock.hold()
    assert engine_lock.place.read_record()["pid"] == os.getpid()
    assert EngineLock.take(engine_lock.place, "unix", wait_s=0) is None


def test_an_input_output_error_is_no_sign_that_the_store_or_its_lock_are_gone(
    engine_lock: EngineLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> os.stat_result:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    with monkeypatch.context() as patched:
        patched.setattr(file_lock.os, "stat", fail)
        held, there = engine_lock.hold(), engine_lock.store_is_there()

    assert held
    assert there


def test_a_folder_that_a_full_disk_does_not_let_be_made_is_made_at_the_next_call(
    engine_lock: EngineLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    os.unlink(engine_lock.place.lock)
    with monkeypatch.context() as patched:
        patched.setattr(rendezvous, "make_private", fail)
        held = engine_lock.hold()

    assert held
    assert not os.path.exists(engine_lock.place.lock)
    assert engine_lock.hold()
    assert os.path.exists(engine_lock.place.lock)


def test_a_lock_somebody_else_took_is_lost(engine_lock: EngineLock) -> None:
    os.unlink(engine_lock.place.lock)
    other_lock = try_lock(engine_lock.place.lock)
    assert other_lock is not None

    assert not engine_lock.hold()
    os.close(other_lock)


def test_a_socket_that_was_removed_cannot_be_mended(place: Rendezvous) -> None:
    engine_lock = EngineLock.take(place, "unix")
    assert engine_lock is not None
    engine_lock.announce()
    assert engine_lock.hold()
    os.unlink(os.path.join(place.folder, SOCKET))

    assert not engine_lock.hold()
    engine_lock.release()


def test_a_removed_store_is_noticed_also_when_it_is_made_anew(engine_lock: EngineLock) -> None:
    assert engine_lock.store_is_there()
    shutil.rmtree(engine_lock.place.store)
    assert not engine_lock.store_is_there()
    os.makedirs(engine_lock.place.store)
    assert not engine_lock.store_is_there()


def test_the_record_of_a_dead_engine_is_gone_before_the_next_one_is_announced(
    place: Rendezvous,
) -> None:
    place.write_record({"pid": 1, "port": 1, "secret": "x"})
    engine_lock = EngineLock.take(place, "unix")
    assert engine_lock is not None

    assert place.read_record() == {}
    engine_lock.release()


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
