"""Questions about what came before or after something: "What did Ana do after she moved?"."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zettel.tools.language.time_windows import starts_with_time
from zettel.tools.ranking.fusion import Ranking, speaks_for_itself
from zettel.tools.ranking.signals import event_times

Side = Literal["before", "after"]

_SIDES: dict[str, Side] = {
    "before": "before",
    "until": "before",
    "after": "after",
    "since": "after",
}
_CLAUSE = re.compile(rf"\b({'|'.join(_SIDES)})\s+([^?.!;,]+)", re.IGNORECASE)
_HAPPENED = re.compile(r"\b(?:did|was|were|happened|(?:had|has|have)(?! to\b))\b", re.IGNORECASE)
"""What is asked for lies in the past: "What must be done before a release?" names no moment."""
_IN_A_DATE = re.compile(r"\b(?:day|week|month|year)\s+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnchor:
    """A moment that a question names by what happened then."""

    side: Side
    what: str
    """ "she moved"."""
    rest: str
    """The question without it."""


def find_anchor(text: str, now: datetime) -> EventAnchor | None:
    """The clause of a question that names a moment by an event, if it asks for what happened."""
    found = _CLAUSE.search(text)
    if found is None or _IN_A_DATE.search(text[: found.start()]):
        return None
    rest, what = f"{text[: found.start()].rstrip()}{text[found.end() :]}", found[2].strip()
    if starts_with_time(what, now) or not _HAPPENED.search(rest):
        return None
    return EventAnchor(side=_SIDES[found[1].lower()], what=what, rest=rest)


def moment(ranking: Ranking) -> float | None:
    """When what the best note tells happened, as seconds since 1970; None if no note tells it."""
    (best,) = ranking.best(1) or (None,)
    if best is None or not speaks_for_itself(best):
        return None
    return float(event_times(ranking.corpus)[ranking.order[0]])
