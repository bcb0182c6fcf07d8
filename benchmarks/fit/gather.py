"""What recall's ranking reads of a data set, gathered once from a store that was really filled.

The notes are embedded, evolved and indexed by the product's own code and the questions go through
its own arms; only the server and its calls are left out. So trying a signal or a weight takes
seconds, and what it gains here it gains through the server.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.retrieval.data import Dataset, Document, Question, namespaces
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Kind, Note
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.question import Question as Read
from zettel.tools.recall.search import ask, gather_arms
from zettel.tools.state.memory import Memory

TOLD = datetime(2026, 1, 1, tzinfo=UTC)
"""When everything is told: any moment, so that runs are alike."""
BATCH = 256
"""Notes a commit."""
MOST = 100_000
"""Notes of a conversation; more than any has."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with what each arm says to it."""

    category: str
    read: Read
    evidence: frozenset[str]
    """Note ids."""
    text: Mapping[str, float]
    """Raw BM25 by note id."""
    meaning: Mapping[str, float]
    """Cosine by note id."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conversation:
    """One scope with its questions."""

    name: str
    corpus: Corpus
    asked: Sequence[Asked]


async def gather(
    dataset: Dataset, embedder: Embedder, store: Path, *, subjects: bool, progress: Progress
) -> list[Conversation]:
    """Fill a store with a data set and ask its answerable questions.

    Args:
        dataset: With known evidence.
        embedder: Loaded.
        store: A directory that is not there yet.
        subjects: Whether notes are told with their speaker as subject.
        progress: Told now and then.
    """
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    try:
        memory = Memory(store=opened, embedder=embedder)
        names = namespaces(document.place for document in dataset.documents)
        ids = await tell(memory, dataset, names, subjects=subjects, progress=progress)
        return [
            await _ask(memory, dataset, conversation, names[conversation], ids, progress)
            for conversation in dict.fromkeys(q.conversation for q in dataset.questions)
        ]
    finally:
        await opened.close()


async def tell(
    memory: Memory,
    dataset: Dataset,
    names: Mapping[str, str],
    *,
    subjects: bool,
    progress: Progress,
) -> dict[str, str]:
    """Store the documents and evolve them to rest.

    Returns:
        Note id by document id.
    """
    notes = {
        document.document_id: as_note(document, names[document.place], at, subjects=subjects)
        for at, document in enumerate(dataset.documents)
    }
    entries = [NewNote(note=note) for note in notes.values()]
    for start in range(0, len(entries), BATCH):
        await memory.store.write(new=entries[start : start + BATCH])
    progress(f"stored {len(entries)} notes; evolving them")
    now, changed = TOLD + timedelta(days=1), 1
    while changed:
        run_id = new_id(now)
        report = await evolve(memory, now=now, run_id=run_id, who="fit", budget=Budget())
        changed = report.changed
        progress(f"evolved: {changed} changed")
    return {document_id: note.note_id for document_id, note in notes.items()}


async def _ask(
    memory: Memory,
    dataset: Dataset,
    conversation: str,
    namespace: str,
    ids: Mapping[str, str],
    progress: Progress,
) -> Conversation:
    where = NoteFilter(namespaces=(namespace,))
    corpus = make_corpus(await memory.store.outlines(where, limit=MOST))
    asked = [
        await _asked(memory, corpus, where, question, ids)
        for question in dataset.questions
        if question.conversation == conversation and question.answerable and question.evidence
    ]
    progress(f"asked {len(asked)} questions in {conversation}")
    return Conversation(name=conversation, corpus=corpus, asked=asked)


async def _asked(
    memory: Memory,
    corpus: Corpus,
    where: NoteFilter,
    question: Question,
    ids: Mapping[str, str],
) -> Asked:
    now = _moment(question.asked_at) if question.asked_at else TOLD
    read = ask(question.text, corpus, now)
    arms = await gather_arms(memory, read, where, with_meaning=True)
    return Asked(
        category=question.category,
        read=read,
        evidence=frozenset(ids[document] for document in question.evidence if document in ids),
        text=arms.text,
        meaning=arms.meaning,
    )


def as_note(document: Document, namespace: str, at: int, *, subjects: bool) -> Note:
    """A document as the note that is told of it, a second after the one before."""
    told = TOLD + timedelta(seconds=at)
    happened = _moment(document.time) if document.time else told
    return Note(
        note_id=new_id(told),
        namespace=namespace,
        content=document.content,
        context=document.context,
        derived_by={"context": "agent"} if document.context else {},
        subject=document.speaker if subjects else "",
        tags=document.tags,
        kind=Kind(document.kind) if document.kind else Kind.EPISODIC,
        session=document.session,
        happened_at=happened,
        valid_from=min(happened, told),
        known_from=told,
        changed_by="fit",
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
