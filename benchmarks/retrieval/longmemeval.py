"""Reads LongMemEval's JSON (xiaowu0162/LongMemEval): one conversation to each question."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, TypeAdapter

from benchmarks.retrieval.data import Dataset, Document, Question

_TIME_FORMAT = "%Y/%m/%d (%a) %H:%M"
"""As in "2023/05/20 (Sat) 02:21"."""
_TURN_SPACING = timedelta(seconds=1)
"""Only sessions are dated; this keeps the order of their turns."""
_UNANSWERABLE = "_abs"
"""The end of the ids of questions whose haystack lacks the answer."""


class _Turn(BaseModel):
    role: str
    content: str
    has_answer: bool = False


class _Item(BaseModel):
    question_id: str
    question_type: str
    question: str
    question_date: str
    haystack_session_ids: list[str]
    haystack_dates: list[str]
    haystack_sessions: list[list[_Turn]]


_ITEMS = TypeAdapter(list[_Item])


def read_longmemeval(name: str, text: bytes) -> Dataset:
    """Read any of LongMemEval's files (oracle, s, m).

    Args:
        name: What to call the data set.
        text: The JSON file.

    Raises:
        pydantic.ValidationError: It is not LongMemEval's layout.
        ValueError: A date cannot be read, or a haystack's lists differ in length.
    """
    documents: list[Document] = []
    questions: list[Question] = []
    for item in _ITEMS.validate_json(text):
        told = list(_turns(item))
        documents += [document for document, _ in told]
        questions.append(_question(item, tuple(d.document_id for d, answers in told if answers)))
    return Dataset(name=name, documents=tuple(documents), questions=tuple(questions))


def _turns(item: _Item) -> Iterator[tuple[Document, bool]]:
    """Each turn that says something, and whether it holds the answer."""
    haystack = zip(
        item.haystack_session_ids, item.haystack_dates, item.haystack_sessions, strict=True
    )
    for place, (session, date, turns) in enumerate(haystack):
        start = _instant(date)
        for position, turn in enumerate(turns):
            if not turn.content.strip():
                continue
            # The session's place is in the id because a haystack may hold one session twice.
            yield (
                Document(
                    document_id=f"{item.question_id}/{place}-{session}/{position}",
                    conversation=item.question_id,
                    session=f"{place}-{session}",
                    time=(start + position * _TURN_SPACING).isoformat(),
                    speaker=turn.role,
                    content=turn.content,
                ),
                turn.has_answer,
            )


def _instant(date: str) -> datetime:
    return datetime.strptime(date, _TIME_FORMAT).replace(tzinfo=UTC)


def _question(item: _Item, evidence: tuple[str, ...]) -> Question:
    return Question(
        question_id=item.question_id,
        conversation=item.question_id,
        text=item.question,
        category=item.question_type,
        evidence=evidence,
        answerable=not item.question_id.endswith(_UNANSWERABLE),
        asked_at=_instant(item.question_date).isoformat(),
    )
