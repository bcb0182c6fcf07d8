"""Stages of evolution that writes and evolution both know, and who makes its changes."""

from zettel.storage.notes import (
    State,
)

WITHDRAW = "withdraw"
"""`Note.change` of the revisions that this step makes, and of those that take out of recall what
cites a note that left it."""


CONSTRUCTED = 1


LINKED = 2


COMPARED = 3


REVISED = 4


CONSOLIDATED = 5
"""Values of `Note.stage`: the last step that has seen a revision's words."""


SCHEDULER = "scheduler"
"""Who evolution's revisions are by."""


def stage_after(state: State) -> int:
    """The stage of a note whose state has just changed, for evolution to look at it again.

    One that has come back passes every step; of one that is away, only what leads to it is seen to.
    """
    return 0 if state is State.ACTIVE else LINKED
