"""No library moves the environment while LanceDB's threads may be reading it."""

import os
import subprocess
import sys

import pytest

from zettel.storage.startup import set_environment

LOADS_THE_MODEL = """
import os, sys, anyio
import zettel.storage.lance.store
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder

def heard(event, args):
    if event in ("os.putenv", "os.unsetenv") and os.fsdecode(args[0]) not in os.environ:
        print("moved by", args[0])

sys.addaudithook(heard)

async def load():
    await SentenceEmbedder(await find_model()).load()

anyio.run(load)
print("loaded")
"""
KEPT = ("PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "LANG")


def test_loading_the_model_sets_no_name_that_the_environment_does_not_have() -> None:
    bare = {name: os.environ[name] for name in KEPT if name in os.environ}

    told = subprocess.run(
        [sys.executable, "-c", LOADS_THE_MODEL],
        env=bare,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == ["loaded"]


def test_what_a_person_has_set_for_the_libraries_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANCEDB_LOG", "info")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    set_environment()

    assert (os.environ["LANCEDB_LOG"], os.environ["HF_HUB_OFFLINE"]) == ("info", "1")
