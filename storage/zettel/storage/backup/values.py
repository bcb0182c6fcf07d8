"""A backup's named values in a store: in one commit, with a record of what the store had before.

A restore that is run again after a kill begins with the store's own values, whatever the killed one
has left there, and from whatever backup.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from lancedb import AsyncTable

from zettel.storage.lance.predicates import one_of
from zettel.storage.lance.side_tables import get_meta, put_meta, read_meta, swap_meta
from zettel.storage.lance.table import LanceTable, Tables

RESTORING_KEY = "restoring"
"""Key in `meta`: the restore of a whole store in progress, as JSON; absent when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBegun:
    """A restore of a whole store that has not ended."""

    backup_id: str = ""
    """Empty if there is none."""
    before: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Key -> the store's own value, None for none, of all that restores have put there."""


async def read_begun(meta: LanceTable) -> RestoreBegun:
    """The restore that has begun and not ended."""
    raw = await get_meta(meta, RESTORING_KEY)
    return RestoreBegun(**json.loads(raw)) if raw else RestoreBegun()


async def own_values(
    meta: LanceTable, begun: RestoreBegun, keys: Collection[str]
) -> Mapping[str, str | None]:
    """The store's own values of some keys, None for none: not those of a killed restore."""
    stored = await read_meta(meta, sorted(keys)) if keys else dict[str, str]()
    return {key: begun.before.get(key, stored.get(key)) for key in keys}


async def put_values(
    meta: LanceTable, begun: RestoreBegun, backup_id: str, values: Mapping[str, str]
) -> None:
    """Replace the store's values by a backup's, and take back those that a killed restore left."""
    before = {**await own_values(meta, begun, values.keys()), **begun.before}
    now_begun = RestoreBegun(backup_id=backup_id, before=before)
    own = {key: value for key, value in before.items() if value is not None}
    record = {RESTORING_KEY: json.dumps(asdict(now_begun))}
    await put_meta(meta, {**own, **values, **record})
    left = [key for key, value in before.items() if value is None and key not in values]
    if left:

        async def take_out(handle: AsyncTable) -> None:
            await handle.delete(one_of("key", left))

        async with meta.writing():
            await meta.commit(take_out)


async def end_restore(tables: Tables) -> None:
    """Forget that a restore has begun: from now on the store's values are its own."""
    raw = await get_meta(tables.meta, RESTORING_KEY)
    await swap_meta(tables.meta, RESTORING_KEY, expected=raw, value=None)
