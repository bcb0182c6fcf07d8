"""Each verb in blocks, turn by turn with its floor and through attachments."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from time import perf_counter, process_time

import anyio
from mcp import Client

from benchmarks.cost.fill import NAMESPACE, Filling
from benchmarks.cost.site import Site
from benchmarks.cost.twin import Twin
from benchmarks.cost.words import Words
from benchmarks.latency.parts import Call, Recorder
from benchmarks.retrieval.errors import ServerError
from zettel.storage.ids import new_id
from zettel.storage.lance.predicates import predicate
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller, searched_namespaces
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember

NOTES = 10
"""Hits of each bare query: what an answer shows at most by default."""
BLOCK, WARM_UP = 10, 3
"""Calls in a row on one side, and those before them that do not count: turn by turn two models
would take the caches and cores from each other."""
CALLER = Caller(namespace=NAMESPACE, session="today")
SCOPE = searched_namespaces(CALLER, None)
UPKEEP_BLOCKS = 5
"""Blocks of `remember` after which both tables are compacted."""
CLIENTS = 10
"""Calls at once."""


@dataclass(slots=True)
class Series:
    """Milliseconds of the calls of one side."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    """Processor time a call, one value a block; empty where other processes take part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """How many a second are done with `CLIENTS` at once."""

    ours: float
    """Calls, without protocol."""
    floor: float
    encoder: float
    """The encoding alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What was measured of one verb."""

    calls: Sequence[Call]
    ours: Series
    """In process, through a client."""
    floor: Series
    floor_parts: Sequence[Sequence[tuple[str, float]]]
    """Of each round: part -> milliseconds."""
    attached: Series
    beside: Series
    """Through an attachment of another `zettel`; empty without one."""
    at_once: AtOnce


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A filled store behind its server, its twin, and attachments to copies of it."""

    site: Site
    recorder: Recorder
    twin: Twin
    filling: Filling
    words: Words
    attached: Client
    beside: Client | None


async def recalling(bench: Bench, rounds: int) -> Verb:
    """`recall` against encoding, a vector search and a full-text query with its filter."""

    async def bare(_index: int) -> list[tuple[str, float]]:
        query, times = bench.words.question(), [perf_counter()]
        where = predicate(NoteFilter(namespaces=SCOPE, unexpired_at=datetime.now(UTC)))
        vector = await bench.site.memory.embedder.embed_query(query)
        times.append(perf_counter())
        await bench.twin.matching(query, limit=NOTES, where=where)
        times.append(perf_counter())
        await bench.twin.nearest(vector, limit=NOTES, where=where)
        times.append(perf_counter())
        return _named(("encoding", "text", "vectors"), times)

    def question(_index: int) -> dict[str, str]:
        return {"query": bench.words.question()}

    memory = bench.site.memory

    async def answer(_index: int) -> None:
        await recall(memory, CALLER, now=datetime.now(UTC), query=bench.words.question())

    async def encode(_index: int) -> None:
        await memory.embedder.embed_query(bench.words.question())

    at_once = await _all_at_once(bench, min(rounds, BLOCK), answer, bare, encode)
    return await _in_turn(bench, rounds, "recall", question, bare, at_once)


async def remembering(bench: Bench, rounds: int) -> Verb:
    """`remember` against encoding the content and one `add` of the same row."""

    async def bare(index: int) -> list[tuple[str, float]]:
        content, like = bench.words.telling().content, bench.filling.entries[index].note
        begun = perf_counter()
        (vectors,) = await bench.site.memory.embedder.embed_notes([content])
        encoded = perf_counter()
        note = replace(like, note_id=new_id(like.known_from), content=content, links=())
        rows = bench.twin.rows([NoteRow(note=note, vectors=vectors)])
        made = perf_counter()
        await bench.twin.add(rows)
        added = perf_counter()
        return [("encoding", (encoded - begun) * 1000), ("add", (added - made) * 1000)]

    def note(_index: int) -> dict[str, str]:
        telling = bench.words.telling()
        return {"content": telling.content, "subject": telling.subject}

    memory = bench.site.memory

    async def store(_index: int) -> None:
        told = bench.words.telling()
        await remember(
            memory, CALLER, now=datetime.now(UTC), content=told.content, subject=told.subject
        )

    async def encode(_index: int) -> None:
        await memory.embedder.embed_notes([bench.words.telling().content])

    at_once = await _all_at_once(bench, min(rounds, BLOCK), store, bare, encode)
    await _tend(bench)
    return await _in_turn(bench, rounds, "remember", note, bare, at_once)


async def _in_turn(
    bench: Bench,
    rounds: int,
    tool: str,
    arguments: Callable[[int], dict[str, str]],
    bare: Callable[[int], Awaitable[list[tuple[str, float]]]],
    at_once: AtOnce,
) -> Verb:
    calls, floor_parts = list[Call](), list[Sequence[tuple[str, float]]]()
    ours, floor, attached, beside = Series(), Series(), Series(), Series()

    async def call(index: int) -> float:
        took, _ = await bench.site.timed(tool, **arguments(index))
        calls.append(bench.recorder.read(took))
        return took

    async def bottom(index: int) -> float:
        floor_parts.append(await bare(index))
        return sum(took for _, took in floor_parts[-1])

    def through(client: Client) -> Callable[[int], Awaitable[float]]:
        return lambda index: _timed(client, tool, {**arguments(index), "namespace": NAMESPACE})

    sides: list[tuple[Callable[[int], Awaitable[float]], Series]] = [
        (call, ours),
        (bottom, floor),
        (through(bench.attached), attached),
    ]
    if bench.beside:
        sides.append((through(bench.beside), beside))
    for block in range(-(-rounds // BLOCK)):
        for side, series in sides[:: 1 if block % 2 else -1]:
            for index in range(min(WARM_UP, rounds)):
                await side(index)
            del calls[len(ours.wall) :], floor_parts[len(floor.wall) :]
            began = process_time()
            series.wall += [await side(index) for index in range(min(BLOCK, rounds))]
            if series in (ours, floor):
                series.cpu.append((process_time() - began) * 1000 / min(BLOCK, rounds))
        if tool == "remember" and not (block + 1) % UPKEEP_BLOCKS:
            await _tend(bench)
    return Verb(
        calls=calls,
        ours=ours,
        floor=floor,
        floor_parts=floor_parts,
        attached=attached,
        beside=beside,
        at_once=at_once,
    )


async def _tend(bench: Bench) -> None:
    await bench.site.memory.admin.upkeep()
    await bench.twin.optimise()


async def _timed(client: Client, tool: str, arguments: dict[str, str]) -> float:
    began = perf_counter()
    answer = await client.call_tool(tool, arguments)
    took = (perf_counter() - began) * 1000
    if answer.is_error:
        raise ServerError(tool, str(answer.content))
    return took


def _named(names: Sequence[str], times: Sequence[float]) -> list[tuple[str, float]]:
    spans = pairwise(times)
    return [(name, (end - start) * 1000) for name, (start, end) in zip(names, spans, strict=True)]


async def _all_at_once(
    bench: Bench,
    rounds: int,
    ours: Callable[[int], Awaitable[None]],
    floor: Callable[[int], Awaitable[object]],
    encode: Callable[[int], Awaitable[None]],
) -> AtOnce:
    rates = [await _rate(work, rounds) for work in (ours, floor, encode, encode, floor, ours)]
    bench.recorder.forget()
    means = [2 / (1 / one + 1 / other) for one, other in zip(rates[:3], rates[:2:-1], strict=True)]
    return AtOnce(ours=means[0], floor=means[1], encoder=means[2])


async def _rate(work: Callable[[int], Awaitable[object]], rounds: int) -> float:
    async def client() -> None:
        for index in range(rounds):
            await work(index)

    await work(0)
    began = perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(CLIENTS):
            group.start_soon(client)
    return CLIENTS * rounds / (perf_counter() - began)
