"""Compare-and-swap of `meta` values."""

import pytest
from tests.storage.in_memory.store import DictStore

from zettel.storage.errors import ChangedMeanwhileError
from zettel.storage.meta import UPDATE_ATTEMPTS, update_meta


class ContestedStore(DictStore):
    """A store where another process changes a value between read and swap, `races` times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        """Swap, after another process has changed the value `races` times."""
        if self.races:
            self.races -= 1
            await super().swap_meta(key, expected=expected, value=f"{expected or ''}*")
        return await super().swap_meta(key, expected=expected, value=value)


def appended(value: str | None) -> str:
    return f"{value or ''}+"


async def test_a_lost_race_is_repeated_on_the_winners_value() -> None:
    store = ContestedStore(2)

    await update_meta(store, "key", appended)

    assert await store.get_meta("key") == "**+"


async def test_a_value_that_others_keep_changing_is_left_to_them() -> None:
    store = ContestedStore(UPDATE_ATTEMPTS)

    with pytest.raises(ChangedMeanwhileError):
        await update_meta(store, "key", appended)

    assert await store.get_meta("key") == "*" * UPDATE_ATTEMPTS


async def test_without_a_bound_it_is_repeated_until_it_succeeds() -> None:
    store = ContestedStore(2 * UPDATE_ATTEMPTS)

    await update_meta(store, "key", appended, attempts=None)

    assert await store.get_meta("key") == "*" * 2 * UPDATE_ATTEMPTS + "+"


async def test_none_deletes_the_value() -> None:
    store = DictStore()
    await store.swap_meta("key", expected=None, value="old")

    await update_meta(store, "key", lambda value: None)

    assert await store.get_meta("key") is None
