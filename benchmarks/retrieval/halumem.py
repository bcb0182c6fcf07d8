"""Reads HaluMem's JSON lines (MemTensor/HaluMem, CC BY-NC-ND 4.0: never copied here).

Documents are the turns of the dialogues. The data does not say which turn tells a memory point; the
user's turn of its session with most of its words is taken for it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from benchmarks.retrieval.data import Dataset, Document, Question, same_words

_WORD = re.compile(r"\w{4,}")
"""A word that may tell one memory point from another."""
_TIME_FORMAT = "%b %d, %Y, %H:%M:%S"
"""As in "Dec 15, 2025, 06:11:23"."""
_TURN_SPACING = timedelta(milliseconds=1)
"""Both turns of an exchange have one time; this keeps their order."""
_INTERFERENCE = "interference"
"""Source of a memory point that is false: the assistant says it, and nothing confirms it."""
_UNANSWERABLE = "memory boundary"
"""Type of the questions that ask for what was never told."""
EXTRACTION, UPDATE = "extraction", "update"


class _Turn(BaseModel):
    role: str
    content: str
    timestamp: str


class _Point(BaseModel):
    memory_content: str
    memory_source: str = ""
    is_update: str | bool = False
    original_memories: tuple[str, ...] = ()


class _Evidence(BaseModel):
    memory_content: str


class _Answer(BaseModel):
    question: str
    question_type: str
    evidence: tuple[_Evidence, ...] = ()


class _Session(BaseModel):
    end_time: str
    dialogue: tuple[_Turn, ...] = ()
    memory_points: tuple[_Point, ...] = ()
    questions: tuple[_Answer, ...] = ()


class _User(BaseModel):
    uuid: str
    sessions: tuple[_Session, ...]


def read_halumem(name: str, lines: Sequence[bytes]) -> Dataset:
    """Read HaluMem as its authors publish it: one user a line.

    A memory point is asked for in its own words (`extraction`), one that changes others in theirs
    (`update`); the questions keep their types.

    Args:
        name: What to call the data set.
        lines: The lines of the file.

    Raises:
        pydantic.ValidationError: A line is not HaluMem's layout.
        ValueError: A time cannot be read.
    """
    documents, questions = list[Document](), list[Question]()
    for line in lines:
        user = _User.model_validate_json(line)
        told = [list(_turns(user, place)) for place in range(len(user.sessions))]
        documents += [document for session in told for document in session]
        questions += _questions(user, told)
    return Dataset(name=name, documents=tuple(documents), questions=tuple(questions))


def _turns(user: _User, place: int) -> Iterator[Document]:
    for position, turn in enumerate(user.sessions[place].dialogue):
        if turn.content.strip():
            yield Document(
                document_id=f"{user.uuid}/{place}/{position}",
                conversation=user.uuid,
                session=f"{user.uuid}/{place}",
                time=(_instant(turn.timestamp) + position * _TURN_SPACING).isoformat(),
                speaker=turn.role,
                content=turn.content,
            )


def _instant(time: str) -> datetime:
    return datetime.strptime(time, _TIME_FORMAT).replace(tzinfo=UTC)


def _questions(user: _User, told: Sequence[Sequence[Document]]) -> Iterator[Question]:
    turns, number = dict[str, str](), 0

    def question(text: str, category: str, evidence: Sequence[str], session: _Session) -> Question:
        nonlocal number
        number += 1
        return Question(
            question_id=f"{user.uuid}/q{number}",
            conversation=user.uuid,
            text=text,
            category=category,
            evidence=tuple(dict.fromkeys(evidence)),
            answerable=_UNANSWERABLE not in category.lower(),
            asked_at=_instant(session.end_time).isoformat(),
        )

    for session, documents in zip(user.sessions, told, strict=True):
        for point in session.memory_points:
            turn = _teller(point.memory_content, documents)
            if point.memory_source == _INTERFERENCE or not turn:
                continue
            turns[same_words(point.memory_content)] = turn
            if str(point.is_update) == "True" and point.original_memories:
                for older in point.original_memories:
                    yield question(older, UPDATE, [turn], session)
            else:
                yield question(point.memory_content, EXTRACTION, [turn], session)
        for answer in session.questions:
            named = (same_words(one.memory_content) for one in answer.evidence)
            evidence = [turns[content] for content in named if content in turns]
            yield question(answer.question, answer.question_type, evidence, session)


def _teller(content: str, documents: Sequence[Document]) -> str:
    """Id of the user's turn with most of the words; empty if no turn has any."""
    wanted = _words(content)
    own = [document for document in documents if document.speaker == "user"]
    best = max(own, key=lambda d: len(wanted & _words(d.content)), default=None)
    return best.document_id if best and wanted & _words(best.content) else ""


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
