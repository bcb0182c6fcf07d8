"""Tells a connected server every document and asks it every question."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from benchmarks.retrieval.ask import Outcome, ask_order, ask_question
from benchmarks.retrieval.data import Dataset, Document
from benchmarks.retrieval.tools import Remembered, Timed

CONTENT_LIMIT = 32_768
"""Characters `remember` takes at once."""

Progress = Callable[[str, int, int], None]
"""What is being done, how many are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What remembering led to."""

    documents_of: Mapping[str, tuple[str, ...]]
    """Ids of the documents each note holds: several when they say the same."""
    milliseconds: tuple[float, ...]
    """Of each call, transport included."""
    already_known: int
    """Calls that were answered with a note that was there before."""


async def tell(
    timed: Timed,
    dataset: Dataset,
    namespaces: Mapping[str, str],
    *,
    progress: Progress,
    before: Callable[[Document], None] = lambda document: None,
) -> Told:
    """Remember the documents one after the other, each in its place's namespace.

    Args:
        timed: The connected server.
        dataset: Its documents come in the order of their telling.
        namespaces: Namespace by place.
        progress: Told after each document.
        before: Called before each document.

    Raises:
        ServerError: A document is refused.
    """
    documents_of: dict[str, list[str]] = {}
    note_of: dict[str, str] = {}
    milliseconds: list[float] = []
    already_known = 0
    for number, document in enumerate(dataset.documents, start=1):
        before(document)
        for piece in _pieces(document.content):
            arguments = _remember_arguments(document, piece, namespaces[document.place], note_of)
            answer, took = await timed.call("remember", arguments, Remembered)
            milliseconds.append(took)
            already_known += answer.status == "already_known"
            held = documents_of.setdefault(answer.note_id, [])
            if document.document_id not in held:
                held.append(document.document_id)
            note_of.setdefault(document.document_id, answer.note_id)
        progress("remember", number, len(dataset.documents))
    return Told(
        documents_of={note_id: tuple(held) for note_id, held in documents_of.items()},
        milliseconds=tuple(milliseconds),
        already_known=already_known,
    )


async def ask(
    timed: Timed,
    dataset: Dataset,
    namespaces: Mapping[str, str],
    told: Told,
    *,
    progress: Progress,
) -> list[Outcome]:
    """Recall for the questions one after the other.

    Raises:
        ServerError: A question is refused.
    """
    outcomes: list[Outcome] = []
    for number, question in enumerate(dataset.questions, start=1):
        asking = ask_question if question.parts is None else ask_order
        namespace = namespaces[question.conversation]
        outcomes.append(await asking(timed, question, namespace, told.documents_of))
        progress("recall", number, len(dataset.questions))
    return outcomes


def _pieces(content: str) -> Iterator[str]:
    """The content, cut at white space where it is longer than a note may be."""
    if len(content) <= CONTENT_LIMIT:
        yield content
    else:
        yield from textwrap.wrap(
            content, CONTENT_LIMIT, replace_whitespace=False, expand_tabs=False
        )


def _remember_arguments(
    document: Document, piece: str, namespace: str, note_of: Mapping[str, str]
) -> dict[str, JsonValue]:
    arguments: dict[str, JsonValue] = {
        "content": piece,
        "context": document.context,
        "subject": document.speaker,
        "tags": list(document.tags),
        "kind": document.kind,
        "happened_at": document.time,
        "session": document.session,
        "links": [{"to": note_of[old], "relation": "supersedes"} for old in document.supersedes],
        "namespace": namespace,
    }
    return {name: value for name, value in arguments.items() if value}
