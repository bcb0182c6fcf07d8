"""Step `consolidate`: notes composed of others, which stay unchanged.

By rule, then in the writer's words where they pass its checks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from zettel.storage.notes import CONCEPT, PROFILE, Kind, Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.changes.stages import COMPARED, CONSOLIDATED
from zettel.tools.evolve.consolidate.concepts import concepts
from zettel.tools.evolve.consolidate.drafts import CONSOLIDATE_CHANGE, DerivedDraft, cited, keep
from zettel.tools.evolve.consolidate.profile import profile, standing_facts
from zettel.tools.evolve.consolidate.sessions import gists, summary
from zettel.tools.evolve.steps.base import Step, Task
from zettel.tools.language.change_cues import find_change_cue

UNCONSOLIDATED = NoteFilter(stage_below=CONSOLIDATED, stage_from=COMPARED, states=())
"""In any state: notes composed of a note that has left recall are composed anew."""


async def _consolidate(task: Task, waiting: Sequence[Note]) -> None:
    for namespace in sorted({note.namespace for note in waiting}):
        await _compose(task, namespace, [n for n in waiting if n.namespace == namespace])
    for note in waiting:
        task.batch.put(note, replace(note, stage=CONSOLIDATED), CONSOLIDATE_CHANGE, "")


async def _compose(task: Task, namespace: str, waiting: Sequence[Note]) -> None:
    ids = [note.note_id for note in waiting]
    citing = [note for note in await task.batch.linking_to(ids) if note.derived]
    drafts, outdated = list[DerivedDraft](), list[Note]()
    sessions = sorted({note.session for note in waiting if note.session})
    for session in sessions:
        made, standing = await gists(task, namespace, session)
        drafts += made
        outdated += standing
    of_concepts = [note for note in citing if note.origin.principal == CONCEPT]
    made, standing = await concepts(task, namespace, await _seeds(task, waiting, of_concepts))
    drafts += made
    outdated += [*of_concepts, *standing]
    await keep(task, drafts, _once(outdated))
    if sessions:
        await keep(task, *await summary(task, namespace))
    cites = any(note.origin.principal == PROFILE for note in citing)
    if cites or any(standing_facts(note) or find_change_cue(note.content) for note in waiting):
        await keep(task, *await profile(task, namespace))


async def _seeds(task: Task, waiting: Sequence[Note], of: Sequence[Note]) -> list[Note]:
    """The active waiting notes, and the active notes cited by the same concepts."""
    beside = frozenset[str]().union(*map(cited, of)) - {note.note_id for note in waiting}
    found = [*waiting, *await task.batch.get(sorted(beside))]
    return [note for note in found if note.state is State.ACTIVE and note.kind is not Kind.WORKING]


def _once(notes: Iterable[Note]) -> list[Note]:
    return list({note.note_id: note for note in notes}.values())


CONSOLIDATE_STEP = Step(name=CONSOLIDATE_CHANGE, waiting=UNCONSOLIDATED, work=_consolidate)
