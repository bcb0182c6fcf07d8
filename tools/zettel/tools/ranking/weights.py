"""Every weight of recall's ranking, in one table; none is fitted on held-out data."""

from types import MappingProxyType

WEIGHTS = MappingProxyType(
    {
        "text": 0.50,
        "meaning": 0.60,
        "neighbours": 1.00,
        "session_text": 0.20,
        "session_meaning": 0.15,
        "subject": 0.40,
        "core": 0.05,
    }
)
"""Signal -> share of its value in a note's score.

Recipe H2 of the project's retrieval study, hand-set on LoCoMo's development half (conversations 26,
41, 43, 47, 49): text 0.5, meaning 0.25 + 0.35 (one vector a passage stands for both of its text and
sentence vectors), neighbours as in `signals.neighbours`, session 0.2 and 0.15, subject 0.4. `core`
is a tie-breaker: smaller than any difference the other signals make between a right and a wrong
note.
"""
