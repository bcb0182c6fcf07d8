"""What can be told to a desk and asked afterwards: a data set, or a made-up world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import JsonValue

from benchmarks.evolution.desk import START, Desk
from benchmarks.fit.gather import BATCH, as_note
from benchmarks.generator.records import Category, Expect, Operation, Query, World
from benchmarks.generator.run import halves
from benchmarks.generator.served import Served
from benchmarks.generator.systems import Outcomes, replay
from benchmarks.retrieval.data import Dataset, Document, Question, namespaces
from benchmarks.retrieval.drive import tell
from benchmarks.retrieval.score import score_ranking
from benchmarks.retrieval.tools import Recalled, Timed
from zettel.storage.ids import new_id
from zettel.storage.notes import Note
from zettel.storage.store import NewNote
from zettel.tools.state.memory import Memory

NOW = timedelta(0)
DAY = timedelta(days=1)
LIMIT, TOKENS = 20, 32_000
"""Notes asked for, and a budget that never binds."""
EVERY = slice(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A question and what came."""

    category: str
    evidence: tuple[str, ...]
    """Documents that answer it; none if nothing does."""
    ranked: tuple[str, ...]
    flagged: bool
    """Whether the verdict was other than `found`."""
    links: int = 0
    """Lines about linked notes that stood beside the notes of a data set."""


class Trial(Protocol):
    """Something to tell and to ask."""

    @property
    def name(self) -> str:
        """For the report."""
        ...

    @property
    def end(self) -> datetime:
        """When everything has been told, and is asked."""
        ...

    async def tell(self, desk: Desk, timed: Timed) -> None:
        """Tell everything, each thing at its time."""
        ...

    async def ask(
        self,
        desk: Desk,
        timed: Timed,
        *,
        later: timedelta = NOW,
        part: slice = EVERY,
        limit: int = LIMIT,
    ) -> list[Sample]:
        """Ask, that much later than at the end, a part of the questions for so many notes."""
        ...


class Told:
    """A data set.

    Args:
        dataset: With known evidence.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.name = dataset.name
        self._dataset = dataset
        self._asked = [q for q in dataset.questions if q.text.strip()]
        self._names = namespaces(
            [*(d.place for d in dataset.documents), *(q.conversation for q in dataset.questions)]
        )
        self._documents_of: Mapping[str, tuple[str, ...]] = {}
        self.end = max((_moment(d.time) for d in dataset.documents), default=START) + DAY

    async def tell(self, desk: Desk, timed: Timed) -> None:
        """Remember the documents; where none replaces another, in batches, without candidates."""
        if not any(document.supersedes for document in self._dataset.documents):
            await self._write(desk.memory)
            return

        def turn_to(document: Document) -> None:
            desk.now = _moment(document.time)

        told = await tell(timed, self._dataset, self._names, progress=_silent, before=turn_to)
        self._documents_of = told.documents_of

    async def _write(self, memory: Memory) -> None:
        notes = [self._note(document) for document in self._dataset.documents]
        for start in range(0, len(notes), BATCH):
            batch = notes[start : start + BATCH]
            vectors = await memory.embedder.embed_notes([note.content for note in batch])
            pairs = zip(batch, vectors, strict=True)
            await memory.store.write(new=[NewNote(note=n, vectors=v) for n, v in pairs])
        told = zip(notes, self._dataset.documents, strict=True)
        self._documents_of = {note.note_id: (document.document_id,) for note, document in told}

    def _note(self, document: Document) -> Note:
        note = as_note(document, self._names[document.place], 0, subjects=True)
        then = note.happened_at
        return replace(note, note_id=new_id(then), known_from=then, valid_from=then)

    async def ask(
        self,
        desk: Desk,
        timed: Timed,
        *,
        later: timedelta = NOW,
        part: slice = EVERY,
        limit: int = LIMIT,
        budget: int = 0,
    ) -> list[Sample]:
        """Recall for the questions that have words; in full detail where a budget is given."""
        width: dict[str, JsonValue] = {"limit": limit, "max_tokens": budget or TOKENS}
        # Only full detail shows every link.
        width["detail"] = "full" if budget else "index"
        samples = list[Sample]()
        for question in self._asked[part]:
            asked = _moment(question.asked_at) if question.asked_at else self.end
            desk.now = asked + later
            samples.append(await self._sample(timed, question, width))
        return samples

    async def _sample(
        self, timed: Timed, question: Question, width: Mapping[str, JsonValue]
    ) -> Sample:
        given: dict[str, JsonValue] = {
            "query": question.text,
            "tags": list(question.tags),
            "namespace": self._names[question.conversation],
            **width,
        }
        answer, _ = await timed.call("recall", {k: v for k, v in given.items() if v}, Recalled)
        found = [d for note in answer.notes for d in self._documents_of.get(note.note_id, ())]
        return Sample(
            category=question.category,
            evidence=question.evidence if question.answerable else (),
            ranked=tuple(dict.fromkeys(found)),
            flagged=answer.verdict != "found",
            links=sum(len(note.links) for note in answer.notes),
        )


class Played:
    """A made-up world; asked is what its restart is followed by.

    Args:
        world: Of the generator.
    """

    def __init__(self, world: World) -> None:
        self.name = world.name
        told, asked = halves(world.operations)
        self._told = told
        self._asked = [operation for operation in asked if _asks(operation.expect)]
        self._served: Served | None = None
        self.outcomes = Outcomes()
        """What came of the telling."""
        self.end = self._asked[-1].t

    async def tell(self, desk: Desk, timed: Timed) -> None:
        """Carry out what comes before the restart."""

        def turn_to(operation: Operation) -> None:
            desk.now = operation.t

        self._served = Served(timed)
        await replay(self._told, self._served, self.outcomes, before=turn_to)

    def document_of(self, note_id: str) -> str:
        """The document told last to a note; empty for a note that evolution made."""
        return self._served.document_of(note_id) if self._served else ""

    async def ask(
        self,
        desk: Desk,
        timed: Timed,
        *,
        later: timedelta = NOW,
        part: slice = EVERY,
        limit: int = LIMIT,
    ) -> list[Sample]:
        """Carry out what comes after it, as far as it asks in words for what can be known."""

        def turn_to(operation: Operation) -> None:
            desk.now = operation.t + later

        assert self._served is not None
        self._served.timed = timed
        outcomes = Outcomes()
        asked = [_shortly(operation, limit) for operation in self._asked[part]]
        await replay(asked, self._served, outcomes, before=turn_to)
        return [
            Sample(
                category=query.category,
                evidence=query.evidence,
                ranked=answer.ranked,
                flagged=answer.verdict != "found",
            )
            for query, answer in outcomes.answers
        ]


def answerable(dataset: Dataset) -> Dataset:
    """Without the questions that nothing answers."""
    kept = [q for q in dataset.questions if q.answerable and q.evidence]
    return replace(dataset, questions=tuple(kept))


def measured(samples: Sequence[Sample], measure: str) -> list[float]:
    """A measure of each answerable question, as `benchmarks.retrieval` defines it, in `[0, 1]`."""
    return [score_ranking(s.ranked, s.evidence)[measure] for s in samples if s.evidence]


def _asks(query: Expect | None) -> bool:
    """Whether it asks in words for what can be known, or for what was never told."""
    if not isinstance(query, Query) or not query.question:
        return False
    return bool(query.evidence) or query.category is Category.ABSTENTION


def _shortly(operation: Operation, limit: int) -> Operation:
    """The order of the notes is all that is looked at: nothing need be shown in full."""
    args = {name: value for name, value in operation.args.items() if name != "detail"}
    return replace(operation, args={**args, "limit": limit})


def _silent(_doing: str, _done: int, _total: int) -> None:
    pass


def _moment(text: str) -> datetime:
    if not text:
        return START
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
