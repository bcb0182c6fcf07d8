"""Checks over waiting work: pending erasures and the evolution lease."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from zettel.storage.doctor.facts import StoreFacts
from zettel.tools.doctor.finding import Finding, found
from zettel.tools.evolve.lease import KEY

PENDING_ERASURES = "pending_erasures"
ERASED_AGAIN = "erased_again"


def check_pending(seen: StoreFacts) -> Sequence[Finding]:
    """Erasures on their way, and erased notes that a copied file brought back."""
    told = found(
        ERASED_AGAIN,
        seen.relapsed,
        "Erased notes are there again, as a file of an earlier day brings them.",
        fix="Erases them again.",
    )
    if seen.erasures_due:
        told.append(
            Finding(
                name=PENDING_ERASURES,
                count=seen.erasures_due,
                means="Erasures were ordered and are not finished: bytes of what was erased may"
                " still lie in the store's files. An engine finishes them by itself.",
                fix="Finishes them.",
            )
        )
    return told


STALE_LEASE = "stale_lease"


def check_lease(
    seen: StoreFacts, *, now: datetime, is_gone: Callable[[str], bool]
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
