"""One short reason per recalled note, from its signals' shares."""

from collections.abc import Mapping

REASONS = {
    "text": "words match",
    "meaning": "similar meaning",
    "neighbours": "next to a match in its session",
    "session_text": "its session matches",
    "session_meaning": "its session is similar",
    "subject": "about whom you asked",
    "core": "core profile",
    "exact": "holds the very term",
    "reranker": "reads like an answer",
}
"""Signal -> what it means to an agent."""

SHOWN_SHARE = 0.15
"""A signal is named when it makes at least this share of the score."""


def why(shares: Mapping[str, float]) -> str:
    """The signals that made most of the score, the largest first, at most three."""
    total = sum(shares.values()) or 1.0
    strongest = sorted(shares, key=lambda name: -shares[name])
    return (
        ", ".join(REASONS[n] for n in strongest[:3] if shares[n] / total >= SHOWN_SHARE)
        or "matches"
    )
