"""How much a namespace holds, for those who pay for the disk.

Only what agents wrote counts: not what evolution makes of it, nor the revision that forgets a note.
"""

from dataclasses import dataclass
from typing import Protocol

from zettel.storage.notes import Note

WRITTEN = frozenset({"remember", "update", "correct", "restore"})
"""`Note.change` of the revisions that write an agent's words to the disk. One that brings a note
back is among them: forgetting and bringing back in turn must not fill the disk for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is there of one namespace and not erased."""

    notes: int = 0
    """Told, in any state."""
    text_bytes: int = 0
    """Of the text of all revisions that agents wrote, as UTF-8."""


def text_bytes(note: Note) -> int:
    """Bytes of a revision's text, as UTF-8; 0 of one that no agent wrote."""
    if note.change not in WRITTEN:
        return 0
    texts = (note.content, note.context, note.subject, note.source, *note.tags)
    return sum(len(text.encode()) for text in texts)


class Measured(Protocol):
    """Notes that can be measured."""

    async def held(self, namespace: str) -> Held:
        """What a namespace holds: a look at every row of it.

        Raises:
            StoreUnavailableError: The store cannot be read.
        """
        ...
