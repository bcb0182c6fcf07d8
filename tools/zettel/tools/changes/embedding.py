"""The vectors of a note's new words."""

from dataclasses import replace

from zettel.storage.store import Change, Vectors
from zettel.tools.state.memory import Memory


async def embed_if_loaded(memory: Memory, content: str) -> Vectors | None:
    """Passages of a text; None while the model is loading."""
    return (await memory.embedder.embed_notes([content]))[0] if memory.embedder.ready else None


async def embedded(memory: Memory, change: Change) -> Change:
    """A change of words with their vectors, if it has none and the model is loaded."""
    if change.keep_vectors or change.vectors is not None:
        return change
    vectors = await embed_if_loaded(memory, change.note.content)
    model = memory.embedder.model_id if vectors is not None else ""
    return replace(change, note=replace(change.note, embed_model=model), vectors=vectors)
