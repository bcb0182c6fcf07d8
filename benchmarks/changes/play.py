"""Tells changes, and what changes nothing, each in a namespace of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, JsonValue

from benchmarks.changes.records import Change, Pair, World
from benchmarks.evolution.desk import Desk, opened_desk
from benchmarks.retrieval.tools import Remembered, Timed
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import CONTRADICTS, OPEN_RELATIONS, Note
from zettel.storage.store import NoteFilter

WEEK = timedelta(days=7)
LIKENESS = ("similarity", "nearly the same words", "shares most words")
"""How `why` begins for a candidate that is only like the new note."""


class Told(Remembered, extra="allow"):
    """Of `remember`'s answer."""

    class Candidate(BaseModel, extra="allow"):
        """A note that it names."""

        note_id: str
        why: str

        @property
        def changes(self) -> bool:
            """Whether the new note is taken to change it, not only to be like it."""
            return not self.why.startswith(LIKENESS)

    candidates: tuple[Candidate, ...] = ()


class Answered(BaseModel, extra="allow"):
    """Of `recall`'s answer."""

    class Shown(BaseModel, extra="allow"):
        """A note of it."""

        class Line(BaseModel, extra="allow"):
            """A link of it."""

            note_id: str
            relation: str

        note_id: str
        links: tuple[Line, ...] = ()

    notes: tuple[Shown, ...] = ()

    def marks(self, old: str, new: str) -> bool:
        """Whether the old note is shown as superseded by the new one."""
        return any(
            link.note_id == new and link.relation == "superseded_by"
            for note in self.notes
            if note.note_id == old
            for link in note.links
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of a change."""

    change: Change
    named: int | None
    """Place of the old note among the candidates, from 0."""
    others: int
    """Candidates that the new note is wrongly taken to change."""
    linked: bool
    """Whether evolution, or the agent's call, says that the new note may change the old one."""
    falsely_linked: int
    """Links of that sort to other notes."""
    newer_first: bool
    """Whether recall puts the new note first and marks the old one, before anybody settles it."""


@dataclass(slots=True, kw_only=True)
class Alarms:
    """Notes that change nothing."""

    notes: int = 0
    candidates: list[str] = field(default_factory=list[str])
    """Those that `remember` took for a change."""
    links: list[str] = field(default_factory=list[str])
    """Those that evolution did."""


async def play_changes(changes: Sequence[Change], embedder: Embedder, store: Path) -> list[Seen]:
    """Tell the old notes with their neighbours, a week later the new ones, and evolve."""
    async with opened_desk(store, embedder) as (desk, client):
        ids = dict[str, dict[str, str]]()
        for change in changes:
            known = ids.setdefault(change.place, {})
            for text in (change.others[0], change.old, *change.others[1:]):
                if text not in known:
                    told = await _tell(desk, client, change.place, text, "first")
                    known[text] = told.note_id
        await desk.evolve()
        desk.now += WEEK
        answers = {
            change.id: await _tell(desk, client, change.place, change.new, "second")
            for change in changes
        }
        await desk.evolve()
        return [
            await _seen(desk, client, change, ids[change.place], answers[change.id])
            for change in changes
        ]


async def _seen(
    desk: Desk, client: Timed, change: Change, ids: Mapping[str, str], answer: Told
) -> Seen:
    named = [candidate.note_id for candidate in answer.candidates]
    taken = {candidate.note_id for candidate in answer.candidates if candidate.changes}
    old = ids[change.old]
    linked = await _open_links(desk, change.place, answer.note_id)
    return Seen(
        change=change,
        named=named.index(old) if old in named else None,
        others=len(taken - {old}),
        linked=old in linked,
        falsely_linked=len(linked & {*ids.values()} - {old}),
        newer_first=await _newer_first(client, change, old, answer.note_id),
    )


async def _newer_first(client: Timed, change: Change, old: str, new: str) -> bool:
    """Whether a question in the old note's own words is answered by the new note before it."""
    arguments = {"query": change.old, "namespace": change.place}
    answer, _ = await client.call("recall", arguments, Answered)
    places = {note.note_id: place for place, note in enumerate(answer.notes)}
    first = new in places and places[new] < places.get(old, len(places))
    return first and (old not in places or answer.marks(old, new))


async def play_worlds(worlds: Sequence[World], embedder: Embedder, store: Path) -> Alarms:
    """Tell worlds in which nothing changes, a day between two notes, and evolve."""
    alarms = Alarms()
    async with opened_desk(store, embedder) as (desk, client):
        for world in worlds:
            for text in world.notes:
                told = await _tell(desk, client, world.id, text, "only")
                desk.now += timedelta(days=1)
                alarms.notes += 1
                if any(candidate.changes for candidate in told.candidates):
                    alarms.candidates.append(f"{world.id}: {text}")
        await desk.evolve()
        for world in worlds:
            for note in await _notes(desk, world.id):
                if await _open_links(desk, world.id, note.note_id):
                    alarms.links.append(f"{world.id}: {note.content}")
    return alarms


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What became of a pair."""

    pair: Pair
    first: bool
    """Whether the question's own note comes first."""
    first_else: bool
    """Of two things: whether it does for the other question."""
    taken: bool
    """Whether the younger note was taken for a change of the older."""


async def play_pairs(pairs: Sequence[Pair], embedder: Embedder, store: Path) -> list[Answers]:
    """Tell all older notes, weeks later all younger ones, each in its session, evolve and ask."""
    async with opened_desk(store, embedder) as (desk, client):
        told = list[list[Told]]()
        for when in ("older", "younger"):
            desk.now += WEEK
            for number, pair in enumerate(pairs):
                desk.now += timedelta(hours=1)
                text = pair.older if when == "older" else pair.younger
                note = await _tell(desk, client, pair.place, text, f"{when} {number}")
                told.append([note] if when == "older" else [*told[number], note])
        await desk.evolve()
        return [
            await _answers(client, pair, *notes)
            for pair, notes in zip(pairs, told[len(pairs) :], strict=True)
        ]


async def _answers(client: Timed, pair: Pair, older: Told, younger: Told) -> Answers:
    right = younger if pair.is_one_thing else older
    taken = (one.note_id == older.note_id and one.changes for one in younger.candidates)
    return Answers(
        pair=pair,
        first=await _comes_first(client, pair, pair.asked, right),
        first_else=pair.is_one_thing or await _comes_first(client, pair, pair.asked_else, younger),
        taken=any(taken),
    )


async def _comes_first(client: Timed, pair: Pair, asked: str, note: Told) -> bool:
    arguments = {"query": asked, "namespace": pair.place}
    answer, _ = await client.call("recall", arguments, Answered)
    return bool(answer.notes) and answer.notes[0].note_id == note.note_id


async def play_turns(
    turns: Mapping[str, Sequence[Mapping[str, JsonValue]]],
    embedder: Embedder,
    store: Path,
    progress: Callable[[str], None],
) -> Alarms:
    """Tell the turns of conversations, each in its namespace, and count what is taken for changes.

    Args:
        turns: Namespace -> arguments of `remember`.
        embedder: Of the store.
        store: Where the store is made.
        progress: Is told how far it is.
    """
    alarms = Alarms()
    async with opened_desk(store, embedder) as (desk, client):
        for namespace, told in turns.items():
            progress(namespace)
            for arguments in told:
                answer, _ = await client.call(
                    "remember", {**arguments, "namespace": namespace}, Told
                )
                alarms.notes += 1
                if any(candidate.changes for candidate in answer.candidates):
                    alarms.candidates.append(str(arguments["content"]))
                if alarms.notes % 200 == 0:
                    await desk.memory.admin.upkeep()
    return alarms


async def _tell(desk: Desk, client: Timed, namespace: str, text: str, session: str) -> Told:
    desk.now += timedelta(seconds=1)
    arguments = {"content": text, "namespace": namespace, "session": session}
    told, _ = await client.call("remember", arguments, Told)
    return told


async def _notes(desk: Desk, namespace: str) -> list[Note]:
    where = NoteFilter(namespaces=(namespace,), states=(), derived=None)
    return await desk.memory.store.find(where, limit=1_000)


async def _open_links(desk: Desk, namespace: str, note_id: str) -> set[str]:
    """Ids of the notes that this one may supersede or contradict."""
    relations = {*OPEN_RELATIONS, CONTRADICTS}
    (note,) = [n for n in await _notes(desk, namespace) if n.note_id == note_id]
    return {link.to for link in note.links if link.relation in relations}
