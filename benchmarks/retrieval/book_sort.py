"""Reads Book-SORT's CSV files (bridge-ai-neuro/SORT): which of two segments came first."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel

from benchmarks.retrieval.data import Dataset, Document, Question
from benchmarks.retrieval.errors import DataError

SEGMENTS, _EXCERPTS = "segments_", "excerpts_"
"""How the names of the two files of one set begin: `segments_250-s20-n110.csv`."""
PASSAGE_WORDS = 100
"""Words of a note: an excerpt is told in passages, as one reads it."""
_START = datetime(2026, 1, 1, tzinfo=UTC)
_PASSAGE_SPACING = timedelta(minutes=1)
_CSV_MAX_CHARACTERS = 1 << 24
"""Of a field; an excerpt of 20,000 words is longer than the reader's default."""


class _Excerpt(BaseModel):
    book_idx: str
    excerpt_idx: str
    excerpt_text: str

    @property
    def conversation(self) -> str:
        return f"{self.book_idx}-{self.excerpt_idx}"


class _Segments(BaseModel):
    book_idx: str
    excerpt_idx: str
    segment_1: str
    segment_2: str
    distance_bin: str
    present_seg1_first: bool

    @property
    def conversation(self) -> str:
        return f"{self.book_idx}-{self.excerpt_idx}"


def read_book_sort(path: Path) -> Dataset:
    """Read the `segments_…csv` of Book-SORT, and the `excerpts_…csv` beside it.

    `segment_1` is the one that came first; `present_seg1_first` says whether it is named first.

    Raises:
        DataError: The excerpts are missing.
        pydantic.ValidationError: A row is not Book-SORT's layout.
    """
    beside = path.with_name(path.name.replace(SEGMENTS, _EXCERPTS, 1))
    if not beside.is_file():
        raise DataError(path, f"has no {beside.name} beside it", "Put both files into one folder.")
    asked = [_Segments.model_validate(row) for row in _rows(path)]
    wanted = {one.conversation for one in asked}
    excerpts = (_Excerpt.model_validate(row) for row in _rows(beside))
    documents = [d for one in excerpts if one.conversation in wanted for d in _passages(one)]
    asked.sort(key=lambda one: one.conversation)
    questions = [
        _question(one, number)
        for _, group in groupby(asked, key=lambda one: one.conversation)
        for number, one in enumerate(group)
    ]
    return Dataset(name=path.stem, documents=tuple(documents), questions=tuple(questions))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_CSV_MAX_CHARACTERS)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _passages(excerpt: _Excerpt) -> Iterator[Document]:
    words = excerpt.excerpt_text.split()
    for number, start in enumerate(range(0, len(words), PASSAGE_WORDS)):
        yield Document(
            document_id=f"{excerpt.conversation}/{number}",
            conversation=excerpt.conversation,
            session=excerpt.conversation,
            time=(_START + number * _PASSAGE_SPACING).isoformat(),
            content=" ".join(words[start : start + PASSAGE_WORDS]),
        )


def _question(asked: _Segments, number: int) -> Question:
    parts = (asked.segment_1, asked.segment_2)
    if not asked.present_seg1_first:
        parts = (asked.segment_2, asked.segment_1)
    return Question(
        question_id=f"{asked.conversation}/q{number}",
        conversation=asked.conversation,
        text=f"Which passage came first? A: {parts[0]} B: {parts[1]}",
        category=f"distance up to {asked.distance_bin}",
        parts=parts,
        answer="A" if asked.present_seg1_first else "B",
    )
