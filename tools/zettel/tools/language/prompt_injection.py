"""Whether evolution may quote a text.

A composed note would repeat an injected instruction under a trusted name (arXiv 2607.29167).
"""

from zettel.tools.language.marks import Mark, find_marks

_ORDERS = {Mark.INSTRUCTIONS, Mark.CREDENTIALS}


def reads_like_instructions(text: str) -> bool:
    """Whether a text addresses the agent that reads it; by form, so no guarantee."""
    return not _ORDERS.isdisjoint(find_marks(text))
