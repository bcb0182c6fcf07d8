"""What recall's ranking reads of a data set, gathered once from a store that was really filled.

The notes are stored, embedded, constructed and indexed by the product's own code; only the server
and the calls are left out, so that trying a signal or a weight afterwards takes seconds.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.retrieval.data import Dataset, Document, Question, namespaces
from zettel.storage.embedder import Embedder
from zettel.storage.identifiers import new_id
from zettel.storage.lance_store import open_store
from zettel.storage.notes import Hit, Kind, Note, Outline
from zettel.storage.store import NewNote, NoteFilter, Vectors
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.memory import Memory
from zettel.tools.ranking.question import read_question

TOLD = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    question: Question
    evidence: frozenset[str]
    moment: datetime
    text: Mapping[str, float]
    raw: Vectors
    topic: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    name: str
    notes: Sequence[Note]
    vectors: Mapping[str, Vectors]
    asked: Sequence[Asked]


async def gather(dataset: Dataset, embedder: Embedder, store: Path, *, subjects: bool) -> list[Scope]:
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=opened, embedder=embedder)
    names = namespaces(document.place for document in dataset.documents)
    ids: dict[str, str] = {}
    entries = list[NewNote]()
    for index, document in enumerate(dataset.documents):
        note = as_note(document, names[document.place], TOLD + timedelta(seconds=index), subjects)
        ids[document.document_id] = note.note_id
        entries.append(NewNote(note=note))
    for start in range(0, len(entries), BATCH):
        await opened.write(new=entries[start : start + BATCH])
        sys.stderr.write(f"stored {start}\n")
    now = TOLD + timedelta(days=1)
    while True:
        report = await evolve(memory, now=now, run_id=new_id(now), who="fit", budget=Budget())
        sys.stderr.write(f"{report}\n")
        if not report.changed:
            break
    scopes = list[Scope]()
    for conversation in dict.fromkeys(q.conversation for q in dataset.questions):
        where = NoteFilter(namespaces=(names[conversation], "user"))
        notes = await opened.find(where, limit=100_000)
        notes.sort(key=lambda n: (n.happened_at, n.note_id))
        vectors = await opened.passages_of([n.note_id for n in notes])
        asked = list[Asked]()
        for question in dataset.questions:
            if question.conversation != conversation:
                continue
            read = read_question(question.text, {n.subject for n in notes if n.subject})
            hits = await opened.match_text(question.text, where, limit=1000)
            at = datetime.fromisoformat(question.asked_at) if question.asked_at else now
            asked.append(
                Asked(
                    question=question,
                    evidence=frozenset(ids[e] for e in question.evidence if e in ids),
                    moment=at if at.tzinfo else at.replace(tzinfo=UTC),
                    text={h.note_id: h.score for h in hits},
                    raw=await embedder.embed_query(question.text),
                    topic=await embedder.embed_query(read.topic),
                )
            )
        scopes.append(Scope(name=conversation, notes=notes, vectors=vectors, asked=asked))
        sys.stderr.write(f"asked {conversation}\n")
    await opened.close()
    return scopes


def as_note(document: Document, namespace: str, told: datetime, subjects: bool) -> Note:
    happened = datetime.fromisoformat(document.time) if document.time else told
    happened = happened if happened.tzinfo else happened.replace(tzinfo=UTC)
    return Note(
        note_id=new_id(told),
        namespace=namespace,
        content=document.content,
        context=document.context,
        subject=document.speaker if subjects else "",
        tags=document.tags,
        kind=Kind(document.kind) if document.kind else Kind.EPISODIC,
        session=document.session,
        happened_at=happened,
        valid_from=min(happened, told),
        known_from=told,
        changed_by="fit",
        derived_by={"context": "agent"} if document.context else {},
    )
