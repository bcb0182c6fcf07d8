"""Embeds a store's waiting notes on a Ray cluster: python examples/embed_on_ray.py STORE.

For millions of notes that came without vectors, as from an export of another model. Ray's workers
read the table and run the model; this process commits what they send, a few hundred notes at a
time, so that whatever is killed is simply run again. Needs `pip install lance-ray`.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# (Ray is not among the development tools, for its size)

import argparse
import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import lance_ray
import numpy as np
import ray
from numpy.typing import NDArray

from zettel.storage.embedding.backends import make_embedder, make_export
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.store import Store

Batch = Mapping[str, NDArray[np.object_]]
"""Column -> its values, as Ray hands them on."""

COMMITTED_TOGETHER = 500
"""Notes that a worker embeds at once, and that are one commit."""
WAITING = "current AND (embed_model IS NULL OR embed_model = '')"


async def load(model: str) -> Embedder:
    """The embedding model; `hash` stands for none, for a trial."""
    if model == "hash":
        return HashEmbedder()
    files = await find_model(model)
    await make_export(files)
    embedder = make_embedder(files, "auto", bulk=True)
    await embedder.load()
    return embedder


class Worker:
    """One process of the cluster, with a model of its own, on a GPU if it has one."""

    def __init__(self, model: str) -> None:
        self._embedder = asyncio.run(load(model))

    def __call__(self, batch: Batch) -> Mapping[str, Sequence[object]]:
        """The ids of a batch of notes, with their vectors as bytes."""
        made = asyncio.run(self._embedder.embed_notes(batch["content"].tolist()))
        return {"note_id": batch["note_id"].tolist(), "vectors": [v.tobytes() for v in made]}


def embedded_on_ray(table: Path, model: str, workers: int) -> Iterable[Batch]:
    """The waiting notes' vectors, batch by batch as workers finish them."""
    waiting = lance_ray.read_lance(str(table), columns=["note_id", "content"], filter=WAITING)
    done = waiting.map_batches(
        Worker,
        fn_constructor_args=(model,),
        batch_size=COMMITTED_TOGETHER,
        concurrency=workers,
    )
    return done.iter_batches(batch_size=COMMITTED_TOGETHER)


async def store_vectors(store: Store, batch: Batch, *, model_id: str, dim: int) -> int:
    """Commit the vectors of notes that have not changed meanwhile; how many notes there were."""
    made = {
        str(note_id): np.frombuffer(raw, np.float32).reshape(-1, dim)
        for note_id, raw in zip(batch["note_id"], batch["vectors"], strict=True)
    }
    notes = await store.get(list(made))
    await store.embed([(note, made[note.note_id]) for note in notes], model=model_id)
    return len(notes)


async def main(place: Path, model: str, workers: int) -> None:
    """Embed all that waits."""
    # Late: to start Ray, a process is forked, which LanceDB's threads might not survive.
    from zettel.storage.lance.store import open_store  # noqa: PLC0415

    embedder, done = await load(model), 0
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim, create=False)
    try:
        for batch in embedded_on_ray(place / "notes.lance", model, workers):
            done += await store_vectors(store, batch, model_id=embedder.model_id, dim=embedder.dim)
            print(f"embedded {done} notes", flush=True)
        await store.upkeep()
    finally:
        await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--address", help="of a cluster; default: one of this machine's own")
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # On one machine: a core for each worker, and one for the reading beside them.
    here = {"num_cpus": options.workers + 1, "_node_ip_address": "127.0.0.1"}
    ray.init(**({"address": options.address} if options.address else here))
    asyncio.run(main(options.store, options.model, options.workers))
