"""What a note says of the one it follows or names: that this is why, or that it is so indeed.

By the words that English has for it alone. A word that points back ("that is why") is about the
note right before; one that names its cause or what it confirms must share the words of it.
"""

from dataclasses import dataclass

import regex as re

from zettel.storage.notes import CAUSED_BY, SUPPORTS, fold
from zettel.storage.text.utterance import asks
from zettel.tools.language.terms import terms

CUE_STEM_CHARACTERS = 5
"""Characters by which two words are compared: "fails" and "failed", "expired" and "expiry"."""
CUE_MIN_SHARED_WORDS = 2
"""Words a named cause, or a confirmation, shares with the note; one says too little."""
CUE_MIN_SHARE = 0.5
"""Share of the words of a named cause that the note must hold."""
CUE_MAX_CHARACTERS = 600
"""Characters of a note that are read: a long one is about much."""

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
    """How a note stands to an earlier one."""

    relation: str
    """`caused_by` or `supports`."""
    weight: float
    """Confidence, in `[0, 1]`: set by hand; it orders links and nothing else."""
    reason: str


def has_cue(text: str) -> bool:
    """Whether a text has a word of cause or support at all; most have none."""
    said = _read(text)
    patterns = (_BACK_TO_CAUSE, _NAMED_CAUSE, _SUPPORTING, _BACK_TO_CLAIM)
    return any(pattern.search(said) for pattern in patterns)


def find_cue(text: str, earlier: str, *, follows: bool) -> Cue | None:
    """What a note says of an earlier one.

    Args:
        text: The note's.
        earlier: The other's.
        follows: Whether the earlier one is the note right before, in its session.
    """
    if asks(earlier) or asks(text):
        return None
    said, before = _read(text), _read(earlier)
    return _cause(said, before, follows=follows) or _support(said, before, follows=follows)


def _cause(said: str, before: str, *, follows: bool) -> Cue | None:
    if follows and (found := _BACK_TO_CAUSE.search(said)):
        return Cue(relation=CAUSED_BY, weight=0.8, reason=f"“{found[0]}” points back to it")
    known = _stems(before)
    for found in _NAMED_CAUSE.finditer(said):
        named = _stems(found["cause"])
        shared = named & known
        if len(shared) >= CUE_MIN_SHARED_WORDS and len(shared) >= CUE_MIN_SHARE * len(named):
            return Cue(relation=CAUSED_BY, weight=0.9, reason=f"“{found[0].strip()}”")
    return None


def _support(said: str, before: str, *, follows: bool) -> Cue | None:
    if _denies(said) is not _denies(before) or _CLAIMS.search(said):
        return None
    found = _SUPPORTING.search(said)
    shared = (_stems(said) - (_stems(found[0]) if found else set())) & _stems(before)
    if found and len(shared) >= CUE_MIN_SHARED_WORDS:
        return Cue(relation=SUPPORTS, weight=0.9, reason=f"“{found[0]}”")
    if follows and shared and (back := _BACK_TO_CLAIM.search(said)):
        return Cue(relation=SUPPORTS, weight=0.7, reason=f"“{back[0]}” points back to it")
    return None


def _read(text: str) -> str:
    return fold(text[:CUE_MAX_CHARACTERS]).replace("’", "'")


def _stems(text: str) -> set[str]:
    return {term[:CUE_STEM_CHARACTERS] for term in terms(text)}


def _denies(text: str) -> bool:
    return _DENIES.search(text) is not None
