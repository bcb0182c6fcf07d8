"""The notes of a scope as arrays: built once per store version, used for many questions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from zettel.storage.notes import Kind, Outline, fold, order_key
from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.languages import find_language
from zettel.tools.language.names import ASSISTANTS
from zettel.tools.language.question_words import NOTE_SORTS, NoteSort, find_users, says_sort
from zettel.tools.language.terms import TermIndex
from zettel.tools.ranking.columns import (
    NO_LANGUAGE_READ,
    NO_SORT_READ,
    UNWEIGHED,
    Lists,
    NoteColumns,
    ReadLater,
)
from zettel.tools.ranking.mentions import Mentions
from zettel.tools.ranking.stuffing import Stuffing, read_stuffing

_N = TypeVar("_N", bound=np.generic)
Values = NDArray[np.float64]
"""float64, shape `(notes,)`: one value for each note of a corpus, in its order."""
Flags = NDArray[np.bool_]
"""bool, shape `(notes,)`."""
Rows = NDArray[np.intp]
"""Row numbers of a corpus, shape `(notes,)`; -1 is none."""


TALK_MIN_QUESTION_SHARE = 0.125
"""Least share of questions in talk: 27 % of LoCoMo's turns ask, none of HaluMem's notes."""
COMMON_NAME_MIN_SHARE, COMMON_NAME_MIN_NOTES = 0.02, 5
"""Least share and least number of the notes that hold a name which stands for a subject."""


NAMING_MIN_TRUST = 1.0
"""Least trust of a note of the profile that may say who the user is: all there is."""
NOTE_BYTES, SUBJECT_BYTES = 270, 300
"""Bytes of a note in a corpus besides its terms, and of a scope's subject with its count."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """What is known of a scope whose notes are too many to be read for a question."""

    size: int
    """Number of its notes."""
    sample: "Corpus"
    """Some of its notes, with their neighbours."""
    subjects: Mapping[str, str]
    """Every subject, folded -> as spelled."""
    counts: Mapping[str, int]
    """Every subject, folded -> number of its notes."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.sample.nbytes + SUBJECT_BYTES * len(self.subjects)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corpus:
    """The notes of a scope with the columns that the signals read.

    Of a large scope only the candidates for a question: what its arms find, with their sessions.
    """

    outlines: Sequence[Outline]
    """By (`happened_at`, `note_id`)."""
    rows: dict[str, int]
    """Note id -> row."""
    before: Rows
    """The previous note of its session."""
    after: Rows
    """The next note of its session."""
    around: tuple[Rows, ...]
    """The two notes before and the two after in its session; -1 where there is none."""
    around_lengths: Values
    """Terms of each note and of those around it."""
    sessions: Rows
    """Number of its session, 0 and up; a note without a session has one of its own."""
    session_count: int
    session_lengths: Values
    """Terms of each session, by its number."""
    subjects: Mapping[str, str]
    """Every subject, folded -> as spelled."""
    users: frozenset[str]
    """Names by which notes of the profile call the user, folded."""
    naming: Flags
    """Says by which name the user is called."""
    subject_numbers: Rows
    """Number of each note's subject, in the order of `subjects`; -1 is none."""
    asks: Flags
    """Ends in a question."""
    core: Flags
    """Belongs to the profile."""
    standing: Flags
    """Is an instruction or belongs to the profile."""
    words: Values
    """How many words it has."""
    timed: Flags
    """Mentions a time."""
    stuffing: NDArray[np.int8]
    """How little it tells: `Stuffing`, or `UNWEIGHED`; `stuffing_of` reads it on demand."""
    language: NDArray[np.str_]
    """In which language it is, or `NO_LANGUAGE_READ`; `languages` reads it on demand."""
    sorts: NDArray[np.int8]
    """Whether its words are of a kind, or `NO_SORT_READ`, shape `(len(NOTE_SORTS), notes)`;
    `says_sort` reads it on demand."""
    names: Flags
    """Holds a name that is not one of the scope's subjects."""
    mentions: Mentions
    """Names in the notes."""
    happened: Values
    """Seconds since 1970."""
    said: TermIndex
    """Terms of each note with its subject and its written-out date."""
    spoken: NDArray[np.float64]
    """Times that notes mention: shape `(times, 3)`, rows of (row of the note, start, end)."""
    conversation: bool
    """People talk with each other: many notes of sessions ask, and no assistant speaks."""
    columns: NoteColumns
    """Where the columns of single notes are kept."""
    statistics: Statistics | None = None
    """Of the scope, if these are its candidates only."""
    whole_sessions: frozenset[str] | None = None
    """Sessions of which all notes are here; None for all. Notes of others have no neighbours."""

    def __len__(self) -> int:
        return len(self.outlines)

    @property
    def nbytes(self) -> int:
        """Bytes in memory, besides the notes themselves and the statistics."""
        return self.said.nbytes + NOTE_BYTES * len(self)

    @property
    def size(self) -> int:
        """Number of notes in the scope."""
        return self.statistics.size if self.statistics else len(self)

    @property
    def whole(self) -> bool:
        """Whether these are all notes of the scope."""
        return len(self) >= self.size

    @property
    def usual(self) -> "Corpus":
        """The notes that show how frequent a word or a name is in the scope."""
        return self.statistics.sample if self.statistics else self

    def is_common(self, name: str) -> bool:
        """Whether a folded name is in enough notes to stand for a subject."""
        return self.usual.mentions.count(name) >= max(
            COMMON_NAME_MIN_NOTES, COMMON_NAME_MIN_SHARE * len(self.usual)
        )

    def count_of(self, subject: str) -> int:
        """Number of the scope's notes about a folded subject."""
        if self.statistics:
            return self.statistics.counts.get(subject, 0)
        number = list(self.subjects).index(subject) if subject in self.subjects else -2
        return int(np.count_nonzero(self.subject_numbers == number))

    def stuffing_of(self, row: int) -> Stuffing:
        """How little a note tells."""
        if self.stuffing[row] == UNWEIGHED:
            self._weigh([row])
        return Stuffing(self.stuffing[row])

    def telling(self) -> Flags:
        """Which notes tell something."""
        self._weigh(np.flatnonzero(self.stuffing == UNWEIGHED).tolist())
        return self.stuffing == Stuffing.TELLS

    def _weigh(self, new: Sequence[int]) -> None:
        """Read how little notes tell that nobody has asked for."""
        self._read("stuffing", self.stuffing, new, read_stuffing)

    def languages(self) -> NDArray[np.str_]:
        """The language of each note; empty where its words tell none."""
        new = np.flatnonzero(self.language == NO_LANGUAGE_READ)
        self._read("language", self.language, new.tolist(), find_language)
        return self.language

    def says_sort(self, sort: NoteSort) -> Flags:
        """Which notes have words of open work, of a decision or of a change."""
        said = self.sorts[NOTE_SORTS.index(sort)]
        new = np.flatnonzero(said == NO_SORT_READ)
        self._read(sort, said, new.tolist(), partial(_says_sort, sort))
        return said == 1

    def _read(
        self,
        name: ReadLater,
        values: NDArray[Any],
        new: Sequence[int],
        read: Callable[[str], object],
    ) -> None:
        """Read of some rows' texts what nobody has asked for yet, and keep it with the notes."""
        if new:
            outlines = [self.outlines[row] for row in new]
            values[new] = [read(outline.content) for outline in outlines]
            self.columns.keep(name, outlines, values[new].tolist())

    def of_subjects(self, numbers: Iterable[int]) -> Flags:
        """Which notes carry one of these subjects."""
        meant = np.zeros(len(self.subjects) + 1, np.bool_)  # the last stands for -1, none
        meant[list(numbers)] = True
        return meant[self.subject_numbers]


def make_corpus(
    outlines: Iterable[Outline],
    like: Corpus | None = None,
    statistics: Statistics | None = None,
    *,
    columns: NoteColumns | None = None,
    whole_sessions: frozenset[str] | None = None,
) -> Corpus:
    """Build the corpus of a scope.

    Args:
        outlines: In any order; of each session all notes, so that neighbours are right.
        like: An earlier corpus, returned if nothing has changed.
        statistics: Of the scope, if the notes are not all of it.
        columns: What is kept of single notes; None takes that of `like`, or a new one.
        whole_sessions: Sessions of which all notes are here; None for all.
    """
    ordered = sorted(outlines, key=order_key)
    if like is not None and ordered == like.outlines:
        if (statistics, whole_sessions) == (like.statistics, like.whole_sessions):
            return like
    if columns is None:
        columns = NoteColumns() if like is None else like.columns
    told = columns.take(ordered)
    facts, said = told.facts, told.said
    before, after, sessions, session_count = _sessions(ordered, whole_sessions)
    around = (before, take_rows(before, before), after, take_rows(after, after))
    naming = [_user_names(outline) for outline in ordered]
    subjects, numbers = _subjects(ordered, statistics.subjects if statistics else {})
    conversation = _conversation(facts["asks"][before >= 0], subjects)
    return Corpus(
        outlines=ordered,
        rows={outline.note_id: row for row, outline in enumerate(ordered)},
        before=before,
        after=after,
        around=around,
        around_lengths=sum_around(np.arange(len(ordered)), said.lengths, around),
        sessions=sessions,
        session_count=session_count,
        session_lengths=sum_by(sessions, said.lengths, session_count),
        subjects=subjects,
        users=frozenset(name for names in naming for name in names),
        naming=np.array([bool(names) for names in naming], np.bool_),
        subject_numbers=numbers,
        core=_column(facts, "core"),
        standing=_column(facts, "standing"),
        asks=_column(facts, "asks"),
        words=_column(facts, "words"),
        timed=_column(facts, "timed"),
        stuffing=_column(facts, "stuffing"),
        language=_column(facts, "language"),
        sorts=np.stack([facts[sort] for sort in NOTE_SORTS]),
        names=_names(told.names, told.spelled, subjects),
        mentions=Mentions(ordered, said, in_talk=conversation),
        happened=_column(facts, "happened"),
        said=said,
        spoken=np.column_stack((told.spans.rows.astype(np.float64), told.spans.values)),
        conversation=conversation,
        columns=columns,
        statistics=statistics,
        whole_sessions=whole_sessions,
    )


def _says_sort(sort: NoteSort, content: str) -> bool:
    if sort == "changed":
        return find_change_cue(content) is not None
    return says_sort(sort, content)


def _column(facts: NDArray[Any], name: str) -> NDArray[Any]:
    return np.ascontiguousarray(facts[name])


def _user_names(outline: Outline) -> Sequence[str]:
    """The names of the user, folded, that a trusted note of the profile tells."""
    if outline.kind is not Kind.CORE or outline.trust < NAMING_MIN_TRUST:
        return ()
    return [fold(name) for name in find_users(outline.content)]


def take_rows(values: NDArray[_N], rows: Rows, nothing: int = -1) -> NDArray[_N]:
    """The values at other notes' rows, shape `(notes,)`; `nothing` where the row is -1."""
    return np.append(values, np.array(nothing, values.dtype))[rows]


def sum_around(rows: Rows, counts: Values, around: Sequence[Rows]) -> Values:
    """Sum the counts of each note and its neighbours; exact, since counts are whole.

    Args:
        rows: The notes with a count, each once.
        counts: Their counts.
        around: `Corpus.around`; the relation is symmetric, so each count is spread from its note.
    """
    summed = np.zeros(len(around[0]) + 1)  # the last one stands for -1, no note
    summed[rows] = counts
    for beside in around:
        summed[beside[rows]] += counts
    return summed[:-1]


def sum_by(numbers: Rows, counts: Values, size: int) -> Values:
    """Sum the counts by number, shape `(size,)`."""
    return np.bincount(numbers, counts, size).astype(np.float64)


def _subjects(ordered: Sequence[Outline], others: Mapping[str, str]) -> tuple[dict[str, str], Rows]:
    """Every subject, folded -> as spelled, and each note's subject number or -1."""
    folded = {subject: fold(subject) for subject in {outline.subject for outline in ordered}}
    subjects = {**others, **{name: o.subject for o in ordered if (name := folded[o.subject])}}
    numbers = {subject: number for number, subject in enumerate(subjects)}
    return subjects, np.array([numbers.get(folded[o.subject], -1) for o in ordered], np.intp)


def _names(names: Lists, spelled: Sequence[str], subjects: Iterable[str]) -> Flags:
    """Which notes hold a name that is not a subject."""
    speakers = {word for subject in subjects for word in (subject, *subject.split())}
    told, places = np.unique(names.values, return_inverse=True)
    other = np.array([spelled[number] not in speakers for number in told.tolist()], np.bool_)
    found = np.zeros(len(names.lengths), np.bool_)
    found[names.rows[other[places]]] = True
    return found


def _conversation(asked: Flags, subjects: Iterable[str]) -> bool:
    """Whether people talk, by the share of questions after the first note of each session."""
    return (
        len(asked) > 0
        and asked.mean() >= TALK_MIN_QUESTION_SHARE
        and ASSISTANTS.isdisjoint(subjects)
    )


def _sessions(
    ordered: Sequence[Outline], whole: frozenset[str] | None
) -> tuple[Rows, Rows, Rows, int]:
    """Rows of the previous and next notes, session numbers, and the number of sessions."""
    known = dict[tuple[str, str], int]()
    numbers = np.array(
        [
            known.setdefault((o.namespace, o.session), len(known))
            if o.session and (whole is None or o.session in whole)
            else -1
            for o in ordered
        ],
        np.intp,
    )
    together = np.argsort(numbers, kind="stable")
    here, following = together[:-1], together[1:]
    joined = (numbers[here] == numbers[following]) & (numbers[here] >= 0)
    before = np.full(len(ordered), -1, np.intp)
    after = before.copy()
    before[following[joined]], after[here[joined]] = here[joined], following[joined]
    alone = numbers < 0
    numbers[alone] = len(known) + np.arange(alone.sum())
    return before, after, numbers, len(known) + int(alone.sum())
