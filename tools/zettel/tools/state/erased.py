"""When notes were erased, for answers that name ids which are not there."""

from collections.abc import Sequence

from zettel.tools.language.times import iso
from zettel.tools.state.memory import Memory


async def erased_at(memory: Memory, note_ids: Sequence[str]) -> dict[str, str]:
    """When notes were erased, by id. Empty for a tenant: a receipt names no note's owner."""
    if memory.reach is not None or not note_ids:
        return {}
    erased = await memory.admin.erased(list(note_ids))
    return {note_id: iso(e.invisible_at or e.ordered_at) for note_id, e in erased.items()}
