"""Every weight of recall's ranking, in one table; none is fitted on held-out data."""

from types import MappingProxyType

WEIGHTS = MappingProxyType(
    {
        "text": 0.25,
        "meaning": 0.60,
        "exchange": 0.50,
        "answers": 0.25,
        "session_text": 0.20,
        "session_meaning": 0.30,
        "subject": 0.45,
        "asking": -0.15,
        "length": 0.20,
        "tells_when": 0.35,
        "tells_who": 0.25,
        "happened_then": 0.30,
        "speaks_of_then": 0.25,
        "in_order": 0.05,
        "standing": 0.15,
        "core": 0.05,
    }
)
"""Signal -> share of its value in a note's score.

Fitted by `make fit` on LoCoMo's development half (conversations 26, 41, 43, 47, 49): a listwise
logistic regression with a ridge, rounded to 0.05. The table, what each signal is worth held out and
what was tried in vain stand in `benchmarks/RESULTS.md`.

`in_order`, `standing` and `core` are set by hand, since nothing in that data asks for them: smaller
than what tells a right note from a wrong one, so that they decide among the right ones.
"""

FITTED = tuple(name for name in WEIGHTS if name not in ("in_order", "standing", "core"))
"""The signals whose weights data has decided."""
