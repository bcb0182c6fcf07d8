"""Bringing back what an agent said before: `update(restore_rev=…)`."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Note
from zettel.storage.revisions import DERIVED_FIELDS
from zettel.storage.store import Change
from zettel.tools.changes.restore_revisions import RestoreCause, changes_back
from zettel.tools.changes.supersession import told_end
from zettel.tools.state.memory import Memory


async def restoring(
    memory: Memory, note: Note, rev: int, reason: str, *, by: str, now: datetime
) -> Callable[[Note], Awaitable[Change | None]]:
    """What brings one revision of a note back, to be asked again after a lost race.

    What evolution has made of the same words meanwhile stays; supersession is settled by links.

    Raises:
        InvalidArgumentError: The note never had that revision.
    """
    revisions = await memory.store.revisions(note.note_id)
    earlier = next((revision for revision in revisions if revision.rev == rev), None)
    if earlier is None:
        raise InvalidArgumentError(
            "restore_rev",
            f"{note.note_id} has no revision {rev}, its last is {note.rev}",
            'Call recall with note_ids and detail="full" to see its history.',
        )
    stamp = RestoreCause(
        now=now, by=by, change="restore", reason=reason or f"back to revision {rev}"
    )

    told = told_end(revisions[:rev])

    async def amend(standing: Note) -> Change | None:
        # The end that another note gives is no word of the agent's, and stays.
        stands = told_end(await memory.store.revisions(standing.note_id))
        until = standing.valid_until if stands == told else told
        pair = (standing, _agents_words(standing, replace(earlier, valid_until=until)))
        changes = await changes_back(memory, [pair], stamp, whole=False)
        return changes[0] if changes else None

    return amend


def _agents_words(standing: Note, earlier: Note) -> Note:
    """The earlier revision with what evolution knows by now, where it speaks of the same words."""
    if (standing.content, standing.subject, standing.happened_at) != (
        *(earlier.content, earlier.subject),
        earlier.happened_at,
    ):
        return earlier
    evolved = {
        name
        for name in DERIVED_FIELDS
        if "agent" not in (standing.derived_by.get(name), earlier.derived_by.get(name))
    }
    makers = {name: maker for name, maker in earlier.derived_by.items() if name not in evolved}
    makers |= {name: maker for name, maker in standing.derived_by.items() if name in evolved}
    stated = [link for link in earlier.links if link.made_by == "agent"]
    taken = {(link.to, link.relation) for link in stated if link.stood(None)}
    made = [link for link in standing.links if link.made_by != "agent"]
    return replace(
        earlier,
        **{name: getattr(standing, name) for name in evolved},
        derived_by=makers,
        links=(*stated, *(link for link in made if (link.to, link.relation) not in taken)),
    )
