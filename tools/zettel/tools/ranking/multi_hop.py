"""Questions that take two steps: "Where does Ana's colleague live?" needs who that is first.

Pure parts: which words name somebody without a name, and one ranking out of several.
"""

from dataclasses import dataclass

import numpy as np
import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.terms import terms
from zettel.tools.ranking.corpus import Corpus, Rows, Values
from zettel.tools.ranking.fusion import Ranking, ranked
from zettel.tools.ranking.question import SELF, USER

STEP, STEP_IN_TALK = 0.98, 0.85
"""What a place in the next question's ranking counts beside the first question's: the study's
share (section 13), but less where people talk with each other, who seldom ask in two steps. There
the possessives of LoCoMo lose 3 points of recall@10 with 0.98."""
AHEAD = 1.05
"""What a place counts of what happened beside an event: that is asked for, and the event is not."""
RELATION = 0.95
"""What a note that says who is meant counts: it is evidence too."""
ROOM, STEEP, BEHIND = 1.1, 0.02, 10.0
"""Where somebody unnamed is a person, and people do not talk with each other, notes of a second
look count by their places: the first 1.1 of the best of the first look, each further one 0.02 less,
and a name that is a tenth less likely begins one place further back. So of ten places some belong
to notes that tie the names and some to those that answer, of whatever nearness. On worlds of the
generator all@10 rises with it and `ALONE` from 53.5 to 66.7 in dialogue and from 55.7 to 59.1 with
an assistant. Not for things: "Ana's home" takes one step (with places for it 73.7 and 64.8, but in
dialogue recall@10 of what takes one step falls by 9, asked for a moment by 24)."""

STEPPED = "stepped"
"""What a second look adds to a score, or takes off it, so that it has its place beside the first's.
No signal: it says of no note what is in it."""

_PEOPLE = frozenset(
    "person people man woman boy girl guy colleague coworker co-worker workmate teammate friend"
    " boss manager supervisor mentor advisor adviser assistant employee client customer partner"
    " wife husband spouse fiancé fiancée fiance fiancee girlfriend boyfriend ex sister brother"
    " sibling twin mother father mom mum dad parent son daughter child kid cousin aunt uncle niece"
    " nephew grandmother grandfather grandma grandpa grandson granddaughter roommate flatmate"
    " housemate neighbour neighbor teacher student pupil tutor coach trainer doctor dentist"
    " therapist lawyer accountant landlord tenant".split()
)
"""What somebody can be to somebody; anything else, as a project or a dog, is no person."""
_NO_NOUNS = "to|of|in|on|at|for|by|with|and|or|from|is|was|are|were|as|than|that|who"
"""What follows a closing quotation mark, and is nobody's."""
_NAME = r"(?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*+(?:\s+\p{Lu}[\p{L}\p{M}\p{N}-]*+)*+)"
_NOUN = r"(?P<noun>\p{Ll}[\p{L}-]*)"
_UNNAMED = re.compile(
    rf"""(?P<whole>
        the\s+(?P<noun>{"|".join(sorted(_PEOPLE))})\s+of\s+{_NAME}
      | {_NAME}['’]s\s+{_NOUN}
      | (?<!['’‘“"])\b{_NAME}(?<=s)['’]\s+(?!(?:{_NO_NOUNS})\b){_NOUN}
      | (?P<name>my)\s+{_NOUN}
      | the\s+{_NOUN}\s+of\s+{_NAME}(?!['’])
      | the\s+{_NOUN}\s+(?:that\s+|who\s+|whom\s+)?
            {_NAME}\s+\p{{Ll}}+(?:\s+(?:with|for|on|at|to|in)\b)?
    )(?![\p{{L}}-])""",
    re.VERBOSE,
)
"""Somebody or something that is named by what it is to somebody with a name."""
_WORD = re.compile(r"[\p{L}\p{M}\p{N}-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiHop:
    """Words of a question that stand for a name."""

    words: str
    """ "Ana's colleague"."""
    rest: str
    """The question without them."""
    start: int
    end: int
    name: str
    """Folded: whose it is."""
    noun: str
    """What it is to them: "colleague"."""
    is_person: bool

    def named(self, text: str, name: str) -> str:
        """The question with the name in place of the words."""
        spelled = f"{name[:1].upper()}{name[1:]}"  # so that "User's project" leads on
        return f"{text[: self.start]}{spelled}{text[self.end :]}"


def find_unnamed(text: str) -> MultiHop | None:
    """The innermost words of a question that stand for a name.

    None if there are none, or if nothing further is asked: "What is Ana's job?" takes one step.
    """
    found = _UNNAMED.search(text)
    if found is None:
        return None
    rest = " ".join(f"{text[: found.start()]} {text[found.end() :]}".split())
    name, words = fold(found["name"]), found["whole"]
    if not terms(rest):
        return None
    return MultiHop(
        words=words,
        rest=rest,
        start=found.start(),
        end=found.end(),
        name=USER if name in SELF else name,
        noun=fold(found["noun"]),
        is_person=not _PEOPLE.isdisjoint(_WORD.findall(fold(words))),
    )


def step_share(corpus: Corpus) -> float:
    """What a second look counts in a scope."""
    return STEP_IN_TALK if corpus.conversation else STEP


def beside_share(corpus: Corpus) -> float:
    """What counts in a scope what happened before or after the event that a question names."""
    return STEP_IN_TALK if corpus.conversation else AHEAD


def either(first: Ranking, second: Ranking, share: float) -> Ranking:
    """One ranking in which each note has the better of its two places.

    Args:
        first: Whose scale stays.
        second: Of the same corpus.
        share: What the best note of the second counts beside the best of the first.
    """
    if not len(first.order) or not len(second.order):
        return first if len(first.order) else second
    scores, theirs = first.scores, second.scores
    scale = share * scores[first.order[0]] / theirs[second.order[0]]
    better = scale * theirs > scores
    better[np.setdiff1d(np.arange(len(better)), second.order)] = False
    parts = _parts(first, second, np.where(better, scale, 0.0))
    return ranked(first.corpus, parts, np.union1d(first.order, second.order))


def lifted(first: Ranking, second: Ranking, rows: Rows, share: float, best: float) -> Ranking:
    """One ranking in which some notes of a second one have places of their own.

    Args:
        first: Whose scale stays.
        second: Of the same corpus; it tells why the notes come.
        rows: The notes, best first.
        share: How likely it is that they are meant, in `(0, 1]`.
        best: What the best note of the first look counts.
    """
    theirs = second.scores[rows]
    places = np.arange(len(rows)) + BEHIND * (1 - share)
    aims = best * (ROOM - STEEP * places)
    better = (theirs > 0) & (aims > first.scores[rows])
    lift = np.zeros(len(first.corpus))
    lift[rows[better]] = aims[better] / theirs[better]
    return ranked(first.corpus, _parts(first, second, lift), np.union1d(first.order, rows))


def _parts(first: Ranking, second: Ranking, scale: Values) -> dict[str, tuple[float, Values]]:
    """What the signals say of each note in the look it counts by; `STEPPED` is what that changes.

    Args:
        first: Of notes whose scale is 0.
        second: Of the others.
        scale: What a note's score in the second is multiplied by.
    """
    names = dict.fromkeys((*first.parts, *second.parts, STEPPED))
    parts = {name: np.where(scale > 0, _of(second, name), _of(first, name)) for name in names}
    parts[STEPPED] += np.where(scale > 0, (scale - 1.0) * second.scores, 0.0)
    return {name: (1.0, values) for name, values in parts.items()}


def _of(ranking: Ranking, name: str) -> Values:
    return ranking.share(name) if name in ranking.parts else np.zeros(len(ranking.corpus))
