"""One copy of what was told more than once."""

from collections.abc import Iterable

from zettel.storage.notes import Note, fold


def told_alike(note: Note) -> tuple[str, str]:
    """What two notes share that say the same: the words and who they are about or from.

    Not the words alone: "I love pizza" of two people is two facts.
    """
    return (fold(note.content), fold(note.subject))


def copies(notes: Iterable[Note]) -> list[tuple[Note, ...]]:
    """Group notes that say the same.

    Args:
        notes: Best first.

    Returns:
        Each group in that order, the groups in the order of their first.
    """
    groups = dict[tuple[str, str], list[Note]]()
    for note in notes:
        groups.setdefault(told_alike(note), []).append(note)
    return [tuple(group) for group in groups.values()]
