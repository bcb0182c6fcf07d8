"""Step `embed`: vectors for notes that were stored while the model was loading.

For what they said before, too: who asks as of then finds it by meaning.
"""

from collections.abc import Sequence

from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.evolve.steps.base import Batch, Step, Task

BARE = NoteFilter(unembedded=True, derived=None)


async def _embed(task: Task, most: int) -> Batch:
    memory = task.memory
    waiting = await memory.store.find(BARE, limit=most)
    if not waiting:
        return Batch()
    bare = [*waiting, *await _earlier(task, waiting)]
    contents = list(dict.fromkeys(note.content for note in bare))
    vectors = await memory.embedder.embed_notes(contents)
    made = dict(zip(contents, vectors, strict=True))
    pairs = [(note, made[note.content]) for note in bare]
    await memory.store.embed(pairs, model=memory.embedder.model_id)
    return Batch(seen=tuple(note.note_id for note in waiting), changed=len(waiting))


async def _earlier(task: Task, notes: Sequence[Note]) -> list[Note]:
    """Their closed revisions that have no vectors either."""
    revised = [note.note_id for note in notes if note.rev > 1]
    told = [await task.memory.store.revisions(note_id) for note_id in revised]
    return [row for rows in told for row in rows if not (row.current or row.embed_model)]


EMBED = Step(name="embed", waiting=BARE, work=_embed, everywhere=True)
"""Loads the model if need be."""
