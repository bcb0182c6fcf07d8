"""Changes to values of the `meta` table by compare-and-swap."""

from collections.abc import Callable
from itertools import count

from zettel.storage.errors import ChangedMeanwhileError
from zettel.storage.store import NoteStore

REEMBEDDING_KEY = "reembedding"
"""Key in `meta`: the re-embedding in progress, as JSON; absent when there is none."""

UPDATE_ATTEMPTS = 16
"""Compare-and-swaps before giving up; every lost one is another process's success."""


async def update_meta(
    store: NoteStore,
    key: str,
    change: Callable[[str | None], str | None],
    *,
    attempts: int | None = UPDATE_ATTEMPTS,
) -> None:
    """Replace the value of `key` by `change(value)`; None is an absent value.

    Args:
        store: The store.
        key: Key in `meta`.
        change: Pure; called again with the new value after a lost race.
        attempts: Compare-and-swaps before giving up; None is no bound.

    Raises:
        ChangedMeanwhileError: Others kept changing the value; nothing is written.
    """
    for _ in count() if attempts is None else range(attempts):
        before = await store.get_meta(key)
        after = change(before)
        if after == before or await store.swap_meta(key, expected=before, value=after):
            return
    raise ChangedMeanwhileError([])
