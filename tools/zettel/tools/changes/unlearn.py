"""Removes what forgotten notes have taught others.

With an LLM, `revise` rewords notes in the light of new ones and leaves a `revised_by` link. No
other step of evolution derives a note's fields from another note's words; what a merge copies is
taken back by `merging.follow_merged`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from zettel.storage.notes import Note
from zettel.storage.store import Change
from zettel.tools.changes.commit import commit
from zettel.tools.changes.stages import next_note
from zettel.tools.state.memory import Memory

UNLEARN = "unlearn"
"""`Note.change` of the revisions made here."""


async def unlearn(
    memory: Memory, forgotten: Sequence[str], *, by: str, now: datetime
) -> Sequence[Note]:
    """Removes everything an LLM derived in notes that the notes with these ids have revised.

    Evolution describes them anew. Idempotent.

    Raises:
        ChangedMeanwhileError: Others kept changing these notes.
    """
    gone = frozenset(forgotten)
    taught = await memory.store.linking_to(sorted(gone)) if gone else []

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        return [
            await _unlearnt(memory, note, causes, by, now)
            for note in notes.values()
            if (causes := gone & _revised_by(note))
        ]

    ids = [note.note_id for note in taught if gone & _revised_by(note)]
    return (await commit(memory, ids, plan)).stored if ids else ()


def _revised_by(note: Note) -> frozenset[str]:
    return frozenset(link.to for link in note.links if link.is_taught)


async def _unlearnt(
    memory: Memory, note: Note, causes: frozenset[str], by: str, now: datetime
) -> Change:
    revisions = await memory.store.revisions(note.note_id)
    made = {name for name, maker in note.derived_by.items() if maker == "llm"}
    added = _added_tags(revisions)
    cleaned = replace(
        note,
        context="" if "context" in made else note.context,
        keywords=() if "keywords" in made else note.keywords,
        questions=() if "questions" in made else note.questions,
        tags=() if "tags" in made else tuple(t for t in note.tags if t not in added),
        derived_by={k: maker for k, maker in note.derived_by.items() if k not in made},
        links=tuple(link for link in note.links if not link.is_taught),
        stage=0,
    )
    reason = f"forgotten: {', '.join(sorted(causes))}"
    return Change(note=next_note(cleaned, by=by, now=now, change=UNLEARN, reason=reason))


def _added_tags(revisions: Sequence[Note]) -> frozenset[str]:
    """Tags that an LLM has added to an agent's since the agent last set them."""
    added = set[str]()
    for before, after in pairwise(revisions):
        if "revise" in after.steps:
            added |= set(after.tags) - set(before.tags)
        elif after.tags != before.tags and after.told:
            added.clear()
    return frozenset(added)
