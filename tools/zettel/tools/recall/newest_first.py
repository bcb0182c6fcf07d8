"""The newest value of a fact before those it may have replaced: as evolution has linked them."""

import re
from collections.abc import Mapping, Sequence

from zettel.storage.notes import MAY_SUPERSEDE, Note, Outline, order_key
from zettel.tools.changes.conflicts import PREFERRED_MIN_CONFIDENCE
from zettel.tools.language.facts import statements
from zettel.tools.language.terms import STEM, terms
from zettel.tools.ranking.fusion import Ranked
from zettel.tools.ranking.question import Question
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

READ = 20
"""The best of a ranking that are put in order, two pages of ten."""
NEWEST = "newest"
"""What a score takes on from that of the note which it may supersede, so that it comes before it.
No signal: it says of no note what is in it."""
_FORMER = re.compile(
    r"\b(?:before|used? to|former(?:ly)?|previous(?:ly)?|old|earlier|once|original(?:ly)?|back then"
    r"|away from)\b",
    re.IGNORECASE,
)
_STILL = re.compile(r"\bstill\b", re.IGNORECASE)


async def newest_first(
    memory: Memory,
    asked: RecallQuery,
    question: Question,
    ranked: Sequence[Ranked],
    outlines: Mapping[str, Outline],
) -> tuple[Ranked, ...]:
    """Put whatever may supersede a note before it, the newest first, where that is plain.

    A note keeps its place that the question names by its value, or by a word that the other one
    does not have; and all do where a former value is asked for, or a time that has passed.

    Args:
        memory: Where.
        asked: The question's scope and clocks.
        question: As read.
        ranked: Best first.
        outlines: Of all of them, by note id.
    """
    if question.order == "first" or question.is_past or _FORMER.search(question.text):
        return tuple(ranked)
    best = {r.note_id: r for r in ranked[:READ]}
    linking = await memory.store.linking_to(list(best), known_at=asked.known_at)
    pairs = [pair for note in linking for pair in _pairs(note, asked) if best.keys() >= {*pair}]
    ahead = _ahead(question, best, outlines, pairs)
    placed = dict[str, Ranked]()

    def place(one: Ranked) -> None:
        for other in ahead.get(one.note_id, ()):
            if other.note_id not in placed:
                place(other)
        placed.setdefault(one.note_id, one)

    for one in ranked:
        place(one)
    return _lifted(list(placed.values())) if ahead else tuple(ranked)


def _pairs(note: Note, asked: RecallQuery) -> list[tuple[str, str]]:
    """Ids of a note and of each that it may supersede."""
    at = asked.moment if asked.looks_back else None
    return [
        (note.note_id, link.to)
        for link in note.links
        if link.relation == MAY_SUPERSEDE
        and link.weight >= PREFERRED_MIN_CONFIDENCE
        and link.stood(at)
    ]


def _ahead(
    question: Question,
    best: Mapping[str, Ranked],
    outlines: Mapping[str, Outline],
    pairs: Sequence[tuple[str, str]],
) -> dict[str, list[Ranked]]:
    """Note id -> what comes before it, the newest first."""
    found = dict[str, list[str]]()
    for younger, older in pairs:
        # Either may have been dated anew since they were linked.
        later = order_key(outlines[younger]) > order_key(outlines[older])
        if later and not _is_asked_for(question, outlines[older], outlines[younger]):
            found.setdefault(older, []).append(younger)
    return {
        older: [best[i] for i in sorted(of, key=lambda i: order_key(outlines[i]), reverse=True)]
        for older, of in found.items()
    }


def _is_asked_for(question: Question, older: Outline, younger: Outline) -> bool:
    """Whether the question has a word that only the older note has, but for words of the fact.

    Its value is such a word, except where the question is whether it still holds.
    """
    told = statements(older)
    fact = [one.words for one in (*told, *statements(younger))]
    fact += [one.value for one in told if _STILL.search(question.text)]
    asked = _stems(question.topic) & _stems(older.content)
    return not asked <= _stems(" ".join((younger.subject, younger.content, *fact)))


def _stems(text: str) -> set[str]:
    return {term[:STEM] for term in terms(text)}


def _lifted(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """With scores that fall: who was put first takes on what is missing."""
    lifted, least = list[Ranked](), float("-inf")
    for one in reversed(ranked):
        if one.score < least:
            one = Ranked(one.note_id, least, {**one.shares, NEWEST: least - one.score})
        lifted.append(one)
        least = one.score
    return tuple(reversed(lifted))
