"""The verb `update`: change a note, or restore a revision; every revision is kept."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Unpack

from zettel.storage.errors import (
    FirstPartError,
    InvalidArgumentError,
    NoteForgottenError,
    NoteNotFoundError,
    ZettelError,
)
from zettel.storage.notes import DERIVED_FROM, PART_OF, SAME_AS, SUPERSEDES, Kind, Note, State
from zettel.storage.store import Change, Vectors
from zettel.tools import validation
from zettel.tools.answers import MODEL_LOADING, RememberAnswer, Undo, UpdateAnswer
from zettel.tools.caller import Caller
from zettel.tools.changes.commit import commit
from zettel.tools.changes.differences import reported_changes
from zettel.tools.changes.edits import NoteEdit, check_moved, read_edit, revise
from zettel.tools.changes.embedding import embed_if_loaded
from zettel.tools.changes.links import LinkArgument, kin, linked_as, read_targets, standing
from zettel.tools.changes.merging import (
    check_mergeable,
    follow_parted,
    merged,
    parted,
    same_as,
    twin_change,
    with_state,
)
from zettel.tools.changes.parts import parts_of
from zettel.tools.changes.preconditions import check_expected, check_rev
from zettel.tools.changes.restoring import plan_restore
from zettel.tools.changes.settling import is_another_plan
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.changes.supersession import (
    changed_targets,
    check_no_circle,
    check_outlasts,
    check_supersedable,
    how_to_take_back,
    plan_targets,
    reconcile_superseded,
    stated_end,
    superseded_by_now,
    supersedes,
    with_plans_replaced,
)
from zettel.tools.concurrency import gather2, read_in_thread, shielded
from zettel.tools.language.documents import UNCUT_MAX_CHARACTERS
from zettel.tools.language.times import Period, is_to_come, iso
from zettel.tools.note_marks import note_marks, words_of
from zettel.tools.secrets.cutting import without_secrets
from zettel.tools.state.memory import Memory
from zettel.tools.trust import MARKED_TRUST, SUSPECT, check_change, check_core, check_replaces
from zettel.tools.verbs.candidates import candidates, compare
from zettel.tools.verbs.remember import NoteFields, remember


def archived(part: Note, whole: Note, now: datetime) -> Change:
    """Archives a finished part: its content is in the whole's result."""
    part = replace(part, state=State.ARCHIVED, stage=stage_after(State.ARCHIVED))
    reason = f"folded into {whole.note_id}"
    return Change(note=next_note(part, by=whole.changed_by, now=now, change="fold", reason=reason))


class EditFields(NoteFields, total=False):
    """Arguments of `update` that change fields."""

    content: str | None
    correction: bool
    reason: str | None


async def check_edit(memory: Memory, note: Note, edit: NoteEdit, now: datetime) -> None:
    """Refuses an edit that does not fit the note, and changes nothing.

    Raises:
        InvalidArgumentError: The note would end before it begins, or have too many links.
    """
    if not _takes_effect_later(note, edit, now):
        edit = await _without_known_end(memory, note, edit)
        revise(note, edit, None, model="", by="", now=now)


Amend = Callable[[Note], Awaitable[Change | None]]
"""From the current revision to the next; None when nothing would change."""


@without_secrets
async def update(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    note_id: str,
    restore_rev: int | None = None,
    expected_rev: int | None = None,
    **given: Unpack[EditFields],
) -> UpdateAnswer:
    """Changes the given fields of a note; `""` and `[]` empty one.

    New content reports a change of the world at `happened_at` (default now); with `correction` the
    previous content was never true. New content of a time to come is stored as a note that
    supersedes this one then; but an appointment's new day replaces the old one at once.
    `restore_rev` restores an earlier revision. An edit that
    changes nothing makes no revision. A `working` note that becomes another kind archives the
    working notes that are `part_of` it, in the same commit.

    Raises:
        InvalidArgumentError: A value cannot be used; nothing is changed.
        NoteNotFoundError: There is no such note, or no such link target.
        LessTrustedError: The note, or one it would supersede, is trusted more than the caller.
        OtherRevisionError: An agent has changed the note since `expected_rev`.
        ChangedMeanwhileError: Others kept changing it.
    """
    ids = validation.check_ids("note_id", [note_id])
    if not ids:
        raise InvalidArgumentError("note_id", "it is empty", "Pass the id that recall returned.")
    edit = read_edit(now=now, **given)
    note, vectors = await gather2(lambda: _live(memory, ids[0]), lambda: _vectors(memory, edit))
    note = await superseded_by_now(memory, note, now=now)
    await _check_no_whole(memory, note, edit)
    if restore_rev is None and _takes_effect_later(note, edit, now):
        _check_takes_out_none(edit)
        assert edit.happened is not None
        # Two callers at once would both find no plan for the day.
        async with memory.writing.hold(f"plan\n{note.note_id}"):
            if expected_rev is not None:
                rev = check_rev("expected_rev", expected_rev)
                await check_expected(memory.store, note, rev, memory.reader(caller))
            planned = await _planned_by(memory, caller, note, now)
            if same := next((one for one in planned if _is_same_plan(one, edit, planned)), None):
                told = await update(memory, caller, now=now, note_id=same.note_id, **given)
                # A call that is sent again finishes one that was interrupted.
                await _let_follow(memory, caller, note, same.note_id, edit.happened, now)
                return await _answer_for(memory, note, told, successor=same.note_id)
            before = [one for one in planned if one.happened_at <= edit.happened.start]
            return await _store_successor(memory, caller, note, edit, before, now, **given)
    if restore_rev is None:
        vectors = vectors if edit.content != note.content else None
        amend = await _amending(memory, caller, edit, vectors, now)
    else:
        _check_alone(edit)
        rev = check_rev("restore_rev", restore_rev)
        _check_may_change(memory, caller, note)
        amend = await plan_restore(memory, note, rev, edit.reason, by=caller.name, now=now)
    if expected_rev is not None:
        amend = _guarded(memory, caller, amend, check_rev("expected_rev", expected_rev))
    answer = await _apply(memory, caller.name, note, edit, amend, now)
    told = restore_rev is not None or "content" in answer["changed"]
    if told and (planned := await _planned_by(memory, caller, note, now)):
        notices = (answer.get("notice", ""), *map(how_to_take_back, planned))
        answer["notice"] = " ".join(filter(None, notices))
    return answer


async def _check_no_whole(memory: Memory, note: Note, edit: NoteEdit) -> None:
    """Checks that no whole text replaces the first of the notes that it was cut into.

    Raises:
        FirstPartError: It would: the other notes would go on telling the old text.
    """
    long = max(UNCUT_MAX_CHARACTERS, 2 * len(note.content))
    if edit.content is None or len(edit.content) <= long:
        return
    if rest := (await parts_of(memory.store, [note.note_id])).get(note.note_id):
        raise FirstPartError(note.note_id, notes=len(rest) + 1, session=note.session)


def _check_takes_out_none(edit: NoteEdit) -> None:
    """Checks that words of a time to come take out no link.

    Raises:
        InvalidArgumentError: They do.
    """
    if edit.unlinked or any(link.get("remove") for link in edit.links):
        assert edit.happened is not None
        problem = (
            f"links are taken out at once, and these words hold from {iso(edit.happened.start)}"
        )
        remedy = "Take the links out in a call of its own, without content and happened_at."
        raise InvalidArgumentError("links", problem, remedy)


def _takes_effect_later(note: Note, edit: NoteEdit, now: datetime) -> bool:
    """Whether new content is of a time to come, and the note itself is not."""
    return (
        edit.content is not None
        and edit.content != note.content
        and edit.happened is not None
        and is_to_come(edit.happened.start, now)
        and not is_to_come(note.happened_at, now)
        and note.state is State.ACTIVE
        and not note.derived
        and not edit.correction
        and not is_another_plan(edit.content, edit.happened.start, note, now)
    )


async def _store_successor(
    memory: Memory,
    caller: Caller,
    note: Note,
    edit: NoteEdit,
    planned: Sequence[Note],
    now: datetime,
    **given: Unpack[EditFields],
) -> UpdateAnswer:
    """Stores the new content as a note that supersedes this one, and planned ones, from then on.

    `edit` is what was read of `given`.
    """
    _check_may_change(memory, caller, note)
    assert edit.content is not None
    assert edit.happened is not None
    replaced = (note, *(one for one in planned if one.content != edit.content))
    stated = [LinkArgument(to=one.note_id, relation=SUPERSEDES) for one in replaced]
    agents = note.derived_by
    context = note.context if agents.get("context") == "agent" else ""
    tags = note.tags if agents.get("tags") == "agent" else ()
    told = await remember(
        memory,
        caller,
        now=now,
        content=edit.content,
        context=context if edit.context is None else edit.context,
        subject=note.subject if edit.subject is None else edit.subject,
        tags=tags if edit.tags is None else edit.tags,
        kind=(edit.kind or note.kind).value,
        happened_at=edit.happened.start.isoformat(),
        valid_until=edit.valid_until.last.isoformat() if edit.valid_until else None,
        source=note.source,
        links=[*edit.links, *stated],
        namespace=note.namespace,
    )
    if told["status"] == "already_known":  # the plan was told before
        given["links"] = [*edit.links, *stated]
        await update(memory, caller, now=now, note_id=told["note_id"], **given)
    await _let_follow(memory, caller, note, told["note_id"], edit.happened, now)
    return await _answer_for(memory, note, told, successor=told["note_id"])


async def _let_follow(
    memory: Memory, caller: Caller, note: Note, successor: str, begins: Period, now: datetime
) -> None:
    """Lets the plans of later days, which replace the note, replace its new successor as well."""
    for later in await _planned_by(memory, caller, note, now):
        if later.happened_at > begins.start and successor not in supersedes(later):
            link = LinkArgument(to=successor, relation=SUPERSEDES)
            await update(memory, caller, now=now, note_id=later.note_id, links=[link])


async def _answer_for(
    memory: Memory, before: Note, told: RememberAnswer | UpdateAnswer, *, successor: str
) -> UpdateAnswer:
    """The answer for a note that another is to take the place of, with what was told of that."""
    after = await _live(memory, before.note_id)
    answer = UpdateAnswer(
        note_id=before.note_id,
        rev=after.rev,
        changed=reported_changes(before, after),
        successor=successor,
    )
    if "candidates" in told:
        answer["candidates"] = told["candidates"]
    if "degraded" in told:
        answer["degraded"] = told["degraded"]
    return answer


async def _planned_by(memory: Memory, caller: Caller, note: Note, now: datetime) -> list[Note]:
    """Notes that are to take this one's place."""
    return [
        other
        for other in await memory.store.linking_to([note.note_id], relations=(SUPERSEDES,))
        if note.note_id in supersedes(other)
        and other.state is State.ACTIVE
        and now < other.happened_at
        and memory.trust.may_change(caller.origin.principal, other)
    ]


def _is_same_plan(planned: Note, edit: NoteEdit, plans: Sequence[Note]) -> bool:
    """Whether a plan is of the edit's day, or the only one and in its words: it got another day.

    Of several none is moved, as another's day may lie between.
    """
    assert edit.happened is not None
    only = len(plans) == 1 and planned.content == edit.content
    return only or planned.happened_at == edit.happened.start


async def _amending(
    memory: Memory, caller: Caller, edit: NoteEdit, vectors: Vectors | None, now: datetime
) -> Amend:
    linked = await read_targets(memory.store, edit.links)
    model, rules, principal = memory.embedder.model_id, memory.trust, caller.origin.principal
    sources = [linked[note_id] for note_id in sorted(linked_as(edit.links, DERIVED_FROM))]
    inherited = [rules.seen(source, principal) for source in sources]

    async def amend(note: Note) -> Change | None:
        _check_may_change(memory, caller, note)
        new = await _without_known_end(memory, note, edit)
        change = revise(note, new, vectors, model=model, by=caller.name, now=now)
        if change is None:
            return None
        replaced = partial(with_plans_replaced, change.note, linked, now)
        after = await memory.read(len(change.note.content), replaced)
        until_moved = after.valid_until != note.valid_until
        if after.state is State.ACTIVE and (until_moved or changed_targets(note, after)):
            stated = stated_end(await memory.store.revisions(note.note_id))
            ended = note.valid_until if note.valid_until != stated else None
            check_outlasts(after, replaced_at=ended)
        check_moved(note, after, edit)
        if words_of(after) != words_of(note):
            # The caller becomes its author; its trust does not rise.
            marked = [MARKED_TRUST] if await read_in_thread(note_marks, after) else []
            trust = min((rules.seen(note, principal), *marked))
            after = replace(after, origin=caller.origin, trust=trust)
        after = replace(after, trust=min((after.trust, *inherited)))
        check_core(edit.kind, after.trust)
        older = [linked[i] for i in supersedes(after) & linked.keys()]
        marks = await _marks_of(after) if older and after.trust <= MARKED_TRUST else ()
        check_replaces(rules, principal, after, older, marks)
        return replace(change, note=after)

    return amend


async def _marks_of(note: Note) -> tuple[str, ...]:
    """The marks of a note whose trust was lowered for them."""
    return await read_in_thread(note_marks, note) or (SUSPECT,)


def _check_may_change(memory: Memory, caller: Caller, note: Note) -> None:
    memory.check_writes([note])
    check_change(memory.trust, caller, note)


async def _without_known_end(memory: Memory, note: Note, edit: NoteEdit) -> NoteEdit:
    """The edit without an end equal to the stated one; supersession may have changed it."""
    if note.valid_until is None or not (edit.valid_until or edit.endless):
        return edit
    stated = stated_end(await memory.store.revisions(note.note_id))
    if stated != (edit.valid_until.last if edit.valid_until else None):
        return edit
    return replace(edit, valid_until=None, endless=False)


def _guarded(memory: Memory, caller: Caller, amend: Amend, expected: int) -> Amend:
    """Changes the note only if it is at the expected revision; a repeated call changes nothing."""

    async def guarded(note: Note) -> Change | None:
        change = await amend(note)
        if change:
            await check_expected(memory.store, note, expected, memory.reader(caller))
        return change

    return guarded


def _check_alone(edit: NoteEdit) -> None:
    if edit != NoteEdit(reason=edit.reason):
        raise InvalidArgumentError(
            "restore_rev",
            "it brings a whole revision back, so no field can be given beside it",
            "Pass restore_rev alone, with expected_rev and reason at most; update again after it.",
        )


async def _apply(
    memory: Memory,
    by: str,
    note: Note,
    edit: NoteEdit,
    amend: Amend,
    now: datetime,
) -> UpdateAnswer:
    note_id, parts = note.note_id, await _open_parts(memory, note, edit)
    twins = same_as(note) | linked_as(edit.links, SAME_AS)
    before = after = note
    vectors: Vectors | None = None
    touched = set[str]()

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        nonlocal before, after, vectors
        changes = list[Change]()
        if note_id in notes:  # absent once its change is stored and only others lost a race
            before = after = notes[note_id]
            if before.state is State.FORGOTTEN:
                raise NoteForgottenError(note_id)
            if change := await amend(before):
                after, vectors = with_state(before, change.note), change.vectors
                changes = [replace(change, note=after)]
            added = supersedes(after) - supersedes(before)
            _check_shown(before, after, added & linked_as(edit.links, SUPERSEDES))
            await check_supersedable(memory, after, added)
            await check_no_circle(memory.store, note_id, added)
        changes += await _of_twins(memory, before, after, notes, by, now)
        targets = changed_targets(before, after)
        touched.update(targets)
        turned = await plan_targets(memory.store, targets, {note_id: after}, by=by, now=now)
        # One that loses words in this commit is closed, or opened, right after it.
        busy = {change.note.note_id for change in changes}
        changes += [change for change in turned if change.note.note_id not in busy]
        busy = {change.note.note_id for change in changes}
        folded = [n for i, n in notes.items() if i in parts - busy and n.state is State.ACTIVE]
        return changes + [archived(part, after, now) for part in folded]

    with shielded():
        try:
            written = await commit(memory, [note_id, *sorted(parts | twins)], plan)
        except ZettelError:
            # An attempt that lost the note to others may have closed or opened targets for a link
            # that was not stored.
            await reconcile_superseded(memory, touched, by=by, now=now)
            raise
        # Every superseded note has an end; one that was archived may be superseded since.
        turns = before.valid_until or after.valid_until or before.state is not after.state
        targets = [*touched, *([note_id] if turns else [])]
        reconciled = await reconcile_superseded(memory, targets, by=by, now=now)
        await follow_parted(memory, after, same_as(before) - same_as(after), by=by, now=now)
    answer = _answer(before, (*written.stored, *reconciled), parts)
    if notice := await _notice(memory, before, after, edit):
        answer["notice"] = notice
    if after.state is State.ACTIVE and after.content != before.content:
        related = supersedes(after) | parts | await kin(memory.store, after)
        compared = await compare(memory, after, vectors, related, now=now)
        if found := await candidates(memory, compared):
            answer["candidates"] = found
        if vectors is None:
            answer["degraded"] = MODEL_LOADING
    return answer


_NOW_TOLD_BY = {
    State.SUPERSEDED: "Update the note that supersedes it to say what is so now.",
    State.ARCHIVED: "Call remember to say what is so now.",
}


async def _notice(memory: Memory, before: Note, after: Note, edit: NoteEdit) -> str:
    """What of new content the caller may not have meant; empty if nothing.

    Recall may not show it, or only as what was; what was told of a later time may be gone.
    """
    if edit.content is None or after.content == before.content:
        return ""
    if into := sorted(same_as(after)):
        return (
            f"It is merged into {', '.join(into)}, which may still tell the former words:"
            " update that one as well."
        )
    if edit.correction:
        return ""
    if after.state in _NOW_TOLD_BY:
        how = "The" if edit.happened else "Taken as a correction of what was: the"
        return f"{how} note stays {after.state.value}. {_NOW_TOLD_BY[after.state]}"
    began, begins = before.happened_at, after.happened_at
    earlier = await memory.store.revisions(before.note_id) if begins < began else ()
    if any(r.content != before.content and r.happened_at <= begins for r in earlier):
        return (
            f"What it said from {iso(began)} on is in no answer any more. If this was so until"
            f' then: update(note_id="{before.note_id}", restore_rev={before.rev}), then'
            f' remember(…, happened_at="{iso(begins)}", valid_until="{iso(began)}").'
        )
    return ""


def _check_shown(before: Note, after: Note, added: Collection[str]) -> None:
    """Checks that a note which recall does not show takes no other note's place.

    Raises:
        InvalidArgumentError: It would, and recall would show neither.
    """
    if not added or after.state is not State.ARCHIVED:
        return
    older = ", ".join(sorted(added))
    merged = same_as(after)
    raise InvalidArgumentError(
        "links",
        f"{after.note_id} {'is' if before.state is after.state else 'would be'} archived, so that"
        f" recall would show neither it nor {older}",
        f"Link {' or '.join(sorted(merged))}, which it is merged into, or take same_as out."
        if merged
        else _NOW_TOLD_BY[State.ARCHIVED],
    )


async def _of_twins(
    memory: Memory, before: Note, after: Note, notes: Mapping[str, Note], by: str, now: datetime
) -> list[Change]:
    """What becomes of the notes that a note is merged into, or no longer merged into.

    Only notes of one author that are trusted alike take over anything: a note's words are its
    author's.
    """
    was, becomes, changes = same_as(before), same_as(after), list[Change]()
    ids = sorted(was ^ becomes if before.note_id in notes else (was ^ becomes) & notes.keys())
    for other in await memory.store.get(ids) if ids else []:
        if other.note_id in becomes:
            check_mergeable(after, other)
        if not memory.may_write(other.namespace):
            continue
        following = None
        if other.note_id in was:
            revisions = await memory.store.revisions(other.note_id)
            following = parted(other, revisions, after, by=by, now=now)
        elif memory.trust.are_peers(before, other):
            following = merged(other, after, by=by, now=now)
        if following is not None:
            changes.append(await twin_change(memory, other, following))
    return changes


def _answer(before: Note, stored: Sequence[Note], parts: frozenset[str]) -> UpdateAnswer:
    new = {note.note_id: note for note in stored}.get(before.note_id, before)
    answer = UpdateAnswer(note_id=new.note_id, rev=new.rev, changed=reported_changes(before, new))
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


async def _vectors(memory: Memory, edit: NoteEdit) -> Vectors | None:
    return None if edit.content is None else await embed_if_loaded(memory, edit.content)


async def _open_parts(memory: Memory, note: Note, edit: NoteEdit) -> frozenset[str]:
    """The working notes that a finished working note archives."""
    finished = edit.kind not in (None, Kind.WORKING)
    if note.kind is not Kind.WORKING or not finished:
        return frozenset()
    return frozenset(
        part.note_id
        for part in await memory.store.linking_to([note.note_id])
        if part.kind is Kind.WORKING
        and part.state is State.ACTIVE
        and note.note_id in standing(part, PART_OF)
        # Readers of another namespace may not see the note that it became.
        and (memory.reach is None or part.namespace == note.namespace)
    )
