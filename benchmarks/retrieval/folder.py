"""Reads a folder of `documents.jsonl` and `queries.jsonl`, beliefs with scopes included."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from benchmarks.retrieval.data import Dataset, Document, Question
from benchmarks.retrieval.errors import DataError

_DOCUMENTS, _QUERIES = "documents.jsonl", "queries.jsonl"
_REMEDY = "benchmarks/README.md gives the fields of each line."


class _DocumentLine(BaseModel):
    id: str
    conversation: str
    session: str = ""
    time: str = ""
    speaker: str = ""
    text: str
    caption: str | None = None
    name: str = ""
    aliases: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    status: str = ""
    superseded_by: str | None = None
    pinned: bool = False


class _QueryLine(BaseModel):
    id: str
    conversation: str
    question: str
    category: str
    answer: JsonValue = None
    evidence: tuple[str, ...] = ()
    answerable: bool = True
    asked_at: str = ""
    scope: tuple[str, ...] = ()
    must_exclude: tuple[str, ...] = ()
    parts: tuple[str, str] | None = None


_Line = TypeVar("_Line", bound=BaseModel)


def is_folder(path: Path) -> bool:
    """Whether a directory holds the two files."""
    return (path / _DOCUMENTS).is_file() and (path / _QUERIES).is_file()


def read_folder(path: Path) -> Dataset:
    """Read the two files.

    Documents with a scope are beliefs of one person: scopes become tags and the tags filter of a
    question, `superseded_by` turns around into what the newer one supersedes, a pinned one is a
    `core` note, and another person's beliefs get a namespace of their own.

    Raises:
        DataError: A line does not fit, or an id is there twice.
    """
    lines = _read_lines(path / _DOCUMENTS, _DocumentLine)
    owners = _owners(lines)
    by_id = {line.id: line for line in lines}
    if len(by_id) != len(lines):
        raise DataError(path / _DOCUMENTS, "has an id twice", "Ids of documents must be unique.")
    older = _superseded(lines)
    documents = [_document(line, owners[line.id], older.get(line.id, ())) for line in lines]
    queries = _read_lines(path / _QUERIES, _QueryLine)
    withheld = {line.id for line in lines if line.status == "superseded" or owners[line.id]}
    return Dataset(
        name=path.resolve().name,
        documents=_older_first(documents),
        questions=tuple(_question(query, by_id, frozenset(withheld)) for query in queries),
        withheld=frozenset(withheld),
    )


def _read_lines(path: Path, model: type[_Line]) -> list[_Line]:
    lines: list[_Line] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                lines.append(model.model_validate_json(line))
            except ValidationError as error:
                first = error.errors(include_input=False)[0]
                where = ".".join(str(step) for step in first["loc"])
                problem = " ".join(filter(None, ("is malformed:", where, first["msg"])))
                place = f"{path}:{number}"
                raise DataError(place, problem, _REMEDY) from error
    return lines


def _owners(lines: Sequence[_DocumentLine]) -> dict[str, str]:
    """Whose each belief is, when not the main speaker's; conversations have no such rule."""
    if not any(line.scope for line in lines):
        return {line.id: "" for line in lines}
    spoken: dict[str, Counter[str]] = {}
    for line in lines:
        spoken.setdefault(line.conversation, Counter())[line.speaker] += 1
    main = {conversation: count.most_common(1)[0][0] for conversation, count in spoken.items()}
    return {
        line.id: "" if line.speaker == main[line.conversation] else line.speaker for line in lines
    }


def _superseded(lines: Sequence[_DocumentLine]) -> dict[str, tuple[str, ...]]:
    older: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if line.superseded_by is not None:
            older[line.superseded_by] = (*older.get(line.superseded_by, ()), line.id)
    return older


def _document(line: _DocumentLine, owner: str, supersedes: tuple[str, ...]) -> Document:
    names = (line.name.replace("_", " "), *line.aliases)
    return Document(
        document_id=line.id,
        conversation=line.conversation,
        owner=owner,
        session=line.session,
        time=line.time,
        speaker=line.speaker,
        content=f"{line.text} [photo: {line.caption}]" if line.caption else line.text,
        context=", also called: ".join(filter(None, (names[0], ", ".join(names[1:])))),
        tags=line.scope,
        kind="core" if line.pinned else "",
        supersedes=supersedes,
    )


def _older_first(documents: Sequence[Document]) -> tuple[Document, ...]:
    """Put what a document supersedes before it; otherwise the order stays."""
    by_id = {document.document_id: document for document in documents}
    placed: dict[str, Document] = {}

    def place(document: Document, above: frozenset[str]) -> None:
        if document.document_id in above:
            raise DataError(document.document_id, "supersedes itself", "Break the circle.")
        for older in document.supersedes:
            place(by_id[older], above | {document.document_id})
        placed.setdefault(document.document_id, document)

    for document in documents:
        place(document, frozenset())
    return tuple(placed.values())


def _question(
    query: _QueryLine, documents: Mapping[str, _DocumentLine], withheld: frozenset[str]
) -> Question:
    def is_decided(document_id: str) -> bool:
        document = documents.get(document_id)
        if document is None:
            return False
        out_of_scope = bool(query.scope) and not set(document.scope) & set(query.scope)
        return out_of_scope or document_id in withheld

    return Question(
        question_id=query.id,
        conversation=query.conversation,
        text=query.question,
        category=query.category,
        evidence=query.evidence,
        answerable=query.answerable,
        asked_at=query.asked_at,
        tags=query.scope,
        parts=query.parts,
        answer=query.answer if isinstance(query.answer, str) else "",
        forbidden=tuple(filter(is_decided, query.must_exclude)),
    )
