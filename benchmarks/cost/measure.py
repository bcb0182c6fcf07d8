"""Each verb in turn with what it is compared with, so that both meet the same machine."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types)

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

import pyarrow as pa

from benchmarks.cost.fill import Filling
from benchmarks.cost.site import Site
from benchmarks.cost.twin import Twin
from benchmarks.cost.words import Telling, Words
from benchmarks.retrieval.score import percentile
from zettel.storage.ids import new_id
from zettel.storage.revisions import NoteRow
from zettel.storage.store import Vectors

UPKEEP_ROUNDS = 50
"""Rounds after which both sides are compacted: the scheduler's own number of commits."""
WARM_UP = 5
"""Rounds that are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Milliseconds of a verb, and of what it is compared with, taken in turn."""

    ours: Sequence[float]
    other: Sequence[float]
    parts: Sequence[tuple[float, float]] = ()
    """Of the other side: encoding and commit."""
    candidates: int = 0
    """Answers of ours that came with candidates."""

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return percentile(self.ours, 0.5) / percentile(self.other, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is measured: a filled store behind its server, and its twin."""

    site: Site
    twin: Twin
    filling: Filling
    words: Words

    async def tend(self) -> None:
        """Compact both sides."""
        await self.site.memory.admin.upkeep()
        await self.twin.optimise()


Bare = tuple[float, float]
"""Milliseconds of encoding and of the commit."""


async def remembering(stage: Stage, rounds: int) -> Pair:
    """`remember` against encoding the content and one `add` of the same row."""

    async def bare(index: int, told: Telling) -> Bare:
        like = stage.filling.entries[index].note
        note = replace(like, note_id=new_id(like.known_from), content=told.content, links=())
        return await _bare(
            stage,
            told.content,
            lambda vectors: stage.twin.rows([NoteRow(note=note, vectors=vectors)]),
            stage.twin.add,
        )

    async def ours(_index: int, told: Telling) -> tuple[float, bool]:
        took, answer = await stage.site.timed(
            "remember", content=told.content, subject=told.subject
        )
        return took, "candidates" in answer

    return await _in_turn(stage, rounds, ours, bare)


async def updating(stage: Stage, rounds: int) -> Pair:
    """`update` of the content against encoding it and one `merge_insert` of the two rows."""

    async def bare(index: int, told: Telling) -> Bare:
        old = stage.filling.entries[index]
        return await _bare(
            stage,
            told.content,
            lambda vectors: stage.twin.both_rows(old, told.content, vectors),
            stage.twin.merge,
        )

    async def ours(index: int, told: Telling) -> tuple[float, bool]:
        note_id = stage.filling.entries[index].note.note_id
        took, answer = await stage.site.timed("update", note_id=note_id, content=told.content)
        return took, "candidates" in answer

    return await _in_turn(stage, rounds, ours, bare)


async def looking_back(stage: Stage, rounds: int, known_at: datetime) -> Pair:
    """`recall(known_at)` against `recall` of the same question."""
    then, ours, other = known_at.isoformat(), list[float](), list[float]()
    for index in range(WARM_UP + rounds):
        query, times = stage.words.question(), dict[bool, float]()
        for back in (True, False) if index % 2 else (False, True):
            given = {"query": query, "known_at": then} if back else {"query": query}
            times[back], _ = await stage.site.timed("recall", **given)
        ours.append(times[True])
        other.append(times[False])
    return Pair(ours=ours[WARM_UP:], other=other[WARM_UP:])


async def _bare(
    stage: Stage,
    content: str,
    rows: Callable[[Vectors], pa.Table],
    write: Callable[[pa.Table], Awaitable[None]],
) -> Bare:
    began = perf_counter()
    (vectors,) = await stage.site.memory.embedder.embed_notes([content])
    encoded = perf_counter()
    made = rows(vectors)
    made_at = perf_counter()
    await write(made)
    return (encoded - began) * 1000, (perf_counter() - made_at) * 1000


async def _in_turn(
    stage: Stage,
    rounds: int,
    ours: Callable[[int, Telling], Awaitable[tuple[float, bool]]],
    bare: Callable[[int, Telling], Awaitable[Bare]],
) -> Pair:
    """Both sides once a round, the other one first every second time."""
    times, parts, candidates = list[float](), list[Bare](), 0
    for index in range(WARM_UP + rounds):
        if index % UPKEEP_ROUNDS == 0:
            await stage.tend()
        told = stage.words.telling()
        if index % 2:
            parts.append(await bare(index, told))
        took, found = await ours(index, told)
        if not index % 2:
            parts.append(await bare(index, told))
        times.append(took)
        candidates += found and index >= WARM_UP
    return Pair(
        ours=times[WARM_UP:],
        other=[encode + commit for encode, commit in parts[WARM_UP:]],
        parts=parts[WARM_UP:],
        candidates=candidates,
    )
