"""One short reason per recalled note, from its signals' shares."""

from collections.abc import Mapping

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
    "standing": "a standing instruction",
    "core": "core profile",
    "stepped": "by a second look",
    "newest": "may have replaced one below",
    "exact": "holds the very term",
    "reranker": "reads like an answer",
}
"""Signal -> what it means to an agent."""

SHOWN_SHARE = 0.15
"""A signal is named when it makes at least this share of the score."""


def why(shares: Mapping[str, float]) -> str:
    """The signals that made most of the score, the largest first, at most three."""
    total = sum(share for share in shares.values() if share > 0) or 1.0
    strongest = sorted(shares, key=lambda name: -shares[name])
    return (
        ", ".join(REASONS[n] for n in strongest[:3] if shares[n] / total >= SHOWN_SHARE)
        or "matches"
    )
