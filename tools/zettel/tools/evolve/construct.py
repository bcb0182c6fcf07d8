"""Step `construct`: a note's keywords, names, times, and a context where the agent gave none.

A-MEM's note construction (arXiv 2502.12110, section 3.1) by rule, then by the run's writer.
"""

from collections.abc import Sequence
from dataclasses import replace

import anyio

from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.evolve.context import context_of
from zettel.tools.evolve.dates import spans
from zettel.tools.evolve.describe import AT_ONCE, described
from zettel.tools.evolve.keywords import keywords
from zettel.tools.evolve.names import names
from zettel.tools.evolve.step import CONSTRUCTED, Batch, Step, Task, settle

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
    found = keywords([note.content for note in notes], background)
    return [_built(note, words) for note, words in zip(notes, found, strict=True)]


def _built(note: Note, words: tuple[str, ...]) -> Note:
    """The note with everything derived that nobody gave; what an agent or an LLM made stays."""
    by = note.derived_by
    mine = {name for name in DERIVED if by.get(name, "rule") == "rule"}
    keys = words if "keywords" in mine else note.keywords
    built = replace(
        note,
        keywords=keys,
        entities=names(note.content) if "entities" in mine else note.entities,
        times=spans(note.content, note.happened_at) if "times" in mine else note.times,
        context=context_of(note, keys) if "context" in mine else note.context,
        stage=CONSTRUCTED,
    )
    made = {name: "rule" for name in DERIVED if name in mine and getattr(built, name)}
    return replace(built, derived_by={**by, **made})


CONSTRUCT = Step(name="construct", waiting=RAW, work=_construct)
