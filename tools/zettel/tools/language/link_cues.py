"""Cues by which a note says that an earlier one is its cause or is confirmed by it.

English phrases alone: one that points back ("that is why") is about the previous note of the
session; a named cause or a confirmation must share words with the earlier note.
"""

from dataclasses import dataclass

import regex as re

from zettel.storage.notes import CAUSED_BY, SUPPORTS, fold
from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.utterance import asks
from zettel.tools.language.terms import terms

CUE_MIN_SHARED_WORDS = 2
"""Least terms that a named cause or a confirmation shares with the earlier note."""
CUE_MIN_SHARE = 0.5
"""Least share of a named cause's terms that the earlier note holds."""
CUE_MAX_CHARACTERS = 600
"""Characters of a note that are read."""

_BACK_TO_CAUSE = re.compile(
    r"^(?:and )?(?:(?:that(?: i|')s|this is|which is) why\b(?! (?:i|we)(?: am|'m| are|'re) asking)"
    r"|because of (?:that|this|it)\b|due to (?:that|this)\b|as a (?:result|consequence)\b"
    r"|(?:therefore|consequently|hence)\b|for (?:that|this) reason\b"
    r"|(?:that|this) (?:has )?(?:caused?|led to|meant that|made)\b"
    r"|so (?:i|we|he|she|they|it) (?:had to|have to|has to|couldn't|could not|can't|cannot|must"
    r"|stayed|decided)\b|so no \w+ \w+)"
)
_NAMED_CAUSE = re.compile(
    r"(?<!not )(?<!just )\b(?:because(?: of)?|due to|owing to|thanks to)\b(?P<cause>[^,.;!?]+)"
)
_SUPPORTING = re.compile(
    r"\b(?:confirm(?:s|ed)?(?! (?:my|his|her|our|their)\b)|proves?|proved|shows? that"
    r"|showed that|agrees? that|also says?|bears? out|backs? (?:up|this up|that up)|reproduced)\b"
    r"|\b(?:report|log|test|benchmark|photo|results?|figures|data) shows?\b"
    r"|^as \w+ (?:said|told|predicted|expected|guessed)\b,?|^just as \w+ (?:said|predicted)\b"
    r"|\b(?:was|were|is) (?:indeed|right)\b|^indeed\b|^sure enough\b|^as expected\b"
)
_BACK_TO_CLAIM = re.compile(
    r"^(?:i can confirm that|that(?:'s| is) (?:true|right)|same here|indeed|sure enough"
    r"|[\w ]{0,30}\bbacks? (?:this|that) up)\b"
)
_DENIES = re.compile(r"\b(?:not|never|no|none|cannot|without|no difference)\b|n't\b")
_CLAIMS = re.compile(r"\b(?:please|can you|could you|whether)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """The relation of a note to an earlier one."""

    relation: str
    """`caused_by` or `supports`."""
    weight: float
    """Confidence, in `[0, 1]`: set by hand; it orders links and nothing else."""
    reason: str


def has_cue(text: str) -> bool:
    """Whether a text has any phrase of cause or support; most have none."""
    said = _read(text)
    patterns = (_BACK_TO_CAUSE, _NAMED_CAUSE, _SUPPORTING, _BACK_TO_CLAIM)
    return any(pattern.search(said) for pattern in patterns)


def find_cue(text: str, earlier: str, *, follows: bool) -> Cue | None:
    """Find the relation that a note states to an earlier one.

    `follows` is whether the earlier note is the previous one of the session.
    """
    if asks(earlier) or asks(text):
        return None
    said, before = _read(text), _read(earlier)
    return _cause(said, before, follows=follows) or _support(said, before, follows=follows)


def _cause(said: str, before: str, *, follows: bool) -> Cue | None:
    if follows and (found := _BACK_TO_CAUSE.search(said)):
        return Cue(relation=CAUSED_BY, weight=0.8, reason=f"“{found[0]}” points back to it")
    known = set(terms(before))
    for found in _NAMED_CAUSE.finditer(said):
        named = set(terms(found["cause"]))
        shared = named & known
        if len(shared) >= CUE_MIN_SHARED_WORDS and len(shared) >= CUE_MIN_SHARE * len(named):
            return Cue(relation=CAUSED_BY, weight=0.9, reason=f"“{found[0].strip()}”")
    return None


def _support(said: str, before: str, *, follows: bool) -> Cue | None:
    if _denies(said) is not _denies(before) or _CLAIMS.search(said):
        return None
    found = _SUPPORTING.search(said)
    sentence = _sentence_of(said, found) if found else said
    shared = (set(terms(sentence)) - set(terms(found[0] if found else ""))) & set(terms(before))
    if found and len(shared) >= CUE_MIN_SHARED_WORDS:
        return Cue(relation=SUPPORTS, weight=0.9, reason=f"“{found[0]}”")
    if follows and shared and (back := _BACK_TO_CLAIM.search(said)):
        return Cue(relation=SUPPORTS, weight=0.7, reason=f"“{back[0]}” points back to it")
    return None


def _sentence_of(said: str, found: re.Match[str]) -> str:
    """The sentence of a text in which a phrase was found."""
    spans = sentence_spans(said)
    return next(said[start:end] for start, end in spans if start <= found.start() < end)


def _read(text: str) -> str:
    return fold(text[:CUE_MAX_CHARACTERS]).replace("’", "'")


def _denies(text: str) -> bool:
    return _DENIES.search(text) is not None
