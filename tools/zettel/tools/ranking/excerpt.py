"""Excerpts of notes that are too long for an answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import log1p

from zettel.storage.notes import Note, Outline
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.asked_steps import find_step, read_asked_step
from zettel.tools.language.terms import stems

EXCERPT_GAP = " … "
_BETWEEN_STEPS = " \t\r\n,;、，；"
PASSAGE_CHARACTERS = 400
"""Most characters of a passage: some four sentences, of which an answer's share of a page of ten
long notes takes two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """The passages of a note in the order in which they answer a question."""

    content: str
    spans: Sequence[tuple[int, int]]
    """Start and end of each passage, in the content's order."""
    order: Sequence[int]
    """Positions in `spans`, the best first."""

    def cut(self, characters: int) -> str:
        """Join the best passages, in their own order.

        Args:
            characters: Most characters of the result; one passage is cut if none fits.

        Returns:
            Verbatim stretches of the content, joined by `EXCERPT_GAP`.
        """
        chosen, used = set[int](), 0
        for index in self.order:
            start, end = self.spans[index]
            cost = end - start + len(EXCERPT_GAP)
            if used + cost <= characters:
                chosen.add(index)
                used += cost
        if not chosen:
            start, end = self.spans[self.order[0]]
            return self.content[start:end].strip()[: max(characters - 1, 1)] + "…"
        stretches = list[list[int]]()
        for index in sorted(chosen):
            if stretches and index - 1 in chosen:
                stretches[-1][1] = self.spans[index][1]
            else:
                stretches.append(list(self.spans[index]))
        return EXCERPT_GAP.join(self.content[start:end].strip() for start, end in stretches)


def rank_passages(content: str, query: str) -> Passages:
    """Order the passages of a note by the words they share with a question, rare ones first.

    Args:
        content: The note.
        query: The question; empty takes passages from the beginning.
    """
    asked, spans = stems(query), _spans(content)
    order = list(range(len(spans)))
    if asked:
        held = [asked & stems(content[slice(*span)]) for span in spans]
        holders = Counter(chain.from_iterable(held))
        worth = {word: log1p(len(spans) / holders[word]) for word in holders}
        order.sort(key=lambda i: (-sum(worth[word] for word in held[i]), i))
    return Passages(content=content, spans=spans, order=order)


def _spans(content: str) -> list[tuple[int, int]]:
    """Sentences joined to passages, gapless; a longer sentence is cut."""
    spans = list[tuple[int, int]]()
    for start, end in sentence_spans(content) or [(0, 0)]:
        if spans and end - spans[-1][0] <= PASSAGE_CHARACTERS:
            spans[-1] = spans[-1][0], end
        else:
            cuts = (*range(start, end, PASSAGE_CHARACTERS), end) if start < end else (start, end)
            spans.extend(pairwise(cuts))
    return spans


def step_title(note: Note | Outline) -> str:
    """What says of what the lists of a note are, beside its text."""
    return " ".join((note.subject, *note.tags))


def excerpt_step(note: Note, query: str) -> str:
    """The step of a note's list that a question asks for, with its neighbours, and the line above.

    Args:
        note: The note.
        query: The question.

    Returns:
        Verbatim stretches of the content; all of it if no list holds the step.
    """
    asked = read_asked_step(query)
    step = find_step(asked, note.content, title=step_title(note)) if asked else None
    if step is None:
        return note.content
    told, before = "", 0
    for start, end in step.spans:
        between = note.content[before:start] if told else ""
        told += EXCERPT_GAP if between.strip(_BETWEEN_STEPS) else between
        told += note.content[start:end]
        before = end
    return told.strip()
