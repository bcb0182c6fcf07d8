"""Work that was ordered and is not done: erasures above all."""

from collections.abc import Sequence

from zettel.storage.doctor.facts import Checkup
from zettel.tools.doctor.finding import Finding, found

PENDING_ERASURES = "pending_erasures"
ERASED_AGAIN = "erased_again"


def check_pending(seen: Checkup) -> Sequence[Finding]:
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
