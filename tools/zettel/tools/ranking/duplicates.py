"""One copy of what was told more than once."""

from collections.abc import Iterable, Mapping
from itertools import chain

from zettel.storage.notes import Note, Outline, fold
from zettel.tools.ranking.fusion import Ranked


def told_alike(note: Note | Outline) -> tuple[str, str]:
    """What two notes share that say the same: the words and who they are about or from.

    Not the words alone: "I love pizza" of two people is two facts.
    """
    return (fold(note.content), fold(note.subject))


def copies_together(
    ranked: Iterable[Ranked], outlines: Mapping[str, Outline]
) -> tuple[Ranked, ...]:
    """Put notes that say the same right behind the first of them, so that no page repeats one.

    Args:
        ranked: Best first.
        outlines: By note id; a note that is not among them is no copy.
    """
    groups = dict[tuple[str, ...], list[Ranked]]()
    for one in ranked:
        outline = outlines.get(one.note_id)
        groups.setdefault(told_alike(outline) if outline else (one.note_id,), []).append(one)
    return tuple(chain.from_iterable(groups.values()))
