"""Supersession: a note is superseded while a note that is not forgotten links to it so.

Also while one does that is forgotten, but superseded itself by one that is not: of three tellings
of a fact the first does not come back when the second is forgotten.

Every verb plans the consequences for link targets from the current state, in the same commit, and
reconciles after it, so that of two racing verbs the later one corrects the result. A tenant's note
supersedes within its namespace alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import SCHEDULER, SUPERSEDES, Link, Note, State
from zettel.storage.store import Change, NoteFilter, NoteReader, Store
from zettel.storage.tenancy.store import ScopedStore
from zettel.tools.changes.commit import commit
from zettel.tools.changes.links import standing
from zettel.tools.changes.parts import first_part, parts_among
from zettel.tools.changes.settling import is_another_plan
from zettel.tools.changes.stages import next_note, stage_after
from zettel.tools.language.documents import DOCUMENT_PART_CHARACTERS
from zettel.tools.language.times import iso
from zettel.tools.state.memory import Memory

SUPERSEDE = "supersede"
"""`Note.change` of revisions that close a superseded note."""
REVIVE = "revive"
"""`Note.change` of revisions that open one again."""
SUPERSEDED_MAX_NOTES = 10_000_000
"""Superseded notes checked: all of them."""
SUPERSESSION_MAX_CHAIN = 256
"""Notes searched for a cycle of supersessions, and steps from a forgotten note to those that
superseded each other in turn."""


def supersedes(note: Note) -> frozenset[str]:
    """Ids of the notes this one supersedes."""
    return standing(note, SUPERSEDES)


def how_to_take_back(planned: Note) -> str:
    """That a note is to take another's place on its day, with the call against it."""
    return (
        f"{planned.note_id} still takes its place on {iso(planned.happened_at)}:"
        f' forget(note_ids=["{planned.note_id}"]) takes that back.'
    )


def changed_targets(before: Note, after: Note) -> frozenset[str]:
    """Ids of notes whose supersession by the note differs, in existence or start."""

    def said(note: Note) -> set[tuple[str, datetime | None]]:
        return {
            (link.to, link.valid_from)
            for link in note.links
            if link.relation == SUPERSEDES and link.stood(None)
        }

    return frozenset(to for to, _ in said(before) ^ said(after))


def with_plans_replaced(note: Note, older: Mapping[str, Note], now: datetime) -> Note:
    """The note, which takes the place of other plans at once and not on its day."""

    def begins(link: Link) -> datetime | None:
        is_new = link.relation == SUPERSEDES and link.made_at == now and link.to in older
        if is_new and is_another_plan(note.content, note.happened_at, older[link.to], now):
            return now
        return link.valid_from

    links = tuple(replace(link, valid_from=begins(link)) for link in note.links)
    return replace(note, links=links)


async def check_no_circle(store: NoteReader, note_id: str, targets: Iterable[str]) -> None:
    """Refuses a supersession that leads back to the note.

    Raises:
        InvalidArgumentError: There is a cycle; none of its notes would be found.
    """
    ahead, seen = set(targets), set[str]()
    while ahead and len(seen) < SUPERSESSION_MAX_CHAIN:
        seen |= ahead
        beyond = frozenset[str]().union(*map(supersedes, await store.get(sorted(ahead))))
        if note_id in beyond:
            raise InvalidArgumentError(
                "links",
                f"{note_id} is superseded itself, directly or in turn, by what it would supersede",
                "Remove that link first, or keep the newer fact in one note with update.",
            )
        ahead = set(beyond) - seen


def check_outlasts(note: Note, *, replaced_at: datetime | None = None) -> None:
    """Refuses a note that ends before it takes the place of others: nothing would be true then.

    Args:
        note: As it is to be stored.
        replaced_at: When another note takes its place, whatever end it is given; None for never.

    Raises:
        InvalidArgumentError: It does.
    """
    starts = [
        link.valid_from
        for link in note.links
        if link.relation == SUPERSEDES and link.stood(None) and link.valid_from
    ]
    end = min(filter(None, (note.valid_until, replaced_at)), default=None)
    if end and starts and end <= max(starts):
        problem = f"{iso(end)} is not after {iso(max(starts))}, when the note takes the place of"
        remedy = "Pass a later time or no end, or an earlier happened_at."
        if end == replaced_at:
            remedy = "A newer note takes its place then: move or forget that one first."
        raise InvalidArgumentError("valid_until", f"{problem} another", remedy)


async def check_supersedable(memory: Memory, note: Note, targets: Iterable[str]) -> None:
    """Refuses a tenant's supersession of a note in another namespace.

    Its other readers could not see the newer note: the older one would go without a reason.

    Raises:
        NamespaceRefusedError: The older note may only be read.
        InvalidArgumentError: The older note is in another namespace.
    """
    ids = sorted(targets)
    if memory.reach is None or not ids:
        return
    older = await memory.store.get(ids)
    memory.check_writes(older)
    for other in older:
        if other.namespace != note.namespace:
            raise InvalidArgumentError(
                "links",
                f"{other.note_id} is in namespace {other.namespace!r}, whose readers may not see"
                f" namespace {note.namespace!r}",
                f'Remember the newer fact with namespace="{other.namespace}", or update'
                f" {other.note_id}.",
            )


async def plan_targets(
    store: NoteReader,
    targets: Iterable[str],
    changed: Mapping[str, Note],
    *,
    by: str,
    now: datetime,
) -> list[Change]:
    """Changes that follow for notes whose superseding notes may have changed.

    `changed` are notes as the same commit will leave them, new ones as well; none of them is
    changed here.
    """
    asked = set(targets)
    below = await _with_those_behind(store, asked - changed.keys(), changed)
    below |= await _parts_of(store, asked | below.keys(), changed)
    if not below:
        return []
    wholes = {note_id: first for note_id, note in below.items() if (first := first_part(note))}
    linked = sorted({*below, *wholes.values()})
    standing = {note.note_id: note for note in await store.linking_to(linked)}
    live, since = await _in_place(store, (standing | dict(changed)).values(), changed)
    over = dict[str, list[Note]]()
    for other in live:
        for target in supersedes(other).intersection(linked):
            over.setdefault(target, []).append(other)
    await _take_parts_along(store, over, wholes, changed)
    changes = list[Change]()
    for note in below.values():
        above = over.get(note.note_id, [])
        if isinstance(store, ScopedStore) and any(_is_elsewhere(other, note) for other in above):
            # As the owner linked them, or an earlier version: no tenant closes or opens by that.
            above = [other for other in above if not _is_elsewhere(other, note)]
            if not above and note.state is State.SUPERSEDED:
                continue
        settled = note
        if note.state is State.SUPERSEDED or (note.valid_until and note.state is State.ACTIVE):
            settled = await _reopened(store, note)
        if above and settled.state is State.ACTIVE:
            settled = _superseded(settled, wholes.get(note.note_id, ""), above, since, now)
        # A clock that was set back reopens no ended note.
        ended = bool(above) and note.state is State.SUPERSEDED
        same = settled.valid_until == note.valid_until
        if not same or (settled.state is not note.state and not ended):
            changes.append(_changed(replace(settled, stage=stage_after(settled.state)), by, now))
    return changes


async def _parts_of(
    store: NoteReader, firsts: Collection[str], changed: Mapping[str, Note]
) -> dict[str, Note]:
    """The parts that go on with these notes, but those that the commit changes."""
    linking = await store.linking_to(sorted(firsts)) if firsts else []
    parts = chain.from_iterable(parts_among(linking, firsts).values())
    return {part.note_id: part for part in parts if part.note_id not in changed}


async def _take_parts_along(
    store: NoteReader,
    over: dict[str, list[Note]],
    wholes: Mapping[str, str],
    changed: Mapping[str, Note],
) -> None:
    """Adds to what supersedes a part the texts that supersede the whole.

    A text, in parts or longer than one of them, takes the place of all that was told as one; a note
    on one thing that of a first part alone, which may tell of that.

    Args:
        store: Where the texts are.
        over: Note id -> notes that supersede it.
        wholes: Part's id -> id of the first part.
        changed: Notes as the commit will leave them, and those that it adds.
    """
    above = {other.note_id for first in wholes.values() for other in over.get(first, ())}
    linking = await store.linking_to(sorted(above)) if above else []
    known = {note.note_id: note for note in linking} | dict(changed)
    texts = parts_among(known.values(), above)
    for part, first in wholes.items():
        taken = [
            other
            for other in over.get(first, ())
            if other.note_id in texts or len(other.content) > DOCUMENT_PART_CHARACTERS
        ]
        if taken:
            over[part] = [*over.get(part, ()), *taken]


async def _with_those_behind(
    store: NoteReader, targets: Iterable[str], changed: Mapping[str, Note]
) -> dict[str, Note]:
    """The notes with these ids, and behind each forgotten one those that it supersedes."""
    ahead, found = set(targets), dict[str, Note]()
    for _ in range(SUPERSESSION_MAX_CHAIN):
        if not ahead:
            break
        notes = await store.get(sorted(ahead))
        found |= {note.note_id: note for note in notes}
        gone = (note for note in notes if note.state is State.FORGOTTEN)
        ahead = set[str]().union(*map(supersedes, gone)) - found.keys() - changed.keys()
    return dict(sorted(found.items()))


async def _in_place(
    store: NoteReader, notes: Iterable[Note], changed: Mapping[str, Note]
) -> tuple[list[Note], Mapping[str, datetime]]:
    """Those of some notes that take the places of others.

    Not those that are forgotten, unless one of the same namespace that is not has taken their place
    in turn.

    Returns:
        The notes; and since when such a forgotten one's place is taken, before which it tells
        nothing: what it superseded holds until then.
    """
    known = {note.note_id: note for note in notes}
    gone = {i: n for i, n in known.items() if n.state is State.FORGOTTEN and supersedes(n)}
    behind: dict[str, set[str]] = {note_id: {note_id} for note_id in gone}
    places = {note_id: note.namespace for note_id, note in gone.items()}
    since, ahead = dict[str, datetime](), set(behind)
    for _ in range(SUPERSESSION_MAX_CHAIN):
        if not ahead:
            break
        linking = {note.note_id: note for note in await store.linking_to(sorted(ahead))}
        standing, ahead = ahead, set[str]()
        for other in (linking | dict(changed)).values():
            taken = [i for i in supersedes(other) & standing if places[i] == other.namespace]
            under = set[str]().union(*(behind[i] for i in taken))
            if other.state is not State.FORGOTTEN:
                begun = ((i, _begins_superseding(other, at)) for at in taken for i in behind[at])
                for note_id, at in begun:
                    since[note_id] = min(since.get(note_id, at), at)
            elif not under <= behind.get(other.note_id, set[str]()):
                behind[other.note_id] = behind.get(other.note_id, set[str]()) | under
                places[other.note_id] = other.namespace
                ahead.add(other.note_id)
    live = (n for n in known.values() if n.state is not State.FORGOTTEN)
    return [*live, *(note for note_id, note in gone.items() if note_id in since)], since


def _is_elsewhere(other: Note, note: Note) -> bool:
    return other.namespace != note.namespace


async def reconcile_superseded(
    memory: Memory, targets: Iterable[str], *, by: str, now: datetime
) -> Sequence[Note]:
    """Plans the targets again after a commit: others may have linked them meanwhile.

    Returns:
        The stored revisions.
    """
    ids = sorted(set(targets))
    if not ids:
        return []

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        return await plan_targets(memory.store, notes, {}, by=by, now=now)

    return (await commit(memory, ids, plan)).stored


async def superseded_by_now(memory: Memory, note: Note, *, now: datetime) -> Note:
    """The note, superseded if it was to be on a day that has come; else as it is."""
    if not _may_be_due(note, now):
        return note
    stored = await reconcile_superseded(memory, [note.note_id], by=SCHEDULER, now=now)
    return next((one for one in stored if one.note_id == note.note_id), note)


def _may_be_due(note: Note, now: datetime) -> bool:
    ended = note.valid_until is not None and note.valid_until <= now
    return note.state is State.ACTIVE and ended


async def half_superseded(store: Store, *, now: datetime) -> list[str]:
    """Ids of superseded notes that no note supersedes, and of active ones that some note does.

    A verb killed between its commit and `reconcile_superseded`, or between the attempts of its
    commit, leaves them; calling `reconcile_superseded` repairs them. An active note counts within
    one namespace alone: that a note of another one takes its place may not have been permitted.
    One whose end has only come by now is no such note (`superseded_by_now`).
    """
    above = [note for note in await store.superseding() if note.state is not State.FORGOTTEN]
    held = {(note.namespace, target) for note in above for target in supersedes(note)}
    targets = {target for _, target in held}
    where = NoteFilter(states=(State.SUPERSEDED,), derived=None)
    closed = {note.note_id for note in await store.find(where, limit=SUPERSEDED_MAX_NOTES)}
    below = await store.get(sorted(targets - closed))
    open_ = {note.note_id for note in below if (note.namespace, note.note_id) in held}
    parts = await _parts_of(store, targets & (closed | open_), {})
    open_ |= {note_id for note_id, part in parts.items() if part.state is State.ACTIVE}
    planned = await plan_targets(store, (closed - targets) | open_, {}, by="", now=now)
    due = {note.note_id: note.valid_until for note in below if _may_be_due(note, now)}
    ids = [(change.note.note_id, change.note.valid_until) for change in planned]
    return [note_id for note_id, end in ids if note_id not in due or due[note_id] != end]


def _superseded(
    note: Note, whole: str, above: Sequence[Note], since: Mapping[str, datetime], now: datetime
) -> Note:
    """The note, closed when the first superseding note becomes true, of a forgotten one `since`.

    Those of its `whole` close a part as well, whose first part that is; it is empty for others.
    A future end ("from January on") leaves it active. An end before the start of its current
    content closes what it said earlier.
    """
    begins = (_begins_superseding(other, note.note_id, whole) for other in above)
    told = zip(begins, (other.note_id for other in above), strict=True)
    ended, by = min((max(at, since.get(note_id, at)), note_id) for at, note_id in told)
    return replace(
        note,
        state=State.ACTIVE if ended > now else State.SUPERSEDED,
        valid_until=min(note.valid_until, ended) if note.valid_until else ended,
        change=SUPERSEDE,
        reason=f"superseded by {by}",
    )


def _begins_superseding(other: Note, *note_ids: str) -> datetime:
    """When a note takes the place of any of others: its link's start, unmoved by later content.

    Links of stores of earlier versions have no start.
    """
    begins = (
        link.valid_from or other.happened_at
        for link in other.links
        if link.to in note_ids and link.relation == SUPERSEDES and link.stood(None)
    )
    return min(begins)


async def _reopened(store: NoteReader, note: Note) -> Note:
    """The note with its stated end; unchanged if it was never superseded."""
    revisions = await store.revisions(note.note_id)
    if all(SUPERSEDE not in revision.steps for revision in revisions):
        return note
    return replace(
        note,
        state=State.ACTIVE,
        valid_until=stated_end(revisions),
        change=REVIVE,
        reason="no longer superseded",
    )


def stated_end(revisions: Iterable[Note]) -> datetime | None:
    """The end an agent stated for a note, whatever supersedes it; `revisions` oldest first."""
    stated: datetime | None = None
    last: Note | None = None
    for revision in revisions:
        if last is None or (
            SUPERSEDE not in revision.steps and revision.valid_until != last.valid_until
        ):
            stated = revision.valid_until
        last = revision
    return stated


def _changed(note: Note, by: str, now: datetime) -> Change:
    return Change(note=next_note(note, by=by, now=now, change=note.change, reason=note.reason))
