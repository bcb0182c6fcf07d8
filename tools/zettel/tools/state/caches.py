"""What a process keeps of earlier questions: rankings behind cursors, and the corpora of scopes."""

import base64
import binascii
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import isnan

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from zettel.storage.errors import ExpiredTokenError
from zettel.storage.ids import id_bytes, read_id
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.ranked import Confidence, Ranked
from zettel.tools.recall_request import RecallRequest, unpack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedRanking:
    """Notes with their scores and shares.

    As they are ranked, 200 notes with 15 shares each take 216 KB, and so 26 KB.
    """

    note_ids: tuple[str, ...]
    names: tuple[str, ...]
    """Of all signals that have a share in any note."""
    numbers: NDArray[np.float64]
    """Notes x (score, then every signal's share; NaN where it has none)."""

    @classmethod
    def of(cls, ranking: Sequence[Ranked]) -> "PackedRanking":
        """Pack a ranking."""
        names = tuple(dict.fromkeys(name for ranked in ranking for name in ranked.shares))
        numbers = np.full((len(ranking), 1 + len(names)), np.nan)
        for row, ranked in zip(numbers, ranking, strict=True):
            row[:] = [ranked.score, *(ranked.shares.get(name, np.nan) for name in names)]
        note_ids = tuple(ranked.note_id for ranked in ranking)
        return cls(note_ids=note_ids, names=names, numbers=numbers)

    def unpacked(self) -> tuple[Ranked, ...]:
        """The ranking as it was."""
        rows = zip(self.note_ids, self.numbers.tolist(), strict=True)
        return tuple(
            Ranked(note_id, score, self._shares(shares)) for note_id, (score, *shares) in rows
        )

    def _shares(self, numbers: Sequence[float]) -> dict[str, float]:
        named = zip(self.names, numbers, strict=True)
        return {name: share for name, share in named if not isnan(share)}


# JSON of unknown shape is taken apart by pattern; the checks are `unpack`'s and the patterns' own.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

CURSOR_MAX_OFFSET = 10**9
"""No cursor of ours lies beyond."""
PAGE_CACHE_MAX_RANKINGS = 256
"""Rankings kept per process; a cursor whose ranking is gone is ranked again as of its moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page starts, and all that is needed to rank again if the process forgot."""

    key: str
    """Of the kept ranking."""
    offset: int
    known_at: datetime
    """The moment the first page saw: UTC, timezone-aware."""
    asking: RecallRequest
    after: str = ""
    """Of a list, the last note shown: the next page begins behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRanking:
    """What a question led to."""

    ranking: tuple[Ranked, ...] = ()
    """The whole of it; empty where pages follow a list in the store."""
    judgement: Confidence | None = None
    """None where nothing was ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A `CachedRanking` as it waits for its next page."""

    cursor: Cursor
    ranking: PackedRanking
    judgement: Confidence | None


_Rankings = OrderedDict[tuple[str, str], _Entry]
"""By whose they are, and their key."""


class PageCache:
    """The last rankings, so that later pages neither overlap nor miss.

    Args:
        rankings: Shared by the caches of all tenants, so that all together are bounded.
        whose: Whose cache this is; empty for the store's owner.
    """

    def __init__(
        self,
        rankings: _Rankings | None = None,
        whose: str = "",
    ) -> None:
        self._rankings = _Rankings() if rankings is None else rankings
        self._whose = whose

    def of(self, whose: str) -> "PageCache":
        """The cache of a tenant; empty for the store's owner."""
        return PageCache(self._rankings, whose)

    def keep(self, cursor: Cursor, kept: CachedRanking, *, longest: int) -> str:
        """Keep a ranking, dropping the oldest past `PAGE_CACHE_MAX_RANKINGS`.

        Args:
            cursor: Where the next page starts.
            kept: What the first page found.
            longest: Characters a cursor that carries its question may have; with a longer
                question it only names the ranking kept here.

        Returns:
            The cursor as text.
        """
        entry = _Entry(
            cursor=cursor, ranking=PackedRanking.of(kept.ranking), judgement=kept.judgement
        )
        self._rankings[self._whose, cursor.key] = entry
        self._rankings.move_to_end((self._whose, cursor.key))
        while len(self._rankings) > PAGE_CACHE_MAX_RANKINGS:
            self._rankings.popitem(last=False)
        packed = [
            cursor.key,
            cursor.offset,
            cursor.known_at.isoformat(),
            cursor.asking.pack(),
            cursor.after,
        ]
        text = _encode(packed)
        return text if len(text) <= longest else _short(cursor)

    def kept(self, key: str) -> CachedRanking:
        """What a first page found, if it is still kept; empty if not."""
        entry = self._rankings.get((self._whose, key))
        if entry is None:
            return CachedRanking()
        return CachedRanking(ranking=entry.ranking.unpacked(), judgement=entry.judgement)

    def read(self, text: str) -> Cursor:
        """Read a cursor back.

        Raises:
            ExpiredTokenError: It is not one of ours, or what it names is gone.
        """
        expired = ExpiredTokenError("cursor", "Call recall with the query again.")
        match _decode(text):
            case [str(key), int(offset), str(known_at), packed, str(after)] if (
                0 <= offset < CURSOR_MAX_OFFSET
            ):
                try:
                    moment = datetime.fromisoformat(known_at)
                except ValueError:
                    raise expired from None
                if moment.tzinfo is None:
                    raise expired
                asking = unpack(packed)
                return Cursor(key=key, offset=offset, known_at=moment, asking=asking, after=after)
            case [str(key), int(offset), str(after)] if (
                0 <= offset < CURSOR_MAX_OFFSET and (self._whose, key) in self._rankings
            ):
                return replace(self._rankings[self._whose, key].cursor, offset=offset, after=after)
            case _:
                raise expired


def _encode(packed: object) -> str:
    return _as_text(json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode())


def _short(cursor: Cursor) -> str:
    """48 characters at most, so that the smallest answer has room for it."""
    after = id_bytes(cursor.after) if cursor.after else b""
    return _as_text(id_bytes(cursor.key) + cursor.offset.to_bytes(4) + after)


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> object:
    try:
        raw = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
        if raw.startswith(b"["):  # no id begins so before the year 8,000
            return json.loads(raw)
        offset = int.from_bytes(raw[16:20])
        return [read_id(raw[:16]), offset, read_id(raw[20:]) if raw[20:] else ""]
    except (ValueError, binascii.Error, RecursionError):
        return None


CORPUS_MAX_NOTES = 30_000
"""Notes up to which a whole scope is read; a larger one only around its hits.

Around its hits means anew for every question: of 20,000 notes that takes eight times as long.
"""
CORPUS_CACHE_MAX_NOTES = 4 * CORPUS_MAX_NOTES
"""Notes kept in all scopes together: a project's and `user`, and what was looked back at."""
CORPUS_CACHE_MAX_SCOPES = 256
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
        while len(sizes) > CORPUS_CACHE_MAX_SCOPES or (
            total > CORPUS_CACHE_MAX_NOTES and len(sizes) > 1
        ):
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
    if await store.count(where) > CORPUS_MAX_NOTES:
        return None
    outlines = await store.outlines(where, limit=CORPUS_MAX_NOTES)
    return await to_thread.run_sync(make_corpus, outlines, like)
