"""The notes that are there before anything is measured."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.cost.words import Words
from zettel.storage.embedding.embedder import Embedder, unit_rows
from zettel.storage.ids import new_id
from zettel.storage.notes import SIMILAR, Link, Note
from zettel.storage.store import NewNote, Vectors

NAMESPACE = "cost"
BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
STEP = timedelta(minutes=11)
"""Between two notes: 20,000 of them fill five months."""
IN_SESSION = 40
"""Notes a session."""
SAMPLES = 256
"""Notes whose real vectors all the others' are mixed from: encoding 20,000 takes ten minutes."""
NEAREST, FURTHEST = 0.95, 0.45
"""Bounds of the cosine of a mixed vector to the real one it is made from: some of the notes come
as candidates (from 0.60 and 0.70 on), most do not."""
BATCH = 2_000
"""Notes a commit."""
REVISED = 4
"""`Note.stage` of a note that evolution is through with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Notes to put into a store and into its twin alike."""

    entries: Sequence[NewNote]

    def batches(self) -> Iterator[Sequence[NewNote]]:
        """The notes in commits."""
        for start in range(0, len(self.entries), BATCH):
            yield self.entries[start : start + BATCH]


async def make_filling(embedder: Embedder, notes: int, *, seed: int) -> Filling:
    """Invent notes with vectors: a few real ones, the others mixed from them and noise."""
    words, random = Words(seed), np.random.default_rng(seed)
    tellings = [words.telling() for _ in range(notes)]
    samples = await embedder.embed_notes([t.content for t in tellings[:SAMPLES]])
    real = np.concatenate([vectors[:1] for vectors in samples])
    entries = list[NewNote]()
    for index, telling in enumerate(tellings):
        at = BEGAN + index * STEP
        vectors = mixed(real[index % len(real)], random) if index >= len(real) else real[[index]]
        earlier = entries[int(random.integers(index))].note.note_id if index else ""
        note = Note(
            note_id=new_id(at),
            namespace=NAMESPACE,
            content=telling.content,
            subject=telling.subject,
            session=f"session {index // IN_SESSION}",
            tags=(telling.subject.lower(),),
            happened_at=at,
            valid_from=at,
            known_from=at,
            links=(_link(earlier, at),) if earlier else (),
            changed_by="cost",
            embed_model=embedder.model_id,
            stage=REVISED,
        )
        entries.append(NewNote(note=note, vectors=vectors))
    return Filling(entries=entries)


def mixed(real: Vectors, random: np.random.Generator) -> Vectors:
    """A unit vector, shape `(1, dim)`, at a random cosine to the real one."""
    noise: NDArray[np.float64] = random.standard_normal(len(real))
    across = unit_rows((noise - float(np.dot(noise, real)) * real)[np.newaxis])
    cosine = random.uniform(FURTHEST, NEAREST)
    return unit_rows(cosine * real + math.sqrt(1 - cosine**2) * across)


def _link(to: str, at: datetime) -> Link:
    return Link(to=to, relation=SIMILAR, weight=0.7, made_by="rule", made_at=at, valid_from=at)
