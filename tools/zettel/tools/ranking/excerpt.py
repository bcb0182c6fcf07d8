"""The best passages of a note that is too long for its share of an answer."""

import re
from collections.abc import Sequence

from zettel.storage.notes import fold

GAP = " … "


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", fold(text)))


def excerpt(passages: Sequence[str], query: str, *, characters: int) -> str:
    """Join the passages that share most words with the question, in their own order.

    Args:
        passages: Verbatim slices of one note.
        query: The question; empty takes passages from the beginning.
        characters: Most characters of the result; one passage is cut if none fits.

    Returns:
        Passages with `GAP` where something between them is left out.
    """
    asked = _words(query)
    order = sorted(range(len(passages)), key=lambda i: (-len(asked & _words(passages[i])), i))
    chosen, used = set[int](), 0
    for index in order:
        cost = len(passages[index]) + len(GAP)
        if used + cost <= characters:
            chosen.add(index)
            used += cost
    if not chosen:
        return passages[order[0]].strip()[: max(characters - 1, 1)] + "…"
    parts = list[str]()
    for index in sorted(chosen):
        parts += [GAP] if parts and index - 1 not in chosen else []
        parts.append(passages[index] if parts else passages[index].lstrip())
    return "".join(parts).rstrip()
