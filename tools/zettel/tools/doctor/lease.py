"""The lease: who evolves the notes, or claims to."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from zettel.storage.doctor.facts import Checkup
from zettel.tools.doctor.finding import Finding
from zettel.tools.evolve.lease import KEY

STALE_LEASE = "stale_lease"


def check_lease(
    seen: Checkup, *, now: datetime, is_gone: Callable[[str], bool]
) -> Sequence[Finding]:
    """A lease that ran out or whose holder has died."""
    claim = seen.meta.get(KEY)
    if claim is None:
        return []
    try:
        said: dict[str, str] = json.loads(claim)
        stale = datetime.fromisoformat(said["until"]) <= now or is_gone(said["holder"])
    except (ValueError, KeyError, TypeError):
        stale = True
    if not stale:
        return []
    return [
        Finding(
            name=STALE_LEASE,
            count=1,
            means="A process that evolved the notes has died without giving its lease back; it"
            " runs out by itself within a minute.",
            fix="Takes the lease away.",
        )
    ]
