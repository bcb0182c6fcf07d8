"""Questions that take two steps: "Where does Ana's colleague live?" needs who that is first.

Pure parts: which words name somebody without a name, whom the notes about them mean, and one
ranking out of several.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import regex as re

from zettel.storage.notes import Outline, fold
from zettel.tools.ranking.corpus import ASSISTANTS, Corpus
from zettel.tools.ranking.fusion import Ranking
from zettel.tools.ranking.mentions import is_addressed
from zettel.tools.ranking.question import SELF, USER
from zettel.tools.ranking.terms import terms

READ = 8
"""Notes read for whom the words mean."""
MEANT = 2
"""Names tried: the best two (retrieval study, section 13)."""
KNOWN_IN = 1
"""Further notes that must hold a name for it to be followed."""
STEP, STEP_IN_TALK = 0.92, 0.85
"""What a place in the next question's ranking counts beside the first question's. The study's 0.98
costs 0.6 points of recall@10 on LoCoMo; 0.85 leads half as many two-step questions to their end.
People who talk with each other seldom ask in two steps: with 0.92 the possessives of LoCoMo lose
3.7 points of recall@10, and its "before" and "after" 3."""
RELATION = 0.88
"""What a note that says who is meant counts: it is evidence too."""

_UNNAMED = re.compile(
    r"""(?P<whole>
        (?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*)['’]s\s+\p{Ll}[\p{L}-]*
      | (?P<name>my)\s+\p{Ll}[\p{L}-]*
      | the\s+\p{Ll}[\p{L}-]*\s+of\s+(?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*)(?!['’]s)
      | the\s+\p{Ll}[\p{L}-]*\s+(?:that\s+|who\s+|whom\s+)?
            (?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*)\s+\p{Ll}+(?:\s+(?:with|for|on|at|to|in)\b)?
    )(?![\p{L}-])""",
    re.VERBOSE,
)
"""Somebody or something that is named by what it is to somebody with a name."""
_CAPITALISED = re.compile(
    r"(?<!\w)\p{Lu}[\p{L}\p{M}\p{N}-]*[\p{L}\p{N}](?:\s+\p{Lu}[\p{L}\p{M}\p{N}-]*[\p{L}\p{N}])*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed:
    """Words of a question that stand for a name."""

    words: str
    """ "Ana's colleague"."""
    start: int
    end: int
    name: str
    """Folded: whose it is."""

    def named(self, text: str, name: str) -> str:
        """The question with the name in place of the words."""
        return f"{text[: self.start]}{name}{text[self.end :]}"


def find_unnamed(text: str) -> Unnamed | None:
    """The innermost words of a question that stand for a name.

    None if there are none, or if nothing further is asked: "What is Ana's job?" takes one step.
    """
    found = _UNNAMED.search(text)
    if found is None or not terms(text[: found.start()] + text[found.end() :]):
        return None
    name = fold(found["name"])
    return Unnamed(
        words=found["whole"],
        start=found.start(),
        end=found.end(),
        name=USER if name in SELF else name,
    )


def meant(unnamed: Unnamed, ranking: Ranking) -> list[str]:
    """The names that the best notes about somebody unnamed speak of, the likeliest first.

    A name counts only if it leads elsewhere: if other notes hold it without whose it is.

    Args:
        unnamed: Whom they are about.
        ranking: Of the words alone.
    """
    corpus, scores = ranking.corpus, ranking.scores
    outlines = corpus.outlines
    spoken = corpus.conversation or not ASSISTANTS.isdisjoint(corpus.subjects)
    about = (row for row in map(int, ranking.order) if _is_about(unnamed.name, outlines[row]))
    weights = dict[str, float]()
    for row in islice(about, READ):
        for name in _names(outlines[row], spoken=spoken):
            weights[name] = weights.get(name, 0.0) + float(scores[row])
    likely = sorted(weights, key=lambda name: -weights[name])
    led_on = (name for name in likely if _leads_elsewhere(name, unnamed.name, outlines))
    return list(islice(led_on, MEANT))


def step_share(corpus: Corpus) -> float:
    """What a second look counts in a scope."""
    return STEP_IN_TALK if corpus.conversation else STEP


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
    shares = np.where(better, scale * second.shares, first.shares)
    rows = np.union1d(first.order, second.order)[::-1]
    order = rows[np.argsort(-shares.sum(axis=0)[rows], kind="stable")]
    return Ranking(corpus=first.corpus, names=first.names, shares=shares, order=order)


def _is_about(name: str, outline: Outline) -> bool:
    return fold(outline.subject) == name or name in _words(outline.content)


def _names(outline: Outline, *, spoken: bool) -> list[str]:
    """The names a note speaks of, its own subject first, but not who is only addressed.

    Args:
        outline: The note.
        spoken: Whether a subject is who said it: then it speaks of them only in the first person.
    """
    text = outline.content
    means_subject = outline.subject and (not spoken or USER in _words(text))
    spelled = (m for m in _CAPITALISED.finditer(text) if not is_addressed(text, *m.span()))
    found = [*([outline.subject] if means_subject else []), *(m.group() for m in spelled)]
    return list({fold(name): name for name in found}.values())


def _leads_elsewhere(name: str, whose: str, outlines: Sequence[Outline]) -> bool:
    """Whether it is a name, and other notes hold it."""
    folded, inside, elsewhere = fold(name), False, 0
    if folded == whose or (whose == USER and folded in ASSISTANTS):
        return False
    spelled = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    for outline in outlines:
        if fold(outline.subject) == folded:
            return True
        if found := spelled.search(outline.content):
            before = outline.content[: found.start()].rstrip()
            inside = inside or (bool(before) and before[-1] not in ".!?…")
            elsewhere += whose not in _words(outline.content)
    return inside and elsewhere >= KNOWN_IN


def _words(text: str) -> set[str]:
    words = set[str](re.findall(r"[\p{L}\p{M}\p{N}-]+", re.sub(r"['’]s\b", "", fold(text))))
    return words | {USER} if words & SELF else words
