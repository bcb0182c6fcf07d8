"""Step `construct`: a note's keywords, names, times, and a context if the agent gave none."""

from collections.abc import Sequence
from dataclasses import replace

import anyio

from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.changes.stages import CONSTRUCTED
from zettel.tools.evolve.steps.base import AT_ONCE, Batch, Step, Task, settle
from zettel.tools.evolve.writing.writer import with_draft
from zettel.tools.language.dates import find_times
from zettel.tools.language.keywords import find_keywords
from zettel.tools.language.names import find_names


def context_of(note: Note, keywords: Sequence[str]) -> str:
    """Say when a note was noted and on what.

    It quotes no other note: what is forgotten must not live on in its neighbours. What a note
    answers is a link.

    Args:
        note: The note.
        keywords: Its keywords, weightiest first.
    """
    moment = note.happened_at
    day = f"{moment:%A}, {moment.day} {moment:%B} {moment.year}"
    about = f", on {', '.join(keywords[:3])}" if keywords else ""
    return f"Noted {day}{about}."


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


BACKGROUND = 1_000
"""Notes of the namespace that teach which words are common."""
DERIVED = ("context", "keywords", "entities", "times")
"""What this step fills in."""


RAW = NoteFilter(stage_below=CONSTRUCTED)
"""Notes whose words evolution has not read yet."""


async def _construct(task: Task, most: int) -> Batch:
    store = task.memory.store
    waiting = await store.find(
        task.here(RAW), limit=min(most, AT_ONCE) if task.writer.asks else most
    )
    if not waiting:
        return Batch()
    before, built = list[Note](), list[Note]()
    for namespace in sorted({note.namespace for note in waiting}):
        notes = [note for note in waiting if note.namespace == namespace]
        background = await store.outlines(NoteFilter(namespaces=(namespace,)), limit=BACKGROUND)
        before += notes
        built += await anyio.to_thread.run_sync(
            _built_all, notes, [outline.content for outline in background]
        )
    worded, changed = await described(task, built), 0
    for maker in ("rule", "llm"):
        pairs = [
            (old, new)
            for old, rule, new in zip(before, built, worded, strict=True)
            if (new is rule) == (maker == "rule")
        ]
        olds, news = [old for old, _ in pairs], [new for _, new in pairs]
        changed += await settle(task, olds, news, "construct", f"derived by {maker}")
    return Batch(seen=tuple(note.note_id for note in waiting), changed=changed)


def _built_all(notes: Sequence[Note], background: Sequence[str]) -> list[Note]:
    found = find_keywords([note.content for note in notes], background)
    return [_built(note, words) for note, words in zip(notes, found, strict=True)]


def _built(note: Note, words: tuple[str, ...]) -> Note:
    """The note with everything derived that nobody gave; what an agent or an LLM made stays."""
    by = note.derived_by
    mine = {name for name in DERIVED if by.get(name, "rule") == "rule"}
    keys = words if "keywords" in mine else note.keywords
    built = replace(
        note,
        keywords=keys,
        entities=find_names(note.content) if "entities" in mine else note.entities,
        times=find_times(note.content, note.happened_at) if "times" in mine else note.times,
        context=context_of(note, keys) if "context" in mine else note.context,
        stage=CONSTRUCTED,
    )
    made = {name: "rule" for name in DERIVED if name in mine and getattr(built, name)}
    return replace(built, derived_by={**by, **made})


CONSTRUCT = Step(name="construct", waiting=RAW, work=_construct)
