"""What evolution composes of ordinary notes: gists and lines of profiles, for a reader to judge."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import get_args

from benchmarks.evolution.desk import Asking, opened_desk
from benchmarks.evolution.profiles import as_facts
from benchmarks.evolution.trials import Played
from benchmarks.evolution.written import FAMILY, MONTHS, RIVER, Written, tell_month
from benchmarks.generator.generate import generate
from benchmarks.generator.records import Style, World
from benchmarks.month.records import Question, read_month
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import GIST, PROFILE, Note
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.evolve.consolidate.drafts import cited

WORLD_SEED, WORLD_CONVERSATIONS = 2000, 4
"""As of `profiles`: no seed that anything was tuned on."""
MOST = 10_000


async def composed(
    embedder: Embedder, store: Path, only: Collection[str], *, asking: Asking | None = None
) -> list[Written]:
    """Tell all months, two homes and made-up worlds, and read what is composed.

    Args:
        embedder: Loaded.
        store: A directory for a store of each.
        only: Names of what to tell; empty for all.
        asking: The LLM that evolution asks; None for none.
    """
    found = list[Written]()
    for path in (*sorted(MONTHS.glob("*.jsonl")), RIVER, FAMILY):
        if not only or path.stem in only:
            lines = [line for line in read_month(path) if not isinstance(line, Question)]
            place = store / path.stem
            async with opened_desk(place, embedder, consolidates=True, asking=asking) as opened:
                desk, client = opened
                refs = await tell_month(lines, desk, client)
                found += await _read(path.stem, desk.memory.store, refs)
    for style in get_args(Style):
        if not only or style in only:
            world = generate(WORLD_SEED, "smoke", style, WORLD_CONVERSATIONS)
            found += await _of_world(style, as_facts(world), embedder, store / style, asking)
    return found


async def _of_world(
    name: str, world: World, embedder: Embedder, store: Path, asking: Asking | None
) -> list[Written]:
    played = Played(world)
    async with opened_desk(store, embedder, consolidates=True, asking=asking) as (desk, timed):
        await played.tell(desk, timed)
        desk.now = played.end
        await desk.evolve()
        return await _read(name, desk.memory.store, {})


async def _read(name: str, store: NoteStore, refs: Mapping[str, str]) -> list[Written]:
    made = await store.find(NoteFilter(derived=True), limit=MOST)
    made.sort(key=lambda note: note.note_id)
    sources = {i: note for one in made for i in cited(one) for note in await store.get([i])}
    of_gists = [note for note in made if note.origin.principal == GIST]
    of_profiles = [note for note in made if note.origin.principal == PROFILE]
    gists = [
        Written(sort="gist", key=f"{name} gist {gist.content}", text=_told(gist, sources, refs))
        for gist in of_gists
    ]
    return [*gists, *(line for one in of_profiles for line in _lines(name, one, sources))]


def _lines(name: str, profile: Note, sources: Mapping[str, Note]) -> Iterator[Written]:
    for line in profile.content.split("\n"):
        told = [sources[i] for i in cited(profile) if sources[i].content.strip() in line]
        text = "\n  ".join(f"{note.subject} | {note.kind} | {note.content}" for note in told)
        yield Written(sort="profile", key=f"{name} profile {line}", text=text)


def _told(made: Note, sources: Mapping[str, Note], refs: Mapping[str, str]) -> str:
    notes = sorted((sources[i] for i in cited(made)), key=lambda note: note.note_id)
    return "\n  ".join(
        f"{refs.get(n.note_id, '')} {n.subject}: {' '.join(n.content.split())}" for n in notes
    )
