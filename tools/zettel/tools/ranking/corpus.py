"""The notes of a scope as arrays: read once a store version, used for any number of questions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zettel.storage.notes import Kind, Outline, fold, order_key
from zettel.tools.ranking.mentions import Mentions
from zettel.tools.ranking.terms import TermIndex, make_index, terms

Values = NDArray[np.float64]
"""float64, shape `(notes,)`: one signal's value for each note of a corpus, in its order."""
Flags = NDArray[np.bool_]
"""bool, shape `(notes,)`."""
Rows = NDArray[np.intp]
"""Indices into a corpus, shape `(notes,)`; -1 is none."""

ASSISTANTS = frozenset(
    "ai assistant bot chatbot chatgpt claude codex copilot deepseek gemini gpt grok llm mistral"
    " model user".split()
)
"""Subjects that show that somebody talks with a machine; `user` is who talks with one."""

ASKED_SHARE = 0.125
"""Share of questions among the notes of talk: 27 % of LoCoMo's turns, none of what an agent notes
down (HaluMem)."""
CALLED_SHARE, CALLED_IN = 0.02, 5
"""Share of the notes, and least number of them, that hold a name which says nothing of what a
question is about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corpus:
    """The notes of a scope in session order, with what ranking reads of each beforehand."""

    outlines: Sequence[Outline]
    """By (`happened_at`, `note_id`)."""
    texts: Sequence[Sequence[str]]
    """The terms of each."""
    rows: dict[str, int]
    """Note id -> row."""
    before: Rows
    """The previous note of its session."""
    after: Rows
    """The next note of its session."""
    sessions: Rows
    """Number of its session, 0 and up; a note without one is a session of its own."""
    session_count: int
    subjects: Mapping[str, str]
    """Every subject, folded -> as spelled."""
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
    """Speaks of a time."""
    names: Flags
    """Holds a name that is none of the scope's subjects."""
    mentions: Mentions
    """Names in the notes."""
    happened: Values
    """Seconds since 1970."""
    said: TermIndex
    """The terms of each note with its subject and its written-out date."""
    spoken: NDArray[np.float64]
    """Times that notes speak of: shape `(times, 3)`, rows of (row of the note, start, end)."""
    conversation: bool
    """People talk among themselves: in sessions many notes ask, and no assistant speaks."""

    def __len__(self) -> int:
        return len(self.outlines)

    def is_common(self, name: str) -> bool:
        """Whether a folded name is in so many notes that it stands for somebody they are about."""
        return self.mentions.held(name) >= max(CALLED_IN, CALLED_SHARE * len(self))


def make_corpus(outlines: Iterable[Outline], like: Corpus | None = None) -> Corpus:
    """Read the notes of a scope.

    Args:
        outlines: Any order; of a session all notes, or neighbours would be the wrong ones.
        like: A corpus most of whose notes are the same: spares reading their words again.
    """
    ordered = sorted(outlines, key=order_key)
    texts = _texts(ordered, like)
    rows = {outline.note_id: row for row, outline in enumerate(ordered)}
    before, after, sessions, session_count = _sessions(ordered, rows)
    folded = {o.subject: fold(o.subject) for o in ordered}
    subjects = {folded[o.subject]: o.subject for o in ordered if folded[o.subject]}
    numbers = {subject: number for number, subject in enumerate(subjects)}
    speakers = {word for subject in subjects for word in (subject, *subject.split())}
    said = make_index(texts)
    core = np.array([o.kind is Kind.CORE for o in ordered], np.bool_)
    return Corpus(
        outlines=ordered,
        texts=texts,
        rows=rows,
        before=before,
        after=after,
        sessions=sessions,
        session_count=session_count,
        subjects=subjects,
        subject_numbers=np.array([numbers.get(folded[o.subject], -1) for o in ordered], np.intp),
        core=core,
        standing=core | np.array([o.kind is Kind.PROCEDURAL for o in ordered], np.bool_),
        asks=np.array([asks(o.content) for o in ordered], np.bool_),
        words=np.array([len(o.content.split()) for o in ordered], np.float64),
        timed=np.array([bool(o.times) for o in ordered], np.bool_),
        names=np.array(
            [any(fold(name) not in speakers for name in o.entities) for o in ordered], np.bool_
        ),
        mentions=Mentions(ordered, said),
        happened=np.array([o.happened_at.timestamp() for o in ordered], np.float64),
        said=said,
        spoken=_spoken(ordered),
        conversation=_conversation(ordered, before, subjects),
    )


def _texts(ordered: Sequence[Outline], like: Corpus | None) -> list[Sequence[str]]:
    texts = list[Sequence[str]]()
    for outline in ordered:
        row = like.rows.get(outline.note_id) if like else None
        if like and row is not None and like.outlines[row] == outline:
            texts.append(like.texts[row])
        else:
            texts.append(_terms_of(outline))
    return texts


def _terms_of(outline: Outline) -> list[str]:
    day = outline.happened_at
    return terms(f"{day:%A} {day.day} {day:%B} {day.year} {outline.subject} {outline.content}")


def _conversation(ordered: Sequence[Outline], before: Rows, subjects: Iterable[str]) -> bool:
    told = [o.content for o, row in zip(ordered, before, strict=True) if row >= 0]
    asked = sum(map(asks, told))
    return bool(told) and asked >= ASKED_SHARE * len(told) and ASSISTANTS.isdisjoint(subjects)


def asks(content: str) -> bool:
    """Whether a note ends in a question, so that the next one may answer it."""
    return content.rstrip(" \t\n\"'”’)]*_").endswith(("?", "？", "؟"))


def by_session(outlines: Iterable[Outline]) -> dict[tuple[str, str], list[Outline]]:
    """(namespace, session) -> its notes in order; notes without a session have no neighbours."""
    grouped = dict[tuple[str, str], list[Outline]]()
    for outline in sorted(outlines, key=order_key):
        if outline.session:
            grouped.setdefault((outline.namespace, outline.session), []).append(outline)
    return grouped


def _sessions(ordered: Sequence[Outline], rows: dict[str, int]) -> tuple[Rows, Rows, Rows, int]:
    """Rows of the notes before and after in the session, its number, and how many there are."""
    before = np.full(len(ordered), -1, np.intp)
    after, numbers = before.copy(), before.copy()
    sessions = by_session(ordered).values()
    for number, session in enumerate(sessions):
        here = np.array([rows[outline.note_id] for outline in session], np.intp)
        before[here[1:]], after[here[:-1]], numbers[here] = here[:-1], here[1:], number
    alone = numbers < 0
    numbers[alone] = len(sessions) + np.arange(alone.sum())
    return before, after, numbers, len(sessions) + int(alone.sum())


def _spoken(ordered: Sequence[Outline]) -> NDArray[np.float64]:
    times = [
        (float(row), span.start.timestamp(), span.end.timestamp())
        for row, outline in enumerate(ordered)
        for span in outline.times
    ]
    return np.array(times, np.float64).reshape(-1, 3)
