"""What the verdict is made of, for every question of a set: answerable or not.

The stores are filled and asked through the tools, in one process; only the server is left out.
"""

import pickle
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue

from benchmarks.evolution.desk import opened_desk
from benchmarks.fit.gather import TOLD, tell
from benchmarks.generator.generate import SizeName, generate
from benchmarks.generator.records import Category, Forgetting, Style
from benchmarks.month.play import play
from benchmarks.month.records import read_month
from benchmarks.retrieval.data import Dataset, Document, Question, namespaces, unattributed
from zettel.storage.embedding.embedder import Embedder
from zettel.tools.ranking.columns import NoteColumns
from zettel.tools.ranking.confidence import judge
from zettel.tools.ranking.fusion import Ranking
from zettel.tools.ranking.question import Question as Read
from zettel.tools.ranking.ranked import Confidence, Ranked
from zettel.tools.recall import modes

ASKED = (Category.SINGLE_HOP, Category.MULTI_HOP, Category.UPDATE, Category.ABSTENTION)
"""Of the generator: what can be answered from one or two notes, and what cannot."""
SIZE: SizeName = "small"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A question with all that its verdict is made of."""

    category: str
    answerable: bool
    question: Read
    ranking: Ranking
    meaning: Mapping[str, float]
    ranked: Sequence[Ranked]
    """The first notes."""
    more: Mapping[str, Any]
    """The other arguments of `judge`."""


class _Answer(BaseModel, extra="allow"):
    """Any answer, whole."""


@contextmanager
def recorded() -> Generator[list[Judged]]:
    """Keep what each recall gives to `judge`; labels are the caller's to add."""
    kept = list[Judged]()

    def record(
        question: Read,
        ranking: Ranking,
        meaning: Mapping[str, float],
        ranked: Sequence[Ranked],
        **more: Any,
    ) -> Confidence:
        kept.append(
            Judged(
                category="",
                answerable=True,
                question=question,
                ranking=ranking,
                meaning=meaning,
                ranked=ranked[:3],
                more=more,
            )
        )
        return judge(question, ranking, meaning, ranked, **more)

    modes.judge = record
    try:
        yield kept
    finally:
        modes.judge = judge


class _Pickler(pickle.Pickler):
    """Leaves out what a corpus keeps only to be built again faster, which has a lock."""

    def reducer_override(self, obj: object) -> Any:
        return (NoteColumns, ()) if isinstance(obj, NoteColumns) else NotImplemented


def pickled(judged: Sequence[Judged]) -> bytes:
    """Questions to be read again by `pickle.loads`."""
    written = BytesIO()
    _Pickler(written).dump(judged)
    return written.getvalue()


def _labelled(kept: Iterable[Judged], labels: Iterable[tuple[str, bool]]) -> list[Judged]:
    return [
        replace(one, category=category, answerable=answerable)
        for one, (category, answerable) in zip(kept, labels, strict=True)
    ]


async def of_month(path: Path, embedder: Embedder, folder: Path) -> list[Judged]:
    """Questions of a store that is written as a month is, but those that nothing judges."""
    with recorded() as kept:
        played = await play(read_month(path), embedder, folder / "store", lambda _: None)
    judged = {one.question.text for one in kept}
    asked = [one.question for one in played.asked if one.question.question in judged]
    return _labelled(kept, ((question.sort, bool(question.gold)) for question in asked))


async def of_dataset(
    dataset: Dataset, embedder: Embedder, store: Path, progress: Progress, *, subjects: bool
) -> list[Judged]:
    """Questions of a data set of `make bench-retrieval`; what is superseded is not told."""
    told = tuple(d for d in dataset.documents if d.document_id not in dataset.withheld)
    dataset = replace(dataset, documents=told)
    dataset = dataset if subjects else unattributed(dataset)
    names = namespaces(
        [*(d.place for d in dataset.documents), *(q.conversation for q in dataset.questions)]
    )
    labels = list[tuple[str, bool]]()
    async with opened_desk(store, embedder) as (desk, client):
        await tell(desk.memory, dataset, names, subjects=subjects, progress=progress)
        desk.now = TOLD + timedelta(days=2)
        with recorded() as kept:
            for question in dataset.questions:
                if not question.text.strip() or (question.answerable and not question.evidence):
                    continue
                before = len(kept)
                arguments: dict[str, JsonValue] = {
                    "query": question.text,
                    "namespace": names[question.conversation],
                }
                if question.tags:
                    arguments["tags"] = [*question.tags]
                await client.call("recall", arguments, _Answer)
                if len(kept) == before + 1:
                    labels.append((question.category, question.answerable))
                if len(kept) % 100 == 0:
                    progress(f"asked {len(kept)}")
    return _labelled(kept, labels)


def made_up(style: Style, seed: int, conversations: int) -> Dataset:
    """A made-up world as a data set: what is forgotten in it is not told."""
    world = generate(seed, SIZE, style, conversations)
    forgotten = {
        document
        for operation in world.operations
        if isinstance(operation.expect, Forgetting)
        for document in operation.expect.documents
    }
    return Dataset(
        name=world.name,
        documents=tuple(
            Document(
                document_id=d.id,
                conversation=d.conversation,
                session=d.session,
                time=d.time,
                speaker=d.speaker,
                content=d.text,
            )
            for d in world.documents
            if d.id not in forgotten
        ),
        questions=tuple(
            Question(
                question_id=q.id,
                conversation=q.conversation,
                text=q.question,
                category=str(q.category),
                evidence=q.evidence,
                answerable=q.answerable,
            )
            for q in world.queries
            if q.category in ASKED
        ),
    )
