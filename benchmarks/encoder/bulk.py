"""What embedding and importing take on the CPU and on a GPU, and how far apart the vectors are."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.cost.words import Words
from benchmarks.scale.costs import Bulk, bulk
from zettel.storage.embedding.backends import load_on_gpu, make_export
from zettel.storage.embedding.devices import CPU, CUDA
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.model_embedder import ModelEmbedder
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.embedding.onnx_encoder import load_onnx
from zettel.storage.store import Vectors

DEVICES = (CPU, CUDA)
LONG_CHARACTERS = 2_000
"""Of a long note: some 450 tokens, a few passages."""
WARM_NOTES = 64
TOGETHER = 500
"""Notes that are embedded at once, as in an import."""


@dataclass(slots=True, kw_only=True)
class BulkTimes:
    """What one device did."""

    backend: str
    rates: dict[str, float] = field(default_factory=dict[str, float])
    """Notes a second, by how long the notes are."""
    vectors: dict[str, Vectors] = field(default_factory=dict[str, Vectors])
    """Of their first passages, shape `(notes, dim)`."""
    imported: Bulk | None = None


async def bulk_times(notes: int) -> Mapping[str, BulkTimes]:
    """Embed and import the same notes on each device that is there.

    Args:
        notes: Short ones; a tenth as many long ones.
    """
    files, texts = await find_model(), {"short": _short(notes), "long": _long(notes // 10)}
    await make_export(files)
    return {
        device: await _measure(files, encoder, texts, notes)
        for device in DEVICES
        if (encoder := _load(files, device))
    }


def _load(files: ModelFiles, device: str) -> Encoder | None:
    return load_on_gpu(files, "auto") if device == CUDA else load_onnx(files)


async def _measure(
    files: ModelFiles, encoder: Encoder, texts: Mapping[str, Sequence[str]], notes: int
) -> BulkTimes:
    embedder = ModelEmbedder(files, lambda _: encoder, bulk=True)
    times = BulkTimes(backend=encoder.backend)
    for name, contents in texts.items():
        await embedder.embed_notes(contents[:WARM_NOTES])
        began = perf_counter()
        vectors = [
            made[0]
            for first in range(0, len(contents), TOGETHER)
            for made in await embedder.embed_notes(contents[first : first + TOGETHER])
        ]
        times.rates[name] = len(contents) / (perf_counter() - began)
        times.vectors[name] = np.stack(vectors)
    with tempfile.TemporaryDirectory(prefix="zettel-bulk-") as folder:
        times.imported = await bulk(Path(folder, "store"), files, encoder, notes=notes)
    return times


def _short(notes: int) -> list[str]:
    words = Words(7)
    return [words.telling().content for _ in range(notes)]


def _long(notes: int) -> list[str]:
    words, made = Words(8), list[str]()
    for _ in range(notes):
        text = ""
        while len(text) < LONG_CHARACTERS:
            text = f"{text} {words.telling().content}".strip()
        made.append(text)
    return made


def write_bulk(found: Mapping[str, BulkTimes]) -> Iterator[str]:
    """The report in Markdown, line by line; differences are to the first device's vectors."""
    head = (
        *("device", "library", "short notes a second", "long notes a second"),
        *("largest difference of a vector's number", "imported a second", "the model's share"),
    )
    yield f"| {' | '.join(head)} |"
    yield "| --- | --- " + "| ---: " * (len(head) - 2) + "|"
    first = next(iter(found.values()))
    for device, times in found.items():
        apart = max(
            float(np.abs(made - first.vectors[name]).max()) for name, made in times.vectors.items()
        )
        cells = [device, times.backend, *(f"{rate:.0f}" for rate in times.rates.values())]
        cells.append("" if times is first else f"{apart:.1e}")
        if done := times.imported:
            cells += [f"{done.notes / done.took_s:.0f}", f"{done.model_s / done.took_s:.1%}"]
        yield f"| {' | '.join(cells)} |"
