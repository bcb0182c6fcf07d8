"""A model whose files this process may not use: the path and the user are named."""

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.storage.embedding.test_model_files import make_folder

from zettel.storage.embedding.access import cannot_load
from zettel.storage.embedding.backends import make_embedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.errors import ModelUnavailableError

NOBODY = 65_534

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


@contextmanager
def unprivileged() -> Generator[None]:
    """A user whom modes bind: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def shut_to_all(place: Path) -> Generator[None]:
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        with unprivileged():
            yield
    finally:
        place.chmod(mode)


@pytest.fixture
def folder() -> Generator[Path]:
    """A model's folder that every user may read; the directories of pytest are shut."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield make_folder(Path(place, "models", "m"), [("Transformer", {"hidden_size": 24})])


@pytest.mark.parametrize("shut", ["config.json", "model.safetensors", "tokenizer.json", ".", ".."])
async def test_a_model_that_may_not_be_read_is_refused_with_the_path_and_the_user(
    folder: Path, shut: str
) -> None:
    place = {".": folder, "..": folder.parent}.get(shut, folder / shut)
    with shut_to_all(place), pytest.raises(ModelUnavailableError) as refused:
        await make_embedder(await find_model(str(folder)), "auto").embed_notes(["A note."])

    said = str(refused.value)
    assert f"{str(place)!r} (of user " in said
    assert "mode 0000" in said
    assert "may not" in said
    assert "chmod" in said
    assert "again with" not in said  # another copy would be as shut


async def test_a_folder_that_is_no_model_is_not_taken_for_one_that_may_not_be_read(
    folder: Path,
) -> None:
    other = folder.parent
    (other / "notes.conf").symlink_to("nowhere")

    with pytest.raises(ModelUnavailableError, match="has no weights"):
        await make_embedder(await find_model(str(other)), "auto").embed_notes(["A note."])


async def test_a_model_that_is_damaged_is_to_be_saved_again(folder: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="Save the model again"):
        await make_embedder(await find_model(str(folder)), "auto").embed_notes(["A note."])


def test_a_place_that_a_library_may_not_write_is_named(folder: Path) -> None:
    missing = folder / "cache" / "compiled"
    error = RuntimeError("no cache")
    error.__cause__ = PermissionError(13, "Permission denied", str(missing))

    said = str(cannot_load("m", folder, "cannot be loaded", "Save it again.", error))

    assert f"may not write to {str(folder)!r}" in said
    assert "Save it again" not in said
