"""The verb `update`: change a note; every revision is kept."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError, NoteForgottenError, NoteNotFoundError
from zettel.storage.notes import PART_OF, Kind, Note, State
from zettel.storage.store import Change, Vectors
from zettel.tools import validation
from zettel.tools.answers import MODEL_LOADING, Undo, UpdateAnswer
from zettel.tools.caller import Caller
from zettel.tools.changes.commit import commit
from zettel.tools.changes.differences import told_changes
from zettel.tools.changes.links import LinkArgument, check_links, check_targets
from zettel.tools.changes.preconditions import check_expected, check_rev
from zettel.tools.changes.supersession import (
    check_no_circle,
    plan_targets,
    reconcile_superseded,
    supersedes,
    told_end,
    turned,
)
from zettel.tools.concurrency import gather2, shielded
from zettel.tools.language.times import read_time
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.candidates import candidates, committed_beside_search, nearest_notes
from zettel.tools.verbs.restore import restoring
from zettel.tools.verbs.revision import NO_WISH, NoteEdit, archived, revised

Amend = Callable[[Note], Awaitable[Change | None]]
"""From the note as it stands to its next revision; None when nothing would change."""


async def update(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    note_id: str,
    content: str | None = None,
    context: str | None = None,
    subject: str | None = None,
    tags: Sequence[str] | None = None,
    kind: str | None = None,
    happened_at: str | None = None,
    valid_until: str | None = None,
    links: Sequence[LinkArgument] | None = None,
    correction: bool = False,
    restore_rev: int | None = None,
    expected_rev: int | None = None,
    reason: str | None = None,
) -> UpdateAnswer:
    """Change the given fields of a note; `""` and `[]` empty one.

    New content means that the world changed at `happened_at` (default now); with `correction`,
    that what was said before was never true. `restore_rev` brings an earlier revision back. A
    change that changes nothing makes no revision. A `working` note that becomes another kind takes
    the working notes that are `part_of` it out of recall, in the same commit.

    Raises:
        InvalidArgumentError: A value cannot be used; nothing is changed.
        NoteNotFoundError: There is no such note, or no such link target.
        OtherRevisionError: An agent has changed the note since `expected_rev`.
        ChangedMeanwhileError: Others kept changing it.
    """
    ids = validation.check_ids("note_id", [note_id])
    if not ids:
        raise InvalidArgumentError("note_id", "it is empty", "Pass the id that recall returned.")
    most = validation.MAX_FIELD
    wish = NoteEdit(
        content=None if content is None else validation.check_content(content),
        context=None
        if context is None
        else validation.check_text("context", context.strip(), most=most),
        subject=None if subject is None else validation.check_subject(subject),
        tags=None if tags is None else validation.check_list("tags", tags),
        kind=validation.check_kind(kind, writable=True),
        happened=read_time("happened_at", happened_at, now),
        valid_until=read_time("valid_until", valid_until, now, prefer="future"),
        endless=valid_until is not None and not valid_until.strip(),
        links=check_links(links),
        unlinked=links is not None and not links,
        correction=correction,
        reason=validation.check_text("reason", (reason or "").strip(), most=most),
    )
    note, vectors = await gather2(lambda: _live(memory, ids[0]), lambda: _vectors(memory, wish))
    if restore_rev is None:
        vectors = vectors if wish.content != note.content else None
        amend = await _amending(memory, caller, wish, vectors, now)
    else:
        _check_alone(wish)
        rev = check_rev("restore_rev", restore_rev)
        amend = await restoring(memory, note, rev, wish.reason, by=caller.name, now=now)
    if expected_rev is not None:
        amend = _guarded(memory, amend, check_rev("expected_rev", expected_rev))
    return await _apply(memory, caller.name, note, wish, amend, vectors, now)


async def _amending(
    memory: Memory, caller: Caller, wish: NoteEdit, vectors: Vectors | None, now: datetime
) -> Amend:
    linked = sorted({link["to"] for link in wish.links})
    check_targets(wish.links, {n.note_id: n for n in await memory.store.get(linked)})
    model = memory.embedder.model_id

    async def amend(note: Note) -> Change | None:
        new = await _without_known_end(memory, note, wish)
        return revised(note, new, vectors, model=model, by=caller.name, now=now)

    return amend


async def _without_known_end(memory: Memory, note: Note, wish: NoteEdit) -> NoteEdit:
    """The wish without the end the note was told before; another note may have given it another."""
    if note.valid_until is None or not (wish.valid_until or wish.endless):
        return wish
    told = told_end(await memory.store.revisions(note.note_id))
    if told != (wish.valid_until.last if wish.valid_until else None):
        return wish
    return replace(wish, valid_until=None, endless=False)


def _guarded(memory: Memory, amend: Amend, expected: int) -> Amend:
    """Change the note only as the caller has seen it; the same call made again changes nothing."""

    async def guarded(note: Note) -> Change | None:
        change = await amend(note)
        if change:
            await check_expected(memory.store, note, expected)
        return change

    return guarded


def _check_alone(wish: NoteEdit) -> None:
    if replace(wish, reason="") != NO_WISH:
        raise InvalidArgumentError(
            "restore_rev",
            "it brings a whole revision back, so no field can be given beside it",
            "Pass restore_rev alone, with expected_rev and reason at most; update again after it.",
        )


async def _apply(
    memory: Memory,
    by: str,
    note: Note,
    wish: NoteEdit,
    amend: Amend,
    vectors: Vectors | None,
    now: datetime,
) -> UpdateAnswer:
    note_id, parts = note.note_id, await _open_parts(memory, note, wish)
    before = after = note
    embedded: Vectors | None = None

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        nonlocal before, after, embedded
        changes = list[Change]()
        if note_id in notes:  # absent once its change is stored and only others lost a race
            before = after = notes[note_id]
            if before.state is State.FORGOTTEN:
                raise NoteForgottenError(note_id)
            if change := await amend(before):
                changes, after, embedded = [change], change.note, change.vectors
            await check_no_circle(memory.store, note_id, supersedes(after) - supersedes(before))
        changes += await plan_targets(
            memory.store, turned(before, after), {note_id: after}, by=by, now=now
        )
        busy = {change.note.note_id for change in changes}
        folded = [n for i, n in notes.items() if i in parts - busy and n.state is State.ACTIVE]
        return changes + [archived(part, after, now) for part in folded]

    async def write() -> Sequence[Note]:
        with shielded():
            stored = await commit(memory, [note_id, *sorted(parts)], plan)
            ends = before.valid_until or after.valid_until  # as every note does that was superseded
            targets = [*turned(before, after), *([note_id] if ends else [])]
            return [*stored, *await reconcile_superseded(memory, targets, by=by, now=now)]

    stored, near = await committed_beside_search(memory, note.namespace, vectors, write, now=now)
    answer = _told(before, stored, parts)
    if after.content != before.content:
        if near is None and embedded is not None:  # an earlier revision's, only now known
            near = await nearest_notes(memory, note.namespace, embedded, now=now)
        if found := await candidates(memory, after, near, supersedes(after) | parts):
            answer["candidates"] = found
        if embedded is None:
            answer["degraded"] = MODEL_LOADING
    return answer


def _told(before: Note, stored: Sequence[Note], parts: frozenset[str]) -> UpdateAnswer:
    new = {note.note_id: note for note in stored}.get(before.note_id, before)
    answer = UpdateAnswer(note_id=new.note_id, rev=new.rev, changed=told_changes(before, new))
    if new.rev > before.rev:
        answer["undo"] = Undo(restore_rev=before.rev)
    if new.state is not State.ACTIVE:
        answer["state"] = new.state.value
    if folded := [note.note_id for note in stored if note.note_id in parts]:
        answer["archived"] = folded
    return answer


async def _live(memory: Memory, note_id: str) -> Note:
    found = await memory.store.get([note_id])
    if not found:
        raise NoteNotFoundError(note_id)
    if found[0].state is State.FORGOTTEN:
        raise NoteForgottenError(note_id)
    return found[0]


async def _vectors(memory: Memory, wish: NoteEdit) -> Vectors | None:
    if wish.content is None or not memory.embedder.ready:
        return None
    return (await memory.embedder.embed_notes([wish.content]))[0]


async def _open_parts(memory: Memory, note: Note, wish: NoteEdit) -> frozenset[str]:
    """The working notes that a finished working note folds into itself."""
    finished = wish.kind not in (None, Kind.WORKING)
    if note.kind is not Kind.WORKING or not finished:
        return frozenset()
    return frozenset(
        part.note_id
        for part in await memory.store.linking_to([note.note_id])
        if part.kind is Kind.WORKING and part.state is State.ACTIVE and _has(part, PART_OF, note)
    )


def _has(note: Note, relation: str, other: Note) -> bool:
    return any(
        link.to == other.note_id and link.relation == relation and link.stood(None)
        for link in note.links
    )
