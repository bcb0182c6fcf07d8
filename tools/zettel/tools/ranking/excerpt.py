"""Excerpts of notes that are too long for an answer."""

import re
from collections.abc import Sequence

from zettel.storage.notes import fold

EXCERPT_GAP = " … "


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", fold(text)))


def cut_excerpt(content: str, passages: Sequence[str], query: str, *, characters: int) -> str:
    """Join the passages that share most words with the question, in their own order.

    Args:
        content: The note.
        passages: Verbatim slices of it, in order.
        query: The question; empty takes passages from the beginning.
        characters: Most characters of the result; one passage is cut if none fits.

    Returns:
        Verbatim stretches of the content, joined by `EXCERPT_GAP`.
    """
    asked, spans = _words(query), _spans(content, passages)
    order = sorted(range(len(spans)), key=lambda i: (-len(asked & _words(passages[i])), i))
    chosen, used = set[int](), 0
    for index in order:
        cost = spans[index][1] - spans[index][0] + len(EXCERPT_GAP)
        if used + cost <= characters:
            chosen.add(index)
            used += cost
    if not chosen:
        start, end = spans[order[0]]
        return content[start:end].strip()[: max(characters - 1, 1)] + "…"
    stretches = list[list[int]]()
    for index in sorted(chosen):
        if stretches and index - 1 in chosen:
            stretches[-1][1] = spans[index][1]
        else:
            stretches.append(list(spans[index]))
    return EXCERPT_GAP.join(content[start:end].strip() for start, end in stretches)


def _spans(content: str, passages: Sequence[str]) -> list[tuple[int, int]]:
    spans, end = list[tuple[int, int]](), 0
    for passage in passages:
        start = content.index(passage, end)
        end = start + len(passage)
        spans.append((start, end))
    return spans
