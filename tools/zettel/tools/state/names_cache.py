"""The other names of namespaces, kept in memory for some seconds."""

import json
from datetime import datetime, timedelta
from typing import cast

from zettel.storage.store import Store
from zettel.tools.namespace_names import NO_NAMES, NamespaceNames

META_KEY = "namespace-names"
"""Key in `meta`: other name or identity -> primary name, as JSON."""
FRESH = timedelta(seconds=5)
"""For so long what other processes record may go unseen: reading takes a query."""


async def read_names(store: Store) -> NamespaceNames:
    """The recorded names."""
    return parse_names(await store.get_meta(META_KEY))


def parse_names(text: str | None) -> NamespaceNames:
    """The names of a value of `META_KEY`."""
    found: object = json.loads(text) if text else {}
    return NamespaceNames(cast("dict[str, str]", found)) if isinstance(found, dict) else NO_NAMES


class NamesCache:
    """Names as they were read last."""

    def __init__(self) -> None:
        self._names = NO_NAMES
        self._read_at: datetime | None = None

    async def read(self, store: Store, now: datetime) -> NamespaceNames:
        """The names, read anew where they are not fresh."""
        if self._read_at is None or not timedelta() <= now - self._read_at < FRESH:
            self._names = await read_names(store)
            self._read_at = now
        return self._names

    def keep(self, names: NamespaceNames) -> None:
        """Take names that were just recorded."""
        self._names = names
