"""Reads ConvoMem's JSON (SalesforceAIResearch/ConvoMem: never copied here).

Files of both kinds: `evidence_items` with the conversations of each, and the mixed test cases,
whose items share conversations. Nothing in them is dated.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from pydantic import BaseModel, Field, TypeAdapter

from benchmarks.retrieval.data import Dataset, Document, Question, same_words

_START = datetime(2025, 1, 1, 9, tzinfo=UTC)
_CONVERSATION_SPACING, _MESSAGE_SPACING = timedelta(days=1), timedelta(seconds=1)
"""The data has an order and no times; a later message of a fact that changes is the newer one."""
_ABSTENTION = "abstention"
"""In the name of the folder whose questions have no answer."""
_KIND_END = "_evidence"
"""The end of the name of a folder that says of which kind its questions are."""


class _Message(BaseModel):
    speaker: str
    text: str


class _Conversation(BaseModel):
    messages: tuple[_Message, ...]


class _Item(BaseModel):
    question: str
    message_evidences: tuple[_Message, ...] = ()
    conversations: tuple[_Conversation, ...] = ()
    category: str = ""


class _EvidenceFile(BaseModel):
    evidence_items: tuple[_Item, ...]


class _TestCase(BaseModel):
    items: tuple[_Item, ...] = Field(alias="evidenceItems")
    conversations: tuple[_Conversation, ...]


_TEST_CASES = TypeAdapter(tuple[_TestCase, ...])


def read_convomem(path: PurePath, text: bytes) -> Dataset:
    """Read a file of ConvoMem as its authors publish it.

    Args:
        path: Its folders name the kind of its questions (`user_evidence/1_evidence/…`), else the
            items' own category is taken.
        text: The JSON file.

    Raises:
        pydantic.ValidationError: It is not ConvoMem's layout.
    """
    if text.lstrip().startswith(b"["):
        cases = [(case.conversations, case.items) for case in _TEST_CASES.validate_json(text)]
    else:
        items = _EvidenceFile.model_validate_json(text).evidence_items
        cases = [(item.conversations, (item,)) for item in items]
    kind = _kind(path)
    documents, questions = list[Document](), list[Question]()
    for number, (conversations, items) in enumerate(cases):
        name = f"{path.stem}-{number}"
        told = list(_messages(name, conversations))
        documents += told
        questions += _questions(name, kind, items, told)
    return Dataset(name=path.stem, documents=tuple(documents), questions=tuple(questions))


def _kind(path: PurePath) -> str:
    folders = (part for part in path.parts[:-1] if part.endswith(_KIND_END))
    return next((part for part in folders if not part[0].isdigit()), "")


def _messages(name: str, conversations: Sequence[_Conversation]) -> Iterator[Document]:
    for place, conversation in enumerate(conversations):
        for position, message in enumerate(conversation.messages):
            if message.text.strip():
                time = _START + place * _CONVERSATION_SPACING + position * _MESSAGE_SPACING
                yield Document(
                    document_id=f"{name}/{place}/{position}",
                    conversation=name,
                    session=f"{name}/{place}",
                    time=time.isoformat(),
                    speaker=message.speaker.lower(),
                    content=message.text,
                )


def _questions(
    name: str, kind: str, items: Sequence[_Item], told: Sequence[Document]
) -> Iterator[Question]:
    for number, item in enumerate(items):
        wanted = {
            (message.speaker.lower(), same_words(message.text))
            for message in item.message_evidences
        }
        yield Question(
            question_id=f"{name}/q{number}",
            conversation=name,
            text=item.question,
            category=kind or item.category,
            evidence=tuple(
                d.document_id for d in told if (d.speaker, same_words(d.content)) in wanted
            ),
            answerable=_ABSTENTION not in (kind or item.category).lower(),
        )
