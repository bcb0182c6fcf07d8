"""What a writer's verdicts do to pairs of notes that the rule of `compare` has left open.

A verdict links, and a `supersedes` link closes the older note as an agent's would; `zettel undo`
takes all of it back. Never on the word of less trusted notes, never of a `core` note, and never
where one of the two reads like instructions: whoever wrote that is not heard about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import (
    CONTRADICTS,
    OPEN_RELATIONS,
    SUPERSEDES,
    Kind,
    Link,
    Note,
    State,
    order_key,
)
from zettel.tools.changes.derived_notes import following
from zettel.tools.changes.links import as_old_as
from zettel.tools.changes.stages import SCHEDULER
from zettel.tools.changes.supersession import (
    check_no_circle,
    plan_targets,
    reconcile_superseded,
    supersedes,
)
from zettel.tools.concurrency import shielded
from zettel.tools.evolve.steps.base import Task, revision
from zettel.tools.evolve.writing.writer import Verdict
from zettel.tools.language.prompt_injection import reads_like_instructions

MAKER = "llm"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedNote:
    """A note after the verdicts on its open links."""

    note: Note
    reason: str
    """What the verdicts were, for its revision."""


def is_open(link: Link) -> bool:
    """Whether a link is a rule's guess that nobody has settled."""
    return link.made_by == "rule" and link.relation in OPEN_RELATIONS and link.stood(None)


def is_ruled(link: Link) -> bool:
    """Whether a verdict made this link, or ended it."""
    return link.made_by == MAKER and link.relation in (SUPERSEDES, CONTRADICTS, *OPEN_RELATIONS)


async def ruled(task: Task, before: Note, after: Note) -> JudgedNote | None:
    """Ask about what the rule has newly left open in a note; None if all of it stays open."""
    new = {link.to: link for link in after.links if is_open(link) and link not in before.links}
    if not new or not task.writer.asks:
        return None
    known = await task.memory.store.get(sorted(new))
    older = [other for other in known if _may_judge(after, other)]
    verdicts = dict(await task.writer.judge(after, older)) if older else {}
    for note_id, verdict in list(verdicts.items()):
        if verdict.ruling == "supersedes" and await _is_circle(task, after, note_id):
            del verdicts[note_id]
    if not verdicts:
        return None
    links = [
        _settled(task, after, link, verdicts[link.to])
        if link.to in verdicts and is_open(link)
        else link
        for link in after.links
    ]
    told = [f"{v.ruling} {i}, by “{v.quote}”" for i, v in sorted(verdicts.items())]
    return JudgedNote(note=replace(after, links=tuple(links)), reason=f"the LLM: {'; '.join(told)}")


def _may_judge(younger: Note, older: Note) -> bool:
    return (
        older.state is State.ACTIVE
        and younger.trust >= older.trust
        and Kind.CORE not in (younger.kind, older.kind)
        and not any(
            reads_like_instructions(f"{note.subject}\n{note.content}") for note in (younger, older)
        )
    )


async def _is_circle(task: Task, note: Note, target: str) -> bool:
    try:
        await check_no_circle(task.memory.store, note.note_id, [target])
    except InvalidArgumentError:
        return True
    return False


def _settled(task: Task, note: Note, link: Link, verdict: Verdict) -> Link:
    if verdict.ruling == "both":
        # It stays with its end, so that the rule does not make it again.
        return replace(link, made_by=MAKER, made_at=task.now, valid_until=task.now)
    relation = SUPERSEDES if verdict.ruling == "supersedes" else CONTRADICTS
    return Link(
        to=link.to,
        relation=relation,
        weight=link.weight,
        reason=f"“{verdict.quote}”",
        made_by=MAKER,
        made_at=task.now,
        valid_from=as_old_as(note, relation),
    )


async def carry_out(task: Task, rulings: Sequence[JudgedNote]) -> tuple[int, frozenset[str]]:
    """Commit notes with their verdicts, each with what follows for the notes it supersedes.

    The oldest first: a note that is superseded itself says first what it supersedes.

    Returns:
        How many notes have a new revision, and the ids of those that are closed now.
    """
    changed, closed = 0, set[str]()
    for one in sorted(rulings, key=lambda ruling: order_key(ruling.note)):
        targets = supersedes(one.note)
        with shielded():
            made, gone = await _commit(task, one, targets)
            await reconcile_superseded(task.memory, targets, by=SCHEDULER, now=task.now)
        changed, closed = changed + made, closed | gone
    return changed, frozenset(closed)


async def _commit(task: Task, one: JudgedNote, targets: frozenset[str]) -> tuple[int, set[str]]:
    store = task.memory.store
    after: Mapping[str, Note] = {one.note.note_id: one.note}
    closing = await plan_targets(store, targets, after, by=SCHEDULER, now=task.now)
    own = revision(task, one.note, "compare", one.reason)
    changes = [
        # All of it is the run's, so that undoing the run takes all of it back.
        replace(change, note=replace(change.note, run_id=task.run_id))
        for change in await following(store, [own, *closing])
    ]
    stored = (await store.write(changes=changes)).stored
    ids = {note.note_id for note in stored if note.state is not State.ACTIVE}
    return len(stored), ids & targets
