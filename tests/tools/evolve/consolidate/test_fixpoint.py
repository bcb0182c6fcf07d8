"""Whatever was done: consolidation comes to rest, quotes only what stands, and can be undone."""

from collections.abc import Callable, Sequence

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.changes.test_undo import logical, undo
from tests.tools.conftest import Desk, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note, State
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.evolve.consolidate.drafts import cited
from zettel.tools.evolve.run import Budget, evolve, waiting
from zettel.tools.state.memory import Memory

ALL = NoteFilter(states=(), derived=None)
CALM = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

words = st.sampled_from(
    "Ana Lyon Zeb lives in owns has works met saw the bowl violin glacier rain not 7 12 May".split()
)
sentence = st.lists(words, min_size=4, max_size=10).map(" ".join)
act = st.one_of(
    st.tuples(
        st.just("remember"),
        sentence,
        st.sampled_from(["", "Ana", "Zeb"]),
        st.sampled_from(["s", "t"]),
    ),
    st.tuples(st.just("update"), st.integers(0, 30), sentence),
    st.tuples(st.just("forget"), st.integers(0, 30)),
    st.tuples(st.just("restore"), st.integers(0, 30)),
    st.tuples(st.just("replace"), st.integers(0, 30), sentence),
    st.tuples(st.just("evolve")),
)
stories = st.lists(act, min_size=4, max_size=24)
Act = tuple[object, ...]


async def told(desk: Desk) -> list[Note]:
    """Every note an agent told, oldest first."""
    return sorted(
        await desk.memory.store.find(NoteFilter(states=()), limit=1_000), key=lambda n: n.note_id
    )


async def do(desk: Desk, acts: Sequence[Act]) -> None:
    """Act on the notes by their number, where there is one it can be done to."""
    for name, *rest in acts:
        notes = await told(desk)
        if name == "evolve":
            await desk.evolve(f"told-{len(notes)}-{desk.runs}")
        elif name == "remember":
            content, subject, session = rest
            await desk("remember", content=content, subject=subject, session=session)
        elif notes:
            number = rest[0]
            assert isinstance(number, int)
            note = notes[number % len(notes)]
            active = note.state is State.ACTIVE
            if name == "forget" and active:
                await desk("forget", note_ids=[note.note_id])
            elif name == "restore" and note.state is State.FORGOTTEN:
                await desk("forget", note_ids=[note.note_id], undo=True)
            elif name == "update" and active:
                await desk("update", note_id=note.note_id, content=rest[1])
            elif name == "replace" and active:
                link = {"to": note.note_id, "relation": "supersedes"}
                await desk("remember", content=f"{rest[1]} at last", links=[link])


TOLD_ON = ("construct", "link", "compare")
"""Steps that may change what was told; `revise` does only with an LLM."""


async def check_composed(store: NoteStore) -> None:
    """What stands composed cites notes that stand, and is trusted no more than any of them."""
    notes = {note.note_id: note for note in await store.find(ALL, limit=10_000)}
    for note in notes.values():
        assert {link.to for link in note.links} <= notes.keys() - {note.note_id}
        if note.derived and note.state is State.ACTIVE:
            assert cited(note)
            sources = [notes[note_id] for note_id in cited(note)]
            assert {source.state for source in sources} == {State.ACTIVE}
            assert note.trust <= min(source.trust for source in sources)
        if not note.derived:
            assert note.changed_by != "scheduler" or set(note.steps) <= set(TOLD_ON)


@CALM
@given(stories)
@example(
    [
        ("remember", "Ana Ana Ana Ana", "", "s"),
        ("remember", "Ana Ana Ana Ana", "Ana", "s"),
        ("update", 1, "Ana Ana Ana lives"),
        ("remember", "Ana Ana Ana Ana", "", "s"),
        ("evolve",),
        ("update", 1, "Ana Lyon Lyon Lyon"),
    ]
)
async def test_after_any_story_a_second_run_changes_nothing_and_no_word_is_touched(
    acts: list[Act],
) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), consolidates=True)
    async with opened_desk(memory) as desk:
        await do(desk, acts)
        before = {note.note_id: (note.content, note.state) for note in await told(desk)}
        await desk.evolve("first")
        everything = await memory.store.find(ALL, limit=10_000)

        second = await desk.evolve("second")

        assert (second.changed, second.created) == (0, 0)
        assert await memory.store.find(ALL, limit=10_000) == everything
        assert await waiting(memory) == 0
        after = {note.note_id: (note.content, note.state) for note in await told(desk)}
        assert after == before
        await check_composed(memory.store)


@pytest.mark.slow
@CALM
@given(stories, stories)
async def test_after_any_story_a_run_undone_leaves_everything_as_it_was(
    acts: list[Act], more: list[Act]
) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), consolidates=True)
    async with opened_desk(memory) as desk:
        await do(desk, acts)
        await desk.evolve("first")
        await do(desk, [entry for entry in more if entry[0] != "evolve"])
        before = await logical(memory.store, ALL)
        await desk.evolve("last")

        await undo(desk, "last")

        after = await logical(memory.store, ALL)
        assert {note_id: after[note_id] for note_id in before} == before
        assert {after[i].state for i in after.keys() - before.keys()} <= {State.FORGOTTEN}


class Cut(Exception):
    """The process died here."""


class Mortal(DictStore):
    """A store whose process dies right before the n-th write to come."""

    left = -1

    def count_down(self) -> None:
        """One write nearer to death."""
        if self.left == 0:
            raise Cut
        self.left -= 1


def mortal(name: str) -> Callable[..., object]:
    """The method of that name, counted."""
    method = getattr(DictStore, name)

    async def counted(self: Mortal, *arguments: object, **named: object) -> object:
        self.count_down()
        return await method(self, *arguments, **named)

    return counted


for _name in ("write", "mark", "embed"):
    setattr(Mortal, _name, mortal(_name))


@pytest.mark.parametrize("writes", range(12))
async def test_killed_between_any_two_commits_it_comes_to_the_same_rest(writes: int) -> None:
    rests = list[list[tuple[str, str, frozenset[str]]]]()
    for dies in (False, True):
        store = Mortal()
        async with opened_desk(
            Memory(store=store, embedder=HashEmbedder(), consolidates=True)
        ) as desk:
            for number in range(9):
                await desk("remember", content=f"Ana owns {number} bowls in Lyon", session="s")
            await desk("remember", content="Ana lives in Lyon", subject="Ana", session="t")
            if dies:
                store.left = writes
                try:
                    await desk.evolve("killed")
                except Cut:
                    store.left = -1
            store.left = -1
            await desk.evolve("whole")
            found = await store.find(NoteFilter(derived=True), limit=100)
            contents = {note.note_id: note.content for note in await told(desk)}
            rests.append(
                sorted(
                    (
                        note.origin.principal,
                        note.content,
                        frozenset(contents.get(i, "composed") for i in cited(note)),
                    )
                    for note in found
                )
            )

    assert rests[0] == rests[1]
    assert rests[0]


@pytest.mark.slow
async def test_on_disk_it_composes_comes_to_rest_and_is_left_out_of_answers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    embedder, place = HashEmbedder(), str(tmp_path_factory.mktemp("composed"))
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    try:
        async with opened_desk(Memory(store=store, embedder=embedder, consolidates=True)) as desk:
            for number in range(6):
                await desk.told(f"Ana owns {number} bowls in sunny Lyon", session="s")
            ids = set(await desk.found(query="bowls", limit=10))
            first = await desk.evolve("first")
            assert first.created == 3
            for resident in (False, True):
                if resident:
                    await store.upkeep()
                assert set(await desk.found(query="bowls", limit=10)) == ids
                assert len(await desk.found(query="bowls", kind="concept")) >= 1
                assert await store.count(NoteFilter(derived=True)) == 3
                assert await store.count(NoteFilter(derived=None)) == 9
            assert (await desk.evolve("second")).changed == 0
            report = await evolve(
                desk.memory, now=desk.now, run_id="third", who="t", budget=Budget()
            )
            assert (report.changed, report.created) == (0, 0)
            await desk("forget", note_ids=sorted(ids)[:1])
            await desk.evolve("fourth")
            await check_composed(store)
    finally:
        await store.close()


async def test_a_cancelled_run_leaves_nothing_half_composed() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), consolidates=True)
    async with opened_desk(memory) as desk:
        await cut_and_resumed(desk)


async def cut_and_resumed(desk: Desk) -> None:
    """Cancelled right before it consolidates, then run to the end."""
    for number in range(6):
        await desk.told(f"Ana owns {number} bowls in sunny Lyon", session="s")
    with anyio.CancelScope() as scope:

        def stop(step: str, done: int, total: int) -> None:
            if step == "consolidate":
                scope.cancel()

        await evolve(
            desk.memory, now=desk.now, run_id="cut", who="t", budget=Budget(), progress=stop
        )
    assert await desk.memory.store.count(NoteFilter(derived=True)) == 0

    await desk.evolve()

    assert await desk.memory.store.count(NoteFilter(derived=True)) == 3
