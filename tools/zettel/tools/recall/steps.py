"""The note first whose list holds the step that a question asks for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from zettel.storage.notes import Outline
from zettel.tools.concurrency import check_cancelled
from zettel.tools.language.asked_steps import FoundStep, find_step, read_asked_step
from zettel.tools.language.ordered_lists import OPEN_BOXES
from zettel.tools.ranking.corpus import Corpus
from zettel.tools.ranking.excerpt import step_title
from zettel.tools.ranking.ranked import Confidence, Ranked
from zettel.tools.ranking.weights import STEP_SIGNAL, STEP_WEIGHT
from zettel.tools.recall.places import placed_first
from zettel.tools.recall.search import Found
from zettel.tools.state.memory import Memory
from zettel.tools.trust import TrustView

LISTS_READ_NOTES = 50
"""Most notes whose lists are read: the best of a ranking, and the newest with open boxes."""
LIST_ENDS = "The list ends there."
ALL_DONE = "Every step of that list is done."


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFirst:
    """A ranking for a question about a step."""

    ranking: tuple[Ranked, ...]
    judgement: Confidence | None = None
    """None where no list holds the step."""


async def step_first(
    memory: Memory,
    query: str,
    ranked: Sequence[Ranked],
    searched: Found,
    reader: TrustView,
) -> StepFirst:
    """Move the note first whose list holds the step that a question asks for.

    No note moves before one that the reader trusts more. A question for no step changes nothing.
    """
    asked = read_asked_step(query)
    if asked is None:
        return StepFirst(ranking=tuple(ranked))
    corpus = searched.first.corpus
    notes = [corpus.outlines[corpus.rows[one.note_id]] for one in ranked[:LISTS_READ_NOTES]]
    if not asked.after:  # a question for what is open need share no word with it
        notes += _checklists(
            corpus, without={*(note.note_id for note in notes), *searched.superseded}
        )

    def find() -> tuple[Outline, FoundStep] | None:
        found = list[tuple[Outline, FoundStep]]()
        for note in notes:
            check_cancelled()
            if step := find_step(asked, note.content, title=step_title(note)):
                found.append((note, step))

        def order(one: tuple[Outline, FoundStep]) -> tuple[float, float, float]:
            note, step = one
            newest = 0.0 if asked.after or asked.of else note.happened_at.timestamp()
            return step.closeness, reader.trust(note), newest

        return max(found, key=order, default=None)

    found = await memory.read(sum(len(note.content) for note in notes), find)
    if found is None:
        return StepFirst(ranking=tuple(ranked))
    note, step = found
    placed = placed_first(
        ranked, note.note_id, corpus, reader, signal=STEP_SIGNAL, weight=STEP_WEIGHT
    )
    if placed[0].note_id != note.note_id:
        return StepFirst(ranking=placed)
    reason = (LIST_ENDS if asked.after else ALL_DONE) if step.is_end else ""
    return StepFirst(
        ranking=placed, judgement=Confidence(verdict="found", confidence=1.0, reason=reason)
    )


def _checklists(corpus: Corpus, *, without: Collection[str]) -> list[Outline]:
    """The newest notes with a box that is not ticked."""
    found = (
        note
        for note in reversed(corpus.outlines)
        if note.note_id not in without and any(box in note.content for box in OPEN_BOXES)
    )
    return list(islice(found, LISTS_READ_NOTES))
