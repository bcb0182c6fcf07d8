"""`recall` as a client pays for it, against the bare queries it cannot do without."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import anyio

from benchmarks.cost.fill import NAMESPACE
from benchmarks.cost.measure import WARM_UP, Pair, Stage
from benchmarks.retrieval.server import Launch, connect, find_command
from benchmarks.retrieval.tools import Recalled, Timed, until_loaded
from zettel.server.config.trust import confirm

NOTES = 10
"""Asked for on both sides: what recall gives by default."""
BLOCK = 10
"""Questions in a row on one side: turn by turn two models, of which no client has one, would take
the caches and cores from each other."""
START_S = 5.0
"""Seconds an engine goes on importing after its model is loaded."""


@asynccontextmanager
async def attached(
    store: Path, *, model: str, command: Path | None = None
) -> AsyncGenerator[Timed]:
    """A client of the command `zettel`, which hands on to an engine that does nothing but answer.

    Args:
        store: The store's directory.
        model: The model's name.
        command: A `zettel`; None for the one that is installed beside this Python.

    Raises:
        ServerError: It does not come up.
    """
    # In the store, since an engine takes no settings from whoever started it.
    quiet = f'model = "{model}"\nsettle_seconds = 86400\nevolve_minutes = 1440\n'
    (store / "config.toml").write_text(quiet, encoding="utf-8")
    confirm(store / "config.toml")
    launch = Launch(command=command or find_command(), store=store, log=store.with_suffix(".log"))
    async with connect(launch, "attach") as client:
        yield Timed(client=client, clock=perf_counter)


async def asking(stage: Stage, client: Timed, rounds: int) -> Pair:
    """`recall` through an attachment against encoding, a vector search and a full-text query.

    The vector search is LanceDB's own at its fastest that misses nothing: its index is exact.

    Raises:
        ServerError: A question is refused.
    """
    await until_loaded(client, namespace=NAMESPACE)
    await anyio.sleep(START_S)
    ours, other = list[float](), list[float]()
    for _ in range(-(-rounds // BLOCK)):
        questions = [stage.words.question() for _ in range(WARM_UP + BLOCK)]
        asked = [await _asked(client, query) for query in questions]
        ours += asked[WARM_UP:]
        bare = [await _bare(stage, query) for query in questions]
        other += bare[WARM_UP:]
    return Pair(ours=ours[:rounds], other=other[:rounds])


async def _asked(client: Timed, query: str) -> float:
    _, took = await client.call("recall", {"query": query, "namespace": NAMESPACE}, Recalled)
    return took


async def _bare(stage: Stage, query: str) -> float:
    began = perf_counter()
    vector = await stage.site.memory.embedder.embed_query(query)
    await stage.twin.nearest(vector, limit=NOTES)
    await stage.twin.matching(query, limit=NOTES)
    return (perf_counter() - began) * 1000
