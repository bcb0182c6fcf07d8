"""How many notes of a ranking an answer shows where the caller does not say."""

from collections.abc import Sequence
from statistics import fmean

from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import STATED_SIGNAL

SHOWN_MIN_SHARE, SHARE_PER_PLACE = 0.826, 0.005
"""Least share of the mean score of the best `BEST_NOTES` at which the first note is shown, and how
much less it is with each place: where scores fall slowly, several notes answer.

Set on LoCoMo's development half, where a logistic regression of eighteen figures of the scores
(places, gaps, shares), held out by conversation, shows no more evidence in as many tokens; checked
on the generator's worlds and on PrecisionMemBench (`benchmarks/RESULTS.md`)."""
BEST_NOTES = 3
"""One score alone says little: an exact term or a lucky word lifts it."""
SHOWN_MIN_NOTES, SHOWN_MAX_NOTES = 5, 20
"""Fewest and most notes shown. Five instead of three bring a point of evidence on LoCoMo and two on
PrecisionMemBench, and leave the median of the tokens."""
NO_TALK_MAX_NOTES = 12
"""Most notes shown for their scores where people do not talk with each other. There a note answers
by itself: of 95 questions that an engineer's reports answer, 2 are answered behind the tenth, where
LoCoMo's turns would lose 1.2 points of evidence behind the twelfth (`benchmarks/RESULTS.md`)."""
ALL_ASKED_FOR = frozenset({"all_of_then", "all_of_whom"})
"""Signals of notes of which a question asks for all: they are shown whatever their score."""


def notes_to_show(
    ranking: Sequence[Ranked], question: Question, *, most: int = SHOWN_MAX_NOTES
) -> int:
    """How many of the first notes of a ranking to show.

    Args:
        ranking: A later note may have a higher score.
        question: What they are ranked for.
        most: Notes shown for their scores; `SHOWN_MAX_NOTES` if all of a kind are asked for.

    Returns:
        At least `SHOWN_MIN_NOTES` and at most `SHOWN_MAX_NOTES`, as far as there are notes.
    """
    all_of_kind = question.only_sort or question.listed
    asked_for = {*ALL_ASKED_FOR, "of_sort"} if all_of_kind else ALL_ASKED_FOR
    first = ranking[:SHOWN_MAX_NOTES]
    # What only some notes get would leave the others out: nDCG gains, evidence shown is lost.
    scores = [one.score_without(STATED_SIGNAL) for one in first]
    best = sorted(scores, reverse=True)[:BEST_NOTES]
    mean = fmean(best) if best else 0.0
    reach = (
        place
        for place, (one, score) in enumerate(zip(first, scores, strict=True), 1)
        if (place <= most and score >= _least(place) * mean > 0) or asked_for & one.shares.keys()
    )
    return min(max([SHOWN_MIN_NOTES, *reach]), len(first))


def _least(place: int) -> float:
    """Least share of the best notes' mean score at a place, from 1."""
    return SHOWN_MIN_SHARE - SHARE_PER_PLACE * (place - 1)
