"""The verb `forget`: take notes out of recall, and bring them back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from zettel.storage.errors import InvalidArgumentError, NoteNotFoundError
from zettel.storage.notes import SUPERSEDES, Note, State, fold
from zettel.storage.read_view import in_one_view
from zettel.storage.store import Change, NoteFilter
from zettel.tools import validation
from zettel.tools.answers import ForgetAnswer, ForgetLine
from zettel.tools.caller import Caller, forgettable_namespaces
from zettel.tools.changes.commit import commit
from zettel.tools.changes.merging import follow_merged, is_told_by_another
from zettel.tools.changes.parts import parts_of
from zettel.tools.changes.preconditions import only_evolved
from zettel.tools.changes.previews import (
    PREVIEW_LIFETIME,
    Preview,
    finish_preview,
    get_preview,
    put_preview,
)
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.changes.supersession import (
    REVIVE,
    how_to_take_back,
    plan_targets,
    reconcile_superseded,
    supersedes,
)
from zettel.tools.changes.unlearn import unlearn
from zettel.tools.concurrency import read_in_thread, read_texts, shielded
from zettel.tools.erasure.erase import erase_previewed, same_text
from zettel.tools.language.dates import read_time
from zettel.tools.language.times import Period, iso
from zettel.tools.note_marks import add_labels
from zettel.tools.progress import report_progress
from zettel.tools.ranking.confidence import judge
from zettel.tools.ranking.voices import ALIKE_MIN_SHARE
from zettel.tools.recall.entities import naming
from zettel.tools.recall.modes import says_unknown_namespace
from zettel.tools.recall.premises import concluded_from
from zettel.tools.recall.search import Found, search
from zettel.tools.render import LINE_MAX_CHARACTERS, one_line
from zettel.tools.state.erased import erased_at
from zettel.tools.state.memory import Memory
from zettel.tools.trust import TrustView

PREVIEW_MAX_NOTES = 50
"""Notes in one preview, and so in one confirmed forget by filters; by ids as many as they name."""
QUERY_MAX_MATCHES = 1_000
"""Largest count of a query's matches."""
SHOWN_NOTES = 10
"""Notes of a first page of recall; those among them that match about as well as the best do."""
_OWN_SIGNALS = frozenset({"text", "all_of_then"})
"""Signals that a note has by what it says."""
MEANT_MIN_COSINE = 0.5
"""Cosine at which a note without any of the query's words matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    where: NoteFilter
    query: str
    until: Period | None
    undo: bool
    erase: bool


async def forget(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    note_ids: Sequence[str] | None = None,
    query: str | None = None,
    subject: str | None = None,
    tags: Sequence[str] | None = None,
    session: str | None = None,
    until: str | None = None,
    erase: bool = False,
    undo: bool = False,
    confirm: str | None = None,
    namespace: str | None = None,
) -> ForgetAnswer:
    """Forgets by ids at once, by filters after a preview; `undo` restores in the same ways.

    `erase` removes permanently, in any state and always after a preview.

    Raises:
        InvalidArgumentError: No selection, another one beside `confirm`, or an unusable value.
        NoteNotFoundError: None of the ids is there.
        NamespaceRefusedError: The caller may only read one of the notes.
        ExpiredTokenError: The confirm token is unknown or too old.
        ChangedMeanwhileError: Others kept changing the notes.
    """
    if confirm and (token := confirm.strip()):
        return await _confirmed(memory, caller, token, now, note_ids, undo=undo, erase=erase)
    if erase and undo:
        raise InvalidArgumentError("undo", "what is erased cannot come back", "Pass one of them.")
    ids = validation.check_ids("note_ids", note_ids)
    period, session_name = read_time("until", until, now), validation.check_name("session", session)
    named = (namespace or "").strip() or None
    target = _Target(
        where=NoteFilter(
            namespaces=forgettable_namespaces(caller, named),
            note_ids=ids,
            subject=validation.check_subject(subject),
            tags=validation.check_list("tags", tags),
            sessions=(session_name,) if session_name else (),
            states=() if erase else (State.FORGOTTEN,) if undo else (State.ACTIVE,),
            until=period.last if period else None,
        ),
        query=validation.check_growth(
            "query",
            validation.check_text("query", (query or "").strip(), most=validation.MAX_QUERY),
        ),
        until=period,
        undo=undo,
        erase=erase,
    )
    filters = (target.query, target.where.subject, target.where.tags, session_name, period)
    if any(filters):
        # Else a misspelled name would show, and forget, what matches in `user` alone.
        if named and (unknown := await says_unknown_namespace(memory, target.where.namespaces[0])):
            nothing = f"{unknown} Nothing was looked for elsewhere; {_SEE_WHAT_IS_THERE}"
            return ForgetAnswer(status="preview", notes=[], matched=0, next=nothing)
        return await _previewed(memory, caller, target, now)
    if not ids:
        raise InvalidArgumentError(
            "note_ids",
            "nothing says which notes to forget",
            "Pass note_ids, or filters (query, subject, tags, session, until) for a preview.",
        )
    if erase:  # ids are not limited to a namespace
        every = await _with_parts(memory, ids, undo=False)
        everywhere = replace(target.where, namespaces=(), note_ids=every)
        answer = await _previewed(memory, caller, replace(target, where=everywhere), now)
        there = {note.note_id for note in await memory.store.get(ids)}
        await _name_skipped(memory, answer, [i for i in ids if i not in there], note_ids or ())
        return answer
    return await _by_ids(memory, caller, ids, now, undo=undo, given=note_ids or ())


async def forget_alone(memory: Memory, caller: Caller, note_id: str, *, now: datetime) -> None:
    """Forgets one note, and of a text that it begins no other part."""
    await _change_state(memory, caller, {note_id: None}, now, undo=False)


REOPENED_NAMED = 3
"""Ids named of notes that are current again."""


async def _by_ids(
    memory: Memory,
    caller: Caller,
    ids: Sequence[str],
    now: datetime,
    *,
    undo: bool,
    given: Sequence[str],
) -> ForgetAnswer:
    found = await memory.store.get(ids)
    if not found:
        raise NoteNotFoundError(ids[0])
    memory.check_writes(found)  # also where nothing is to be changed
    every = await _with_parts(memory, [note.note_id for note in found], undo=undo)
    turned = await _change_state(memory, caller, dict.fromkeys(every), now, undo=undo)
    answer = await _done(memory, caller, turned, now, undo=undo)
    there = {note.note_id for note in found}
    await _name_skipped(memory, answer, [i for i in ids if i not in there], given)
    return answer


async def _name_skipped(
    memory: Memory, answer: ForgetAnswer, gone: Sequence[str], given: Sequence[str]
) -> None:
    """Add to an answer ids that are not there, those of erased notes told apart from others."""
    if not gone:
        return
    erased = await erased_at(memory, gone)
    unknown = [validation.as_given(i, given) for i in gone if i not in erased]
    said = [f"No note with id {', '.join(unknown)}; call recall to find the id."] if unknown else []
    if erased:
        named = ", ".join(validation.as_given(i, given) for i in gone if i in erased)
        said.append(f"Erased for good already: {named}.")
    answer["skipped"] = [validation.as_given(note_id, given) for note_id in gone]
    answer["next"] = " ".join([answer["next"], *said] if "next" in answer else said)


async def _with_parts(memory: Memory, ids: Sequence[str], *, undo: bool) -> tuple[str, ...]:
    """The ids, each of a text's first part followed by those of the others.

    With `undo`, by those forgotten with it: what was forgotten alone before stays so.
    """
    parts = await parts_of(memory.store, ids)
    firsts = {note.note_id: note for note in await memory.store.get(sorted(parts))}
    every = list[str]()
    for note_id in ids:
        since = firsts[note_id].known_from if undo and note_id in firsts else None
        rest = (p for p in parts.get(note_id, ()) if since is None or p.known_from >= since)
        every += [note_id, *(part.note_id for part in rest)]
    return tuple(dict.fromkeys(every))


async def _done(
    memory: Memory, caller: Caller, turned: "_Turned", now: datetime, *, undo: bool
) -> ForgetAnswer:
    notes = turned.notes
    lines = await _lines(memory, caller, notes[: validation.MAX_LIST])
    answer = ForgetAnswer(status="restored" if undo else "forgotten", notes=lines)
    if len(lines) < len(notes):
        answer["matched"] = len(notes)
    if undo:
        said = [_says_untouched(turned.untouched)]
    else:
        said = [_says_reopened(turned.reopened, "is"), *await _planned(memory, notes, now)]
    if said := list(filter(None, said)):
        answer["next"] = " ".join(said)
    return answer


def _says_untouched(ids: Sequence[str]) -> str:
    """That notes which an undo names were not forgotten; empty without any."""
    named = ", ".join(ids[:REOPENED_NAMED])
    more = f" and {len(ids) - REOPENED_NAMED} more" if len(ids) > REOPENED_NAMED else ""
    return f"Not forgotten, so left as it is: {named}{more}." if ids else ""


def _says_reopened(notes: Sequence[Note], verb: str) -> str:
    """That notes are current again which a forgotten one had superseded; empty without any."""
    if not notes:
        return ""
    ids = [note.note_id for note in notes[:REOPENED_NAMED]]
    more = f", of {len(notes)}" if len(notes) > len(ids) else ""
    return (
        f"Current again {verb} what nothing supersedes any more ({', '.join(ids)}{more}):"
        f" recall(note_ids={json.dumps(ids)}); forget too what is not true either."
    )


async def _planned(memory: Memory, notes: Sequence[Note], now: datetime) -> list[str]:
    """What is still to take the place of forgotten notes on its day, with the call against it."""
    ids = [note.note_id for note in notes]
    linking = await memory.store.linking_to(ids, relations=(SUPERSEDES,)) if ids else []
    planned = [
        note
        for note in linking
        if note.state is State.ACTIVE and note.happened_at > now and supersedes(note) & {*ids}
    ]
    return [how_to_take_back(note) for note in planned[:REOPENED_NAMED]]


async def _lines(memory: Memory, caller: Caller, notes: Sequence[Note]) -> list[ForgetLine]:
    characters, reader = LINE_MAX_CHARACTERS * len(notes), memory.reader(caller)
    return await read_texts(characters, lambda: _labelled(notes, reader))


def _labelled(notes: Sequence[Note], reader: TrustView) -> list[ForgetLine]:
    lines = list[ForgetLine]()
    for note in notes:
        line = ForgetLine(note_id=note.note_id, namespace=note.namespace, line=one_line(note))
        add_labels(line, line["line"], note, reader)
        lines.append(line)
    return lines


@in_one_view
async def _previewed(
    memory: Memory, caller: Caller, target: _Target, now: datetime
) -> ForgetAnswer:
    notes, matched = await _matching(memory, target, now)
    lines = await _lines(memory, caller, notes[: validation.MAX_LIST])
    answer = ForgetAnswer(status="preview", notes=lines, matched=matched)
    if target.until:
        answer["until"] = iso(target.until.last)
    if target.where.subject and not target.undo:
        answer["also_mention"] = await _also_mention(memory, target, notes)
    hint = _how_to_see(caller, target) if answer.get("also_mention") else ""
    if not notes and target.where.note_ids and target.erase:
        raise NoteNotFoundError(target.where.note_ids[0])
    if not notes:
        answer["next"] = f"Nothing matches all of these; {hint or _SEE_WHAT_IS_THERE}"
        return answer
    memory.check_writes(notes)
    preview = Preview(
        revs={note.note_id: note.rev for note in notes},
        undo=target.undo,
        erase=target.erase,
        elsewhere=tuple(await same_text(memory.store, notes)) if target.erase else (),
        expires=(now + PREVIEW_LIFETIME).isoformat(),
    )
    if preview.elsewhere:
        answer["elsewhere"] = list(preview.elsewhere)
    if target.erase and (concluded := await _conclusions(memory, notes)):
        answer["conclusions"] = concluded
    reopened = ""
    if not target.undo:
        reopened = await _would_reopen(memory, notes, now, erase=target.erase)
    answer["confirm"] = await put_preview(memory.store, preview, now=now)
    verb = "bring back" if target.undo else "erase for good" if target.erase else "forget"
    more = f" The other {matched - len(notes)} need another call." if matched > len(notes) else ""
    these = "this one" if len(notes) == 1 else f"these {len(notes)}"
    answer["next"] = (
        f"Check what is shown; to {verb} exactly {these} call"
        f' forget(confirm="{answer["confirm"]}") within 15 minutes.{more}'
        f"{hint and f' Others only mention the subject: {hint}'}"
        f"{reopened and f' {reopened}'}"
    )
    return answer


async def _would_reopen(
    memory: Memory, notes: Sequence[Note], now: datetime, *, erase: bool
) -> str:
    """What is current again when notes are forgotten or erased; empty if nothing is."""
    turned = {note.note_id: _turned(note, State.FORGOTTEN, "", now) for note in notes}
    if erase:  # their links go, too
        turned = {note_id: replace(note, links=()) for note_id, note in turned.items()}
    targets = frozenset[str]().union(*map(supersedes, notes))
    changes = await plan_targets(memory.store, targets, turned, by="", now=now)
    reopened = await _reopened(memory, [change.note for change in changes], now)
    return _says_reopened(reopened, "will be")


async def _reopened(memory: Memory, changed: Sequence[Note], now: datetime) -> list[Note]:
    """Those of changed notes that are current again, as nothing supersedes them any more.

    Not one of which the end was only to come, nor one that is over by its own.
    """
    opened = [
        note
        for note in changed
        if note.change == REVIVE
        and note.state is State.ACTIVE
        and (note.valid_until is None or note.valid_until > now)
    ]
    found = list[Note]()
    for note in opened:
        earlier = [r for r in await memory.store.revisions(note.note_id) if r.rev < note.rev]
        if earlier and earlier[-1].state is State.SUPERSEDED:
            found.append(note)
    return found


_SEE_WHAT_IS_THERE = "call recall to see what is there."


def _how_to_see(caller: Caller, target: _Target) -> str:
    """The calls that show the notes which merely name the subject, and take them too."""
    places, name = target.where.namespaces, json.dumps(target.where.subject, ensure_ascii=False)
    where = "" if caller.namespace in places else f', namespace="{places[0]}"'
    then = ", erase=true" if target.erase else ""
    return (
        f"recall(subject={name}{where}) shows the notes that mention it;"
        f" forget(note_ids=[…]{then}) takes those too."
    )


async def _conclusions(memory: Memory, notes: Sequence[Note]) -> list[str]:
    """Ids of the active notes that agents derived from these, without these."""
    ids = [note.note_id for note in notes]
    concluded = sorted(await concluded_from(memory, ids) - set(ids))[: validation.MAX_LIST]
    return [n.note_id for n in await memory.store.get(concluded) if n.state is State.ACTIVE]


async def _matching(memory: Memory, target: _Target, now: datetime) -> tuple[list[Note], int]:
    """The notes to preview, and the number of matches."""
    if not target.query:
        most = max(PREVIEW_MAX_NOTES, len(target.where.note_ids))
        notes = await memory.store.find(target.where, limit=most)
        return notes, await memory.store.count(target.where)
    found = await search(memory, target.query, target.where, now=now, depth=QUERY_MAX_MATCHES)
    meant = await read_in_thread(_meant, memory, found)
    named = await naming(memory.store, target.query, target.where)
    meant = list(dict.fromkeys((*meant, *(note.note_id for note in named))))
    return await memory.store.get(meant[:PREVIEW_MAX_NOTES]), len(meant)


def _comes_near(memory: Memory, found: Found) -> bool:
    """Whether recall shows something for the query; without cosines it judges nothing."""
    if not found.with_meaning:
        return True
    sure = judge(
        found.question,
        found.first,
        found.arms.meaning,
        found.ranked,
        found_from=memory.found_from,
    )
    return sure.verdict != "nothing_relevant"


def _meant(memory: Memory, found: Found) -> list[str]:
    """Ids of the notes that hold a word of the query, are near it, or lead what recall shows."""
    shown = found.ranked[: SHOWN_NOTES if _comes_near(memory, found) else 0]
    least = ALIKE_MIN_SHARE * max((ranked.score for ranked in shown), default=0.0)
    leading = {ranked.note_id for ranked in shown if ranked.score >= least > 0}
    return [
        ranked.note_id
        for ranked in found.ranked
        if ranked.note_id in leading
        or ranked.shares.keys() & _OWN_SIGNALS
        or found.arms.meaning.get(ranked.note_id, 0.0) >= MEANT_MIN_COSINE
    ]


async def _also_mention(memory: Memory, target: _Target, notes: Sequence[Note]) -> int:
    """Number of other active notes that mention the subject."""
    subject, own = target.where.subject, {note.note_id for note in notes}
    named = await naming(memory.store, subject, NoteFilter(namespaces=target.where.namespaces))
    return sum(o.note_id not in own and fold(o.subject) != fold(subject) for o in named)


async def _check_wish(
    memory: Memory, preview: Preview, note_ids: Sequence[str] | None, *, undo: bool, erase: bool
) -> None:
    """Check that what is given beside a confirm token does not ask for something else.

    The arguments of the preview may be given again.

    Raises:
        InvalidArgumentError: It does.
    """
    ids = await _with_parts(memory, validation.check_ids("note_ids", note_ids), undo=False)
    other = {
        "undo": undo and not preview.undo,
        "erase": erase and not preview.erase,
        "note_ids": ids and not preview.revs.keys() <= {*ids},
    }
    if named := [name for name, differs in other.items() if differs]:
        raise InvalidArgumentError(
            "confirm",
            f"it acts on exactly what its preview showed, and {named[0]} asks for something else",
            "Pass confirm alone to do what was shown, or leave it out for a new preview.",
        )


async def _confirmed(
    memory: Memory,
    caller: Caller,
    token: str,
    now: datetime,
    note_ids: Sequence[str] | None,
    *,
    undo: bool,
    erase: bool,
) -> ForgetAnswer:
    async with memory.writing.hold(f"confirm\n{token}"):
        preview = await get_preview(memory.store, token, now=now)
        await _check_wish(memory, preview, note_ids, undo=undo, erase=erase)
        if preview.erase:
            return await erase_previewed(memory, caller, token, preview, now)
        if preview.done is not None:
            await _check_stands(memory, preview)
            return ForgetAnswer(**preview.done)  # pyright: ignore[reportArgumentType]
        turned = await _change_state(memory, caller, preview.revs, now, undo=preview.undo)
        answer = await _done(memory, caller, turned, now, undo=preview.undo)
        if skipped := sorted(set(preview.revs) - {note.note_id for note in turned.notes}):
            answer["skipped"] = skipped
            if not turned.notes:
                answer["status"] = "preview"
            changed = "The skipped notes changed after the preview: look at them again."
            answer["next"] = " ".join(filter(None, (changed, answer.get("next", ""))))
        finished = replace(preview, done=dict(answer))
        await finish_preview(memory.store, token, finished, now=now)
        return answer


async def _check_stands(memory: Memory, preview: Preview) -> None:
    """Check that what a confirmation did is so still: its answer would say what is not true.

    Raises:
        InvalidArgumentError: Notes were brought back since, or forgotten again after an undo.
    """
    skipped = cast("Sequence[str]", (preview.done or {}).get("skipped", ()))
    notes = await memory.store.get(sorted(set(preview.revs) - set(skipped)))
    turned = [note.note_id for note in notes if (note.state is State.FORGOTTEN) == preview.undo]
    if turned:
        since = "forgotten again" if preview.undo else "brought back"
        more = f" and {len(turned) - 1} more" if len(turned) > 1 else ""
        raise InvalidArgumentError(
            "confirm",
            "it was carried out before and changed nothing now, but of its notes these were"
            f" {since} since: {turned[0]}{more}",
            "Call forget with the filters again for a new preview.",
        )


@dataclass(frozen=True, slots=True)
class _Turned:
    """What a call has done."""

    notes: Sequence[Note]
    """Now in the requested state, by this call or before it."""
    reopened: Sequence[Note]
    """Current again, as nothing supersedes them any more."""
    untouched: Sequence[str]
    """Ids of those that were in the requested state before."""


async def _change_state(
    memory: Memory,
    caller: Caller,
    revs: Mapping[str, int | None],
    now: datetime,
    *,
    undo: bool,
) -> _Turned:
    """Forgets or restores notes in one commit, but none that an agent changed since its preview."""
    by = caller.name
    settled, targets, untouched = dict[str, Note](), set[str](), set[str]()

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        turned = dict[str, Note]()
        for note in notes.values():
            away = (State.FORGOTTEN, State.ARCHIVED) if undo else set(State) - {State.FORGOTTEN}
            if note.state not in away or (undo and await is_told_by_another(memory, note)):
                settled[note.note_id] = note
                untouched.add(note.note_id)
            elif (rev := revs[note.note_id]) is None or await only_evolved(memory.store, note, rev):
                state = await _state_before(memory, note) if undo else State.FORGOTTEN
                turned[note.note_id] = _turned(note, state, by, now)
        targets.update(*map(supersedes, turned.values()))
        changes = [Change(note=note) for note in turned.values()]
        return changes + await plan_targets(memory.store, targets, turned, by=by, now=now)

    report_progress(f"{'bringing back' if undo else 'forgetting'} {len(revs)} notes")
    with shielded():
        stored = list((await commit(memory, list(revs), plan)).stored)
        settled |= {note.note_id: note for note in stored if note.note_id in revs}
        # A restored note may have lost or gained a superseding note. First after the commit, so
        # that a kill leaves as little as possible unreconciled.
        report_progress(f"reopening what {len(settled)} notes had superseded")
        stored += await reconcile_superseded(
            memory, targets | settled.keys() if undo else targets, by=by, now=now
        )
        await follow_merged(memory, settled.values(), by=by, now=now)
        if not undo:
            report_progress(f"removing what {len(settled)} notes have taught others")
            await unlearn(memory, sorted(settled), by=by, now=now)
    there = [settled[note_id] for note_id in revs if note_id in settled]
    reopened = [note for note in stored if note.note_id not in revs]
    as_before = [note_id for note_id in revs if note_id in untouched]
    return _Turned(there, await _reopened(memory, reopened, now), as_before)


async def _state_before(memory: Memory, note: Note) -> State:
    if note.state is State.ARCHIVED:
        return State.ACTIVE
    states = [revision.state for revision in await memory.store.revisions(note.note_id)]
    state = next((s for s in reversed(states) if s is not State.FORGOTTEN), State.ACTIVE)
    archived = replace(note, state=State.ARCHIVED)
    told = state is State.ACTIVE and await is_told_by_another(memory, archived)
    return State.ARCHIVED if told else state


def _turned(note: Note, state: State, by: str, now: datetime) -> Note:
    change = "forget" if state is State.FORGOTTEN else "restore"
    note = replace(note, state=state, stage=stage_after(state))
    return next_note(note, by=by, now=now, change=change)
