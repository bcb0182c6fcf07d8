"""Stages of evolution, shared by writes and evolution."""

from zettel.storage.notes import (
    State,
)

WITHDRAW = "withdraw"
"""`Note.change` of revisions that take a composed note out of recall with its source."""


CONSTRUCTED = 1


LINKED = 2


COMPARED = 3


REVISED = 4


CONSOLIDATED = 5
"""Values of `Note.stage`: the last step that has read a revision."""


SCHEDULER = "scheduler"
"""`Note.changed_by` of evolution's revisions."""


def stage_after(state: State) -> int:
    """The stage of a note whose state has changed.

    An active note passes every step again; for others only the links that lead to them are
    reviewed.
    """
    return 0 if state is State.ACTIVE else LINKED
