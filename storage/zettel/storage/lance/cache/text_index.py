"""Word frequencies of single namespaces, for BM25 scores in which no other namespace has a part.

LanceDB's full text counts the words of the whole table: from its scores a tenant could read
whether another tenant's notes hold a word. The tokens and the formula here are LanceDB's own, so
that in a table of one namespace the scores are the same, once it is optimised.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (lancedb ships some types)

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import chain
from math import log1p
from secrets import choice
from string import ascii_lowercase

import anyio
import numpy as np
from lancedb import tokenize
from numpy.typing import NDArray

from zettel.storage.lance.cache.earlier import EARLIER_MAX_COMMITS
from zettel.storage.lance.cache.note_cache import NO_VERSION

LANCE_K1, LANCE_B = 1.2, 0.75
"""LanceDB's saturation and length norm (lance 13.0, `scalar/inverted/scorer.rs`)."""
TOKENIZED_CHARACTERS = 16_384
"""Characters given to the tokenizer at once: it holds the interpreter for 0.1 ms per 1,000."""
COUNTED_MAX_BYTES = 32 * 1024 * 1024
"""UTF-8 bytes of a namespace's text that are indexed, the newest: 200,000 notes of usual length."""
FREQUENCIES_MAX_BYTES = 3 * COUNTED_MAX_BYTES
"""UTF-8 bytes of the text of all indexed namespaces; the one used longest ago is dropped."""
UNCOUNTED_MAX_ROWS, UNCOUNTED_MAX_CHARACTERS = 5_000, 8 * 1024 * 1024
"""Written rows kept for a namespace that nobody searches, and characters of them in all; past
either it is read again, of several the one used longest ago."""
KEPT_MAX_NAMESPACES = 2_000
"""Namespaces kept, each some 7 kB without its texts; the one used longest ago is dropped."""

_SEPARATOR = "q" + "".join(choice(ascii_lowercase.replace("s", "")) for _ in range(26)) + "q"
"""A word between two texts, unknown to their authors."""


def tokens_of(texts: Sequence[str]) -> Iterator[list[str]]:
    """The tokens of each text, as the full-text index has them; CPU work for a worker thread."""
    batch, size = list[str](), 0
    for text in texts:
        if batch and size + len(text) > TOKENIZED_CHARACTERS:
            yield from _tokens(batch)
            batch, size = [], 0
        batch.append(text)
        size += len(text) + len(_SEPARATOR) + 2
    if batch:
        yield from _tokens(batch)


def _tokens(texts: Sequence[str]) -> Iterator[list[str]]:
    found = list[str]()
    # A tokenizer is made for each call, which takes longer than a text.
    joined = f"\n{_SEPARATOR}\n".join(texts)
    for token in tokenize(joined, base_tokenizer="icu/split", stem=True, ascii_folding=True):
        if token.text == _SEPARATOR:
            yield found
            found = []
        else:
            found.append(token.text)
    yield found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """Some rows with the counts of their tokens; immutable."""

    row_ids: Sequence[str]
    lengths: NDArray[np.int64]
    """Tokens of each row; shape `(rows,)`."""
    alive: NDArray[np.bool_]
    """False for rows that were removed since; shape `(rows,)`."""
    numbers: Mapping[str, int]
    """Token -> its number, 0 and up."""
    starts: NDArray[np.int64]
    """Where each token's postings begin; shape `(tokens + 1,)`."""
    rows: NDArray[np.int32]
    counts: NDArray[np.int32]

    def postings(self, token: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The living rows that hold a token, and how often each does."""
        number = self.numbers.get(token)
        if number is None:
            return self.rows[:0], self.counts[:0]
        here = slice(int(self.starts[number]), int(self.starts[number + 1]))
        rows, counts = self.rows[here], self.counts[here]
        living = self.alive[rows]
        return rows[living], counts[living]


def make_segment(row_ids: Sequence[str], texts: Sequence[str]) -> Segment:
    """Count the tokens of some rows; CPU work for a worker thread."""
    numbers, flat, lengths = dict[str, int](), list[int](), list[int]()
    for tokens in tokens_of(texts):
        flat += [numbers.setdefault(token, len(numbers)) for token in tokens]
        lengths.append(len(tokens))
    rows = np.repeat(np.arange(len(row_ids)), lengths)
    return _segment(row_ids, np.array(lengths, np.int64), numbers, np.array(flat, np.int64), rows)


def _segment(
    row_ids: Sequence[str],
    lengths: NDArray[np.int64],
    numbers: Mapping[str, int],
    tokens: NDArray[np.int64],
    rows: NDArray[np.int64],
    often: NDArray[np.int32] | None = None,
) -> Segment:
    """Sort tokens and their rows by token; `often` is given where each pair is there once."""
    size = max(len(row_ids), 1)
    if often is None:
        pairs, counts = np.unique(tokens * size + rows, return_counts=True)
    else:
        order = np.argsort(tokens * size + rows)
        pairs, counts = (tokens * size + rows)[order], often[order]
    of_token, of_row = np.divmod(pairs, size)
    return Segment(
        row_ids=row_ids,
        lengths=lengths,
        alive=np.ones(len(row_ids), np.bool_),
        numbers=numbers,
        starts=np.searchsorted(of_token, np.arange(len(numbers) + 1)).astype(np.int64),
        rows=of_row.astype(np.int32),
        counts=counts.astype(np.int32),
    )


def _joined(one: Segment, other: Segment) -> Segment:
    """Both segments in one, without removed rows and the tokens that only these held."""
    numbers = dict[str, int]()
    row_ids, lengths = list[str](), list[NDArray[np.int64]]()
    tokens, rows = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
    counts = list[NDArray[np.int32]]()
    for segment in (one, other):
        place = np.cumsum(segment.alive) - 1 + len(row_ids)
        living = segment.alive[segment.rows]
        often = np.diff(segment.starts)
        held = np.add.reduceat(living, segment.starts[:-1]) if len(often) else living
        named = [
            numbers.setdefault(token, len(numbers)) if there else 0
            for token, there in zip(segment.numbers, held.tolist(), strict=True)
        ]
        of_token = np.repeat(np.array(named, np.int64), often)
        tokens.append(of_token[living])
        rows.append(place[segment.rows[living]].astype(np.int64))
        counts.append(segment.counts[living])
        row_ids += [segment.row_ids[row] for row in np.flatnonzero(segment.alive).tolist()]
        lengths.append(segment.lengths[segment.alive])
    return _segment(
        row_ids,
        np.concatenate(lengths),
        numbers,
        np.concatenate(tokens),
        np.concatenate(rows),
        np.concatenate(counts),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamespaceTerms:
    """The token counts of one namespace's revisions; immutable."""

    segments: tuple[Segment, ...] = ()
    """Each more than twice as large as the next, so that a write is cheap."""
    sizes: Mapping[str, int]
    """Row id -> bytes of its text as UTF-8."""
    size: int = 0
    """Bytes of the indexed texts."""
    whole: bool = True
    """False if only the newest rows are in it: then it gives frequencies, and no hits."""

    def without(self, row_ids: Collection[str]) -> "NamespaceTerms":
        """The index without some rows; their words are still in memory."""
        gone = self.sizes.keys() & set(row_ids)
        if not gone:
            return self
        kept = {row_id: size for row_id, size in self.sizes.items() if row_id not in gone}
        segments = tuple(_mark_removed(segment, gone) for segment in self.segments)
        return replace(self, segments=segments, sizes=kept, size=sum(kept.values()))

    def purged(self) -> "NamespaceTerms":
        """The index without the words that only removed rows held; for a worker thread."""
        empty = make_segment([], [])
        segments = (
            segment if segment.alive.all() else _joined(segment, empty) for segment in self.segments
        )
        return replace(self, segments=tuple(segments))

    def with_rows(self, texts: Mapping[str, str]) -> "NamespaceTerms":
        """The index with the texts of some rows, new or replaced; for a worker thread."""
        sizes = {row_id: len(text.encode()) for row_id, text in texts.items()}
        new = [row_id for row_id, size in sizes.items() if self.sizes.get(row_id) != size]
        if not new:
            return self
        known = self.without([row_id for row_id in new if row_id in self.sizes])
        segments = [*known.segments, make_segment(new, [texts[row_id] for row_id in new])]
        while len(segments) > 1 and len(segments[-2].row_ids) < 2 * len(segments[-1].row_ids):
            last = segments.pop()
            segments[-1] = _joined(segments[-1], last)
        return replace(
            known,
            segments=tuple(segments),
            sizes={**known.sizes, **sizes},
            size=known.size + sum(sizes[row_id] for row_id in new),
        )


def _mark_removed(segment: Segment, gone: AbstractSet[str]) -> Segment:
    if gone.isdisjoint(segment.row_ids):
        return segment
    places = [place for place, row_id in enumerate(segment.row_ids) if row_id in gone]
    alive = segment.alive.copy()
    alive[places] = False
    return replace(segment, alive=alive)


class Frequencies:
    """BM25 over all revisions of some namespaces; CPU work for a worker thread."""

    def __init__(self, namespaces: Iterable[NamespaceTerms]) -> None:
        self._segments = [segment for one in namespaces for segment in one.segments]
        self._rows = sum(int(segment.alive.sum()) for segment in self._segments)
        tokens = sum(int(segment.lengths[segment.alive].sum()) for segment in self._segments)
        self._mean = tokens / self._rows if self._rows else 1.0

    def score(self, query: str) -> "Scores":
        """The scores of the rows that share a token with the query."""
        totals = [np.zeros(len(segment.row_ids)) for segment in self._segments]
        for token, times in _query_tokens(query).items():
            found = [segment.postings(token) for segment in self._segments]
            weight = times * self._rarity(sum(len(rows) for rows, _ in found))
            for segment, total, (rows, counts) in zip(self._segments, totals, found, strict=True):
                total[rows] += weight * self._saturated(counts, segment.lengths[rows])
        return Scores([segment.row_ids for segment in self._segments], totals)

    def score_texts(self, query: str, texts: Mapping[str, str]) -> dict[str, float]:
        """The same for texts that need not be in the index."""
        asked = _query_tokens(query)
        rarity = {
            token: times * self._rarity(self._holding(token)) for token, times in asked.items()
        }
        scores = dict[str, float]()
        for row_id, tokens in zip(texts, tokens_of(list(texts.values())), strict=True):
            often = Counter(token for token in tokens if token in rarity)
            if often:
                counts = np.array([*often.values()], np.int32)
                gains = self._saturated(counts, np.full(len(counts), len(tokens), np.int64))
                weights = np.array([rarity[token] for token in often])
                scores[row_id] = float(np.float32((weights * gains).sum()))
        return scores

    def _holding(self, token: str) -> int:
        return sum(len(segment.postings(token)[0]) for segment in self._segments)

    def _rarity(self, holding: int) -> float:
        return log1p((self._rows - holding + 0.5) / (holding + 0.5))

    def _saturated(
        self, counts: NDArray[np.int32], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        norm = LANCE_K1 * (1 - LANCE_B + LANCE_B * lengths / (self._mean or 1.0))
        return counts * (LANCE_K1 + 1) / (counts + norm)


class Scores:
    """Scores of the rows of several segments; only the best are made objects of."""

    def __init__(
        self, row_ids: Sequence[Sequence[str]], totals: Sequence[NDArray[np.float64]]
    ) -> None:
        self._row_ids = [*chain.from_iterable(row_ids)]
        self._all = np.concatenate([np.zeros(0), *totals]).astype(np.float32)
        self._scored = np.flatnonzero(self._all)

    def __len__(self) -> int:
        """How many rows have a score."""
        return len(self._scored)

    def best(self, most: int) -> dict[str, float]:
        """Row id -> score, of the best rows, and of all that score as the last of them."""
        rows, scores = self._scored, self._all[self._scored]
        if len(rows) > most:
            good = scores >= np.partition(scores, -most)[-most]
            rows, scores = rows[good], scores[good]
        return dict(
            zip(map(self._row_ids.__getitem__, rows.tolist()), scores.tolist(), strict=True)
        )


def _query_tokens(query: str) -> dict[str, int]:
    return Counter(token for tokens in tokens_of([query]) for token in tokens)


@dataclass(slots=True)
class _Kept:
    """A namespace's index, and what was written since."""

    since: int
    """The earliest version that is known: `added` tells what came after it."""
    version: int
    """The newest that is known: that of `terms` with `pending`."""
    before: NamespaceTerms | None = None
    """What was counted at an earlier version, while it is counted anew."""
    terms: NamespaceTerms | None = None
    """None while it is counted."""
    counted: int = NO_VERSION
    """The version that `terms` alone stands for."""
    pending: dict[str, str] = field(default_factory=dict[str, str])
    """Row id -> text."""
    pending_characters: int = 0
    added: deque[tuple[int, Sequence[str]]] = field(
        default_factory=deque[tuple[int, Sequence[str]]]
    )
    """The last versions that this process made, and the rows that were new in each."""

    @property
    def size(self) -> int:
        """Bytes of the texts that were counted."""
        known = self.terms or self.before
        return known.size if known else 0

    def follow(self, version: int, rows: Mapping[str, str]) -> None:
        """Follow a commit of this process: row id -> text."""
        if version != self.version + 1:
            self.forget()
            return
        self.version = version
        if not rows:
            return
        known = self.terms.sizes if self.terms else dict[str, int]()
        new = [row_id for row_id in rows if row_id not in known and row_id not in self.pending]
        self.added.append((version, new))
        if len(self.added) > EARLIER_MAX_COMMITS:
            self.since, _ = self.added.popleft()
        self.pending.update(rows)
        self.pending_characters += sum(map(len, rows.values()))
        if len(self.pending) > UNCOUNTED_MAX_ROWS:
            self.forget()

    def forget(self) -> None:
        """Know no version any more; what was counted spares reading it again."""
        self.version = self.since = NO_VERSION
        self.pending.clear()
        self.pending_characters = 0
        self.added.clear()

    def added_after(self, version: int) -> AbstractSet[str] | None:
        """The rows that came after a version; None if it is not known."""
        if version == NO_VERSION or not self.since <= version <= self.version:
            return None
        return {row_id for number, rows in self.added if number > version for row_id in rows}

    def keep(self, version: int, terms: NamespaceTerms) -> None:
        """Take what was counted at a version; rows written since are left waiting."""
        self.before, self.terms, self.counted = None, terms, version
        # A row that was rewritten while nobody knew which there are is no new one.
        self.added = deque(
            (number, [i for i in rows if number <= version or i not in terms.sizes])
            for number, rows in self.added
        )
        self.pending = {
            i: text for i, text in self.pending.items() if terms.sizes.get(i) != len(text.encode())
        }
        self.pending_characters = sum(map(len, self.pending.values()))


class TextIndex:
    """The indices of the namespaces searched last."""

    def __init__(self) -> None:
        self.cleared = 0
        """How often everything was dropped: what was read before is not kept afterwards."""
        self._kept = OrderedDict[str, _Kept]()
        self._locks = defaultdict[str, anyio.Lock](anyio.Lock)
        self._erasures = 0

    def lock(self, namespace: str) -> anyio.Lock:
        """Held while the namespace is indexed, so that it is done once."""
        return self._locks[namespace]

    def advance(self, version: int, written: Mapping[str, Mapping[str, str]]) -> None:
        """Follow a commit of this process.

        Args:
            version: The version it made; what others have written between is read again.
            written: Namespace -> row id -> text, of every row of it.
        """
        for name, kept in self._kept.items():
            kept.follow(version, written.get(name, {}))
        behind = [kept for kept in self._kept.values() if kept.pending_characters]
        waiting = sum(kept.pending_characters for kept in behind)
        while waiting > UNCOUNTED_MAX_CHARACTERS:
            longest_ago = behind.pop(0)
            waiting -= longest_ago.pending_characters
            longest_ago.forget()

    def advance_unchanged(self, known: int, version: int) -> None:
        """Follow commits from a known version on that left every row unchanged."""
        for kept in self._kept.values():
            if kept.version == known:
                kept.version = version

    def knows(self, namespace: str, version: int) -> bool:
        """Whether a namespace is indexed at a version, but for rows that wait."""
        kept = self._kept.get(namespace)
        return bool(kept and kept.terms and kept.added_after(version) is not None)

    def at(self, namespace: str, version: int) -> tuple[NamespaceTerms, Mapping[str, str]] | None:
        """The index and the rows to add to it for the newest version or one of the last before.

        None if others have written since, or the version is not known any more.
        """
        kept = self._kept.get(namespace)
        newer = kept.added_after(version) if kept else None
        if kept is None or kept.terms is None or newer is None:
            return None
        pending = {row_id: text for row_id, text in kept.pending.items() if row_id not in newer}
        return kept.terms.without(newer), pending

    def outdated(self, namespace: str) -> NamespaceTerms | None:
        """The index of some version, whose rows need not be counted again."""
        kept = self._kept.get(namespace)
        return kept.terms or kept.before if kept else None

    def begin(self, namespace: str, version: int) -> None:
        """Follow what is written to a namespace while it is counted at the newest version.

        What is erased meanwhile ends that: then `keep` keeps nothing.
        """
        kept = self._kept.get(namespace)
        if kept is None or kept.version < version:
            self._kept[namespace] = _Kept(version, version, before=self.outdated(namespace))
        self._kept.move_to_end(namespace)

    def keep(self, namespace: str, version: int, terms: NamespaceTerms) -> None:
        """Keep an index of a version that is known; a later one stays."""
        kept = self._kept.get(namespace)
        if kept is None or kept.counted > version or kept.added_after(version) is None:
            return
        kept.keep(version, terms)
        self._kept.move_to_end(namespace)
        total = sum(kept.size for kept in self._kept.values())
        while len(self._kept) > 1 and (
            total > FREQUENCIES_MAX_BYTES or len(self._kept) > KEPT_MAX_NAMESPACES
        ):
            name, dropped = self._kept.popitem(last=False)
            total -= dropped.size
            if not self._locks[name].locked():
                del self._locks[name]

    def follow_erasures(self, count: int) -> None:
        """Drop everything if there are more erasures than before, perhaps by other processes."""
        if count != self._erasures:
            self._erasures = count
            self.clear()

    def clear(self) -> None:
        """Drop everything, also what is being counted."""
        self.cleared += 1
        self._kept.clear()
