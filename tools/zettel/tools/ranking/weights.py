"""Every weight of the ranking with its reason, in one table; none fitted on held-out data."""

from collections.abc import Mapping
from types import MappingProxyType

from zettel.tools.ranking.corpus import Corpus

_TABLE = {
    #                  talk   otherwise
    "text": (0.25, 0.35),
    "meaning": (0.60, 0.60),
    "exchange": (0.50, 0.10),
    "answers": (0.25, 0.00),
    "session_text": (0.20, 0.10),
    "session_meaning": (0.30, 0.15),
    "subject": (1.35, 1.50),
    "mentioned": (1.35, 1.50),
    "asking": (-0.15, 0.00),
    "length": (0.20, 0.00),
    "tells_when": (0.35, 0.25),
    "tells_who": (0.25, 0.00),
    "happened_then": (0.30, 0.40),
    "speaks_of_then": (0.25, 0.40),
    "all_of_then": (2.00, 2.00),
    "beside": (0.50, 0.50),
    "in_order": (0.15, 0.15),
    "coming": (2.00, 2.00),
    "standing": (0.15, 0.15),
    "core": (0.05, 0.05),
    "own": (0.25, 0.25),
    "all_of_whom": (2.00, 2.00),
    "of_sort": (1.00, 2.00),
}
"""Signal -> its weight where people talk with each other, and elsewhere.

The first column is fitted by `make fit` on LoCoMo's development half: a listwise logistic
regression with a ridge, rounded to 0.05 (figures in `benchmarks/RESULTS.md`). The second is set by
hand: what talk teaches about questions, answers and length is false for chats with an assistant,
and notes next to each other in a session need not belong together.

The signals of `BY_HAND` do not occur in that data. `all_of_then`, `all_of_whom` and `of_sort`
outweigh all others: "What happened in March?" and "Who am I?" ask for nothing else. `mentioned`
weighs as much as `subject`: what others tell of somebody answers as well (LoCoMo has no such notes,
the generator's worlds do); `beside` is set on the generator's worlds; `coming` outweighs words and
meaning, as what is over does not answer; `own` is set on two months of agents' notes; `in_order`,
`standing` and `core` are small, so that they decide among equal notes only.
"""

TALK: Mapping[str, float] = MappingProxyType({name: talk for name, (talk, _) in _TABLE.items()})
OTHERWISE: Mapping[str, float] = MappingProxyType({name: w for name, (_, w) in _TABLE.items()})

BY_HAND = (
    "mentioned",
    "all_of_then",
    "beside",
    "in_order",
    "coming",
    "standing",
    "core",
    "own",
    "all_of_whom",
    "of_sort",
)
FITTED = tuple(name for name in TALK if name not in BY_HAND)
"""The signals whose weights are fitted."""

EXACT_WEIGHT = 1.0
"""Of `exact`: above what meaning alone gives (0.6), so that the note with the identifier leads."""
STATED_SIGNAL = "stated"
"""Share of the notes that state such a thing as is asked for by name."""
STATED_WEIGHT, STATED_WEIGHT_IN_TALK = 0.3, 0.25
"""Of it: half of what meaning alone gives, a little less where people talk with each other. Over
seven months of agents' notes 0.1 loses five first places, 0.2 and 0.45 one. On LoCoMo's development
half nDCG@10 is 68.45 without it, 68.59 at 0.15, 68.76 at 0.25 and 68.59 at 0.3, and recall@5 is
77.70, 77.65, 77.68 and 77.47 (`benchmarks/RESULTS.md`)."""
STEP_SIGNAL = "step"
"""Share of the note whose list holds the step that is asked for."""
STEP_WEIGHT = 1.0
"""Of it: above what leads otherwise, as the list holds what is asked for."""
KEY_SIGNAL = "key"
"""Share of the note that is known to answer the question."""
KEY_WEIGHT = 1.0
"""Of it: as of a step."""
RERANKER_WEIGHT = 1.0
"""Of `reranker`: as much as words and meaning together, so that it orders what these found (set by
hand: cross-encoders differ)."""


def weights_for(corpus: Corpus) -> Mapping[str, float]:
    """The weights for a scope."""
    return TALK if corpus.conversation else OTHERWISE


REASONS = {
    "text": "words match",
    "meaning": "similar meaning",
    "exchange": "the talk around it matches",
    "answers": "follows a question that matches",
    "session_text": "its session matches",
    "session_meaning": "its session is similar",
    "subject": "about whom you asked",
    "mentioned": "speaks of whom you asked",
    "asking": "only asks",
    "length": "says much",
    "tells_when": "tells a time",
    "tells_who": "holds a name",
    "happened_then": "from the time you named",
    "speaks_of_then": "speaks of the time you named",
    "all_of_then": "of the time you asked for",
    "beside": "right before or after what you named",
    "in_order": "first or latest, as you asked",
    "coming": "still to come",
    "standing": "a standing instruction",
    "core": "core profile",
    "own": "of your profile",
    "all_of_whom": "about whom you asked",
    "of_sort": "of the kind you asked for",
    "stepped": "by a second look",
    "newest": "may have replaced one below",
    "former": "may have been replaced by one below",
    "exact": "holds the very term",
    "stated": "states such a thing as you asked for",
    "step": "its list holds the step you asked for",
    "key": "known to answer this",
    "reranker": "reads like an answer",
}
"""Signal -> its meaning, as an agent reads it."""

REASON_MIN_SHARE = 0.15
"""Least share of the score at which a signal is named."""


def why(shares: Mapping[str, float]) -> str:
    """Name the signals with the largest shares of the score, at most three."""
    total = sum(share for share in shares.values() if share > 0) or 1.0
    strongest = sorted(shares, key=lambda name: -shares[name])
    return (
        ", ".join(REASONS[n] for n in strongest[:3] if shares[n] / total >= REASON_MIN_SHARE)
        or "matches"
    )
