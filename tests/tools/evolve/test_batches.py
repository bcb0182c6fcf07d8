"""Evolution writes once: all steps over one batch in memory, then one commit."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.changes.test_undo import undo
from tests.tools.conftest import Desk, opened_desk
from tests.tools.llm_desk import everything, logical, stored

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Note, State
from zettel.storage.store import Change, NewNote, Store, Vectors, Written
from zettel.tools.evolve import run
from zettel.tools.evolve.run import Budget, evolve, waiting
from zettel.tools.state.memory import Memory

TOLD = (
    "Zebulon Quist, our gardener",
    "Ana lives in Lyon",
    "The red bicycle stands in the small shed",
    "a cake came from Zebulon",
    "we sang with Zebulon",
    "In the big shed stands the red bicycle",
    "Ana has moved to Paris",
    "rain fell on Zebulon",
    "The bees swarm in May",
    "my boots went to Zebulon",
)
"""The first is linked to by the names found in it; pairs lie in different batches of three."""


async def tell(desk: Desk) -> list[str]:
    ids = list[str]()
    for content in TOLD:
        ids.append(await desk.told(content, session="s"))
        desk.later(days=1)
    return ids


class Recording(DictStore):
    """Records what evolution writes, and lets somebody else be first once."""

    def __init__(self) -> None:
        super().__init__()
        self.recording = False
        self.revised = list[str]()
        self.commits = self.marked = 0
        self.before: Callable[[], Change] | None = None

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Record, then write."""
        if before := self.before:
            self.before = None
            await super().write(changes=[before()])
        if self.recording:
            self.commits += 1
            self.revised += [change.note.note_id for change in changes]
        return await super().write(new=new, changes=changes)

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        """Record, then mark."""
        self.marked += len(notes)
        await super().mark(notes, stage=stage)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three notes a batch."""
    monkeypatch.setattr(run, "RUN_BATCH_NOTES", 3)


async def test_all_steps_make_one_revision_that_names_them_and_their_reasons(desk: Desk) -> None:
    ids = await tell(desk)

    report = await desk.evolve()

    notes = [await stored(desk, note_id) for note_id in ids]
    assert [note.rev for note in notes] == [2] * len(TOLD)
    moved = notes[TOLD.index("Ana has moved to Paris")]
    # Compared when it was told.
    assert moved.change == "construct, link"
    assert moved.reason == "derived by rule; linked by rule"
    assert report.changed == len(TOLD)
    assert report.steps["construct"] == len(TOLD)
    assert report.steps["link"] == sum("link" in note.steps for note in notes) > 0


@pytest.mark.usefixtures("small_batches")
async def test_each_batch_is_one_commit_and_no_note_is_written_twice_in_a_run() -> None:
    store = Recording()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        ids = await tell(desk)
        store.recording = True

        await desk.evolve()

        assert sorted(store.revised) == sorted(ids)
        assert (store.commits, store.marked) == (4, 0)
        assert await waiting(desk.memory) == 0
        await desk.evolve()
        assert (len(store.revised), store.commits) == (len(ids), 4)


async def test_small_batches_come_to_what_one_batch_comes_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = list[list[tuple[object, ...]]]()
    for size in (128, 3, 1):
        monkeypatch.setattr(run, "RUN_BATCH_NOTES", size)
        async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as desk:
            ids = await tell(desk)
            await desk.evolve()
            notes = await desk.memory.store.get(ids)
        ends.append(
            [
                (n.entities, n.keywords, sorted((ids.index(k.to), k.relation) for k in n.links))
                for n in notes
            ]
        )

    assert ends[0] == ends[1] == ends[2]
    assert sum(len(str(links)) > len("[]") for *_, links in ends[0]) >= 4


async def test_what_an_agent_changes_during_a_batch_stays_and_the_others_are_committed() -> None:
    store = Recording()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        ids = await tell(desk)
        mine = replace(await stored(desk, ids[0]), rev=2, tags=("mine",), changed_by="agent")
        store.before = lambda: Change(note=mine)

        report = await desk.evolve("run-1")

        assert report.changed == len(TOLD) - 1
        kept = await stored(desk, ids[0])
        assert (kept.rev, kept.tags, kept.keywords) == (2, ("mine",), ())
        assert await waiting(desk.memory) == 1
        assert (await desk.evolve("run-2")).changed == 1
        kept = await stored(desk, ids[0])
        assert (kept.tags, kept.change) == (("mine",), "construct")


class Interrupted(HashEmbedder):
    """Lets somebody write before it encodes, once."""

    before: Callable[[], Awaitable[object]] | None = None

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """Encode, after the other one."""
        if before := self.before:
            self.before = None
            await before()
        return await super().embed_notes(contents)


async def test_a_gist_whose_note_is_forgotten_before_the_commit_is_not_written() -> None:
    store, embedder = DictStore(), Interrupted()
    memory = Memory(store=store, embedder=embedder, consolidates=True)
    async with opened_desk(memory) as desk:
        ids = await tell(desk)
        gone = replace(await stored(desk, ids[4]), rev=2, state=State.FORGOTTEN, change="forget")
        embedder.before = lambda: store.write(changes=[Change(note=gone)])  # it is quoted by then

        report = await desk.evolve()

        assert (report.created, report.steps["construct"]) == (0, len(TOLD) - 1)
        assert (await desk.evolve()).created > 0
        composed = [note for note in (await everything(desk)).values() if note.derived]
        assert not any(link.to == ids[4] for note in composed for link in note.links)
        assert await waiting(memory) == 0


@pytest.mark.usefixtures("small_batches")
async def test_a_run_cancelled_amid_a_batch_keeps_the_batches_before_it(desk: Desk) -> None:
    ids = await tell(desk)
    with anyio.CancelScope() as scope:

        def stop(step: str, done: int, total: int) -> None:
            if (step, done) == ("compare", 6):
                scope.cancel()

        budget = Budget()
        await evolve(desk.memory, now=desk.now, run_id="r", who="t", budget=budget, progress=stop)

    assert [note.rev for note in await desk.memory.store.get(ids)] == [2] * 6 + [1] * 4
    await desk.evolve()
    assert [note.rev for note in await desk.memory.store.get(ids)] == [2] * 10


@pytest.fixture(params=["memory", "disk"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each sort."""
    embedder = HashEmbedder()
    if request.param == "memory":
        return DictStore()
    return await open_store(str(tmp_path / "s"), model_id=embedder.model_id, dim=embedder.dim)


@pytest.mark.usefixtures("small_batches")
async def test_undoing_a_run_of_several_batches_leaves_every_note_as_it_was(
    any_store: Store,
) -> None:
    async with opened_desk(Memory(store=any_store, embedder=HashEmbedder())) as desk:
        await tell(desk)
        before = {i: logical(note) for i, note in (await everything(desk)).items()}
        await desk.evolve("run-1")
        assert any(note.links for note in (await everything(desk)).values())

        report = await undo(desk, "run-1")

        assert len(report.restored) == len(TOLD)
        assert {i: logical(note) for i, note in (await everything(desk)).items()} == before
        assert (await desk.evolve()).changed == 0
    if isinstance(any_store, LanceStore):
        await any_store.close()
