"""A store opened without a server."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.errors import QuotaExceededError
from zettel.tools.caller import Caller
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


async def test_a_store_opened_for_one_command_keeps_to_its_quota(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path / "store"), model="hash", quota_notes=1)
    async with opened(settings, create=True) as memory:
        await remember(memory, Caller(namespace="farm"), now=NOW, content="The barley is in")
        with pytest.raises(QuotaExceededError):
            await remember(memory, Caller(namespace="farm"), now=NOW, content="So is the rye")


async def test_what_ranking_keeps_of_notes_is_bounded_by_the_setting(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path / "store"), model="hash", cache_mb=0)
    async with opened(settings, create=True) as memory:
        await remember(memory, Caller(namespace="farm"), now=NOW, content="The barley is in")
        await recall(memory, Caller(namespace="farm"), now=NOW, query="barley")

        assert not memory.corpora.columns.note_ids
