"""Restoring one revision of a note, with what evolution derived from the same content since."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import OPEN_RELATIONS, Link, Note
from zettel.storage.revisions import DERIVED_FIELDS
from zettel.storage.store import Change
from zettel.tools.changes.embedding import embedded
from zettel.tools.changes.links import SETTLING
from zettel.tools.changes.supersession import stated_end
from zettel.tools.changes.undo import RestoreCause, evolution_inputs, restoring_changes
from zettel.tools.state.memory import Memory


async def plan_restore(
    memory: Memory, note: Note, rev: int, reason: str, *, by: str, now: datetime
) -> Callable[[Note], Awaitable[Change | None]]:
    """The function that restores one revision of a note, called again after a lost race.

    Evolution's fields for the same content stay; supersession follows from links.

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
    cause = RestoreCause(
        now=now, by=by, change="restore", reason=reason or f"back to revision {rev}"
    )

    stated = stated_end(revisions[:rev])

    async def amend(standing: Note) -> Change | None:
        # An end set by supersession was not stated by the agent, and stays.
        stands = stated_end(await memory.store.revisions(standing.note_id))
        until = standing.valid_until if stands == stated else stated
        pair = (standing, _agents_words(standing, replace(earlier, valid_until=until)))
        changes = await restoring_changes(memory, [pair], cause, whole=False)
        return await embedded(memory, changes[0]) if changes else None

    return amend


def _agents_words(standing: Note, earlier: Note) -> Note:
    """The earlier revision with evolution's current fields, if they are for the same content."""
    if evolution_inputs(standing) != evolution_inputs(earlier):
        return earlier
    evolved = {
        name
        for name in DERIVED_FIELDS
        if "agent" not in (standing.derived_by.get(name), earlier.derived_by.get(name))
    }
    makers = {name: maker for name, maker in earlier.derived_by.items() if name not in evolved}
    makers |= {name: maker for name, maker in standing.derived_by.items() if name in evolved}
    stated = [link for link in earlier.links if link.made_by == "agent"]
    asked = _unsettled(standing, earlier)
    taken = {(link.to, link.relation) for link in (*stated, *asked) if link.stood(None)}
    made = [link for link in standing.links if link.made_by != "agent"]
    return replace(
        earlier,
        **{name: getattr(standing, name) for name in evolved},
        derived_by=makers,
        links=(
            *stated,
            *asked,
            *(link for link in made if (link.to, link.relation) not in taken),
        ),
    )


def _unsettled(standing: Note, earlier: Note) -> list[Link]:
    """Open relations of an earlier revision that an agent has settled since."""
    settled = {(link.to, link.relation) for link in standing.links if not link.stood(None)}
    settled |= {
        (link.to, guess)
        for link in standing.links
        if link.relation in SETTLING and link.stood(None)
        for guess in OPEN_RELATIONS
    }
    return [
        link
        for link in earlier.links
        if link.relation in OPEN_RELATIONS
        and link.stood(None)
        and link.made_by != "agent"
        and (link.to, link.relation) in settled
    ]
