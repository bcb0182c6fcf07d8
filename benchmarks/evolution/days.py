"""Whether the times that evolution reads in notes carry the day that a question asks for.

"When did Ana go to the workshop?" is answered by a note of 12 May that says "last Friday": only
the resolved day tells it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import regex as re

from benchmarks.retrieval.data import Dataset, Document
from zettel.tools.language.dates import find_times

SHORT = timedelta(days=8)
"""Longest time that still tells a day (retrieval study, section 10: spans below eight days)."""

_WEEKDAYS: Sequence[str] = (
    *("monday", "tuesday", "wednesday", "thursday"),
    *("friday", "saturday", "sunday"),
)
_BEFORE = rf"(?:(?P<weekday>{'|'.join(_WEEKDAYS)}) before )?"
_DATE = (
    r"(?:(?P<day>\d{1,2}) (?P<month>[a-z]+)|(?P<month>[a-z]+) (?P<day>\d{1,2})),? (?P<year>\d{4})"
)
_DAY = re.compile(rf"(?:on )?(?:the )?{_BEFORE}{_DATE}\.?", re.IGNORECASE)
"""A date, or "the Friday before" one, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """How many questions whose answer is one day have it in their evidence."""

    asked: int
    resolved: int
    """A time of less than `SHORT` that one of the notes speaks of holds the day."""
    told_then: int
    """One of the notes was told on that very day."""


def carried_days(dataset: Dataset) -> Days:
    """Count, over the answerable questions with evidence."""
    documents = {document.document_id: document for document in dataset.documents}
    asked = [
        (day, [documents[i] for i in question.evidence if i in documents])
        for question in dataset.questions
        if question.answerable and (day := _day(question.answer)) is not None
    ]
    asked = [(day, evidence) for day, evidence in asked if evidence]
    return Days(
        asked=len(asked),
        resolved=sum(_is_resolved(day, evidence) for day, evidence in asked),
        told_then=sum(any(_told(d).date() == day.date() for d in e) for day, e in asked),
    )


def _day(answer: str) -> datetime | None:
    found = _DAY.fullmatch(answer.strip())
    if found is None:
        return None
    try:
        date = f"{found['day']} {found['month']} {found['year']}"
        day = datetime.strptime(date, "%d %B %Y").replace(tzinfo=UTC)
    except ValueError:  # no such month, or no such day in it
        return None
    if found["weekday"]:
        named = _WEEKDAYS.index(found["weekday"].lower())
        day -= timedelta(days=(day.weekday() - named - 1) % 7 + 1)
    return day


def _is_resolved(day: datetime, evidence: Sequence[Document]) -> bool:
    read = (span for document in evidence for span in find_times(document.content, _told(document)))
    return any(
        span.end - span.start < SHORT and span.start < day + timedelta(days=1) and day < span.end
        for span in read
    )


def _told(document: Document) -> datetime:
    told = datetime.fromisoformat(document.time)
    return told if told.tzinfo else told.replace(tzinfo=UTC)
