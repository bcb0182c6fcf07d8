"""Step `compare`: links notes that may supersede or contradict one another, from the younger note.

What `remember` found when the note was told is linked by then, and compared anew. A rule's link
changes no state; an agent settles it, or the writer where it is sure (`judged`). The link ends when
the pair is settled, and is not made again if an agent has removed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import (
    CONTRADICTS,
    OPEN_RELATIONS,
    SCHEDULER,
    SUPERSEDES,
    Kind,
    Link,
    Near,
    Note,
    Outline,
    State,
    fold,
    order_key,
)
from zettel.storage.store import Change, NoteFilter
from zettel.storage.text.passages import whole_passages
from zettel.tools.changes.commit import with_following
from zettel.tools.changes.conflicts import (
    CHANGE_MIN_COSINE,
    Conflict,
    conflict_links,
    find_conflicts,
    notes_stating,
)
from zettel.tools.changes.links import as_old_as, kin
from zettel.tools.changes.same_subject import SAME_SUBJECT_NOTES, find_same_subject, is_of_thing
from zettel.tools.changes.stages import COMPARED, LINKED
from zettel.tools.changes.supersession import (
    check_no_circle,
    plan_targets,
    supersedes,
)
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.steps.base import Step, Task, content_since
from zettel.tools.evolve.steps.link import unless_same
from zettel.tools.evolve.writing.writer import PairVerdict
from zettel.tools.language.facts import find_statements
from zettel.tools.note_marks import is_suspect

VERDICT_MAKER = "llm"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedNote:
    """A note after the verdicts on its open links."""

    note: Note
    reason: str
    """The verdicts, for its revision."""


def is_open(link: Link) -> bool:
    """Whether a link is a rule's unsettled guess."""
    return link.made_by == "rule" and link.relation in OPEN_RELATIONS and link.stood(None)


def is_verdict(link: Link) -> bool:
    """Whether a verdict made or ended this link."""
    return link.made_by == VERDICT_MAKER and link.relation in (
        SUPERSEDES,
        CONTRADICTS,
        *OPEN_RELATIONS,
    )


async def judged(task: Task, before: Note, after: Note) -> JudgedNote | None:
    """Asks the writer about a note's newly open links; None if all of them stay open.

    Those that the note was told with are new when it is compared for the first time.
    """
    asked = before.links if before.stage >= COMPARED else ()
    new = {link.to: link for link in after.links if is_open(link) and link not in asked}
    if not new or not task.writer.asks:
        return None
    known = await task.batch.active(await task.batch.get(sorted(new)))
    older = [other for other in known if may_judge(task, after, other)]
    if not older or not await task.batch.active([after]):
        return None
    verdicts = await _without_circles(task, after, await task.writer.judge(after, older))
    if not verdicts:
        return None
    links = [
        _by_verdict(task, after, link, verdicts[link.to])
        if link.to in verdicts and is_open(link)
        else link
        for link in after.links
    ]
    return JudgedNote(note=replace(after, links=tuple(links)), reason=_reason_of(verdicts))


async def pass_verdicts(
    task: Task, note: Note, verdicts: Mapping[str, PairVerdict], *, weight: float
) -> None:
    """Puts a note into the batch with verdicts on notes that no rule has found.

    What becomes of the notes that it supersedes is put there, too.
    """
    allowed = await _without_circles(task, note, verdicts)
    if not allowed:
        return
    made = [_verdict_link(task, note, i, weight, v) for i, v in sorted(allowed.items())]
    judged_note = replace(note, links=(*note.links, *made))
    ruling = JudgedNote(note=judged_note, reason=_reason_of(allowed))
    if closed := await carry_out(task, [ruling]):
        await _compare(task, await task.batch.get(sorted(closed)))


async def _without_circles(
    task: Task, note: Note, verdicts: Mapping[str, PairVerdict]
) -> dict[str, PairVerdict]:
    return {
        note_id: verdict
        for note_id, verdict in verdicts.items()
        if verdict.ruling != "supersedes" or not await _is_circle(task, note, note_id)
    }


def _reason_of(verdicts: Mapping[str, PairVerdict]) -> str:
    reasons = [f"{v.ruling} {i}, by “{v.quote}”" for i, v in sorted(verdicts.items())]
    return f"the LLM: {'; '.join(reasons)}"


def may_judge(task: Task, younger: Note, older: Note) -> bool:
    """Whether the writer may decide which of two notes holds."""
    return (
        older.state is State.ACTIVE
        and task.memory.trust.are_peers(younger, older)
        and Kind.CORE not in (younger.kind, older.kind)
        and not any(map(is_suspect, (younger, older)))
    )


async def _is_circle(task: Task, note: Note, target: str) -> bool:
    try:
        await check_no_circle(task.batch, note.note_id, [target])
    except InvalidArgumentError:
        return True
    return False


def _by_verdict(task: Task, note: Note, link: Link, verdict: PairVerdict) -> Link:
    if verdict.ruling == "both":
        # The ended link stays, so that the rule does not make it again.
        return replace(link, made_by=VERDICT_MAKER, made_at=task.now, valid_until=task.now)
    return _verdict_link(task, note, link.to, link.weight, verdict)


def _verdict_link(task: Task, note: Note, to: str, weight: float, verdict: PairVerdict) -> Link:
    relation = SUPERSEDES if verdict.ruling == "supersedes" else CONTRADICTS
    return Link(
        to=to,
        relation=relation,
        weight=weight,
        reason=f"“{verdict.quote}”",
        made_by=VERDICT_MAKER,
        made_at=task.now,
        valid_from=as_old_as(note, relation),
    )


async def carry_out(task: Task, rulings: Sequence[JudgedNote]) -> frozenset[str]:
    """Puts notes with their verdicts into the batch, and what becomes of the notes they supersede.

    Oldest first, so that a note that is superseded itself supersedes first.

    Returns:
        Ids of notes now superseded.
    """
    closed, batch = set[str](), task.batch
    for one in sorted(rulings, key=lambda ruling: order_key(ruling.note)):
        targets, after = supersedes(one.note), {one.note.note_id: one.note}
        closing = await plan_targets(batch, targets, after, by=SCHEDULER, now=task.now)
        own = Change(note=replace(one.note, change=COMPARE_STEP.name, reason=one.reason))
        for note in [change.note for change in await with_following(batch, [own, *closing])]:
            [before] = await batch.get([note.note_id])
            batch.put(before, note, note.change, note.reason)
            if note.note_id in targets and note.state is not State.ACTIVE:
                closed.add(note.note_id)
    return frozenset(closed)


COMPARE_MAX_NEIGHBOURS = 64
"""Linked notes compared with a note."""
COMPARE_NEAREST_NOTES, COMPARE_MAX_PASSAGES = 24, 4
"""Nearest notes of each passage that a note may change, or be changed by."""

UNCOMPARED = NoteFilter(stage_below=COMPARED, stage_from=LINKED, states=())
"""Linked notes, and notes whose state has changed, for the links that lead to them."""

Conflicts = dict[str, tuple[Outline, Conflict]]
"""Id of the other note -> the note, and the conflict with it."""


async def _compare(task: Task, waiting: Sequence[Note]) -> None:
    while waiting:  # after a verdict, notes with links to what it has superseded
        waiting = await task.batch.get(sorted(await _compare_notes(task, waiting)))


async def _compare_notes(task: Task, waiting: Sequence[Note]) -> frozenset[str]:
    """Ids of notes superseded by a verdict."""
    seen = tuple(note.note_id for note in waiting)
    notes = {note.note_id: note for note in waiting}
    beside = (*await _leading_to(task, seen), *await _on_things_of(task, waiting))
    notes |= {note.note_id: note for note in beside if note.note_id not in notes}
    found = {i: await _conflicts(task, note) for i, note in notes.items()}
    # A link starts from the younger note, even if that was compared long ago.
    younger = {
        other.note_id
        for i, conflicts in found.items()
        for other, _ in conflicts.values()
        if other.note_id not in notes and telling_key(other) > telling_key(notes[i])
    }
    for note in await task.batch.get(sorted(younger)):
        if note.stage >= LINKED:
            notes[note.note_id] = note
            found[note.note_id] = await _conflicts(task, note)
    fresh = {i: await _without_stale(task, note) for i, note in notes.items()}
    stale = {(i, k.to) for i, note in notes.items() for k in note.links if k not in fresh[i].links}
    settled = await _settled(task, list(notes)) - stale
    rulings = list[JudgedNote]()
    for i, note in notes.items():
        compared = _compared(task, fresh[i], found[i], settled)
        if one := await judged(task, note, compared):
            rulings.append(one)
        else:
            task.batch.put(note, compared, COMPARE_STEP.name, "compared by rule")
    return await carry_out(task, rulings)


async def _leading_to(task: Task, note_ids: Sequence[str]) -> list[Note]:
    """Active notes with a link of this step to one of these."""
    return [
        note
        for note in await task.batch.linking_to(note_ids)
        if note.note_id not in note_ids
        and note.state is State.ACTIVE
        and note.stage >= LINKED
        and any(link.to in note_ids for link in note.links if is_open(link) or is_verdict(link))
    ]


async def _on_things_of(task: Task, waiting: Sequence[Note]) -> list[Note]:
    """Linked notes on things that notes are on: how many there are tells what each changes."""
    things = {(note.namespace, fold(note.subject)): note for note in waiting if is_of_thing(note)}
    ids = set[str]()
    for (namespace, _), note in things.items():
        where = NoteFilter(namespaces=(namespace,), subject=note.subject)
        ids |= {one.note_id for one in await task.batch.find(where, limit=SAME_SUBJECT_NOTES + 1)}
    return [note for note in await task.batch.get(sorted(ids)) if note.stage >= LINKED]


async def _without_stale(task: Task, note: Note) -> Note:
    """The note without verdicts on content changed since; supersessions stay."""
    store, kept = task.batch, list[Link]()
    ruled_of = {link.to for link in note.links if is_verdict(link)}
    others = await store.get(sorted(ruled_of)) if ruled_of else []
    changed = {other.note_id: await content_since(store, other) for other in others}
    for link in note.links:
        held = link.relation == SUPERSEDES and link.stood(None)
        since = max(link.made_at, link.valid_until or link.made_at)
        if held or not is_verdict(link) or changed.get(link.to, since) <= since:
            kept.append(link)
    return replace(note, links=tuple(kept))


async def _conflicts(task: Task, note: Note) -> Conflicts:
    """Conflicts of a note with linked notes and with notes stating the same facts."""
    if note.state is not State.ACTIVE or (note.valid_until and note.valid_until <= task.now):
        return {}
    store, stated = task.batch, find_statements(note)
    where = NoteFilter(namespaces=(note.namespace,), unexpired_at=task.now)
    linked = {link.to for link in note.links if link.stood(None)}
    linked |= {other.note_id for other in await store.linking_to([note.note_id])}
    beside = replace(where, note_ids=tuple(sorted(linked)[-COMPARE_MAX_NEIGHBOURS:]))
    others = await store.outlines(beside, limit=COMPARE_MAX_NEIGHBOURS) if linked else []
    others += await notes_stating(store, note, stated, where, counted=where.namespaces)
    near = await _near(task, note, where)
    known = {other.note_id: other for other in (*others, *(one.outline for one in near))}
    cosines = {one.outline.note_id: one.score for one in sorted(near, key=lambda one: one.score)}
    known.pop(note.note_id, None)

    found = await read_in_thread(find_conflicts, note, stated, known, cosines)
    if not any(one.change for one in found.values()):
        found = {**await find_same_subject(store, note, known, cosines, where), **found}
    related = await kin(task.batch, note) if found else frozenset[str]()
    return {i: (known[i], conflict) for i, conflict in found.items() if i not in related}


async def _near(task: Task, note: Note, where: NoteFilter) -> list[Near]:
    store = task.batch
    vectors = (await store.passages_of([note.note_id])).get(note.note_id)
    return [
        near
        for vector in whole_passages(note.content, vectors)[:COMPARE_MAX_PASSAGES]
        for near in await store.nearest(
            vector, where, limit=COMPARE_NEAREST_NOTES, least=CHANGE_MIN_COSINE
        )
    ]


async def _settled(task: Task, note_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Pairs (link's start, target) that an agent or a verdict has settled."""
    store = task.batch
    notes = [*await store.get(note_ids), *await store.linking_to(note_ids)]
    return frozenset(
        (note.note_id, link.to)
        for note in notes
        for link in note.links
        if link.made_by != "rule"
        and link.relation in (SUPERSEDES, CONTRADICTS)
        and link.stood(None)
        and note.state is not State.FORGOTTEN
    )


def _compared(
    task: Task,
    note: Note,
    conflicts: Mapping[str, tuple[Outline, Conflict]],
    settled: frozenset[tuple[str, str]],
) -> Note:
    if note.state is not State.ACTIVE:  # invisible; compared again when restored
        return replace(note, stage=max(note.stage, COMPARED))
    stated = [link for link in note.links if link.made_by != "rule" or not link.stood(None)]
    refused = {
        k.to
        for k in stated
        if not k.stood(None) and (k.relation in OPEN_RELATIONS or is_verdict(k))
    }
    unsettled = [
        (other, conflict)
        for other, conflict in conflicts.values()
        if other.note_id not in refused
        and not settled & {(note.note_id, other.note_id), (other.note_id, note.note_id)}
    ]
    said = any(link.relation == SUPERSEDES and link.stood(None) for link in stated)
    old = {(link.to, link.relation): link for link in note.links if is_open(link)}
    made = conflict_links(note, unsettled, said=said, now=task.now)
    kept = [unless_same(old.get((link.to, link.relation)), link) for link in made]
    rest = [link for link in note.links if link not in stated and not is_open(link)]
    links = (*stated, *kept, *rest)
    # The order of links has no meaning.
    same = set(links) == set(note.links)
    return replace(note, links=note.links if same else links, stage=max(note.stage, COMPARED))


COMPARE_STEP = Step(name="compare", waiting=UNCOMPARED, work=_compare)
