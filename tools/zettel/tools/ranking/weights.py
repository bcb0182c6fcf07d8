"""Every weight of recall's ranking, in one table; none is fitted on held-out data."""

from types import MappingProxyType

WEIGHTS = MappingProxyType(
    {
        "text": 0.25,
        "meaning": 0.60,
        "exchange": 0.50,
        "answers": 0.25,
        "leads_to": 0.10,
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
