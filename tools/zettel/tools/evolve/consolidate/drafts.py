"""Drafts of composed notes: their wording, and the commit that creates or revises the notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count

from zettel.storage.ids import derived_id, new_id
from zettel.storage.notes import (
    DERIVED_FROM,
    EVOLUTION,
    OFFERED_SORTS,
    SCHEDULER,
    WITHDRAW,
    Kind,
    Link,
    Note,
    Origin,
    State,
    fold,
)
from zettel.storage.store import NoteFilter
from zettel.tools.caller import LOCAL
from zettel.tools.changes.links import standing
from zettel.tools.changes.stages import CONSOLIDATED
from zettel.tools.evolve.steps.base import Task
from zettel.tools.evolve.writing.writer import Piece
from zettel.tools.language.marks import find_marks_across
from zettel.tools.note_marks import is_suspect, marks_of
from zettel.tools.trust import COMPOSER, FULL_TRUST

CONSOLIDATE_CHANGE = "consolidate"

GENERALIZE_CHANGE = "generalize"
_COMPOSING = frozenset({CONSOLIDATE_CHANGE, GENERALIZE_CHANGE, WITHDRAW})
"""`Note.change` of revisions by which evolution takes composed notes out of recall."""

SOURCES_SHOWN = 3
"""Ids of sources in the context of an offer: as many as the fewest that it is made of."""

WORDED_BY = "summary"
"""Key of `Note.derived_by` for a composed note's maker, if that was not a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedDraft:
    """The intended content of a composed note; one per sort and `key` in a namespace."""

    sort: str
    """`GIST`, `SUMMARY`, `PROFILE`, `CONCEPT`, `PROPOSED_RULE` or `PROPOSED_FACT`."""
    key: str
    """Id of its first source; empty for the only one of its sort in a namespace."""
    namespace: str
    kind: Kind = Kind.CONCEPT
    session: str = ""
    subject: str = ""
    content: str
    sources: tuple[Note, ...]
    """Every cited note, at least one; of one author and trusted alike."""
    reason: str
    context: str = ""
    step: str = CONSOLIDATE_CHANGE
    """The step that composes it."""
    stage: int = CONSOLIDATED
    """0 if the steps are to read it once an agent has made it its own."""
    head: str = ""
    """Prefix of the text, in any wording."""
    room: int = 0
    """Bytes of UTF-8 for head and a writer's text; 0 keeps the rule's text."""
    shown: tuple[Note, ...] = ()
    """Notes that the writer sees; empty for every source."""
    made_by: str = "rule"
    """`rule` or `llm`."""


def name_sources(notes: Sequence[Note]) -> str:
    """The ids of the first sources, for the context: `recall(note_ids=…)` shows these notes.

    Ids, since words of a note would outlive it there.
    """
    shown = [note.note_id for note in notes[:SOURCES_SHOWN]]
    return ", ".join(shown) + (", …" if len(notes) > SOURCES_SHOWN else "")


def composed(task: Task, draft: DerivedDraft, note_id: str) -> Note:
    """A draft as a new note."""
    last = max(source.happened_at for source in draft.sources)
    return Note(
        note_id=note_id,
        namespace=draft.namespace,
        content=draft.content,
        context=draft.context,
        subject=draft.subject,
        tags=(draft.sort,),
        kind=draft.kind,
        session=draft.session,
        links=_links(task, draft, ()),
        happened_at=last,
        valid_from=min(last, task.now),
        known_from=task.now,
        derived_by=_makers({"tags": "rule"}, draft),
        origin=_origin(task, draft),
        trust=min(source.trust for source in draft.sources),
        changed_by=SCHEDULER,
        change=draft.step,
        reason=draft.reason,
        run_id=task.run_id,
        stage=draft.stage,
    )


def recomposed(task: Task, draft: DerivedDraft, old: Note) -> Note:
    """The existing note with a draft's content; fields an agent may have set are kept."""
    last = max(source.happened_at for source in draft.sources)
    return replace(
        old,
        content=draft.content,
        context=draft.context,
        derived_by=_makers(old.derived_by, draft),
        links=_links(task, draft, old.links),
        happened_at=last,
        valid_from=min(last, old.valid_from if old.happened_at == last else task.now),
        trust=min(source.trust for source in draft.sources),
        origin=_origin(task, draft),
        state=State.ACTIVE,
    )


def _origin(task: Task, draft: DerivedDraft) -> Origin:
    """The author of all its sources stands in `client`."""
    author = task.memory.trust.author(draft.sources[0])
    client = COMPOSER if author == LOCAL else author
    return Origin(client=client, transport=EVOLUTION, principal=draft.sort)


def _makers(makers: Mapping[str, str], draft: DerivedDraft) -> dict[str, str]:
    others = {name: maker for name, maker in makers.items() if name != WORDED_BY}
    others |= {"context": "rule"} if draft.context else {}
    return others | ({WORDED_BY: draft.made_by} if draft.made_by != "rule" else {})


def is_ours(note: Note) -> bool:
    """Whether evolution may still change a composed note: no agent has decided about it."""
    return note.derived and (
        note.state is State.ACTIVE or (note.state is State.ARCHIVED and note.change in _COMPOSING)
    )


def cited(note: Note) -> frozenset[str]:
    """Ids of a composed note's sources."""
    return standing(note, DERIVED_FROM)


def may_generalize(task: Task, note: Note) -> bool:
    """Whether a note is somebody's own word, trusted fully, and so may count among others."""
    return (
        note.state is State.ACTIVE
        and not note.derived
        and note.kind not in (Kind.WORKING, Kind.CONCEPT)
        and note.trust >= FULL_TRUST
        and not (note.valid_until and note.valid_until <= task.now)
        and not is_suspect(note)
    )


async def offers_of(task: Task, notes: Sequence[Note]) -> list[Note]:
    """What was offered for some notes, in any state."""
    ids = [note.note_id for note in notes]
    return [n for n in await task.batch.linking_to(ids) if n.origin.principal in OFFERED_SORTS]


def is_refused(offer: Note) -> bool:
    """Whether somebody said no to what was offered."""
    return offer.state is State.FORGOTTEN and offer.change == "forget"


def _links(task: Task, draft: DerivedDraft, old: Sequence[Link]) -> tuple[Link, ...]:
    """A link to every source.

    A link to a former source ends, but stays: notes made of a note must be found when it is
    forgotten.
    """
    wanted = {source.note_id: source for source in draft.sources}
    links = list[Link]()
    for link in old:
        ours = link.made_by == "rule" and link.relation == DERIVED_FROM and link.stood(None)
        if ours and link.to not in wanted:
            links.append(replace(link, valid_until=max(task.now, link.made_at)))
        else:
            links.append(link)
            if ours:
                del wanted[link.to]
    new = [
        Link(
            to=source.note_id,
            relation=DERIVED_FROM,
            made_by="rule",
            made_at=task.now,
            valid_from=source.valid_from,
        )
        for source in wanted.values()
    ]
    return (*links, *new)


WRITER_MAX_NOTES = 40
"""Notes a writer sees for one text; of more sources, the rule chooses."""
_BY = "worded by the LLM from "
"""In a revision's reason, before the hash of its sources."""


async def worded(task: Task, draft: DerivedDraft, old: Note | None) -> DerivedDraft:
    """The draft in the writer's words; unchanged if it has none. `old` is the existing note.

    Existing wording of unchanged sources is kept, so that an interrupted run asks once and wording
    survives without an LLM.
    """
    shown = _shown(draft)
    if find_marks_across([note.content for note in shown]):
        return draft
    if not draft.room or not shown or (old is not None and not is_ours(old)):
        return draft
    mark = _mark(shown)
    if old is not None and old.derived_by.get(WORDED_BY) == "llm":
        if await _marked(task, old) == mark:
            return _by_llm(draft, old.content, mark)
    if not task.writer.asks or len(shown) > WRITER_MAX_NOTES:
        return draft
    if len(await task.batch.active(shown)) < len(shown):
        return draft
    room = draft.room - len(draft.head.encode()) - 1
    text = await task.writer.compose(Piece(sort=draft.sort, notes=shown, most=room))
    return _by_llm(draft, f"{draft.head} {text}".strip(), mark) if text else draft


def _shown(draft: DerivedDraft) -> tuple[Note, ...]:
    return tuple(
        note
        for note in (draft.shown or draft.sources)
        if note.state is State.ACTIVE and not is_suspect(note)
    )


def _words(note: Note) -> str:
    return f"{note.subject}\n{note.content}"


def _by_llm(draft: DerivedDraft, content: str, mark: str) -> DerivedDraft:
    reason = f"{draft.reason}, {_BY}{mark}"
    return replace(draft, content=content, made_by="llm", reason=reason)


def _mark(notes: Sequence[Note]) -> str:
    """Hash of the sources' content, 48 bits."""
    contents = "\n".join(sorted(f"{n.note_id} {n.happened_at} {fold(_words(n))}" for n in notes))
    return blake2b(contents.encode(), digest_size=6).hexdigest()


async def _marked(task: Task, note: Note) -> str:
    """The source hash of a note's last wording; empty if there is none."""
    for earlier in reversed(await task.batch.revisions(note.note_id)):
        if CONSOLIDATE_CHANGE in earlier.steps and _BY in earlier.reason:
            return earlier.reason.rpartition(_BY)[2]
    return ""


SORT_MAX_NOTES = 100
"""Notes read of a sort that is single in its namespace: it and its forgotten predecessors."""


async def keep(
    task: Task,
    drafts: Sequence[DerivedDraft],
    outdated: Sequence[Note] = (),
    *,
    step: str = CONSOLIDATE_CHANGE,
) -> None:
    """Puts the drafts into the batch; `outdated` composed notes without a draft leave recall."""
    made, seen = list[tuple[Note | None, Note, DerivedDraft]](), set[str]()
    for draft in drafts:
        if marks_of(draft.content):
            continue
        note_id, old = await _standing(task, draft)
        seen.add(note_id)
        ready = await worded(task, draft, old)
        if old is None:
            made.append((None, composed(task, ready, note_id), ready))
        elif is_ours(old) and (fresh := recomposed(task, ready, old)) != old:
            made.append((old, fresh, ready))
    await _put(task, made)
    for old in outdated:
        if old.note_id not in seen and old.state is State.ACTIVE and is_ours(old):
            gone = replace(old, state=await _left_for(task, old))
            task.batch.put(old, gone, step, "nothing is left of what it was of")


async def _put(task: Task, made: Sequence[tuple[Note | None, Note, DerivedDraft]]) -> None:
    """Puts composed notes into the batch, with vectors where the content is new."""
    texts = [note.content for old, note, _ in made if not (old and old.content == note.content)]
    embedded = await task.memory.embedder.embed_notes(texts) if texts else []
    vectors, model = dict(zip(texts, embedded, strict=True)), task.memory.embedder.model_id
    for old, composed_note, draft in made:
        array = vectors.get(composed_note.content)
        note = composed_note if array is None else replace(composed_note, embed_model=model)
        if old is not None:
            task.batch.put(old, note, draft.step, draft.reason)
        task.batch.compose(note, draft.sources, array)


async def _standing(task: Task, draft: DerivedDraft) -> tuple[str, Note | None]:
    """A draft's existing note, or the id of the note to create.

    A note forgotten by evolution or an undo is not reused, since its earlier revisions hold
    forgotten content, nor is an erased note's id: a new note takes its place. A note forgotten by
    an agent stays forgotten.
    """
    store = task.batch
    if draft.key:
        for generation in count():
            note_id = derived_id(draft.key, f"{draft.namespace}\n{draft.sort}\n{generation}")
            found = await store.get([note_id])
            if (found and not _is_replaced(found[0])) or not (
                found or await task.memory.admin.erased([note_id])
            ):
                return note_id, found[0] if found else None
    where = NoteFilter(namespaces=(draft.namespace,), kinds=(draft.kind,), states=(), derived=True)
    there = [n for n in await _of_sort(task, where, draft.sort) if not _is_replaced(n)]
    return (there[0].note_id, there[0]) if there else (new_id(task.now), None)


async def _of_sort(task: Task, where: NoteFilter, sort: str) -> list[Note]:
    found = await task.batch.find(replace(where, tags=(sort,)), limit=SORT_MAX_NOTES)
    return [note for note in found if note.origin.principal == sort]


def _is_replaced(note: Note) -> bool:
    return note.state is State.FORGOTTEN and note.change != "forget"


async def _left_for(task: Task, note: Note) -> State:
    """Archived; forgotten if one of its sources is."""
    sources = await task.batch.get(sorted(cited(note)))
    forgotten = any(source.state is State.FORGOTTEN for source in sources)
    return State.FORGOTTEN if forgotten else State.ARCHIVED
