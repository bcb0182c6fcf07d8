"""Reads the original `locomo10.json` (snap-research/locomo, CC BY-NC 4.0: never copied here)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, TypeAdapter

from benchmarks.retrieval.data import Dataset, Document, Question

_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
"""The meaning of LoCoMo's category numbers (arXiv 2402.17753)."""
_TIME_FORMAT = "%I:%M %p on %d %B, %Y"
"""As in "1:56 pm on 8 May, 2023"."""
_TURN_SPACING = timedelta(seconds=1)
"""Only sessions are dated; this keeps the order of their turns."""
_ASKED_AFTER = timedelta(days=1)
"""Questions are undated; they look back on the whole conversation."""
_TURN_ID = re.compile(r"D:?(\d+):(\d+)")
"""Some evidence reads `D:11:26`, `D30:05` or names two turns in one string."""


class _Turn(BaseModel):
    speaker: str
    dia_id: str
    text: str
    blip_caption: str | None = None


class _Answer(BaseModel):
    question: str
    evidence: tuple[str, ...] = ()
    category: Literal[1, 2, 3, 4, 5]


class _Sample(BaseModel):
    sample_id: str
    conversation: dict[str, list[_Turn] | str]
    """`speaker_a`, `speaker_b`, and of each session `session_N` and `session_N_date_time`."""
    qa: list[_Answer]


_SAMPLES = TypeAdapter(list[_Sample])


def read_locomo(name: str, text: bytes) -> Dataset:
    """Read LoCoMo as its authors publish it.

    Args:
        name: What to call the data set.
        text: The JSON file.

    Raises:
        pydantic.ValidationError: It is not LoCoMo's layout.
        ValueError: A session has no readable date.
    """
    documents: list[Document] = []
    questions: list[Question] = []
    for sample in _SAMPLES.validate_json(text):
        turns = list(_documents(sample))
        documents += turns
        questions += _questions(sample, turns)
    return Dataset(name=name, documents=tuple(documents), questions=tuple(questions))


def _documents(sample: _Sample) -> Iterator[Document]:
    sessions = {
        int(key.removeprefix("session_")): value
        for key, value in sample.conversation.items()
        if isinstance(value, list)
    }
    for number, turns in sorted(sessions.items()):
        start = _session_start(sample, number)
        for position, turn in enumerate(turns):
            photo = f"[photo: {turn.blip_caption}]" if turn.blip_caption else ""
            yield Document(
                document_id=_document_id(sample, turn.dia_id),
                conversation=sample.sample_id,
                session=f"{sample.sample_id}/D{number}",
                time=(start + position * _TURN_SPACING).isoformat(),
                speaker=turn.speaker,
                content=" ".join(filter(None, (turn.text, photo))),
            )


def _session_start(sample: _Sample, number: int) -> datetime:
    told = sample.conversation.get(f"session_{number}_date_time")
    if not isinstance(told, str):
        message = f"session {number} of {sample.sample_id} has no date"
        raise ValueError(message)
    return datetime.strptime(told, _TIME_FORMAT).replace(tzinfo=UTC)


def _document_id(sample: _Sample, dia_id: str) -> str:
    return f"{sample.sample_id}/{dia_id}"


def _questions(sample: _Sample, turns: list[Document]) -> Iterator[Question]:
    known = {turn.document_id for turn in turns}
    last = max(datetime.fromisoformat(turn.time) for turn in turns)
    for number, answer in enumerate(sample.qa):
        named = [
            _document_id(sample, f"D{int(session)}:{int(turn)}")
            for entry in answer.evidence
            for session, turn in _TURN_ID.findall(entry)
        ]
        category = _CATEGORIES[answer.category]
        yield Question(
            question_id=f"{sample.sample_id}/q{number}",
            conversation=sample.sample_id,
            text=answer.question,
            category=category,
            evidence=tuple(dict.fromkeys(turn for turn in named if turn in known)),
            answerable=category != "adversarial",
            asked_at=(last + _ASKED_AFTER).isoformat(),
        )
