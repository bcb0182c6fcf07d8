"""A backup's named values in a store, beside a record of what restores have put there.

A restore that is run again after a kill takes back what the killed one has left, of whatever
backup. What the store has of its own stays, also what came or changed since the kill.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.side_tables import get_meta, put_meta, read_meta, swap_meta
from zettel.storage.lance.table import LanceTable, Tables

RESTORING_KEY = "restoring"
"""Key in `meta`: the restore of a whole store in progress, as JSON; absent when there is none."""
PUT_ATTEMPTS = 100
"""Tries to put a value beside others who change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBegun:
    """A restore of a whole store that has not ended."""

    backup_id: str = ""
    """Empty if there is none."""
    left: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Key -> what restores that broke off may have put there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValue:
    """A named value of `meta`, as restores have it before them."""

    key: str
    theirs: str | None
    """The backup's; None if it has none, as of the others."""
    stored: str | None
    left: Sequence[str] = ()
    """What restores that broke off may have put there."""


@dataclass(frozen=True, slots=True)
class KeptValue:
    """What becomes of a named value."""

    value: str | None
    """None for none."""
    put: str | None
    """What of it is the backup's."""


KeptMeta = Callable[[NamedValue], KeptValue]
"""Chooses what becomes of a named value; a ValueError refuses them all."""


def keep_own(of: NamedValue) -> KeptValue:
    """The store's own value, else the backup's."""
    if of.stored is not None and of.stored not in of.left:
        return KeptValue(of.stored, None)
    return KeptValue(of.theirs, of.theirs)


async def read_begun(meta: LanceTable) -> RestoreBegun:
    """The restore that has begun and not ended."""
    raw = await get_meta(meta, RESTORING_KEY)
    return RestoreBegun(**json.loads(raw)) if raw else RestoreBegun()


async def judged_values(
    meta: LanceTable, begun: RestoreBegun, theirs: Mapping[str, str], kept_meta: KeptMeta
) -> Mapping[str, str]:
    """Key -> what a restore would put there.

    Raises:
        ValueError: A value is none that a store has.
    """
    stored = await read_meta(meta, sorted(theirs)) if theirs else dict[str, str]()
    judged = {key: kept_meta(_named(key, begun, theirs, stored.get(key))) for key in theirs}
    return {key: one.put for key, one in judged.items() if one.put is not None}


def _named(
    key: str, begun: RestoreBegun, theirs: Mapping[str, str], stored: str | None
) -> NamedValue:
    left = begun.left.get(key, ())
    return NamedValue(key=key, theirs=theirs.get(key), stored=stored, left=left)


async def put_values(
    tables: Tables,
    begun: RestoreBegun,
    now_begun: RestoreBegun,
    theirs: Mapping[str, str],
    kept_meta: KeptMeta,
) -> None:
    """Put a backup's values where the store has none of its own, and take back what was left.

    Args:
        tables: The store's.
        begun: The restore that broke off, if one did.
        now_begun: This one, with all that it will put.
        theirs: The backup's values.
        kept_meta: Chooses.
    """
    meta, keys = tables.meta, sorted({*theirs, *begun.left})
    left = {key: [*begun.left.get(key, ()), *now_begun.left.get(key, ())] for key in keys}
    record = RestoreBegun(backup_id=now_begun.backup_id, left=left)
    # First, so that what a kill leaves is known not to be the store's own.
    await put_meta(meta, {RESTORING_KEY: json.dumps(asdict(record))})
    for key in keys:
        for _ in range(PUT_ATTEMPTS):
            stored = await get_meta(meta, key)
            kept = kept_meta(_named(key, begun, theirs, stored)).value
            if kept == stored or await swap_meta(meta, key, expected=stored, value=kept):
                break
        else:
            problem = f"has a value {key!r} that others change without a pause"
            raise StoreUnavailableError(tables.place.uri, problem, "Restore it in a moment.")


async def end_restore(tables: Tables) -> None:
    """Forget that a restore has begun: from now on the store's values are its own."""
    raw = await get_meta(tables.meta, RESTORING_KEY)
    await swap_meta(tables.meta, RESTORING_KEY, expected=raw, value=None)
