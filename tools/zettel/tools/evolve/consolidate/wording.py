"""A draft in a writer's words instead of a rule's quotations, as long as they hold."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from zettel.storage.notes import Note, State, fold
from zettel.tools.evolve.consolidate.draft import CONSOLIDATE, WORDED, DerivedDraft, is_ours
from zettel.tools.evolve.steps.base import Task
from zettel.tools.evolve.writing.writer import Piece
from zettel.tools.language.prompt_injection import reads_like_instructions

MOST_SHOWN = 40
"""Notes a writer is shown for one text; of more, the rule's own choice stands for all."""
_BY = "worded by the LLM from "
"""In a revision's reason, before the mark of what it was worded from."""


async def worded(task: Task, draft: DerivedDraft, old: Note | None) -> DerivedDraft:
    """The draft as the writer would have it; as it is where the writer has nothing that holds.

    What was worded of the very same words before stays: a run cut off before its end asks nobody
    twice, and without an LLM nothing that one has worded is lost.

    Args:
        task: The run.
        draft: By rule.
        old: The note that stands for it; None if there is none.
    """
    shown = _shown(draft)
    if not draft.room or not shown or (old is not None and not is_ours(old)):
        return draft
    mark = _mark(shown)
    if old is not None and old.derived_by.get(WORDED) == "llm":
        if await _marked(task, old) == mark:
            return _by_llm(draft, old.content, mark)
    if not task.writer.asks or len(shown) > MOST_SHOWN:
        return draft
    room = draft.room - len(draft.head.encode()) - 1
    text = await task.writer.compose(Piece(sort=draft.sort, notes=shown, most=room))
    return _by_llm(draft, f"{draft.head} {text}".strip(), mark) if text else draft


async def still_told(task: Task, drafts: Sequence[DerivedDraft]) -> list[DerivedDraft]:
    """The drafts whose notes say, after an answer that took its time, what they said before it."""
    ids = {note.note_id for draft in drafts for note in draft.sources}
    now = {note.note_id: note for note in await task.memory.store.get(sorted(ids))}

    def stands(note: Note) -> bool:
        is_now = now.get(note.note_id)
        return is_now is not None and (is_now.state, is_now.content) == (note.state, note.content)

    return [draft for draft in drafts if all(map(stands, draft.sources))]


def _shown(draft: DerivedDraft) -> tuple[Note, ...]:
    return tuple(
        note
        for note in (draft.shown or draft.sources)
        if note.state is State.ACTIVE and not reads_like_instructions(_words(note))
    )


def _words(note: Note) -> str:
    return f"{note.subject}\n{note.content}"


def _by_llm(draft: DerivedDraft, content: str, mark: str) -> DerivedDraft:
    reason = f"{draft.reason}, {_BY}{mark}"
    return replace(draft, content=content, made_by="llm", reason=reason)


def _mark(notes: Sequence[Note]) -> str:
    """What notes say, in 48 bits: enough to tell one telling of a session from the next."""
    told = "\n".join(sorted(f"{n.note_id} {n.happened_at} {fold(_words(n))}" for n in notes))
    return blake2b(told.encode(), digest_size=6).hexdigest()


async def _marked(task: Task, note: Note) -> str:
    """The mark of the revision in which a note was worded last."""
    for revision in reversed(await task.memory.store.revisions(note.note_id)):
        if revision.change == CONSOLIDATE and _BY in revision.reason:
            return revision.reason.rpartition(_BY)[2]
    return ""
