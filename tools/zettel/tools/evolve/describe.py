"""Note construction's second half: what a writer would have the notes say, over what rules made."""

from collections.abc import Sequence

from zettel.storage.notes import Note
from zettel.tools.evolve.step import Task
from zettel.tools.evolve.writer import with_draft

AT_ONCE = 8
"""Notes in one question and one commit: an answer that is no good costs no more of them theirs."""


async def described(task: Task, notes: Sequence[Note]) -> list[Note]:
    """The notes with the writer's words where it has any; its words of an earlier run stay.

    Args:
        task: The run.
        notes: As the rules have described them.

    Returns:
        In the order given. A note without a draft stays as the rules made it until its words
        change: no run asks again for what an LLM that was down did not say.
    """
    drafts = dict[str, Note]()
    asked = [note for note in notes if "llm" not in note.derived_by.values()]
    for start in range(0, len(asked), AT_ONCE):
        part = asked[start : start + AT_ONCE]
        said = await task.writer.describe(part)
        drafts |= {n.note_id: with_draft(n, said[n.note_id]) for n in part if n.note_id in said}
    return [drafts.get(note.note_id, note) for note in notes]
