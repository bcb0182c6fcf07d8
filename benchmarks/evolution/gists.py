"""A store filled and evolved; what gists and concepts cover of the evidence, and what is folded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.fit.gather import BATCH, TOLD, as_note
from benchmarks.retrieval.data import Dataset, Question, namespaces
from benchmarks.retrieval.whole import is_shown, shown_texts
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.notes import CONCEPT, Note, State, fold
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.evolve.consolidate.drafts import cited
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.language.terms import terms
from zettel.tools.render import count_tokens
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.recall import recall

DEPTH = 10
"""Notes an answer may show, and the depth of recall that is measured."""
NARROW = 500
"""Budget of an answer where what fits into it is measured."""
HELD = 0.5
"""Share of an evidence's words that a shown text must have to hold it to the letter."""
COPIED = 10
"""Of so many notes one is told once more, in other punctuation, to be folded."""
MOST = 100_000


@dataclass(slots=True, kw_only=True)
class Answers:
    """What recall answered to all questions one way of asking."""

    recall: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Category -> share of each question's evidence that was shown."""
    cited: int = 0
    """Evidence that was shown, or cited by what was shown."""
    held: int = 0
    """Evidence whose words were shown, in whichever notes."""
    quoted: int = 0
    """Evidence of which at least half of the sentences were shown."""
    tokens: int = 0
    """Of all answers."""

    def per_thousand(self, evidence: int) -> float:
        """Evidence per 1,000 tokens of answer."""
        return 1_000 * evidence / max(self.tokens, 1)


@dataclass(slots=True, kw_only=True)
class Folding:
    """What became of the notes that were told twice."""

    told_twice: int = 0
    folded: int = 0
    """Cited by one concept with their copy."""
    evidence: int = 0
    lost: int = 0
    """Evidence that is no longer active, or not to the letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything."""

    narrow: Answers
    """With notes, within `NARROW` tokens."""
    composed: Answers
    """Likewise, asked for concepts: gists, concepts and the summary."""
    folding: Folding
    made: Mapping[str, int]
    """Sort -> composed notes."""


async def measure(dataset: Dataset, embedder: Embedder, store: Path) -> Measured:
    """Fill a store, evolve it with every step, and ask within a narrow budget."""
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    try:
        memory = Memory(store=opened, embedder=embedder, consolidates=True)
        names = namespaces(document.place for document in dataset.documents)
        notes = {
            document.document_id: as_note(document, names[document.place], at, subjects=True)
            for at, document in enumerate(dataset.documents)
        }
        await _tell(memory, list(notes.values()))
        asked = [q for q in dataset.questions if q.answerable and q.evidence]
        await _evolve(memory)
        narrow = await _ask(memory, asked, notes, names, kind=None, budget=NARROW)
        composed = await _ask(memory, asked, notes, names, kind=CONCEPT, budget=NARROW)
        made = await opened.find(NoteFilter(derived=True), limit=MOST)
        folding = await _folding(memory, asked, notes)
        sorts = [note.origin.principal for note in made]
        return Measured(
            narrow=narrow,
            composed=composed,
            folding=folding,
            made={sort: sorts.count(sort) for sort in sorted(set(sorts))},
        )
    finally:
        await opened.close()


async def _tell(memory: Memory, notes: Sequence[Note]) -> None:
    for start in range(0, len(notes), BATCH):
        await memory.store.write(new=[NewNote(note=n) for n in notes[start : start + BATCH]])


async def _evolve(memory: Memory) -> None:
    now, changed = TOLD + timedelta(days=1), 1
    while changed:
        report = await evolve(memory, now=now, run_id=new_id(now), who="bench", budget=Budget())
        changed = report.changed + report.created


async def _ask(
    memory: Memory,
    questions: Sequence[Question],
    notes: Mapping[str, Note],
    names: Mapping[str, str],
    *,
    kind: str | None,
    budget: int,
) -> Answers:
    answers = Answers()
    for question in questions:
        evidence = {notes[i].note_id: notes[i] for i in question.evidence if i in notes}
        if not evidence:
            continue
        await ask_one(
            answers,
            memory,
            question.text,
            evidence,
            sort=question.category,
            namespace=names[question.conversation],
            now=_moment(question),
            kind=kind,
            budget=budget,
        )
    return answers


async def ask_one(
    answers: Answers,
    memory: Memory,
    text: str,
    evidence: Mapping[str, Note],
    *,
    sort: str,
    namespace: str,
    now: datetime,
    kind: str | None,
    budget: int,
) -> None:
    """Ask one question, and count what its answer brings.

    Args:
        answers: Counted here.
        memory: With composed notes.
        text: The question.
        evidence: Note id -> note that the question asks for.
        sort: Of the question.
        namespace: Where it is asked.
        now: When it is asked.
        kind: Of the notes to answer with; None for notes as recall shows them.
        budget: Tokens of the answer.
    """
    answer = await recall(
        memory,
        Caller(namespace=namespace),
        now=now,
        query=text,
        kind=kind,
        limit=DEPTH,
        max_tokens=budget,
    )
    shown = await memory.store.get([note["note_id"] for note in answer["notes"]])
    ids = {note.note_id for note in shown}
    reached = ids.union(*map(cited, shown), *[await _below(memory, note) for note in shown])
    told = set(terms(" ".join(note.content for note in shown)))
    answers.recall.setdefault(sort, []).append(len(ids & evidence.keys()) / len(evidence))
    answers.cited += len(reached & evidence.keys())
    answers.held += sum(_holds(told, note) for note in evidence.values())
    quoted = [fold(text) for text in shown_texts(answer["notes"])]
    answers.quoted += sum(is_shown(note.content, quoted) for note in evidence.values())
    answers.tokens += count_tokens(answer)


async def _below(memory: Memory, note: Note) -> frozenset[str]:
    """What the notes cite that a composed note cites: a summary is of gists."""
    if not note.derived:
        return frozenset()
    return frozenset[str]().union(*map(cited, await memory.store.get(sorted(cited(note)))))


def _holds(told: set[str], evidence: Note) -> bool:
    words = set(terms(evidence.content))
    return len(words & told) >= HELD * len(words)


async def _folding(
    memory: Memory, questions: Sequence[Question], notes: Mapping[str, Note]
) -> Folding:
    """Tell some notes once more, consolidate, and see what became of them and of the evidence."""
    now = TOLD + timedelta(days=2)
    copies = {
        note.note_id: _copy(note, now + timedelta(seconds=at))
        for at, note in enumerate(list(notes.values())[::COPIED])
    }
    await _tell(memory, list(copies.values()))
    await _evolve(memory)
    concepts = [
        cited(note)
        for note in await memory.store.find(NoteFilter(derived=True), limit=MOST)
        if note.origin.principal == CONCEPT
    ]
    folding = Folding(told_twice=len(copies))
    for original, copy in copies.items():
        folding.folded += any({original, copy.note_id} <= of for of in concepts)
    evidence = {notes[i].note_id: notes[i] for q in questions for i in q.evidence if i in notes}
    standing = {note.note_id: note for note in await memory.store.get(sorted(evidence))}
    folding.evidence = len(evidence)
    for note_id, told in evidence.items():
        now_is = standing.get(note_id)
        kept = now_is and now_is.state is State.ACTIVE and now_is.content == told.content
        folding.lost += not kept
    return folding


def _copy(note: Note, told: datetime) -> Note:
    return Note(
        note_id=new_id(told),
        namespace=note.namespace,
        content=f"{note.content.rstrip('.! ')}…",
        subject=note.subject,
        happened_at=told,
        valid_from=told,
        known_from=told,
        changed_by="bench",
    )


def _moment(question: Question) -> datetime:
    moment = datetime.fromisoformat(question.asked_at) if question.asked_at else TOLD
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
