"""Two plain rankings of everything told so far: what a list with a search field would do.

They keep old values beside new ones, know no `as_of` and no windows, and take a note out of the
list where it is forgotten. They give no verdict; their confidence is their best score.
"""

# scikit-learn has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.generator.records import Document, Forgetting, Operation, Query, Telling
from benchmarks.generator.systems import Answer
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.store import Vectors

_K1, _B = 1.2, 0.75
"""BM25's usual parameters (Robertson and Zaragoza 2009), as LanceDB has them."""
_DEPTH = 20
_CANDIDATES = 5
_WORD = re.compile(r"\w+")


class Scoring(Protocol):
    """Ranks documents for a text."""

    async def scores(self, text: str, documents: Sequence[Document]) -> Sequence[float]:
        """One score a document, higher is better."""
        ...


class Listed:
    """A list of documents with one way to rank them.

    Args:
        documents: Everything that is ever told, to look up what an operation tells.
        scoring: How they are ranked.
    """

    def __init__(self, documents: Iterable[Document], scoring: Scoring) -> None:
        self._known = {document.id: document for document in documents}
        self._lists: dict[str, dict[str, Document]] = {}
        self._scoring = scoring

    async def remember(self, operation: Operation) -> Sequence[str]:
        """The nearest five, where the figures ask for them."""
        telling = operation.expect
        assert isinstance(telling, Telling)
        document = self._known[telling.document]
        near = list[str]()
        if telling.replaces or telling.resembles:
            ranked = await self._ranked(document.text, document.conversation)
            near = [found for found, _ in ranked[:_CANDIDATES]]
        self._add(document)
        return near

    async def update(self, operation: Operation) -> None:
        """One more document."""
        assert isinstance(operation.expect, Telling)
        self._add(self._known[operation.expect.document])

    async def forget(self, operation: Operation) -> Sequence[str]:
        """Takes out what is meant: by hand, for lack of filters."""
        assert isinstance(operation.expect, Forgetting)
        for document in operation.expect.documents:
            del self._lists[self._known[document].conversation][document]
        return operation.expect.documents

    async def recall(self, operation: Operation) -> Answer:
        """The best of the list; nothing where only filters are given."""
        query = operation.expect
        assert isinstance(query, Query)
        if not query.question:
            return Answer()
        ranked = (await self._ranked(query.question, query.conversation))[:_DEPTH]
        found = [self._known[document] for document, _ in ranked]
        by_time = sorted(found, key=lambda document: datetime.fromisoformat(document.time))
        return Answer(
            ranked=tuple(document.id for document in found),
            order=tuple(document.id for document in by_time),
            confidence=ranked[0][1] if ranked else 0.0,
            text=" ".join(document.text for document in found),
        )

    def _add(self, document: Document) -> None:
        self._lists.setdefault(document.conversation, {})[document.id] = document

    async def _ranked(self, text: str, conversation: str) -> list[tuple[str, float]]:
        documents = list(self._lists.get(conversation, {}).values())
        if not documents:
            return []
        scores = await self._scoring.scores(text, documents)
        pairs = zip((document.id for document in documents), scores, strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])


class Bm25:
    """BM25 over date, speaker and text; words without an English plural's or past tense's end."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    async def scores(self, text: str, documents: Sequence[Document]) -> Sequence[float]:
        """BM25 with this list's own document frequencies."""
        counts = [self._count(document) for document in documents]
        lengths = [count.total() for count in counts]
        mean = sum(lengths) / len(lengths)
        weights = {term: _idf(term, counts) for term in set(terms(text))}
        return [
            sum(
                weight * count[term] * (_K1 + 1)
                / (count[term] + _K1 * (1 - _B + _B * length / mean))
                for term, weight in weights.items()
                if term in count
            )
            for count, length in zip(counts, lengths, strict=True)
        ]  # fmt: skip

    def _count(self, document: Document) -> Counter[str]:
        if document.id not in self._counts:
            day = f"{datetime.fromisoformat(document.time):%d %B %Y}"
            self._counts[document.id] = Counter(terms(f"{day} {document.speaker} {document.text}"))
        return self._counts[document.id]


def _idf(term: str, counts: Sequence[Mapping[str, int]]) -> float:
    holding = sum(term in count for count in counts)
    return math.log(1 + (len(counts) - holding + 0.5) / (holding + 0.5))


def terms(text: str) -> list[str]:
    """Lower-case words without stop words and without the commonest endings."""
    stop = _stop_words()
    words = (word for word in _WORD.findall(text.lower()) if word not in stop)
    return [re.sub(r"(?<=\w{3})(ing|ed|es|s)$", "", word) for word in words]


class Dense:
    """Cosine of the question and "speaker: text", the best passage counting.

    Args:
        vectors: By document id, as `embed_documents` makes them.
        embedder: For the questions.
    """

    def __init__(self, vectors: Mapping[str, Vectors], embedder: Embedder) -> None:
        self._vectors = vectors
        self._embedder = embedder

    async def scores(self, text: str, documents: Sequence[Document]) -> Sequence[float]:
        """Cosines, in `[-1, 1]`."""
        question = await self._embedder.embed_query(text)
        return [_best(self._vectors[document.id], question) for document in documents]


def _best(passages: Vectors, question: NDArray[np.float32]) -> float:
    return float(np.max(passages @ question))


async def embed_documents(documents: Sequence[Document], embedder: Embedder) -> dict[str, Vectors]:
    """Vectors of all documents, by id."""
    texts = [f"{d.speaker}: {d.text}" if d.speaker else d.text for d in documents]
    vectors = await embedder.embed_notes(texts)
    return {document.id: found for document, found in zip(documents, vectors, strict=True)}


@cache
def _stop_words() -> frozenset[str]:
    # Takes a second, and whoever imports this module may rank nothing.
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415

    return ENGLISH_STOP_WORDS
