"""Questions of a data set, asked in its conversations' own scopes and among many other notes."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from time import perf_counter

from benchmarks.fit.gather import BATCH, TOLD, as_note
from benchmarks.retrieval.data import Dataset, Document, Question, namespaces
from benchmarks.retrieval.score import score_ranking
from benchmarks.verdict.gather import made_up
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.lance.store import open_store
from zettel.storage.store import NewNote, NoteFilter, NoteStore, Vectors
from zettel.tools.recall.search import search
from zettel.tools.state.memory import Memory

TOGETHER = "everything"
"""The namespace of all conversations and of all other notes."""
DEPTH = 20
"""Notes of a ranking that are scored."""
WORLD_CONVERSATIONS = 20
"""Conversations of one made-up world."""
FIRST_SEED = 100
"""Of the made-up worlds: the sets that ranking is tuned on have smaller ones."""

Progress = Callable[[str], object]


@dataclass(slots=True)
class Side:
    """What one way to ask came to: one value a question."""

    scores: dict[str, list[float]] = field(
        default_factory=lambda: defaultdict[str, list[float]](list)
    )
    """By name of measure."""
    took: list[float] = field(default_factory=list[float])
    """Milliseconds of a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needles:
    """Both sides of the same questions."""

    notes: int
    """In the namespace of everything."""
    own: Side
    """Each question in its conversation's own namespace."""
    among: Side
    """Each question in the namespace of everything."""


async def measure(
    dataset: Dataset, embedder: Embedder, store: Path, *, others: int, every: int, tell: Progress
) -> Needles:
    """Fill a store and ask.

    Args:
        dataset: With known evidence.
        embedder: Loaded.
        store: A directory that is not there yet.
        others: Made-up notes beside the data set's.
        every: Ask every so manieth question.
        tell: Told now and then.
    """
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    try:
        names = namespaces(document.place for document in dataset.documents)
        evidence = await _fill(opened, embedder, dataset, names, tell)
        await _fill_others(opened, embedder, others, tell)
        await opened.upkeep()
        memory = Memory(store=opened, embedder=embedder)
        notes = await opened.count(NoteFilter(namespaces=(TOGETHER,)))
        found = Needles(notes=notes, own=Side(), among=Side())
        asked = [q for q in dataset.questions if q.answerable and q.evidence][::every]
        for number, question in enumerate(asked, start=1):
            for side, namespace in (
                (found.own, names[question.conversation]),
                (found.among, TOGETHER),
            ):
                await _ask(side, memory, namespace, question, evidence[namespace])
            if number % 50 == 0:
                tell(f"asked {number} of {len(asked)}")
        return found
    finally:
        await opened.close()


async def _fill(
    store: NoteStore, embedder: Embedder, dataset: Dataset, names: dict[str, str], tell: Progress
) -> dict[str, dict[str, str]]:
    """Store every document in its own namespace and with everything.

    Returns:
        Namespace -> note id -> document id.
    """
    documents = defaultdict[str, dict[str, str]](dict)
    told = 0
    for batch in _batches(dataset.documents):
        vectors = await embedder.embed_notes([document.content for document in batch])
        for together in (False, True):
            entries = [
                _entry(document, TOGETHER if together else names[document.place], at, one, embedder)
                for at, (document, one) in enumerate(zip(batch, vectors, strict=True), start=told)
            ]
            await store.write(new=entries)
            for document, entry in zip(batch, entries, strict=True):
                documents[entry.note.namespace][entry.note.note_id] = document.document_id
        told += len(batch)
        tell(f"told {told} of {len(dataset.documents)}")
    return documents


async def _fill_others(store: NoteStore, embedder: Embedder, others: int, tell: Progress) -> None:
    told = 0
    for batch in _batches(list(islice(_others(), others))):
        vectors = await embedder.embed_notes([document.content for document in batch])
        await store.write(
            new=[
                _entry(document, TOGETHER, at, one, embedder)
                for at, (document, one) in enumerate(zip(batch, vectors, strict=True), start=told)
            ]
        )
        told += len(batch)
        if told % (20 * BATCH) == 0:
            tell(f"told {told} of {others} others")


def _others() -> Iterator[Document]:
    """Talk of made-up people, without end; names of a session are of one world only."""
    for seed in count(FIRST_SEED):
        for document in made_up("dialogue", seed, WORLD_CONVERSATIONS).documents:
            session = f"{seed}-{document.conversation}-{document.session}"
            yield replace(document, session=session)


def _batches(documents: Sequence[Document]) -> Iterator[Sequence[Document]]:
    for start in range(0, len(documents), BATCH):
        yield documents[start : start + BATCH]


def _entry(
    document: Document, namespace: str, at: int, vectors: Vectors, embedder: Embedder
) -> NewNote:
    note = as_note(document, namespace, at, subjects=True)
    return NewNote(note=replace(note, embed_model=embedder.model_id), vectors=vectors)


async def _ask(
    side: Side, memory: Memory, namespace: str, question: Question, documents: dict[str, str]
) -> None:
    where = NoteFilter(namespaces=(namespace,))
    began = perf_counter()
    found = await search(memory, question.text, where, now=TOLD + timedelta(days=1), depth=DEPTH)
    side.took.append((perf_counter() - began) * 1000)
    ranked = [documents.get(one.note_id, "") for one in found.ranked]
    for name, score in score_ranking(ranked, question.evidence).items():
        side.scores[name].append(score)
