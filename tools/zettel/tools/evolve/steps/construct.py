"""Steps `embed` and `construct`: vectors, keywords, names, times, and a default context."""

from collections.abc import Sequence
from dataclasses import replace

from zettel.storage.notes import Note, Outline
from zettel.storage.store import NoteFilter
from zettel.tools.changes.stages import CONSTRUCTED
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.steps.base import LLM_BATCH_NOTES, Batch, Step, Task, settle
from zettel.tools.evolve.writing.writer import with_draft
from zettel.tools.language.dates import find_note_times
from zettel.tools.language.keywords import find_keywords
from zettel.tools.language.names import find_names, read_spellings
from zettel.tools.note_marks import is_suspect

UNEMBEDDED_NOTES = NoteFilter(unembedded=True, derived=None)


async def _embed(task: Task, most: int) -> Batch:
    memory = task.memory
    waiting = await memory.store.find(UNEMBEDDED_NOTES, limit=most)
    if not waiting:
        return Batch()
    bare = [*waiting, *await _earlier(task, waiting)]
    contents = list(dict.fromkeys(note.content for note in bare))
    vectors = await memory.embedder.embed_notes(contents)
    made = dict(zip(contents, vectors, strict=True))
    pairs = [(note, made[note.content]) for note in bare]
    await memory.store.embed(pairs, model=memory.embedder.model_id)
    return Batch(seen=tuple(note.note_id for note in waiting), changed=len(waiting))


async def _earlier(task: Task, notes: Sequence[Note]) -> list[Note]:
    """Closed revisions without vectors."""
    revised = [note.note_id for note in notes if note.rev > 1]
    histories = [await task.memory.store.revisions(note_id) for note_id in revised]
    return [row for rows in histories for row in rows if not (row.current or row.embed_model)]


EMBED_STEP = Step(name="embed", waiting=UNEMBEDDED_NOTES, work=_embed, everywhere=True)
"""Loads the model if necessary."""


def context_of(note: Note, keywords: Sequence[str]) -> str:
    """The default context: when a note was made and about what.

    Quotes no other note, so that forgotten content does not persist in its neighbours. `keywords`
    are the note's, weightiest first.
    """
    moment = note.happened_at
    day = f"{moment:%A}, {moment.day} {moment:%B} {moment.year}"
    about = f", on {', '.join(keywords[:3])}" if keywords else ""
    return f"Noted {day}{about}."


async def described(task: Task, notes: Sequence[Note]) -> list[Note]:
    """The notes with the writer's descriptions; descriptions of an earlier run are kept.

    A note without a description keeps the rule's until its content changes: no run repeats a
    question that an unavailable LLM did not answer.
    """
    drafts, rules = dict[str, Note](), task.memory.trust
    asked = [note for note in notes if "llm" not in note.derived_by.values()]
    asked = [note for note in asked if not is_suspect(note)] if task.writer.asks else []
    # Notes in one question could change what is said of one another.
    peers = dict[tuple[str, float], list[Note]]()
    for note in asked:
        peers.setdefault((rules.author(note), note.trust), []).append(note)
    for alike in peers.values():
        for start in range(0, len(alike), LLM_BATCH_NOTES):
            part = alike[start : start + LLM_BATCH_NOTES]
            said = await task.writer.describe(part)
            drafts |= {n.note_id: with_draft(n, said[n.note_id]) for n in part if n.note_id in said}
    return [drafts.get(note.note_id, note) for note in notes]


BACKGROUND_MAX_NOTES = 1_000
"""Notes of the namespace that show which words are common."""
CONSTRUCTED_FIELDS = ("context", "keywords", "entities", "times")
"""Fields filled by this step."""


UNCONSTRUCTED = NoteFilter(stage_below=CONSTRUCTED)
"""Notes whose content evolution has not read yet."""


async def _construct(task: Task, most: int) -> Batch:
    store = task.memory.store
    waiting = await store.find(
        task.here(UNCONSTRUCTED), limit=min(most, LLM_BATCH_NOTES) if task.writer.asks else most
    )
    if not waiting:
        return Batch()
    before, built = list[Note](), list[Note]()
    for namespace in sorted({note.namespace for note in waiting}):
        notes = [note for note in waiting if note.namespace == namespace]
        background = await store.outlines(
            NoteFilter(namespaces=(namespace,)), limit=BACKGROUND_MAX_NOTES
        )
        before += notes
        built += await read_in_thread(_built_all, notes, background)
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


def _built_all(notes: Sequence[Note], background: Sequence[Outline]) -> list[Note]:
    names = _names(notes, background)
    contents = [outline.content for outline in background]
    words = find_keywords([note.content for note in notes], names, contents)
    return [_built(*given) for given in zip(notes, names, words, strict=True)]


def _names(notes: Sequence[Note], background: Sequence[Outline]) -> list[tuple[str, ...]]:
    """The names of each note; a name that is plain in one note is known in the others."""
    said = dict[str, tuple[str, tuple[str, ...]]]()
    for one in (*background, *notes):
        said[one.note_id] = one.content, (*one.entities, one.subject)
    plain = read_spellings(said.values())
    for note in notes:
        text, names = said[note.note_id]
        said[note.note_id] = text, (*names, *find_names(text, plain))
    spellings = read_spellings(said.values())
    return [find_names(note.content, spellings) for note in notes]


def _built(note: Note, names: tuple[str, ...], words: tuple[str, ...]) -> Note:
    """The note with derived fields, except those from an agent or an LLM."""
    by = note.derived_by
    by_rule = {name for name in CONSTRUCTED_FIELDS if by.get(name, "rule") == "rule"}
    keys = words if "keywords" in by_rule else note.keywords
    built = replace(
        note,
        keywords=keys,
        entities=names if "entities" in by_rule else note.entities,
        times=find_note_times(note.content, note.happened_at, note.known_from)
        if "times" in by_rule
        else note.times,
        context=context_of(note, keys) if "context" in by_rule else note.context,
        stage=CONSTRUCTED,
    )
    made = {name: "rule" for name in CONSTRUCTED_FIELDS if name in by_rule and getattr(built, name)}
    return replace(built, derived_by={**by, **made})


CONSTRUCT_STEP = Step(name="construct", waiting=UNCONSTRUCTED, work=_construct)
