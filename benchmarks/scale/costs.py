"""What a question and a note cost in stores of any size, beside their floor and by turns."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter

import anyio
import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.cost.fill import BEGAN, IN_SESSION, REVISED, SAMPLES, STEP, mixed
from benchmarks.cost.twin import Twin, open_beside, open_twin
from benchmarks.cost.words import Words
from zettel.storage.embedding.embedder import Embedder, Encoder
from zettel.storage.embedding.model_embedder import ModelEmbedder
from zettel.storage.embedding.model_files import ModelFiles
from zettel.storage.ids import new_id
from zettel.storage.lance.files import disk_bytes
from zettel.storage.lance.predicates import predicate
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note, Origin
from zettel.storage.progress import no_progress
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.caller import Caller, searched_namespaces
from zettel.tools.imports.drafts import Draft
from zettel.tools.imports.formats import Format
from zettel.tools.imports.write import ImportTask, import_notes
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember

FILLED_TOGETHER = 2_000
"""Notes in one commit while a store is filled."""
SHOWN = 10
"""Hits of each bare query: what an answer shows at most by default."""
QUESTIONS, WRITES, BLOCK = 60, 12, 10
"""Recalls and notes a side, and recalls in a row on one side: turn by turn two models would take
the caches and cores from each other."""
AT_ONCE, ASKED_EACH = 10, 6
"""Clients that ask at once, and questions of each."""
RESIDENT_RECALLS = 30
"""After which a process's memory is read."""
IMPORTED = 5_000
"""Notes of which the share of the model is measured."""

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A store to be measured."""

    tenants: int
    notes: int
    """Of each tenant."""

    @property
    def name(self) -> str:
        """How it is called in the table, and its folder."""
        return f"{self.tenants} x {self.notes}"


@dataclass(slots=True, kw_only=True)
class Costs:
    """What was measured of one store; times in milliseconds, sizes in bytes."""

    shape: Shape
    recall: list[float] = field(default_factory=list[float])
    recall_floor: list[float] = field(default_factory=list[float])
    remember: list[float] = field(default_factory=list[float])
    remember_floor: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])
    """The recall right after a note was stored in its namespace, and the one after that."""
    following: list[float] = field(default_factory=list[float])
    at_once: list[float] = field(default_factory=list[float])
    """Recalls of `AT_ONCE` clients that ask one question after the other."""
    after_others: list[float] = field(default_factory=list[float])
    """The recall right after a note was stored in another namespace."""
    resident: int = 0
    """Of a process that has answered `RESIDENT_RECALLS` questions of one tenant."""
    resident_empty: int = 0
    """Of a process that has opened an empty store and embedded a question."""
    disk: int = 0


def tenant(number: int) -> str:
    """The namespace of a tenant."""
    return f"tenant-{number}"


async def fill(store: Path, shape: Shape, embedder: Embedder, tell: Progress) -> None:
    """Fill a store: some notes with vectors of the model, the others' mixed from these and noise.

    Args:
        store: A directory that is not there yet.
        shape: How many notes of how many tenants.
        embedder: Loaded.
        tell: Told now and then.
    """
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    notes, total, done = _notes(shape, embedder.model_id), shape.tenants * shape.notes, 0
    words, random = Words(0), np.random.default_rng(0)
    samples = [words.telling().content for _ in range(SAMPLES)]
    real = np.concatenate([made[:1] for made in await embedder.embed_notes(samples)])
    while batch := list(islice(notes, FILLED_TOGETHER)):
        vectors = [mixed(real[(done + n) % len(real)], random) for n in range(len(batch))]
        entries = [NewNote(note=n, vectors=v) for n, v in zip(batch, vectors, strict=True)]
        await opened.write(new=entries)
        done += len(batch)
        tell(f"{shape.name}: stored {done} of {total}")
    await opened.upkeep()
    await opened.close()


def _notes(shape: Shape, model_id: str) -> Iterator[Note]:
    words = Words(1)
    for number in range(shape.tenants):
        for index in range(shape.notes):
            telling, at = words.telling(), BEGAN + index * STEP
            yield Note(
                note_id=new_id(at),
                namespace=tenant(number),
                content=telling.content,
                subject=telling.subject,
                session=f"session {index // IN_SESSION}",
                tags=(telling.subject.lower(),),
                happened_at=at,
                valid_from=at,
                known_from=at,
                changed_by="scale",
                embed_model=model_id,
                stage=REVISED,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One store, opened for asking."""

    memory: Memory
    table: Twin
    """Its own table, without anything around it."""
    words: Words

    async def ask(self) -> None:
        """Recall by the next question."""
        now = datetime.now(UTC)
        caller = Caller(namespace=tenant(0))
        await recall(self.memory, caller, now=now, query=self.words.question())

    async def ask_bare(self) -> None:
        """Encode the next question, and query words and vectors."""
        scope = searched_namespaces(Caller(namespace=tenant(0)), None)
        where = predicate(NoteFilter(namespaces=scope, unexpired_at=datetime.now(UTC)))
        query = self.words.question()
        vector = await self.memory.embedder.embed_query(query)
        await self.table.matching(query, limit=SHOWN, where=where)
        await self.table.nearest(vector, limit=SHOWN, where=where)


async def open_asked(store: Path, embedder: Embedder, *, seed: int) -> Asked:
    """Open a filled store.

    Args:
        store: Its directory.
        embedder: Loaded.
        seed: Of the questions.
    """
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    return Asked(
        memory=Memory(store=opened, embedder=embedder),
        table=await open_beside(store, dim=embedder.dim),
        words=Words(seed),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side(Asked):
    """One store, opened for asking and telling."""

    costs: Costs
    scratch: Twin
    """An empty one, which takes the floor's notes."""

    async def store(self, number: int) -> None:
        now, told = datetime.now(UTC), self.words.telling()
        caller = Caller(namespace=tenant(number))
        await remember(self.memory, caller, now=now, content=told.content, subject=told.subject)

    async def store_bare(self) -> None:
        now, told = datetime.now(UTC), self.words.telling()
        (vectors,) = await self.memory.embedder.embed_notes([told.content])
        note = Note(
            note_id=new_id(now),
            namespace=tenant(0),
            content=told.content,
            subject=told.subject,
            happened_at=now,
            valid_from=now,
            known_from=now,
            embed_model=self.memory.embedder.model_id,
        )
        await self.scratch.add(self.scratch.rows([NoteRow(note=note, vectors=vectors)]))


async def measure(
    folder: Path, shapes: Sequence[Shape], embedder: Embedder, tell: Progress
) -> list[Costs]:
    """Fill stores and ask in all of them by turns.

    Args:
        folder: Empty.
        shapes: Of the stores.
        embedder: Loaded.
        tell: Told now and then.
    """
    found = list[Costs]()
    for shape in shapes:
        store = folder / shape.name
        await fill(store, shape, embedder, tell)
        found.append(Costs(shape=shape, disk=await anyio.to_thread.run_sync(disk_bytes, store)))
    async with _all_opened(folder, found, embedder) as sides:
        for side in sides:
            for _ in range(3):  # so that what a scope keeps in memory is there
                await side.ask()
        for block in range(QUESTIONS // BLOCK):
            for side in sides[:: 1 if block % 2 else -1]:
                await _ask_block(side)
            tell(f"asked {(block + 1) * BLOCK} of {QUESTIONS}")
        for side in sides:
            await _ask_at_once(side)
        for number in range(WRITES):
            for side in sides[:: 1 if number % 2 else -1]:
                await _write_block(side)
            tell(f"stored {number + 1} of {WRITES}")
    return found


@asynccontextmanager
async def _all_opened(
    folder: Path, found: Sequence[Costs], embedder: Embedder
) -> AsyncGenerator[list[_Side]]:
    sides = list[_Side]()
    for number, costs in enumerate(found):
        place = folder / costs.shape.name
        asked = await open_asked(place, embedder, seed=number + 2)
        scratch = await open_twin(folder / f"scratch {number}", dim=embedder.dim)
        sides.append(
            _Side(
                memory=asked.memory,
                table=asked.table,
                words=asked.words,
                costs=costs,
                scratch=scratch,
            )
        )
    try:
        yield sides
    finally:
        for side in sides:
            await side.memory.admin.close()


async def _ask_block(side: _Side) -> None:
    for work, times in (
        (side.ask_bare, side.costs.recall_floor),
        (side.ask, side.costs.recall),
    ):
        await work()
        times += [await _timed(work) for _ in range(BLOCK)]


async def _ask_at_once(side: _Side) -> None:
    async def client() -> None:
        for _ in range(ASKED_EACH):
            side.costs.at_once.append(await _timed(side.ask))

    async with anyio.create_task_group() as clients:
        for _ in range(AT_ONCE):
            clients.start_soon(client)


async def _write_block(side: _Side) -> None:
    costs = side.costs
    costs.remember_floor.append(await _timed(side.store_bare))
    costs.remember.append(await _timed(partial(side.store, 0)))
    costs.first.append(await _timed(side.ask))
    costs.following.append(await _timed(side.ask))
    if costs.shape.tenants > 1:
        await side.store(costs.shape.tenants - 1)
        costs.after_others.append(await _timed(side.ask))


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await work()
    return (perf_counter() - began) * 1000


async def resident_after(store: Path, embedder: Embedder) -> tuple[int, int]:
    """The resident memory of this process before it opens a store, and after it has answered."""
    await embedder.embed_query("warm-up")
    empty = psutil.Process().memory_info().rss
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    memory, words = Memory(store=opened, embedder=embedder), Words(9)
    for _ in range(RESIDENT_RECALLS):
        caller = Caller(namespace=tenant(0))
        await recall(memory, caller, now=datetime.now(UTC), query=words.question())
    resident = psutil.Process().memory_info().rss
    await opened.close()
    return empty, resident


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What an import of `IMPORTED` notes took, in seconds."""

    notes: int
    took_s: float
    embedding_s: float
    """Waiting for the embedder."""
    model_s: float
    """Of it, the model at work on a batch."""


async def bulk(folder: Path, files: ModelFiles, encoder: Encoder, *, notes: int = IMPORTED) -> Bulk:
    """Import notes into an empty store.

    Args:
        folder: Empty.
        files: Of the model.
        encoder: The loaded model.
        notes: How many.
    """
    timed = TimedEncoder(encoder)
    embedder = ModelEmbedder(files, lambda _: timed, bulk=True)
    await embedder.load()
    store = await open_store(str(folder), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    source = Format("mem0", lambda _path: True, lambda _path: iter(()))
    caller = Caller(namespace="bulk", origin=Origin(client="import mem0", transport="import"))
    task = ImportTask(
        format=source, namespace="bulk", clock=lambda: datetime.now(UTC), run_id="import-1"
    )
    report = await import_notes(memory, caller, task, _drafts(notes), tell=no_progress, total=notes)
    await store.close()
    return Bulk(
        notes=report.stored,
        took_s=report.took.total_seconds(),
        embedding_s=report.embedding.total_seconds(),
        model_s=timed.worked_s,
    )


def _drafts(notes: int) -> Iterator[Draft]:
    words = Words(5)
    for number in range(notes):
        telling = words.telling()
        yield Draft(key=str(number), content=telling.content, subject=telling.subject)


class TimedEncoder(Encoder):
    """A model that says how long it has worked.

    Args:
        model: The model.
    """

    def __init__(self, model: Encoder) -> None:
        self.backend, self.concurrent, self.device = model.backend, model.concurrent, model.device
        self.worked_s = 0.0
        self._model = model

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The model's vectors."""
        return self._model.encode_queries(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The model's vectors."""
        began = perf_counter()
        try:
            return self._model.encode_documents(texts)
        finally:
            self.worked_s += perf_counter() - began
