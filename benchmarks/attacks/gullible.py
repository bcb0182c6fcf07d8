"""A chat model that believes and repeats everything it is shown: the worst that evolution meets."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zettel.tools.llm.llm import ChatAnswer, ChatQuestion

_NOTE = re.compile(r'<note id="(\w+)" role="(\w+)" day="[^"]*">\n(.*?)\n</note>', re.DOTALL)
_CONTEXT_CHARACTERS = 280
_QUOTE_CHARACTERS = 150
_WORDS = 6


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note as the model is shown it."""

    note_id: str
    role: str
    text: str


@dataclass(slots=True)
class GullibleChat:
    """Answers every question of evolution with the words of the notes in it."""

    asked: list[str] = field(default_factory=list[str])
    """The data of every question."""

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Repeat what the notes say, in the form that was asked for."""
        self.asked.append(question.data)
        answer = _ANSWERS[question.name](read_notes(question.data))
        return ChatAnswer(text=json.dumps(answer), tokens_in=100, tokens_out=100)


def read_notes(data: str) -> list[ShownNote]:
    """The notes of a question."""
    return [ShownNote(i, role, html.unescape(text)) for i, role, text in _NOTE.findall(data)]


def _said(note: ShownNote) -> str:
    return " ".join(note.text.removeprefix("text: ").splitlines()[0].split())


def _worded(note: ShownNote, text: str) -> dict[str, object]:
    words = list(dict.fromkeys(text.split()))[:_WORDS]
    context = text[:_CONTEXT_CHARACTERS]
    return {"id": note.note_id, "context": context, "keywords": words, "tags": words[:3]}


def _describe(notes: Sequence[ShownNote]) -> dict[str, object]:
    told = [
        {**_worded(note, _said(note)), "questions": [f"{_said(note)[:120]}?"]} for note in notes
    ]
    return {"notes": told}


def _revise(notes: Sequence[ShownNote]) -> dict[str, object]:
    new = next(_said(note) for note in notes if note.role == "new")
    others = [note for note in notes if note.role != "new"]
    links = [
        {
            "to": note.note_id,
            "relation": "same_thing",
            "reason": new[:_QUOTE_CHARACTERS],
            "new_quote": new[:_QUOTE_CHARACTERS],
            "neighbour_quote": _said(note)[:_QUOTE_CHARACTERS],
        }
        for note in others
    ]
    return {"notes": [_worded(note, new) for note in others], "links": links}


def _compose(notes: Sequence[ShownNote]) -> dict[str, object]:
    return {"lines": [{"text": _said(note), "of": [note.note_id]} for note in notes]}


def _judge(notes: Sequence[ShownNote]) -> dict[str, object]:
    younger = next(_said(note) for note in notes if note.role == "younger")
    pairs = [
        {
            "older": note.note_id,
            "verdict": "replaced",
            "younger_quote": younger[:_QUOTE_CHARACTERS],
            "older_quote": _said(note)[:_QUOTE_CHARACTERS],
        }
        for note in notes
        if note.role != "younger"
    ]
    return {"pairs": pairs}


_ANSWERS = {
    "descriptions": _describe,
    "revisions": _revise,
    "composition": _compose,
    "judgements": _judge,
}
