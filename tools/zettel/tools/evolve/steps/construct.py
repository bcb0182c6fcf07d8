"""Step `construct`: keywords, names, times, importance, a default context; before it, vectors."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from zettel.storage.ids import told_at
from zettel.storage.notes import Note, Outline, Span, fold
from zettel.storage.store import NoteFilter
from zettel.tools.changes.stages import CONSTRUCTED
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.steps.base import LLM_BATCH_NOTES, Step, Task
from zettel.tools.evolve.writing.writer import with_draft
from zettel.tools.language.dates import find_note_times, relative_days
from zettel.tools.language.importance import read_importance
from zettel.tools.language.keywords import KEYWORD_MAX_CHARACTERS, find_keywords
from zettel.tools.language.names import find_names, read_spellings
from zettel.tools.language.times import wall_time
from zettel.tools.note_marks import is_suspect
from zettel.tools.state.memory import Memory

EMBED = "embed"
"""Its name in reports; it makes no revision."""
UNEMBEDDED_NOTES = NoteFilter(unembedded=True, derived=None)
"""Of all namespaces, also those that do not evolve."""


async def embed(memory: Memory, most: int) -> tuple[str, ...]:
    """Computes the missing vectors of at most `most` notes, in place; returns their ids.

    Loads the model if necessary.
    """
    waiting = await memory.store.find(UNEMBEDDED_NOTES, limit=most)
    bare = [*waiting, *await _earlier(memory, waiting)]
    contents = list(dict.fromkeys(note.content for note in bare))
    vectors = await memory.embedder.embed_notes(contents) if contents else []
    made = dict(zip(contents, vectors, strict=True))
    pairs = [(note, made[note.content]) for note in bare]
    await memory.store.embed(pairs, model=memory.embedder.model_id)
    return tuple(note.note_id for note in waiting)


async def _earlier(memory: Memory, notes: Sequence[Note]) -> list[Note]:
    """Closed revisions without vectors."""
    revised = [note.note_id for note in notes if note.rev > 1]
    histories = [await memory.store.revisions(note_id) for note_id in revised]
    return [row for rows in histories for row in rows if not (row.current or row.embed_model)]


def context_of(note: Note, times: Sequence[Span]) -> str:
    """The default context: what a reader of the text alone would have to ask.

    When it is of, and when it was told if that is earlier; about whom if the text does not name its
    subject, and which days "Friday" or "next week" are. Quotes no other note, so that forgotten
    content does not persist in its neighbours.
    """
    moment, told = wall_time(note.happened_at), wall_time(told_at(note.note_id))
    about = "" if fold(note.subject) in fold(note.content) else f" about {note.subject}"
    ahead = f", for {_day(moment)}" if moment.date() > told.date() else ""
    noted = f"Noted {_day(min(moment, told))}{ahead}{about}."
    days = islice(relative_days(times).items(), CONTEXT_MAX_TIMES)
    return " ".join((noted, *(f"“{phrase}” is {day}." for phrase, day in days)))


def _day(moment: datetime) -> str:
    return f"{moment:%A}, {moment.day} {moment:%B %Y}"


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
CONTEXT_MAX_TIMES = 4
"""Most expressions of time that a default context puts into dates."""
CONSTRUCTED_FIELDS = ("context", "keywords", "entities", "times")
"""Fields filled by this step."""


UNCONSTRUCTED = NoteFilter(stage_below=CONSTRUCTED)
"""Notes whose content evolution has not read yet."""


async def _construct(task: Task, waiting: Sequence[Note]) -> None:
    before, built = list[Note](), list[Note]()
    for namespace in sorted({note.namespace for note in waiting}):
        notes = [note for note in waiting if note.namespace == namespace]
        background = await task.batch.outlines(
            NoteFilter(namespaces=(namespace,)), limit=BACKGROUND_MAX_NOTES
        )
        before += notes
        built += await read_in_thread(_built_all, notes, background)
    worded = await described(task, built)
    for old, rule, new in zip(before, built, worded, strict=True):
        maker = "rule" if new is rule else "llm"
        task.batch.put(old, new, CONSTRUCT_STEP.name, f"derived by {maker}")


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
    found = (find_names(note.content, spellings) for note in notes)
    return [tuple(name for name in names if len(name) <= KEYWORD_MAX_CHARACTERS) for names in found]


def _built(note: Note, names: tuple[str, ...], words: tuple[str, ...]) -> Note:
    """The note with derived fields, except those from an agent or an LLM."""
    by = note.derived_by
    by_rule = {name for name in CONSTRUCTED_FIELDS if by.get(name, "rule") == "rule"}
    times = note.times
    if "times" in by_rule:
        times = find_note_times(note.content, note.happened_at, note.known_from)
    built = replace(
        note,
        keywords=words if "keywords" in by_rule else note.keywords,
        entities=names if "entities" in by_rule else note.entities,
        times=times,
        context=context_of(note, times) if "context" in by_rule else note.context,
        importance=read_importance(note.content, note.kind),
        stage=CONSTRUCTED,
    )
    made = {name: "rule" for name in CONSTRUCTED_FIELDS if name in by_rule and getattr(built, name)}
    return replace(built, derived_by={**by, **made})


CONSTRUCT_STEP = Step(name="construct", waiting=UNCONSTRUCTED, work=_construct)
