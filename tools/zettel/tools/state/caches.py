"""Caches of a process: rankings behind cursors, and the corpora of scopes."""

import base64
import json
import secrets
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from math import isnan, nan, prod

import numpy as np
from numpy.typing import NDArray

from zettel.storage.errors import ExpiredTokenError
from zettel.storage.notes import Kind, fold, outline_of
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.concurrency import KeyedLock, read_in_thread
from zettel.tools.ranking.columns import COLUMNS_MAX_BYTES, NoteColumns
from zettel.tools.ranking.corpus import Corpus, Statistics, make_corpus
from zettel.tools.ranking.ranked import Confidence, Ranked
from zettel.tools.recall_request import RecallRequest, unpack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedRanking:
    """A ranking in arrays: an eighth of the memory of its `Ranked` values."""

    note_ids: tuple[str, ...]
    names: tuple[str, ...]
    """Signals with a share in any note."""
    numbers: NDArray[np.float64]
    """Shape `(notes, 1 + names)`: the score, then each signal's share or NaN."""

    @classmethod
    def of(cls, ranking: Sequence[Ranked]) -> "PackedRanking":
        """Pack a ranking."""
        known = dict[str, float]()
        for ranked in ranking:
            known.update(ranked.shares)
        names = tuple(known)
        rows = ((r.score, *map(r.shares.get, names, repeat(nan))) for r in ranking)
        size = (len(ranking), 1 + len(names))
        numbers = np.fromiter(chain.from_iterable(rows), np.float64, prod(size)).reshape(size)
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

CURSOR_MAX_CHARACTERS = 262_144
"""Characters of a cursor: the longest request has some 200,000."""
CURSOR_MAX_OFFSET = 10**9
"""Offsets that cursors stay below."""
CURSOR_KEY_BYTES = 8
"""Random bytes of a key, as eleven characters: nobody guesses one of a few hundred."""
PAGE_CACHE_MAX_RANKINGS = 256
"""Most rankings per process; a cursor without one ranks again as of its moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The start of a page, with the request to rank again if the ranking is gone."""

    key: str
    """Of the cached ranking, without a dot: `new_cursor_key`."""
    offset: int
    known_at: datetime
    """The moment that the first page saw: UTC, timezone-aware."""
    request: RecallRequest
    after: str = ""
    """In a list, the id of the last note shown, which the page begins after."""
    after_at: datetime | None = None
    """When that happened, in a list by time: it says where to go on even once the note is erased.
    UTC, timezone-aware."""
    shown: tuple[str, ...] = ()
    """Ids that an earlier page showed beside another note, and not at their own place."""


def new_cursor_key() -> str:
    """A key that no other ranking has."""
    return secrets.token_urlsafe(CURSOR_KEY_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRanking:
    """The result of a first page."""

    ranking: tuple[Ranked, ...] = ()
    """The whole ranking; empty if the pages are a list in the store."""
    judgement: Confidence | None = None
    """None if nothing was ranked."""
    former: Mapping[str, str] = field(default_factory=dict[str, str])
    """Id of a note -> id of the one that it supersedes, to be shown beside it."""
    former_first: frozenset[str] = frozenset()
    """Ids of the notes before which that one is shown: what was before is asked for."""
    listed: tuple[str, ...] = ()
    """Ids of all notes of a list that is in no order of time, and so made anew by no later page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A `CachedRanking`, packed."""

    cursor: Cursor
    ranking: PackedRanking
    judgement: Confidence | None
    former: Mapping[str, str]
    former_first: frozenset[str]
    listed: tuple[str, ...]


_Rankings = dict[str, OrderedDict[str, _Entry]]
"""Tenant -> key -> entry, the oldest first; a tenant without one is not there."""


class PageCache:
    """The last rankings, so that pages neither overlap nor leave out notes.

    A full cache loses the oldest ranking of the tenant that has most, so that a tenant loses none
    by what another one pages while it has no more than that one.

    Args:
        rankings: Shared by all tenants, so that the bound holds for all together.
        tenant: The tenant; empty for the store's owner.
    """

    def __init__(self, rankings: _Rankings | None = None, tenant: str = "") -> None:
        self._rankings = _Rankings() if rankings is None else rankings
        self._tenant = tenant

    @property
    def _own(self) -> Mapping[str, _Entry]:
        return self._rankings.get(self._tenant, {})

    def of(self, tenant: str) -> "PageCache":
        """The cache of a tenant; empty for the store's owner."""
        return PageCache(self._rankings, tenant)

    def keep(self, cursor: Cursor, kept: CachedRanking, *, longest: int) -> str:
        """Keep a ranking, dropping an older one past `PAGE_CACHE_MAX_RANKINGS`.

        Args:
            cursor: The start of the next page.
            kept: The first page's result.
            longest: Most characters of a cursor that carries its request, 0 for none; a longer one
                only names the cached ranking.

        Returns:
            The cursor as text.
        """
        entry = _Entry(
            cursor=cursor,
            ranking=PackedRanking.of(kept.ranking),
            judgement=kept.judgement,
            former=kept.former,
            former_first=kept.former_first,
            listed=kept.listed,
        )
        own = self._rankings.setdefault(self._tenant, OrderedDict())
        own[cursor.key] = entry
        own.move_to_end(cursor.key)
        while sum(map(len, self._rankings.values())) > PAGE_CACHE_MAX_RANKINGS:
            most = max(self._rankings, key=lambda tenant: len(self._rankings[tenant]))
            self._rankings[most].popitem(last=False)
            if not self._rankings[most]:
                del self._rankings[most]
        if longest <= 0:
            return _short(cursor)
        packed = [
            cursor.key,
            cursor.offset,
            cursor.known_at.isoformat(),
            cursor.request.pack(),
            _after_text(cursor),
            *cursor.shown,
        ]
        text = _encode(packed)
        return text if len(text) <= longest else _short(cursor)

    def kept(self, key: str) -> CachedRanking:
        """The first page's result, empty if it is gone."""
        entry = self._own.get(key)
        if entry is None:
            return CachedRanking()
        return CachedRanking(
            ranking=entry.ranking.unpacked(),
            judgement=entry.judgement,
            former=entry.former,
            former_first=entry.former_first,
            listed=entry.listed,
        )

    def read(self, text: str) -> Cursor:
        """Read a cursor back.

        Raises:
            ExpiredTokenError: It is invalid, or its ranking is gone.
        """
        expired = ExpiredTokenError("cursor", "Call recall with the query again.")
        match _decode(text):
            case [str(key), int(offset), str(known_at), packed, str(after), *shown] if (
                0 <= offset < CURSOR_MAX_OFFSET
            ):
                try:
                    moment = datetime.fromisoformat(known_at)
                except ValueError:
                    raise expired from None
                if moment.tzinfo is None:
                    raise expired
                request = unpack(packed)
                note_id, at = _read_after(after, expired)
                return Cursor(
                    key=key,
                    offset=offset,
                    known_at=moment,
                    request=request,
                    after=note_id,
                    after_at=at,
                    shown=tuple(map(str, shown)),
                )
            case [str(key), int(offset), str(after)] if (
                0 <= offset < CURSOR_MAX_OFFSET and key in self._own
            ):
                note_id, at = _read_after(after, expired)
                own = self._own[key].cursor
                return replace(own, offset=offset, after=note_id, after_at=at)
            case _:
                raise expired


def _encode(packed: object) -> str:
    return _base64(json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _short(cursor: Cursor) -> str:
    """A cursor of at most 56 characters below an offset of 100,000: fits the smallest answer."""
    return ".".join((cursor.key, str(cursor.offset), *filter(None, (_after_text(cursor),))))


_BEGINNING = datetime.min.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _after_text(cursor: Cursor) -> str:
    """The last note shown, and when it happened if that is known."""
    if cursor.after_at is None:
        return cursor.after
    since = (cursor.after_at - _BEGINNING) // _MICROSECOND
    return f"{cursor.after}~{_base64(since.to_bytes(8))}"


def _read_after(text: str, expired: ExpiredTokenError) -> tuple[str, datetime | None]:
    note_id, _, at = text.partition("~")
    if not at:
        return note_id, None
    try:
        return note_id, _BEGINNING + int.from_bytes(_from_base64(at)) * _MICROSECOND
    except (ValueError, OverflowError):
        raise expired from None


def _decode(text: str) -> object:
    text = text.strip()
    if len(text) > CURSOR_MAX_CHARACTERS:
        return None
    try:
        if "." in text:  # which base64 has not
            key, offset, *after = text.split(".")
            return [key, int(offset), *(after or [""])]
        return json.loads(_from_base64(text))
    except (ValueError, RecursionError):
        return None


CORPUS_MAX_NOTES = 4_000
"""Notes up to which a scope is read whole; of a larger one the candidates for each question."""
SAMPLE_NOTES = 4_000
"""Notes that a large scope's statistics are made of: as many as of the largest that is whole."""
STATISTICS_MAX_DRIFT = 0.1
"""Share by which a scope may grow or shrink before its statistics are made anew."""
ASKED_PROFILE_MAX_NOTES = 200
"""Most notes of the profile that are candidates for every question."""
SCOPES_SHARE = 0.5
"""Share of the memory that whole scopes may take; the rest is for the columns of single notes."""
CORPUS_CACHE_MAX_SCOPES = 256
"""Most cached scopes."""
_ENDLESS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    since: datetime
    """The moment it was read for."""
    expires: datetime
    """When the validity of the first of its notes ends."""
    corpus: Corpus

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        statistics = self.corpus.statistics
        return self.corpus.nbytes + (statistics.nbytes if statistics else 0)


@dataclass(slots=True)
class CorpusCache:
    """The corpora of the last scopes, valid until something is written to their namespaces."""

    columns: NoteColumns = field(default_factory=NoteColumns)
    """What is kept of single notes; shared by all tenants, as the corpora are."""
    max_bytes: int = COLUMNS_MAX_BYTES
    """Most bytes of the corpora, of which one is always kept."""
    _kept: OrderedDict[tuple[str, NoteFilter], _Kept] = field(
        default_factory=OrderedDict[tuple[str, NoteFilter], _Kept]
    )
    """Shared by all tenants, so that the bound holds for all together."""
    _reading: KeyedLock = field(default_factory=KeyedLock)
    _tenant: str = ""

    @classmethod
    def within(cls, max_bytes: int) -> "CorpusCache":
        """An empty cache with this bound, in bytes."""
        scopes = int(SCOPES_SHARE * max_bytes)
        return cls(columns=NoteColumns(max_bytes - scopes), max_bytes=scopes)

    def of(self, tenant: str) -> "CorpusCache":
        """The cache of a tenant; each sees its own part of a scope."""
        return replace(self, _tenant=tenant)

    async def read(self, store: NoteStore, where: NoteFilter, now: datetime) -> Corpus:
        """The corpus of a scope: all its notes, or of a large one the profile and statistics."""
        place = (self._tenant, replace(where, unexpired_at=None))
        # One at a time: sixteen questions at once would each read forty long notes for 0.4 s.
        async with self._reading.hold(place):
            return await self._read(store, where, now, place)

    async def _read(
        self, store: NoteStore, where: NoteFilter, now: datetime, place: tuple[str, NoteFilter]
    ) -> Corpus:
        # Read before the notes: a commit in between invalidates the entry.
        version = await store.version(where.namespaces)
        kept = self._kept.get(place)
        if kept and kept.version == version and kept.since <= now < kept.expires:
            self._kept.move_to_end(place)
            return kept.corpus
        before = kept and kept.corpus
        corpus = await _corpus(store, where, before, self._alike(where), self.columns)
        ends = (o.valid_until for o in corpus.outlines if o.valid_until)
        expires = min((end for end in ends if end > now), default=_ENDLESS)
        new = _Kept(version, now, expires, corpus)
        self._drop_replaced(where, new)
        self._kept[place] = new
        self._kept.move_to_end(place)
        self._bound()
        return corpus

    def drop(self, note_ids: Collection[str]) -> None:
        """Drop erased notes, and every scope, since any may hold them."""
        self._kept.clear()
        self.columns.drop(note_ids)

    def _drop_replaced(self, where: NoteFilter, new: _Kept) -> None:
        """Drop scopes of earlier versions that a new one of the same namespaces replaces.

        They cannot be served any more, and `_alike` prefers the new one. Each past moment is a
        scope of its own; kept, these would be most of the cache.
        """
        for (tenant, place), kept in tuple(self._kept.items()):
            same = tenant == self._tenant and place.namespaces == where.namespaces
            smaller = len(kept.corpus.usual) <= len(new.corpus.usual)
            if same and kept.version != new.version and smaller:
                del self._kept[tenant, place]

    def _bound(self) -> None:
        sizes = [kept.nbytes for kept in self._kept.values()]
        total = sum(sizes)
        while len(sizes) > CORPUS_CACHE_MAX_SCOPES or (total > self.max_bytes and len(sizes) > 1):
            self._kept.popitem(last=False)
            total -= sizes.pop(0)

    def _alike(self, where: NoteFilter) -> Corpus | None:
        """The corpus read last of the same namespaces, most often of the same notes."""
        alike = (
            kept.corpus
            for (tenant, place), kept in reversed(self._kept.items())
            if tenant == self._tenant and place.namespaces == where.namespaces
        )
        return next(alike, None)


async def _corpus(
    store: NoteStore,
    where: NoteFilter,
    before: Corpus | None,
    like: Corpus | None,
    columns: NoteColumns,
) -> Corpus:
    """Read the corpus of a scope.

    `before` was read of it at an earlier version; `like` is another corpus that may hold the same
    notes.
    """
    size = await store.count(where)
    if size <= CORPUS_MAX_NOTES:
        outlines = await store.outlines(where, limit=CORPUS_MAX_NOTES)
        return await read_in_thread(lambda: make_corpus(outlines, like, columns=columns))
    known = None if before is None else before.statistics
    statistics = await _statistics(store, where, size, known, columns)
    core = await store.find(replace(where, kinds=(Kind.CORE,)), limit=ASKED_PROFILE_MAX_NOTES)
    told = list(map(outline_of, core))
    return await read_in_thread(
        lambda: make_corpus(told, before, statistics, columns=columns, whole_sessions=frozenset())
    )


async def _statistics(
    store: NoteStore,
    where: NoteFilter,
    size: int,
    before: Statistics | None,
    columns: NoteColumns,
) -> Statistics:
    if before and abs(size - before.size) <= STATISTICS_MAX_DRIFT * before.size:
        return before
    sample = await store.sample(where, size=SAMPLE_NOTES)
    told = [(fold(name), name, n) for name, n in (await store.facets(where)).subjects.items()]
    counts = Counter[str]()
    for folded, _, count in told:
        counts[folded] += count
    return Statistics(
        size=size,
        sample=await read_in_thread(lambda: make_corpus(sample, columns=columns)),
        subjects={folded: name for folded, name, _ in told if folded},
        counts=counts,
    )
