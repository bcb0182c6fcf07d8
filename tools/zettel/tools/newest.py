"""The newest value of a fact before those it may have replaced.

By rule, from the words of the best notes: whoever asks right after telling is answered so, too.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from zettel.storage.notes import MAY_SUPERSEDE, Outline, fold, order_key
from zettel.tools.ranking.fusion import Ranked
from zettel.tools.rivals import denies, rival
from zettel.tools.statements import Statement, statements

READ = 10
"""Notes of a ranking that are read for it, a page: 3 ms, where its recall takes some 60."""
_WORD = re.compile(r"\w+")
_OF_A_TIME = ("happened_then", "speaks_of_then", "all_of_then", "beside", "in_order")
"""Signals that bring up a value because it was true once."""


def newest_first(
    query: str, ranked: Sequence[Ranked], outlines: Mapping[str, Outline]
) -> tuple[Ranked, ...]:
    """Put whatever may supersede a note right before it, the newest first.

    Whichever is of a time that is asked for comes first instead; and a note whose value the
    question names keeps its place.

    Args:
        query: The question.
        ranked: Best first.
        outlines: By note id; a note that is not among them keeps its place.
    """
    best = [r for r in ranked[:READ] if r.note_id in outlines]
    ahead = _ahead(_words(query), {r.note_id: r for r in best}, outlines)
    placed = dict[str, Ranked]()

    def place(one: Ranked) -> None:
        for other in ahead.get(one.note_id, ()):
            if other.note_id not in placed:
                place(other)
        placed.setdefault(one.note_id, one)

    for one in ranked:
        place(one)
    return tuple(placed.values())


def _ahead(
    query: str, best: Mapping[str, Ranked], outlines: Mapping[str, Outline]
) -> dict[str, list[Ranked]]:
    """Note id -> what comes before it, in order."""
    told = {note_id: statements(outlines[note_id]) for note_id in best}
    age = {note_id: order_key(outlines[note_id]) for note_id in best}
    by_age = sorted(best, key=age.__getitem__, reverse=True)
    by_worth = sorted(by_age, key=lambda note_id: _of_a_time(best[note_id]), reverse=True)
    found = dict[str, list[Ranked]]()
    denying = {note_id for note_id in best if denies(outlines[note_id].content)}
    for first, second in combinations(by_worth, 2):
        negated = (first in denying) is not (second in denying)
        if not (negated or (told[first] and told[second])) or _is_asked_for(query, told[second]):
            continue
        older, younger = sorted((first, second), key=age.__getitem__)
        may = rival(outlines[younger], outlines[older], told[younger], told[older])
        if may and may.relation == MAY_SUPERSEDE:
            found.setdefault(second, []).append(best[first])
    return found


def _is_asked_for(query: str, told: Sequence[Statement]) -> bool:
    return any(_words(one.value) in query for one in told)


def _words(text: str) -> str:
    """Folded, with a space around each: what is in it is in it as whole words."""
    return f" {' '.join(_WORD.findall(fold(text)))} "


def _of_a_time(ranked: Ranked) -> float:
    return sum(ranked.shares.get(name, 0.0) for name in _OF_A_TIME)
