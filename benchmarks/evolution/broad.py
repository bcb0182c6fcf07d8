"""Broad questions over made-up months: what notes bring for them, and what composed notes bring."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.evolution.desk import Desk, opened_desk
from benchmarks.evolution.gists import NARROW, Answers, ask_one
from benchmarks.evolution.written import MONTHS, tell_month
from benchmarks.month.records import NoteLine, Question, SessionLine, read_month
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import CONCEPT, Note
from zettel.storage.store import NoteFilter

FEWEST = 3
"""Notes that a question asks for at least: fewer are no broad question."""
MOST = 10_000
DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Asked:
    """A broad question."""

    sort: str
    text: str
    refs: tuple[str, ...]
    """Of the notes that it asks for."""


@dataclass(slots=True)
class Broad:
    """What both ways of asking brought."""

    notes: Answers = field(default_factory=Answers)
    composed: Answers = field(default_factory=Answers)


def building_months(only: Collection[str]) -> list[Path]:
    """The months that are not kept aside.

    Args:
        only: Names of those to take; empty for all.
    """
    found = (path for path in sorted(MONTHS.glob("*.jsonl")) if not only or path.stem in only)
    return [path for path in found if not path.stem.startswith("kept_aside")]


async def broad(embedder: Embedder, store: Path, months: Iterable[Path]) -> Mapping[str, Broad]:
    """Tell months, compose after each session, and ask broadly at the end.

    Args:
        embedder: Loaded.
        store: A directory for a store of each month.
        months: Files as `benchmarks/month/records.py` says.

    Returns:
        Sort of question -> what was brought within `NARROW` tokens an answer, over all months.
    """
    found = dict[str, Broad]()
    for path in months:
        lines = read_month(path)
        told = [line for line in lines if not isinstance(line, Question)]
        async with opened_desk(store / path.stem, embedder, consolidates=True) as (desk, client):
            refs = await tell_month(told, desk, client)
            notes = await desk.memory.store.find(NoteFilter(note_ids=tuple(refs)), limit=MOST)
            by_ref = {refs[note.note_id]: note for note in notes}
            for asked in broad_questions(lines):
                await _ask(desk, asked, by_ref, found.setdefault(asked.sort, Broad()))
    return found


def broad_questions(lines: Sequence[SessionLine | NoteLine | Question]) -> Iterator[Asked]:
    """Of each day, month and subject with enough notes, of the decisions, and the month's own.

    Args:
        lines: Of a month.
    """
    days, months = dict[str, list[str]](), dict[str, list[str]]()
    subjects, decided = dict[str, list[str]](), dict[str, list[str]]()
    at: datetime | None = None
    for line in lines:
        if isinstance(line, SessionLine):
            at = line.at
        elif isinstance(line, NoteLine) and at is not None:
            days.setdefault(f"What happened on {at.day} {at:%B %Y}?", []).append(line.ref)
            months.setdefault(f"What happened in {at:%B %Y}?", []).append(line.ref)
            if line.subject:
                text = f"Tell me everything about {line.subject}."
                subjects.setdefault(text, []).append(line.ref)
            if DECISION in line.tags:
                decided.setdefault("What decisions did we make?", []).append(line.ref)
    own = {
        line.question: list(line.gold)
        for line in lines
        if isinstance(line, Question) and line.sort == "kind"
    }
    made = {"a day": days, "a month": months, "a subject": subjects, "decisions": decided}
    for sort, questions in (made | {"of the month itself": own}).items():
        for text, refs in questions.items():
            if len(refs) >= FEWEST:
                yield Asked(sort, text, tuple(refs))


async def _ask(desk: Desk, asked: Asked, notes: Mapping[str, Note], into: Broad) -> None:
    spaces = Counter(notes[ref].namespace for ref in asked.refs)
    ((namespace, _),) = spaces.most_common(1)
    evidence = {notes[ref].note_id: notes[ref] for ref in asked.refs}
    for kind, answers in ((None, into.notes), (CONCEPT, into.composed)):
        await ask_one(
            answers,
            desk.memory,
            asked.text,
            evidence,
            sort=asked.sort,
            namespace=namespace,
            now=desk.now,
            kind=kind,
            budget=NARROW,
        )
