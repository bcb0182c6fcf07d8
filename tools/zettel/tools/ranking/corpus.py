"""The notes of a scope as arrays: built once per store version, used for many questions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zettel.storage.notes import Kind, Outline, fold, order_key
from zettel.storage.text.utterance import asks
from zettel.tools.language.names import ASSISTANTS
from zettel.tools.language.question_words import find_users
from zettel.tools.language.terms import TermIndex, carry_column, carry_index, make_index, terms
from zettel.tools.ranking.mentions import Mentions
from zettel.tools.ranking.stuffing import Stuffing, read_stuffing

_N = TypeVar("_N", bound=np.generic)
Values = NDArray[np.float64]
"""float64, shape `(notes,)`: one value for each note of a corpus, in its order."""
Flags = NDArray[np.bool_]
"""bool, shape `(notes,)`."""
Rows = NDArray[np.intp]
"""Row numbers of a corpus, shape `(notes,)`; -1 is none."""


NAMING_MIN_TRUST = 1.0
"""Least trust of a note of the profile that may say who the user is: all there is."""
TALK_MIN_QUESTION_SHARE = 0.125
"""Least share of questions in talk: 27 % of LoCoMo's turns ask, none of HaluMem's notes."""
COMMON_NAME_MIN_SHARE, COMMON_NAME_MIN_NOTES = 0.02, 5
"""Least share and least number of the notes that hold a name which stands for a subject."""


UNWEIGHED = -1
"""Of a text whose `Stuffing` nobody has asked for; reading it takes half as long as all else."""


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
    statistics: Statistics | None = None
    """Of the scope, if these are its candidates only."""

    def __len__(self) -> int:
        return len(self.outlines)

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
            self.stuffing[row] = read_stuffing(self.outlines[row].content)
        return Stuffing(self.stuffing[row])

    def telling(self) -> Flags:
        """Which notes tell something."""
        for row in np.flatnonzero(self.stuffing == UNWEIGHED).tolist():
            self.stuffing_of(row)
        return self.stuffing == Stuffing.TELLS

    def of_subjects(self, numbers: Iterable[int]) -> Flags:
        """Which notes carry one of these subjects."""
        meant = np.zeros(len(self.subjects) + 1, np.bool_)  # the last stands for -1, none
        meant[list(numbers)] = True
        return meant[self.subject_numbers]


_EMPTY = Corpus(
    outlines=(),
    rows={},
    before=np.empty(0, np.intp),
    after=np.empty(0, np.intp),
    around=(),
    around_lengths=np.empty(0),
    sessions=np.empty(0, np.intp),
    session_count=0,
    session_lengths=np.empty(0),
    subjects={},
    users=frozenset(),
    naming=np.empty(0, np.bool_),
    subject_numbers=np.empty(0, np.intp),
    core=np.empty(0, np.bool_),
    standing=np.empty(0, np.bool_),
    asks=np.empty(0, np.bool_),
    words=np.empty(0),
    timed=np.empty(0, np.bool_),
    stuffing=np.empty(0, np.int8),
    names=np.empty(0, np.bool_),
    mentions=Mentions((), make_index(())),
    happened=np.empty(0),
    said=make_index(()),
    spoken=np.empty((0, 3)),
    conversation=False,
)


def make_corpus(
    outlines: Iterable[Outline], like: Corpus | None = None, statistics: Statistics | None = None
) -> Corpus:
    """Build the corpus of a scope.

    Args:
        outlines: In any order; of each session all notes, so that neighbours are right.
        like: An earlier corpus: its columns are reused for notes that have not changed.
        statistics: Of the scope, if the notes are not all of it.
    """
    ordered = sorted(outlines, key=order_key)
    if like is None:
        return _carried(ordered, np.full(len(ordered), -1), _EMPTY, statistics)
    kept = _kept(ordered, like)
    same = len(kept) == len(like) and kept.min(initial=0) >= 0
    if same and statistics is like.statistics:
        return like
    return _carried(ordered, kept, like, statistics)


def _kept(ordered: Sequence[Outline], like: Corpus) -> Rows:
    """For each note its row in `like` if it is unchanged; -1 otherwise."""
    rows, known = like.rows, like.outlines
    found = [rows.get(outline.note_id, -1) for outline in ordered]
    return np.array(
        [
            row if row >= 0 and (known[row] is outline or known[row] == outline) else -1
            for row, outline in zip(found, ordered, strict=True)
        ],
        np.intp,
    )


def _carried(
    ordered: Sequence[Outline], kept: Rows, like: Corpus, statistics: Statistics | None
) -> Corpus:
    new = [ordered[row] for row in np.flatnonzero(kept < 0).tolist()]
    before, after, sessions, session_count = _sessions(ordered)
    around = (before, take_rows(before, before), after, take_rows(after, after))
    subjects, numbers = _subjects(ordered, statistics.subjects if statistics else {})
    naming = [_user_names(outline) for outline in ordered]
    said = carry_index(like.said, kept, [_terms_of(outline) for outline in new])
    kinds = [outline.kind for outline in new]
    core = carry_column(like.core, kept, np.array([kind is Kind.CORE for kind in kinds], np.bool_))
    asked = carry_column(like.asks, kept, np.array([asks(o.content) for o in new], np.bool_))
    procedural = np.array([kind is Kind.PROCEDURAL for kind in kinds], np.bool_)
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
        core=core,
        standing=core | carry_column(like.standing, kept, procedural),
        asks=asked,
        words=carry_column(
            like.words, kept, np.array([len(o.content.split()) for o in new], np.float64)
        ),
        timed=carry_column(like.timed, kept, np.array([bool(o.times) for o in new], np.bool_)),
        stuffing=carry_column(like.stuffing, kept, np.full(len(new), UNWEIGHED, np.int8)),
        names=_names(ordered, new, subjects, kept, like),
        mentions=Mentions(ordered, said),
        happened=carry_column(
            like.happened, kept, np.array([o.happened_at.timestamp() for o in new], np.float64)
        ),
        said=said,
        spoken=_spoken(ordered),
        conversation=_conversation(asked[before >= 0], subjects),
        statistics=statistics,
    )


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


def _terms_of(outline: Outline) -> list[str]:
    told = terms(f"{outline.subject} {outline.content}")
    return [*_terms_of_day(outline.happened_at.date()), *told]


@lru_cache(maxsize=10_000)
def _terms_of_day(day: date) -> Sequence[str]:
    return terms(f"{day:%A} {day.day} {day:%B} {day.year}")


def _user_names(outline: Outline) -> frozenset[str]:
    """The names of the user, folded, that a trusted note of the profile tells."""
    if outline.kind is not Kind.CORE or outline.trust < NAMING_MIN_TRUST:
        return frozenset()
    return frozenset(map(fold, find_users(outline.content)))


def _subjects(ordered: Sequence[Outline], others: Mapping[str, str]) -> tuple[dict[str, str], Rows]:
    """Every subject, folded -> as spelled, and each note's subject number or -1."""
    folded = {subject: fold(subject) for subject in {outline.subject for outline in ordered}}
    subjects = {**others, **{name: o.subject for o in ordered if (name := folded[o.subject])}}
    numbers = {subject: number for number, subject in enumerate(subjects)}
    return subjects, np.array([numbers.get(folded[o.subject], -1) for o in ordered], np.intp)


def _names(
    ordered: Sequence[Outline],
    new: Sequence[Outline],
    subjects: Mapping[str, str],
    kept: Rows,
    like: Corpus,
) -> Flags:
    """Which notes hold a name that is not a subject."""
    speakers = {word for subject in subjects for word in (subject, *subject.split())}

    def named(outlines: Sequence[Outline]) -> Flags:
        return np.array(
            [any(fold(name) not in speakers for name in o.entities) for o in outlines], np.bool_
        )

    if subjects.keys() != like.subjects.keys():
        return named(ordered)
    return carry_column(like.names, kept, named(new))


def _conversation(asked: Flags, subjects: Iterable[str]) -> bool:
    """Whether people talk, by the share of questions after the first note of each session."""
    return (
        len(asked) > 0
        and asked.mean() >= TALK_MIN_QUESTION_SHARE
        and ASSISTANTS.isdisjoint(subjects)
    )


def _sessions(ordered: Sequence[Outline]) -> tuple[Rows, Rows, Rows, int]:
    """Rows of the previous and next notes, session numbers, and the number of sessions."""
    known = dict[tuple[str, str], int]()
    numbers = np.array(
        [
            known.setdefault((o.namespace, o.session), len(known)) if o.session else -1
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


def _spoken(ordered: Sequence[Outline]) -> NDArray[np.float64]:
    times = [
        (float(row), span.start.timestamp(), span.end.timestamp())
        for row, outline in enumerate(ordered)
        for span in outline.times
    ]
    return np.array(times, np.float64).reshape(-1, 3)
