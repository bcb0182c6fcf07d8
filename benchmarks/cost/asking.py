"""`recall` as a client pays for it, against the bare queries it cannot do without."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from benchmarks.cost.fill import NAMESPACE
from benchmarks.cost.measure import WARM_UP, Pair, Stage
from benchmarks.retrieval.server import Launch, connect, find_command
from benchmarks.retrieval.tools import Recalled, Timed

NOTES = 10
"""Asked for on both sides: what recall gives by default."""


@asynccontextmanager
async def attached(store: Path, *, model: str) -> AsyncGenerator[Timed]:
    """A client of the command `zettel`, which hands on to an engine that does nothing but answer.

    Raises:
        ServerError: It does not come up.
    """
    # In the store, since an engine takes no settings from whoever started it.
    quiet = f'model = "{model}"\nsettle_seconds = 86400\nevolve_minutes = 1440\n'
    (store / "config.toml").write_text(quiet, encoding="utf-8")
    launch = Launch(command=find_command(), store=store, log=store.with_suffix(".log"))
    async with connect(launch, "attach") as client:
        yield Timed(client=client, clock=perf_counter)


async def asking(stage: Stage, client: Timed, rounds: int) -> Pair:
    """`recall` through an attachment against encoding, a vector search and a full-text query.

    The vector search is LanceDB's own at its fastest that misses nothing: its index is exact.

    Raises:
        ServerError: A question is refused.
    """
    ours, other = list[float](), list[float]()
    for index in range(WARM_UP + rounds):
        query = stage.words.question()
        arguments = {"query": query, "namespace": NAMESPACE}
        if index % 2:
            other.append(await _bare(stage, query))
        _, took = await client.call("recall", {**arguments}, Recalled)
        if not index % 2:
            other.append(await _bare(stage, query))
        ours.append(took)
    return Pair(ours=ours[WARM_UP:], other=other[WARM_UP:])


async def _bare(stage: Stage, query: str) -> float:
    began = perf_counter()
    vector = await stage.site.memory.embedder.embed_query(query)
    await stage.twin.nearest(vector, limit=NOTES)
    await stage.twin.matching(query, limit=NOTES)
    return (perf_counter() - began) * 1000
