"""The verb `update`: change a note; every revision is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError, NoteNotFoundError
from zettel.storage.notes import PART_OF, SUPERSEDES, Kind, Note, State
from zettel.storage.store import Change, Vectors
from zettel.tools import bounds
from zettel.tools.answers import UpdateAnswer
from zettel.tools.candidates import find_candidates
from zettel.tools.commit import commit
from zettel.tools.history import differences
from zettel.tools.links import (
    LinkArgument,
    check_links,
    check_targets,
    revived,
    superseded,
    targets,
    with_links,
)
from zettel.tools.memory import Caller, Memory
from zettel.tools.remember import MODEL_LOADING
from zettel.tools.times import Period, iso, read_time


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What to change, checked; None is absent, an empty value empties the field."""

    content: str | None
    context: str | None
    subject: str | None
    tags: tuple[str, ...] | None
    kind: Kind | None
    happened: Period | None
    valid_until: Period | None
    endless: bool
    links: tuple[LinkArgument, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Aside:
    """Ids of the other notes that the change touches: superseded, valid again, folded away."""

    closing: frozenset[str]
    opening: frozenset[str]
    parts: frozenset[str]


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
    reason: str | None = None,
) -> UpdateAnswer:
    """Change the given fields of a note; `""` and `[]` empty one.

    New content means that the world changed at `happened_at` (default now). A change that changes
    nothing makes no revision. A `working` note that becomes another kind with new content takes
    the working notes that are `part_of` it out of recall, in the same commit.

    Raises:
        InvalidArgumentError: A value cannot be used; nothing is changed.
        NoteNotFoundError: There is no such note, or no such link target.
        ChangedMeanwhileError: Others kept changing it.
    """
    ids = bounds.check_ids("note_id", [note_id])
    if not ids:
        raise InvalidArgumentError("note_id", "it is empty", "Pass the id that recall returned.")
    most = bounds.MAX_FIELD
    wish = _Wish(
        content=None if content is None else bounds.check_content(content),
        context=None
        if context is None
        else bounds.check_text("context", context.strip(), most=most),
        subject=None if subject is None else bounds.check_subject(subject),
        tags=None if tags is None else bounds.check_list("tags", tags),
        kind=bounds.check_kind(kind, writable=True),
        happened=read_time("happened_at", happened_at, now),
        valid_until=read_time("valid_until", valid_until, now),
        endless=valid_until is not None and not valid_until.strip(),
        links=check_links(links),
        reason=bounds.check_text("reason", (reason or "").strip(), most=most),
    )
    return await _apply(memory, caller, ids[0], wish, now)


async def _apply(
    memory: Memory, caller: Caller, note_id: str, wish: _Wish, now: datetime
) -> UpdateAnswer:
    note = await _live(memory, note_id)
    linked = {link["to"] for link in wish.links}
    check_targets(wish.links, {n.note_id: n for n in await memory.store.get(sorted(linked))})
    vectors = await _vectors(memory, note, wish)
    aside = _Aside(
        closing=frozenset(targets(wish.links, remove=False, relation=SUPERSEDES)),
        opening=await _reopened(memory, note, wish),
        parts=await _open_parts(memory, note, wish),
    )
    before = after = note

    def plan(notes: Mapping[str, Note]) -> list[Change]:
        nonlocal before, after
        changes = list[Change]()
        if note_id in notes:  # absent once its change is stored and only others lost a race
            before = notes[note_id]
            if before.state is State.FORGOTTEN:
                raise NoteNotFoundError(note_id)
            change = _revised(memory, before, wish, vectors, caller, now)
            after = change.note if change else before
            changes += [change] if change else []
        return changes + _consequences(after, notes, aside, now)

    stored = await commit(memory, [note_id, *sorted(linked | aside.parts)], plan)
    new = next((n for n in stored if n.note_id == note_id), before)
    answer = UpdateAnswer(note_id=note_id, rev=new.rev, changed=differences(before, new))
    if archived := [n.note_id for n in stored if n.note_id in aside.parts]:
        answer["archived"] = archived
    if wish.content is not None and new.rev > before.rev:
        if candidates := await find_candidates(memory, new, vectors):
            answer["candidates"] = candidates
        if vectors is None:
            answer["degraded"] = MODEL_LOADING
    return answer


async def _live(memory: Memory, note_id: str) -> Note:
    found = await memory.store.get([note_id])
    if not found or found[0].state is State.FORGOTTEN:
        raise NoteNotFoundError(note_id)
    return found[0]


async def _vectors(memory: Memory, note: Note, wish: _Wish) -> Vectors | None:
    if wish.content is None or wish.content == note.content or not memory.embedder.ready:
        return None
    return (await memory.embedder.embed_notes([wish.content]))[0]


async def _open_parts(memory: Memory, note: Note, wish: _Wish) -> frozenset[str]:
    """The working notes that a finished working note folds into itself."""
    finished = wish.content is not None and wish.kind not in (None, Kind.WORKING)
    if note.kind is not Kind.WORKING or not finished:
        return frozenset()
    return frozenset(
        part.note_id
        for part in await memory.store.linking_to([note.note_id])
        if part.kind is Kind.WORKING and part.state is State.ACTIVE and _has(part, PART_OF, note)
    )


async def _reopened(memory: Memory, note: Note, wish: _Wish) -> frozenset[str]:
    """The notes that nobody supersedes any more once this note's links to them are gone."""
    opening = targets(wish.links, remove=True, relation=SUPERSEDES)
    kept = set[str]()
    for other in await memory.store.linking_to(sorted(opening)) if opening else ():
        if other.note_id != note.note_id and other.state is State.ACTIVE:
            kept |= {link.to for link in other.links if link.relation == SUPERSEDES}
    return frozenset(opening - kept)


def _has(note: Note, relation: str, other: Note) -> bool:
    return any(link.to == other.note_id and link.relation == relation for link in note.links)


def _revised(
    memory: Memory,
    old: Note,
    wish: _Wish,
    vectors: Vectors | None,
    caller: Caller,
    now: datetime,
) -> Change | None:
    """The note's next revision; None when nothing would change."""
    new_words = wish.content is not None and wish.content != old.content
    happened = wish.happened.start if wish.happened else (now if new_words else old.happened_at)
    until = wish.valid_until.end if wish.valid_until else old.valid_until
    new = replace(
        old,
        content=old.content if wish.content is None else wish.content,
        context=old.context if wish.context is None else wish.context,
        subject=old.subject if wish.subject is None else wish.subject,
        tags=old.tags if wish.tags is None else wish.tags,
        kind=wish.kind or old.kind,
        happened_at=happened,
        valid_from=old.valid_from if happened == old.happened_at else min(happened, now),
        valid_until=None if wish.endless else until,
        links=with_links(old.links, wish.links, own_id=old.note_id, now=now),
    )
    if not differences(old, new):
        return None
    if new.valid_until and new.valid_until <= new.valid_from:
        raise InvalidArgumentError(
            "valid_until",
            f"{iso(new.valid_until)} is not after {iso(new.valid_from)}, when the note became true",
            'Pass a later time, or "" for no end.',
        )
    new = _rederived(replace(new, derived_by=_makers(old, wish)), old, new_words=new_words)
    return Change(
        note=replace(
            new,
            rev=old.rev + 1,
            known_from=now,
            changed_by=caller.origin.client or caller.origin.transport,
            change="update",
            reason=wish.reason,
            run_id="",
            embed_model=_model(memory, old, vectors, new_words=new_words),
        ),
        vectors=vectors,
        keep_vectors=not new_words,
        ended_at=new.valid_from if new_words else None,
    )


def _model(memory: Memory, old: Note, vectors: Vectors | None, *, new_words: bool) -> str:
    if not new_words:
        return old.embed_model
    return memory.embedder.model_id if vectors is not None else ""


def _makers(old: Note, wish: _Wish) -> dict[str, str]:
    makers = dict(old.derived_by)
    for name, value in (("context", wish.context), ("tags", wish.tags)):
        if value is not None:
            makers[name] = "agent"
    return makers


def _rederived(new: Note, old: Note, *, new_words: bool) -> Note:
    """Drop what was derived from words that no longer stand, and have evolution look again."""
    if not new_words:
        moved = (new.subject, new.happened_at) != (old.subject, old.happened_at)
        return replace(new, stage=0 if moved else old.stage)
    derived = new.derived_by
    return replace(
        new,
        context="" if derived.get("context") == "rule" else new.context,
        keywords=(),
        entities=(),
        times=(),
        questions=(),
        summary="",
        links=tuple(link for link in new.links if link.made_by == "agent"),
        derived_by={name: maker for name, maker in derived.items() if maker == "agent"},
        stage=0,
    )


def _consequences(
    note: Note, notes: Mapping[str, Note], aside: _Aside, now: datetime
) -> list[Change]:
    changes = list[Change | None]()
    for other in notes.values():
        if other.note_id in aside.closing:
            changes.append(superseded(other, note, now=now))
        elif other.note_id in aside.opening:
            changes.append(revived(other, note, now=now))
        elif other.note_id in aside.parts and other.state is State.ACTIVE:
            changes.append(_archived(other, note, now))
    return [change for change in changes if change]


def _archived(part: Note, whole: Note, now: datetime) -> Change:
    return Change(
        note=replace(
            part,
            rev=part.rev + 1,
            state=State.ARCHIVED,
            known_from=now,
            changed_by=whole.changed_by,
            change="fold",
            reason=f"folded into {whole.note_id}",
            run_id="",
        )
    )
