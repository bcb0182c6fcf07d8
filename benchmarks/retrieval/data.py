"""What every data set comes down to: documents to remember, questions to ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from benchmarks.retrieval.errors import DataError

_NAMESPACE_LENGTH = 64
"""Characters; Zettel's bound on a namespace, `[a-z0-9][a-z0-9._-]{0,63}`."""
_NAMESPACE_PREFIX = "bench-"
"""Keeps a conversation from being called `user`, which Zettel searches along with every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text to remember: a turn of a conversation, a passage, a belief."""

    document_id: str
    """Unique in the data set."""
    conversation: str
    owner: str = ""
    """Whose memory it belongs to when not the asker's: another namespace."""
    session: str = ""
    time: str = ""
    """ISO 8601; without a zone it means UTC."""
    speaker: str = ""
    content: str
    context: str = ""
    tags: tuple[str, ...] = ()
    kind: str = ""
    supersedes: tuple[str, ...] = ()
    """Ids of documents this one replaces; they come earlier in the data set."""

    @property
    def place(self) -> str:
        """What shares a namespace with it: its conversation, or its owner's part of it."""
        return f"{self.conversation}/{self.owner}" if self.owner else self.conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to recall for, with what a perfect answer would hold."""

    question_id: str
    """Unique in the data set."""
    conversation: str
    text: str
    category: str
    evidence: tuple[str, ...] = ()
    """Ids of the documents that answer it."""
    answerable: bool = True
    asked_at: str = ""
    """ISO 8601; empty when the data does not say."""
    tags: tuple[str, ...] = ()
    """Recall is asked for notes with any of these only."""
    parts: tuple[str, str] | None = None
    """Two passages: which came first?"""
    answer: str = ""
    """For a question with parts, `A` or `B`."""
    forbidden: tuple[str, ...] = ()
    """Ids of documents that status, scope or owner keep out of this question's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Documents in the order of their telling, and questions."""

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]
    withheld: frozenset[str] = frozenset()
    """Ids of documents no question may get: superseded, or somebody else's."""


def narrow(dataset: Dataset, *, only: frozenset[str], limit: int | None) -> Dataset:
    """Keep some conversations and the first questions, and no document they do not need.

    Args:
        dataset: The whole.
        only: Conversations to keep; empty keeps all.
        limit: Most questions to keep, at least 1; None keeps all.

    Raises:
        DataError: A conversation is unknown.
    """
    known = {question.conversation for question in dataset.questions}
    if unknown := sorted(only - known):
        shown = ", ".join(sorted(known)[:20])
        raise DataError(dataset.name, f"has no conversation {unknown[0]!r}", f"It has {shown}.")
    kept = [q for q in dataset.questions if not only or q.conversation in only][:limit]
    asked = {question.conversation for question in kept}
    documents = tuple(d for d in dataset.documents if d.conversation in asked)
    return replace(dataset, documents=documents, questions=tuple(kept))


def unattributed(dataset: Dataset) -> Dataset:
    """The same told by nobody: recall then has no subject to go by."""
    documents = tuple(replace(document, speaker="") for document in dataset.documents)
    return replace(dataset, documents=documents)


def namespaces(places: Iterable[str]) -> dict[str, str]:
    """Give each place a namespace of its own that Zettel accepts.

    Returns:
        The namespace by place. Where two places would read the same, or one is too long, a
        fingerprint of the place tells them apart.
    """
    names: dict[str, str] = {}
    for place in dict.fromkeys(places):
        name = _NAMESPACE_PREFIX + "".join(_allowed(character) for character in place.lower())
        if len(name) > _NAMESPACE_LENGTH or name in names.values():
            mark = blake2b(place.encode(), digest_size=6).hexdigest()
            name = f"{name[: _NAMESPACE_LENGTH - len(mark) - 1]}-{mark}"
        names[place] = name
    return names


def _allowed(character: str) -> str:
    fits = character.isascii() and (character.isalnum() or character in "._-")
    return character if fits else "-"


def same_words(text: str) -> str:
    """A text as it is compared with another that may be spaced or capitalised otherwise."""
    return " ".join(text.casefold().split())
