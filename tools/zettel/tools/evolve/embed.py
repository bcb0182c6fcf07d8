"""Step `embed`: vectors for notes that were stored while the model was loading."""

from zettel.storage.store import NoteFilter
from zettel.tools.evolve.step import Batch, Step, Task

BARE = NoteFilter(unembedded=True, derived=None)


async def _embed(task: Task, most: int) -> Batch:
    memory = task.memory
    waiting = await memory.store.find(BARE, limit=most)
    if not waiting:
        return Batch()
    vectors = await memory.embedder.embed_notes([note.content for note in waiting])
    pairs = list(zip(waiting, vectors, strict=True))
    await memory.store.embed(pairs, model=memory.embedder.model_id)
    return Batch(seen=tuple(note.note_id for note in waiting), changed=len(waiting))


EMBED = Step(name="embed", waiting=BARE, work=_embed, everywhere=True)
"""Loads the model if need be."""
