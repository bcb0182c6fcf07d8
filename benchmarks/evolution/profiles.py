"""Whether what a profile says of people is so: right, and still current."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from benchmarks.evolution.desk import Asking, opened_desk
from benchmarks.evolution.trials import Played
from benchmarks.generator.records import Forgetting, Operation, Stated, Telling, World
from benchmarks.generator.slots import PERSONAL
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import PROFILE, Kind
from zettel.storage.store import NoteFilter
from zettel.tools.evolve.consolidate.drafts import cited

SINGLE = frozenset(slot.name for slot in PERSONAL)
"""Slots of which one value is true at a time."""
MOST = 10_000


@dataclass(slots=True, kw_only=True)
class Profiles:
    """Counts over the profiles of several worlds."""

    current: int = 0
    """Single-valued facts that stand at the end."""
    lines: int = 0
    """Of all profiles."""
    single: int = 0
    """Lines that state a single-valued fact."""
    right: int = 0
    """Of these, right and current."""
    stale: int = 0
    """Of these, replaced or forgotten meanwhile."""
    wrong: int = 0
    """Of these, never true."""


async def profiles(
    world: World, embedder: Embedder, store: Path, *, asking: Asking | None = None
) -> Profiles:
    """Tell a world, consolidate, and check every profile against what was told.

    Args:
        world: Of the generator.
        embedder: Loaded.
        store: A directory that is not there yet.
        asking: The LLM that evolution asks; None for none.
    """
    played = Played(world)
    async with opened_desk(store, embedder, consolidates=True, asking=asking) as (desk, timed):
        await played.tell(desk, timed)
        desk.now = played.end
        await desk.evolve()
        core = NoteFilter(kinds=(Kind.CORE,), derived=True)
        made = await desk.memory.store.find(core, limit=MOST)
    standing = current(world)
    found = Profiles(current=len(standing))
    for note_id in (i for note in made if note.origin.principal == PROFILE for i in cited(note)):
        document = played.document_of(note_id)
        stated = world.stated.get(document)
        found.lines += 1
        if stated is not None and stated.slot in SINGLE:
            found.single += 1
            found.right += document in standing
            found.wrong += not stated.true
            found.stale += stated.true and document not in standing
    return found


def current(world: World) -> frozenset[str]:
    """The documents of the single-valued facts that stand at the end: told last, not gone."""
    last, gone = dict[tuple[str, str, str], str](), set[str]()
    owners = {document.id: document.conversation for document in world.documents}
    for operation in world.operations:
        match operation.expect:
            case Telling(document=document):
                stated = world.stated.get(document)
                if stated is not None and stated.true and stated.slot in SINGLE:
                    last[owners[document], stated.person, stated.slot] = document
            case Forgetting(documents=documents):
                gone |= set(documents)
            case _:
                pass
    return frozenset(last.values()) - gone


def as_facts(world: World) -> World:
    """The world as told by an agent that says of each fact that it is one, and of whom."""
    operations = [_as_fact(o, world.stated) for o in world.operations]
    return replace(world, operations=tuple(operations))


def _as_fact(operation: Operation, stated: Mapping[str, Stated]) -> Operation:
    if operation.op != "remember" or not isinstance(operation.expect, Telling):
        return operation
    fact = stated.get(operation.expect.document)
    if fact is None or not fact.true:
        return operation
    said: dict[str, JsonValue] = {"kind": "semantic", "subject": fact.person}
    return replace(operation, args={**operation.args, **said})


def write_profiles(rows: Sequence[tuple[str, Profiles]]) -> str:
    """A line for each way of telling."""
    lines = [
        "| told | single-valued facts that stand | lines of the profiles | of them such facts"
        " | right and current | replaced or forgotten since | never true |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, of in rows:
        share = f"{100 * of.right / of.single:.0f} % ({of.right})" if of.single else "-"
        cells = (name, of.current, of.lines, of.single, share, of.stale, of.wrong)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", ""])
