"""When the sentence on where a note came up is worth its tokens."""

from collections.abc import Sequence

from zettel.storage.notes import Note, fold
from zettel.tools.evolve.names import names

SHORT = 8
"""Words up to which a note leaves open what it speaks of: "Yes, on Tuesday then"."""
ALIKE = 0.6
"""Share of their words that two notes have in common (Jaccard) from which they read alike: "The
server moved to Oslo" and "The server moved to Bergen" do."""


def need_context(notes: Sequence[Note]) -> set[str]:
    """Which notes of an answer are told apart, or understood at all, only with their context.

    Args:
        notes: Those shown together.

    Returns:
        Ids of the notes that are short, name nothing, or read like another one of them.
    """
    words = {note.note_id: frozenset(fold(note.content).split()) for note in notes}
    needing = {note.note_id for note in notes if _says_little(note)}
    for at, note in enumerate(notes):
        for other in notes[at + 1 :]:
            if _alike(words[note.note_id], words[other.note_id]):
                needing |= {note.note_id, other.note_id}
    return needing


def _says_little(note: Note) -> bool:
    if len(note.content.split()) <= SHORT:
        return True
    return not (note.subject or note.entities or names(note.content))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)
