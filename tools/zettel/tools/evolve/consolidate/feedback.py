"""Step `generalize`: feedback that was given several times is offered as one rule.

Facts that were told several times are offered beside it (`repeated_facts`).

The rule is a composed note in the words of one of its sources; it stays out of answers until an
agent or a person keeps it. Where a rule already says the same, the feedback is linked to it
instead. Only fully trusted words count, and only those told since the last that wanted the
contrary. What people say to each other makes no rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from zettel.storage.notes import (
    DERIVED_FROM,
    PROPOSED_RULE,
    SUPPORTS,
    Kind,
    Link,
    Note,
    Outline,
    State,
    fold,
    order_key,
)
from zettel.storage.store import NoteFilter
from zettel.tools.changes.stages import COMPARED, REVISED
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.consolidate.drafts import (
    GENERALIZE_CHANGE,
    DerivedDraft,
    cited,
    is_refused,
    keep,
    may_generalize,
    name_sources,
    offers_of,
)
from zettel.tools.evolve.consolidate.repeated_facts import repeated_facts
from zettel.tools.evolve.steps.base import Step, Task, is_talk
from zettel.tools.language.feedback import Feedback, read_feedback
from zettel.tools.language.times import iso_day

FEEDBACK_MIN_NOTES, FEEDBACK_MIN_OCCASIONS = 3, 2
"""Notes that ask for the same, and sessions or days on which they were told, that make a rule."""
FEEDBACK_MIN_COSINE = 0.55
"""Exact cosine of two notes that may ask for the same or the contrary: 0.45 to 0.55 find the same
on made-up feedback, and a rule that is offered wrongly costs an answer."""
FEEDBACK_NEAREST_NOTES = 48
"""Nearest notes read of each."""
FEEDBACK_POOL_MAX_NOTES = 120
"""Notes reached from one, above which no further ones are read."""
GROUP_MIN_SHARE = 0.5
"""Share of a group's notes that one asks for the same as, to belong to it."""
RULE_KINDS = frozenset({Kind.PROCEDURAL, Kind.CORE})
"""Kinds of a rule that stands."""

UNGENERALIZED = NoteFilter(stage_below=REVISED, stage_from=COMPARED, states=())
"""Compared notes, in any state: a rule is offered anew when one of its sources leaves recall."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A note that asks for something."""

    note: Note
    feedback: Feedback


class _Reader(dict[str, Feedback | None]):
    """What texts ask for, each read once: notes that want something are near to many of a batch."""

    def __missing__(self, text: str) -> Feedback | None:
        self[text] = found = read_feedback(text)
        return found


async def _generalize(task: Task, waiting: Sequence[Note]) -> None:
    for namespace in sorted({note.namespace for note in waiting}):
        await _offer(task, namespace, [n for n in waiting if n.namespace == namespace])
    for note in waiting:
        if note.state is not State.ACTIVE:  # `revise` reads active ones
            task.batch.put(note, replace(note, stage=REVISED), GENERALIZE_CHANGE, "")


async def _offer(task: Task, namespace: str, waiting: Sequence[Note]) -> None:
    outdated = await offers_of(task, waiting)
    ids = {note.note_id for note in waiting}
    beside = frozenset[str]().union(*map(cited, outdated)) - ids
    again = [*waiting, *await task.batch.get(sorted(beside))]
    read = _Reader()
    seeds, seen = await _told(task, again, read), set[str]()
    drafts, of_facts = await repeated_facts(task, namespace, again)
    outdated += of_facts
    for seed in sorted(seeds, key=lambda one: order_key(one.note)):
        if seed.note.note_id in seen:
            continue
        pool = await _in_reach(task, namespace, seed, read)
        seen |= pool.keys()
        known = await offers_of(task, [one.note for one in pool.values()])
        known = [offer for offer in known if offer.origin.principal == PROPOSED_RULE]
        outdated += known
        for group in _groups(pool.values()):
            if draft := await _ruled(task, group, known):
                drafts.append(draft)
    if drafts and await is_talk(task, namespace):
        drafts = []  # "Keep going!" is no rule for an agent
    if drafts or outdated:
        once = {note.note_id: note for note in outdated}
        await keep(task, drafts, list(once.values()), step=GENERALIZE_CHANGE)


async def _told(task: Task, notes: Sequence[Note], read: _Reader) -> list[_Told]:
    """Those of the notes that ask for something and count."""

    def asking() -> list[_Told]:
        found = ((note, read[note.content]) for note in notes if may_generalize(task, note))
        return [_Told(note, feedback) for note, feedback in found if feedback]

    return await read_in_thread(asking)


async def _in_reach(task: Task, namespace: str, seed: _Told, read: _Reader) -> dict[str, _Told]:
    """The notes that ask for the same or the contrary, and of each those that do again, by id."""
    reached, ahead = dict[str, _Told](), [seed]
    while ahead and len(reached) <= FEEDBACK_POOL_MAX_NOTES:
        reached |= {one.note.note_id: one for one in ahead}
        near = dict[str, Outline]()
        for one in ahead:
            near |= await _near(task, namespace, one, read)
        new = await task.batch.get(sorted(near.keys() - reached.keys()))
        peers = [note for note in new if task.memory.trust.are_peers(note, seed.note)]
        ahead = await _told(task, peers, read)
    return reached


async def _near(task: Task, namespace: str, told: _Told, read: _Reader) -> dict[str, Outline]:
    where, near = NoteFilter(namespaces=(namespace,), unexpired_at=task.now), dict[str, Outline]()
    vectors = await task.batch.passages_of([told.note.note_id])
    for vector in vectors.get(told.note.note_id, ())[:1]:  # a short note has one passage
        found = await task.batch.nearest(
            vector, where, limit=FEEDBACK_NEAREST_NOTES, least=FEEDBACK_MIN_COSINE
        )
        near |= {one.outline.note_id: one.outline for one in found}

    def related() -> dict[str, Outline]:
        asking = ((i, outline, read[outline.content]) for i, outline in near.items())
        return {i: outline for i, outline, other in asking if other and _related(told, other)}

    return await read_in_thread(related)


def _related(told: _Told, other: Feedback) -> bool:
    return told.feedback.says_same(other) or told.feedback.reverses(other)


def _groups(pool: Iterable[_Told]) -> list[list[_Told]]:
    """The notes that ask for the same, oldest first, without those told before the contrary was."""
    left, groups = sorted(pool, key=lambda one: order_key(one.note)), list[list[_Told]]()
    told = list(left)
    while left:
        group = [left[0]]
        for one in left[1:]:
            alike = sum(one.feedback.says_same(other.feedback) for other in group)
            if alike >= GROUP_MIN_SHARE * len(group):
                group.append(one)
        groups.append(_since_reversed(group, told))
        left = [one for one in left if one not in group]
    return groups


def _since_reversed(group: Sequence[_Told], told: Iterable[_Told]) -> list[_Told]:
    against = [
        order_key(one.note)
        for one in told
        if sum(one.feedback.reverses(other.feedback) for other in group)
        >= GROUP_MIN_SHARE * len(group)
    ]
    return [one for one in group if not against or order_key(one.note) > max(against)]


async def _ruled(task: Task, group: Sequence[_Told], known: Sequence[Note]) -> DerivedDraft | None:
    """The rule to offer for a group; None where one stands, or was refused, or they are too few."""
    notes = [one.note for one in group]
    if standing := next((note for note in notes if note.kind in RULE_KINDS), None):
        _link_to(task, standing, [note for note in notes if note is not standing])
        return None
    occasions = {note.session or note.happened_at.date() for note in notes}
    if len(notes) < FEEDBACK_MIN_NOTES or len(occasions) < FEEDBACK_MIN_OCCASIONS:
        return None
    if not any(one.feedback.is_wish for one in group):
        return None  # "You sent Ben an invoice again" may be praise
    ids = {note.note_id for note in notes}
    if any(is_refused(rule) and not ids.isdisjoint(cited(rule)) for rule in known):
        return None
    return _draft(group)


def _link_to(task: Task, rule: Note, notes: Sequence[Note]) -> None:
    """Links each note to the rule that it repeats, unless the rule is made of it, or once was."""
    made_of = {link.to for link in rule.links if link.relation == DERIVED_FROM}
    for note in notes:
        if note.note_id in made_of or any(
            (link.to, link.relation) == (rule.note_id, SUPPORTS) for link in note.links
        ):
            continue
        link = Link(
            to=rule.note_id,
            relation=SUPPORTS,
            reason="asks for the same",
            made_by="rule",
            made_at=task.now,
            valid_from=note.valid_from,
        )
        linked = replace(note, links=(*note.links, link))
        task.batch.put(note, linked, GENERALIZE_CHANGE, f"asks for the same as {rule.note_id}")


def _draft(group: Sequence[_Told]) -> DerivedDraft:
    notes = [one.note for one in group]
    days = [iso_day(note.happened_at) for note in notes]
    subjects: Mapping[str, str] = {fold(note.subject): note.subject for note in notes}
    return DerivedDraft(
        sort=PROPOSED_RULE,
        key=notes[0].note_id,
        namespace=notes[0].namespace,
        kind=Kind.PROCEDURAL,
        subject=notes[0].subject if len(subjects) == 1 else "",
        content=_clearest(group).note.content,
        context=f"Asked for {len(notes)} times, from {days[0]} to {days[-1]}"
        f" ({name_sources(notes)}).",
        sources=tuple(notes),
        reason=f"{len(notes)} notes ask for the same",
        step=GENERALIZE_CHANGE,
        stage=0,
    )


def _clearest(group: Sequence[_Told]) -> _Told:
    """The one that asks for the same as most of the others; of these an order; then the newest.

    One without a complaint, which would be no words for a rule, if there is any.
    """

    def worth(one: _Told) -> tuple[bool, int, bool, object]:
        told = one.feedback
        alike = sum(told.says_same(other.feedback) for other in group)
        return not told.complains, alike, told.is_order, order_key(one.note)

    return max(group, key=worth)


GENERALIZE_STEP = Step(name=GENERALIZE_CHANGE, waiting=UNGENERALIZED, work=_generalize)
