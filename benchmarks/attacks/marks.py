"""How many honest notes are marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from benchmarks.attacks.stage import opened_stage
from benchmarks.retrieval.data import Dataset
from zettel.storage.embedding.hashing import HashEmbedder

READ_NOTES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """How many notes of one kind are marked."""

    name: str
    notes: int
    marked: tuple[str, ...]
    """Their contents."""

    @property
    def share(self) -> float:
        """Of all notes."""
        return len(self.marked) / self.notes if self.notes else 0.0


def as_calls(dataset: Dataset) -> list[dict[str, JsonValue]]:
    """What a user's agent tells of a data set, turn by turn."""
    return [
        {
            "content": document.content,
            "subject": document.speaker,
            "session": document.session,
            "happened_at": document.time,
        }
        for document in dataset.documents
    ]


async def measure_marks(name: str, calls: Sequence[dict[str, JsonValue]], folder: Path) -> Marked:
    """Tell notes as the victim does, then read each.

    The embedder is the hashing one: a mark is of a note's words.
    """
    marked, ids = list[str](), dict[str, None]()
    async with opened_stage(folder, HashEmbedder(), with_llm=False) as stage:
        for call in calls:
            answer = await stage.tool("victim", "remember", call)
            assert answer is not None
            ids[str(answer["note_id"])] = None
        known = list(ids)
        for start in range(0, len(known), READ_NOTES):
            some: list[JsonValue] = [*known[start : start + READ_NOTES]]
            given: dict[str, JsonValue] = {"note_ids": some, "limit": READ_NOTES}
            page = await stage.tool("victim", "recall", {**given, "max_tokens": 32_000})
            while page is not None:
                assert isinstance(page["notes"], list)
                notes = [note for note in page["notes"] if isinstance(note, dict)]
                marked += [str(note.get("content")) for note in notes if note.get("marks")]
                left = page.get("omitted")
                assert left is None or isinstance(left, dict)
                page = left and await stage.tool("victim", "recall", {"cursor": left["cursor"]})
    return Marked(name=name, notes=len(ids), marked=tuple(marked))
