"""A store that an earlier Zettel wrote is opened, read, changed, evolved and found sound."""

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.storage.keeping import untold
from tests.storage.stores.make import BEES, FORGOTTEN, WORK
from tests.tools.conftest import ids, opened_desk

from zettel.server.commands.doctor import OPEN_PERMISSIONS, examine_once
from zettel.server.config.settings import load_settings
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.schema import REEMBEDDED_SCHEMA_VERSION, SCHEMA_VERSION
from zettel.storage.lance.store import open_store
from zettel.tools.state.memory import Memory

STORES = Path(__file__).parents[1] / "storage" / "stores"
VERSIONS = range(SCHEMA_VERSION, REEMBEDDED_SCHEMA_VERSION + 1)
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(params=VERSIONS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the store that the first code of a version of the schema made."""
    with tarfile.open(STORES / f"schema-{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "store"


async def test_a_store_of_each_version_is_read_changed_evolved_and_sound(place: Path) -> None:
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    async with opened_desk(memory, namespace="user") as desk:
        desk.now = NOW
        answer = await desk("recall", query="Which port does the API listen on?", limit=10)
        [port, *_] = ids(answer)
        assert "9090" in json.dumps(answer)
        before = await desk("recall", note_ids=[port], detail="full")
        assert "8080" in json.dumps(before)
        listed = json.dumps(await desk("recall", session="garden", limit=10))
        assert all(content in listed for content in BEES)
        tagged = json.dumps(await desk("recall", tags=["work"], limit=10))
        assert all(content in tagged for content in WORK[1:])
        assert FORGOTTEN not in json.dumps(await desk("recall", query=FORGOTTEN, limit=20))

        await desk("update", note_id=port, content="The API listens on port 7070")
        new = await desk.told("Ana harvests the honey in July", subject="Ana")
        await desk.evolve()
        assert new in await desk.found(query="When is the honey harvested?")
        assert "7070" in json.dumps(await desk("recall", query="API port"))
        assert (await desk("forget", note_ids=[new]))["status"] == "forgotten"
    await store.close()

    settings = load_settings(store=str(place), model="hash", log_level="error")
    report = await examine_once(settings, False, untold)
    damage = {finding.name for finding in report.findings if finding.is_damage}
    # An archive does not keep who may read a file.
    assert damage <= {OPEN_PERMISSIONS}
