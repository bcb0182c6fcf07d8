"""Where clients and engine meet, and who else can get in."""

import os
import stat
import sys
from pathlib import Path

import pytest

from zettel.server.engine.ipc import rendezvous
from zettel.server.engine.ipc.rendezvous import ENGINE_FOLDER, Rendezvous, UnattachableError
from zettel.storage import location

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")


def mode_of(path: str | Path) -> int:
    """Its permissions."""
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for places that are no directory, of this test alone."""
    folder = tmp_path / "runtime"
    monkeypatch.setattr(rendezvous, "runtime_folder", lambda: str(folder))
    return folder


def test_storage_and_server_mean_the_same_folder() -> None:
    assert ENGINE_FOLDER == location.ENGINE_FOLDER


def test_the_folder_of_a_directory_is_in_it_and_private(tmp_path: Path) -> None:
    place = Rendezvous(str(tmp_path / "deep" / "store"))
    place.prepare()

    assert place.folder == str(tmp_path / "deep" / "store" / ".engine")
    assert mode_of(place.folder) == mode_of(tmp_path / "deep" / "store") == 0o700
    assert place.is_trustworthy()


def test_a_folder_that_stood_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".engine").mkdir()
    (tmp_path / ".engine").chmod(0o755)
    Rendezvous(str(tmp_path)).prepare()

    assert mode_of(tmp_path / ".engine") == 0o700


def test_a_folder_that_is_a_link_or_a_file_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".engine").symlink_to(tmp_path / "theirs")
    place = Rendezvous(str(tmp_path))

    assert not place.is_trustworthy()
    with pytest.raises(UnattachableError, match="another user"):
        place.prepare()
    (tmp_path / "file").touch()
    with pytest.raises(UnattachableError, match="file"):
        Rendezvous(str(tmp_path / "file")).prepare()


@pytest.mark.usefixtures("elsewhere")
def test_an_object_store_has_a_private_folder_of_its_own() -> None:
    one, two = Rendezvous("s3://bucket/one"), Rendezvous("s3://bucket/two")
    for place in (one, two):
        place.prepare()
        assert place.is_trustworthy()
        assert mode_of(place.folder) == mode_of(os.path.dirname(place.folder)) == 0o700

    assert one.folder != two.folder
    assert one.folder == Rendezvous("s3://bucket/one").folder


def test_a_folder_somebody_else_could_have_laid_out_is_not_trusted(elsewhere: Path) -> None:
    place = Rendezvous("s3://bucket/one")
    Path(place.folder).mkdir(parents=True)
    elsewhere.chmod(0o777)

    assert not place.is_trustworthy()
    place.prepare()
    assert mode_of(elsewhere) == 0o700


def test_the_record_is_read_by_its_owner_alone_and_as_it_was_written(tmp_path: Path) -> None:
    place = Rendezvous(str(tmp_path))
    place.prepare()
    place.write_record({"pid": 1, "secret": "s"})

    assert place.read_record() == {"pid": 1, "secret": "s"}
    assert mode_of(place.record) == 0o600
    assert os.listdir(place.folder) == ["engine.json"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_record_that_is_none_says_nothing(tmp_path: Path, raw: bytes) -> None:
    place = Rendezvous(str(tmp_path))
    place.prepare()
    Path(place.record).write_bytes(raw)

    assert place.read_record() == {}
