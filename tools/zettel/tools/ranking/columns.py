"""What the signals read of each note: computed once per revision, kept while there is room."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from threading import Lock
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zettel.storage.notes import Kind, Outline, Span, fold
from zettel.storage.text.utterance import asks
from zettel.tools.language.terms import (
    TermIndex,
    WordNumbers,
    count_terms,
    make_index,
    terms,
    terms_of,
)
from zettel.tools.language.time_words import spells_limit
from zettel.tools.language.times import wall_time

NO_LANGUAGE_READ = "?"
"""Of a text whose language nobody has asked for."""
UNWEIGHED = -1
"""Of a text whose `Stuffing` nobody has asked for; reading it takes half as long as all else."""
NO_SORT_READ = -1
"""Of a text of which nobody has asked whether it tells of a change, or of a decision, or of open
work: 0.14, 0.06 and 0.09 ms on notes of seven months."""
COLUMNS_MAX_BYTES = 32 * 2**20
"""Bytes that are kept, unless a setting says otherwise."""
KEPT_SHARE = 0.75
"""Share of the bytes that is left when notes make room: so it is seldom, and copies all others."""
NOTE_BYTES, WORD_BYTES = 610, 150
"""Bytes of a note besides its text and lists, and of a word with its number: objects, dictionaries
and row (`sys.getsizeof`, CPython 3.11)."""
_DAY_S = 86_400.0
LIMIT_MAX_DAYS = 62
"""Days of the longest time of which the last day is its limit: two months, as of a date that counts
as precise."""

_ROW = np.dtype(
    [
        ("happened", np.float64),
        ("words", np.float64),
        ("length", np.float64),
        ("core", np.bool_),
        ("standing", np.bool_),
        ("asks", np.bool_),
        ("timed", np.bool_),
        ("stuffing", np.int8),
        ("open", np.int8),
        ("decided", np.int8),
        ("changed", np.int8),
        ("language", "U2"),
        ("bytes", np.int64),
        ("used", np.int64),
    ]
)
"""`used` is the number of the last reading that took the note; `_REPLACED` after a revision."""
_REPLACED = -1

_read_of = attrgetter("content", "subject", "happened_at", "kind", "entities", "times")
"""What the columns follow from; other fields of an outline may change."""


ReadLater = Literal["stuffing", "language", "open", "decided", "changed"]
"""Fields that are read when a question needs them."""


class Lists:
    """A list of values for each row, one behind the other in an array; immutable.

    Args:
        values: Shape `(values, ...)`.
        lengths: Values of each row; shape `(rows,)`.
    """

    def __init__(self, values: NDArray[Any], lengths: NDArray[np.int32]) -> None:
        self.values, self.lengths = values, lengths
        self._starts = np.cumsum(lengths, dtype=np.int64) - lengths

    @property
    def rows(self) -> NDArray[np.intp]:
        """The row of each value."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def take(self, rows: NDArray[np.intp]) -> "Lists":
        """The lists of some rows."""
        lengths = self.lengths[rows]
        shift = self._starts[rows] - (np.cumsum(lengths, dtype=np.int64) - lengths)
        places = np.repeat(shift, lengths)
        places += np.arange(len(places))
        return Lists(self.values[places], lengths)

    def joined(self, more: "Lists") -> "Lists":
        """These lists, then others."""
        return Lists(
            np.concatenate((self.values, more.values)),
            np.concatenate((self.lengths, more.lengths)),
        )


def _lists(of: Sequence[Sequence[object]], dtype: type[np.generic], *shape: int) -> Lists:
    lengths = np.array([len(one) for one in of], np.int32)
    values = np.array(list(chain.from_iterable(of)), dtype)
    return Lists(values.reshape(-1, *shape), lengths)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """What is read of some notes, in their order."""

    facts: NDArray[Any]
    """Shape `(notes,)`, with fields for each number and flag."""
    said: TermIndex
    """Terms of each note with its subject and its written-out date."""
    names: Lists
    """The names that each note holds: places in `spelled`."""
    spelled: Sequence[str]
    """Names, folded."""
    spans: Lists
    """Start and end of each time that a note mentions, in seconds since 1970; float64."""


class NoteRead(NamedTuple):
    """What is read of one note."""

    fact: tuple[Any, ...]
    terms: Sequence[str]
    names: Sequence[str]
    spans: Sequence[tuple[float, float]]


class _Notes:
    """Notes with their columns, by place."""

    def __init__(self) -> None:
        self.outlines = list[Outline]()
        self.places = dict[str, int]()
        self.facts = np.empty(0, _ROW)
        self.terms, self.names = _lists([], np.int32, 2), _lists([], np.int32)
        """Numbers of terms, each with its count; numbers of names."""
        self.spans = _lists([], np.float64, 2)
        self.vocabulary, self.spelled = WordNumbers(), WordNumbers()

    @property
    def nbytes(self) -> int:
        words = len(self.vocabulary) + len(self.spelled)
        return int(self.facts["bytes"].sum()) + WORD_BYTES * words

    def find(self, outline: Outline) -> int:
        """The place of a note if it is as it was read; -1 otherwise."""
        place = self.places.get(outline.note_id, -1)
        if place >= 0 and (known := self.outlines[place]) is not outline:
            return place if _read_of(known) == _read_of(outline) else -1
        return place

    def add(self, outlines: Sequence[Outline], read: Sequence[NoteRead]) -> None:
        """Append notes; other revisions of them are replaced."""
        replaced = [self.places[o.note_id] for o in outlines if o.note_id in self.places]
        self.facts["used"][replaced] = _REPLACED
        numbers = self.vocabulary.add(chain.from_iterable(one.terms for one in read))
        counted = count_terms(numbers, [len(one.terms) for one in read])
        facts = np.array([one.fact for one in read], _ROW)
        self.terms = self.terms.joined(Lists(np.stack(counted[:2], axis=1), counted[2]))
        self.names = self.names.joined(
            _lists([self.spelled.add(one.names) for one in read], np.int32)
        )
        self.spans = self.spans.joined(_lists([one.spans for one in read], np.float64, 2))
        self.facts = np.concatenate((self.facts, facts))
        for outline in outlines:
            self.places[outline.note_id] = len(self.outlines)
            self.outlines.append(outline)

    def take(self, places: NDArray[np.intp]) -> Columns:
        """The columns of notes at these places."""
        facts, terms = self.facts[places], self.terms.take(places)
        numbers, counts = terms.values[:, 0], terms.values[:, 1]
        return Columns(
            facts=facts,
            said=make_index(self.vocabulary, numbers, counts, terms.rows, facts["length"].copy()),
            names=self.names.take(places),
            spelled=self.spelled.words,
            spans=self.spans.take(places),
        )

    def only(self, places: NDArray[np.intp]) -> "_Notes":
        """The notes at some places, and no word that only others hold."""
        kept = _Notes()
        kept.outlines = [self.outlines[place] for place in map(int, places)]
        kept.places = {o.note_id: place for place, o in enumerate(kept.outlines)}
        kept.facts, kept.spans = self.facts[places], self.spans.take(places)
        terms, names = self.terms.take(places), self.names.take(places)
        kept.vocabulary, numbers = _only_words(self.vocabulary, terms.values[:, 0])
        kept.terms = Lists(np.stack((numbers, terms.values[:, 1]), axis=1), terms.lengths)
        kept.spelled, numbers = _only_words(self.spelled, names.values)
        kept.names = Lists(numbers, names.lengths)
        return kept


def _only_words(
    known: WordNumbers, numbers: NDArray[np.int32]
) -> tuple[WordNumbers, NDArray[np.int32]]:
    """A vocabulary of the words with these numbers, and their numbers in it."""
    used = np.zeros(len(known), np.bool_)
    used[numbers] = True
    places = np.cumsum(used, dtype=np.int32) - 1
    words = known.words
    return WordNumbers(words[number] for number in np.flatnonzero(used).tolist()), places[numbers]


class NoteColumns:
    """The columns of the notes read last, for any thread.

    Args:
        max_bytes: Bytes that are kept; the notes that were taken longest ago go first.
    """

    def __init__(self, max_bytes: int = COLUMNS_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._notes = _Notes()
        self._taken = 0

    @property
    def note_ids(self) -> frozenset[str]:
        """Of the notes that are kept."""
        return frozenset(self._notes.places)

    @property
    def words(self) -> frozenset[str]:
        """Terms and names that are kept."""
        return frozenset((*self._notes.vocabulary.words, *self._notes.spelled.words))

    def take(self, outlines: Sequence[Outline]) -> Columns:
        """The columns of notes, each once; those that are not kept are read."""
        read = dict[str, NoteRead]()
        while True:
            with self._lock:
                places = list(map(self._notes.find, outlines))
                missing = [one for one, at in zip(outlines, places, strict=True) if at < 0]
                if all(one.note_id in read for one in missing):
                    return self._take(outlines, places, [read[one.note_id] for one in missing])
            # Outside of the lock, since it may take a second; meanwhile others may be dropped.
            new = [one for one in missing if one.note_id not in read]
            read.update(zip((one.note_id for one in new), read_notes(new), strict=True))

    def unread(self, outlines: Iterable[Outline]) -> list[Outline]:
        """Those of the notes that are not kept."""
        with self._lock:
            return [outline for outline in outlines if self._notes.find(outline) < 0]

    def keep(
        self,
        name: ReadLater,
        outlines: Iterable[Outline],
        values: Iterable[Any],
    ) -> None:
        """Keep what was read of notes later, where they are still kept as they were read."""
        with self._lock:
            for outline, value in zip(outlines, values, strict=True):
                if (place := self._notes.find(outline)) >= 0:
                    self._notes.facts[name][place] = value

    def drop(self, note_ids: Collection[str]) -> None:
        """Forget notes and every word that only they hold."""
        with self._lock:
            notes = self._notes
            held = [note_id not in note_ids for note_id in notes.places]
            places = np.fromiter(notes.places.values(), np.intp, len(held))[held]
            self._notes = notes.only(np.sort(places))

    def _take(
        self, outlines: Sequence[Outline], places: Sequence[int], read: Sequence[NoteRead]
    ) -> Columns:
        """Take notes, of which those without a place were read."""
        notes = self._notes
        if read:
            notes.add([one for one, at in zip(outlines, places, strict=True) if at < 0], read)
            places = [notes.places[one.note_id] for one in outlines]
        rows = np.array(places, np.intp)
        self._taken += 1
        notes.facts["used"][rows] = self._taken
        taken = notes.take(rows)
        if read:
            self._bound()
        return taken

    def _bound(self) -> None:
        """Drop replaced revisions when they are half, and the notes used longest ago."""
        notes = self._notes
        used = notes.facts["used"]
        size, most = notes.nbytes, len(used)
        if size > self._max_bytes:
            sizes = notes.facts["bytes"][np.argsort(-used, kind="stable")]
            most = int(
                (np.cumsum(sizes) * (size / sizes.sum())).searchsorted(KEPT_SHARE * self._max_bytes)
            )
        elif 2 * len(notes.places) >= len(used):
            return
        last = np.argsort(-used, kind="stable")[: min(most, len(notes.places))]
        self._notes = notes.only(np.sort(last))


def read_notes(outlines: Sequence[Outline]) -> list[NoteRead]:
    """Read notes; 12 microseconds each."""
    said = terms_of([f"{outline.subject} {outline.content}" for outline in outlines])
    return list(map(_read_note, outlines, said))


def _read_note(outline: Outline, said: Sequence[str]) -> NoteRead:
    content, kind, happened = outline.content, outline.kind, wall_time(outline.happened_at)
    told = [*_terms_of_day(happened.date()), *said]
    names = [fold(name) for name in outline.entities]
    spans = list(map(_spoken, outline.times))
    fact = (
        happened.timestamp(),
        len(content.split()),
        len(told),
        kind is Kind.CORE,
        kind in (Kind.CORE, Kind.PROCEDURAL),
        asks(content),
        bool(spans),
        UNWEIGHED,
        NO_SORT_READ,
        NO_SORT_READ,
        NO_SORT_READ,
        NO_LANGUAGE_READ,
        NOTE_BYTES + len(content.encode()) + 8 * len(told) + 4 * len(names) + 16 * len(spans),
        0,
    )
    return NoteRead(fact, told, names, spans)


def _spoken(span: Span) -> tuple[float, float]:
    """When what a note says of a time is so, in seconds since 1970: of a limit, its last day.

    "Until December" tells nothing of the 5th. A year is left whole.
    """
    start, end = span.start.timestamp(), span.end.timestamp()
    limit = _DAY_S < end - start <= LIMIT_MAX_DAYS * _DAY_S and spells_limit(span.phrase)
    return (end - _DAY_S if limit else start), end


@lru_cache(maxsize=10_000)
def _terms_of_day(day: date) -> Sequence[str]:
    return terms(f"{day:%A} {day.day} {day:%B} {day.year}")
