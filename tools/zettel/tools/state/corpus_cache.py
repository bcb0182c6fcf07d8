"""The scopes that questions were asked in last, read once a store version."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from anyio import to_thread

from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.ranking.corpus import Corpus, make_corpus

WHOLE_SCOPE = 30_000
"""Notes up to which a whole scope is read; a larger one only around its hits.

Around its hits means anew for every question: of 20,000 notes that takes eight times as long.
"""
KEPT = 4 * WHOLE_SCOPE
"""Notes kept in all scopes together: a project's and `user`, and what was looked back at."""
KEPT_SCOPES = 256
"""Scopes kept, however small: those of many tenants."""
_ENDLESS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    since: datetime
    """Read for this moment."""
    expires: datetime
    """When the first of its notes ceases to be true."""
    corpus: Corpus | None
    """None: the scope is too large to be read whole."""

    @property
    def size(self) -> int:
        """In notes."""
        return len(self.corpus) if self.corpus else 0


@dataclass(slots=True)
class CorpusCache:
    """What was read of scopes, as long as the store stands as it did then."""

    _kept: OrderedDict[tuple[str, NoteFilter], _Kept] = field(
        default_factory=OrderedDict[tuple[str, NoteFilter], _Kept]
    )
    """Shared by all tenants, so that all together are bounded."""
    _whose: str = ""

    def of(self, whose: str) -> "CorpusCache":
        """What a tenant asked for; a scope holds for each what it may see of it.

        Args:
            whose: The tenant; empty for the store's owner.
        """
        return CorpusCache(self._kept, whose)

    async def read(self, store: NoteStore, where: NoteFilter, now: datetime) -> Corpus | None:
        """The notes of a scope; None if they are too many to be read whole."""
        place = (self._whose, replace(where, unexpired_at=None))
        # Asked for first: what is committed meanwhile is read again by the next question.
        version = await store.version()
        kept = self._kept.get(place)
        if kept and kept.version == version and kept.since <= now < kept.expires:
            self._kept.move_to_end(place)
            return kept.corpus
        corpus = await _read(store, where, self._alike(where))
        ends = (o.valid_until for o in corpus.outlines if o.valid_until) if corpus else ()
        expires = min((end for end in ends if end > now), default=_ENDLESS)
        new = _Kept(version, now, expires, corpus)
        self._let_go(where, new)
        self._kept[place] = new
        self._kept.move_to_end(place)
        self._bound()
        return corpus

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()

    def _let_go(self, where: NoteFilter, new: _Kept) -> None:
        """Keep no scope of an earlier version that a new one of the same namespaces can replace.

        None can be asked again as it is, and `_alike` takes the new one. Each look at another
        moment is a scope of its own: kept, they would be most of what a busy server holds.
        """
        for (whose, place), kept in tuple(self._kept.items()):
            same = whose == self._whose and place.namespaces == where.namespaces
            if same and kept.version != new.version and kept.size <= new.size:
                del self._kept[whose, place]

    def _bound(self) -> None:
        sizes = [kept.size for kept in self._kept.values()]
        total = sum(sizes)
        while len(sizes) > KEPT_SCOPES or (total > KEPT and len(sizes) > 1):
            self._kept.popitem(last=False)
            total -= sizes.pop(0)

    def _alike(self, where: NoteFilter) -> Corpus | None:
        """The corpus read last that may hold the same notes."""
        alike = (
            kept.corpus
            for (whose, place), kept in reversed(self._kept.items())
            if whose == self._whose and place.namespaces == where.namespaces and kept.corpus
        )
        return next(alike, None)


async def _read(store: NoteStore, where: NoteFilter, like: Corpus | None) -> Corpus | None:
    if await store.count(where) > WHOLE_SCOPE:
        return None
    outlines = await store.outlines(where, limit=WHOLE_SCOPE)
    return await to_thread.run_sync(make_corpus, outlines, like)
