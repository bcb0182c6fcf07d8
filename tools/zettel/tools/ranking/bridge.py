"""Questions that take two steps: "Where does Ana's colleague live?" needs who that is first.

Pure parts: which words name somebody without a name, whom the notes about them mean, and one
ranking out of several.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex as re

from zettel.storage.notes import Outline, fold
from zettel.tools.ranking.corpus import Corpus
from zettel.tools.ranking.fusion import Ranking

READ = 5
"""Notes read for whom the words mean."""
MEANT = 2
"""Names tried: the best two (retrieval study, section 13)."""
KNOWN_IN = 2
"""Notes that hold a name before it is followed: a name told once leads nowhere else."""
STEP = 0.98
"""What a place in the next question's ranking counts: at equal scores the first question's note
comes first (same source)."""
RELATION = 0.96
"""What a note that says who is meant counts beside the best: it is evidence too."""

_UNNAMED = re.compile(
    r"""(?P<whole>
        (?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*)['’]s\s+\p{Ll}[\p{L}-]*
      | the\s+\p{Ll}[\p{L}-]*\s+of\s+(?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*)(?!['’]s)
      | the\s+\p{Ll}[\p{L}-]*\s+(?:that\s+|who\s+|whom\s+)?
            (?P<name>\p{Lu}[\p{L}\p{M}\p{N}-]*)\s+\p{Ll}+s(?:\s+(?:with|for|on|at|to|in)\b)?
    )(?![\p{L}-])""",
    re.VERBOSE,
)
"""Somebody or something that is named by what it is to somebody with a name."""
_CALLED = r"(?:^|[,.!?]\s*|\b(?:hey|hi|hello|thanks|thank you|wow|yeah|yes|oh)\s+)$"
_BEFORE_CALLED = re.compile(_CALLED, re.IGNORECASE)


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
    """The innermost words of a question that stand for a name; None if there are none."""
    found = _UNNAMED.search(text)
    if found is None:
        return None
    return Unnamed(
        words=found["whole"], start=found.start(), end=found.end(), name=fold(found["name"])
    )


def meant(unnamed: Unnamed, ranking: Ranking) -> list[str]:
    """The names that the best notes about somebody unnamed speak of, the likeliest first.

    Args:
        unnamed: Whom they are about.
        ranking: Of the words alone.
    """
    corpus, scores = ranking.corpus, ranking.scores
    weights, known = dict[str, float](), _known(corpus)
    read = 0
    for row in map(int, ranking.order):
        outline = corpus.outlines[row]
        if unnamed.name not in _words(f"{outline.subject} {outline.content}"):
            continue
        for name in _names(outline, known):
            if fold(name) != unnamed.name:
                weights[name] = weights.get(name, 0.0) + float(scores[row])
        read += 1
        if read == READ:
            break
    ordered = sorted(weights, key=lambda name: -weights[name])
    return ordered[:MEANT]


def either(first: Ranking, second: Ranking, share: float = STEP) -> Ranking:
    """One ranking in which each note has the better of its two places.

    Args:
        first: Whose scale stays.
        second: Of the same corpus.
        share: What the best note of the second counts beside the best of the first.
    """
    if not len(first.order) or not len(second.order):
        return first if len(first.order) else second
    tops = first.scores[first.order[0]], second.scores[second.order[0]]
    scaled = second.shares * (share * tops[0] / tops[1])
    better = scaled.sum(axis=1) > first.scores
    better[np.setdiff1d(np.arange(len(better)), second.order)] = False
    shares = np.where(better[:, np.newaxis], scaled, first.shares)
    rows = np.union1d(first.order, second.order)[::-1]
    order = rows[np.argsort(-shares.sum(axis=1)[rows], kind="stable")]
    return Ranking(corpus=first.corpus, names=first.names, shares=shares, order=order)


def _known(corpus: Corpus) -> dict[str, str]:
    """The names that lead somewhere, folded -> as spelled: subjects, and names told repeatedly."""
    told = dict[str, int]()
    spelled = {fold(o.subject): o.subject for o in corpus.outlines if o.subject}
    known = dict(spelled)
    for outline in corpus.outlines:
        for name in outline.entities:
            folded = fold(name)
            told[folded] = told.get(folded, 0) + 1
            if told[folded] >= KNOWN_IN:
                known.setdefault(folded, name)
    return known


def _names(outline: Outline, known: dict[str, str]) -> list[str]:
    """The names a note speaks of, its own subject included, but not who is only addressed."""
    found = [known[fold(outline.subject)]] if fold(outline.subject) in known else []
    for name in known.values():
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", outline.content):
            rest = outline.content[match.end() :]
            called = _BEFORE_CALLED.search(outline.content[: match.start()])
            if not (called and re.match(r"\s*(?:[,.!?]|$)", rest)):
                found.append(name)
                break
    return list(dict.fromkeys(found))


def _words(text: str) -> Sequence[str]:
    return re.findall(r"[\p{L}\p{M}\p{N}-]+", re.sub(r"['’]s\b", "", fold(text)))
