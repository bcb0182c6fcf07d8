"""How much a namespace may hold: whichever way a write takes, and whoever else writes."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, Refused, opened_desk
from tests.tools.tenants import opened_tenants

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.notes import Note
from zettel.storage.store import Change, NamespaceSize, NewNote, Written
from zettel.tools.state.memory import Memory
from zettel.tools.state.quota import RECOUNT_COMMITS, RECOUNT_S, Quota


@dataclass
class CountingStore(DictStore):
    """A store that knows how often it was measured."""

    counted: int = field(default=0)

    def __post_init__(self) -> None:
        super().__init__()

    async def size_of(self, namespace: str) -> NamespaceSize:
        """Measure."""
        self.counted += 1
        return await super().size_of(namespace)


@dataclass
class Clock:
    """A clock that a test sets, in seconds."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """The current reading."""
        return self.seconds


def memory_of(clock: Clock, **most: int) -> Memory:
    """An empty memory with a quota."""
    return Memory(store=CountingStore(), embedder=HashEmbedder(), quota=Quota(now=clock, **most))


@pytest.fixture
async def full() -> AsyncGenerator[Desk]:
    """A desk whose namespace holds the two notes it may."""
    clock = Clock()
    async with opened_desk(memory_of(clock, notes=2)) as desk:
        await desk.told("Ana keeps bees")
        await desk.told("Ben keeps goats")
        clock.seconds += RECOUNT_S
        yield desk


async def test_one_note_too_many_is_refused_with_what_to_do(full: Desk) -> None:
    with pytest.raises(Refused) as refused:
        await full("remember", content="Cleo keeps a cat")

    assert "holds 2 notes, this would add 1, and 2 is the most" in str(refused.value)
    assert "forget with erase=true" in str(refused.value)
    assert "ZETTEL_QUOTA_NOTES" in str(refused.value)
    assert await full.found(query="cat") == await full.found(query="cat", subject="")
    assert (await full.memory.admin.size_of("proj")).notes == 2


async def test_what_adds_nothing_is_done_at_the_quota(full: Desk) -> None:
    again = await full("remember", content="Ana keeps bees")
    await full("update", note_id=again["note_id"], content="Ana keeps wasps")
    elsewhere = await full("remember", content="Cleo keeps a cat", namespace="other")

    assert again["status"] == "already_known"
    assert elsewhere["status"] == "stored"


async def test_a_forgotten_note_counts_until_it_is_erased(full: Desk) -> None:
    [note_id] = await full.found(query="bees", limit=1)
    await full("forget", note_ids=[note_id])
    with pytest.raises(Refused, match="is the most"):
        await full.told("Cleo keeps a cat")
    preview = await full("forget", note_ids=[note_id], erase=True)
    await full("forget", confirm=preview["confirm"])

    assert await full.told("Cleo keeps a cat")
    with pytest.raises(Refused, match="is the most"):
        await full.told("Dora keeps a dog")


class BrokenStore(CountingStore):
    """A store whose disk is full for a while."""

    broken = False

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Write if there is room."""
        if self.broken:
            raise StoreUnavailableError("memory", "is full", "Make room.")
        return await super().write(new=new, changes=changes)


async def test_a_failed_write_counts_for_nothing() -> None:
    store = BrokenStore()
    quota = Quota(now=Clock(), notes=2, text_bytes=100)
    async with opened_desk(Memory(store=store, embedder=HashEmbedder(), quota=quota)) as desk:
        await desk.told("a" * 40)
        store.broken = True
        for _ in range(3):
            with pytest.raises(Refused, match="is full"):
                await desk.told("b" * 60)
        store.broken = False

        assert await desk.told("b" * 60)
        with pytest.raises(Refused, match="is the most"):
            await desk.told("c")


async def test_text_counts_whichever_way_it_comes_in() -> None:
    async with opened_desk(memory_of(Clock(), text_bytes=101)) as desk:
        note_id = await desk.told("a" * 40, context="b" * 10)
        with pytest.raises(Refused, match="holds 50 bytes, this would add 60"):
            await desk("update", note_id=note_id, content="c" * 50)
        await desk("update", note_id=note_id, tags=["t"])  # 51 more: the row is written anew
        held = await desk.memory.admin.size_of("proj")

    assert held == NamespaceSize(notes=1, text_bytes=101)


async def test_neither_an_earlier_revision_nor_a_forgotten_note_comes_back_beyond_it() -> None:
    async with opened_desk(memory_of(Clock(), text_bytes=100)) as desk:
        note_id = await desk.told("a" * 40)
        await desk("update", note_id=note_id, content="b" * 30)
        with pytest.raises(Refused, match="holds 70 bytes, this would add 40"):
            await desk("update", note_id=note_id, restore_rev=1)
        await desk("forget", note_ids=[note_id])
        await desk("forget", note_ids=[note_id], undo=True)
        await desk("forget", note_ids=[note_id])
        with pytest.raises(Refused, match="holds 100 bytes, this would add 30"):
            await desk("forget", note_ids=[note_id], undo=True)


async def test_what_evolution_composes_is_not_refused_and_does_not_count() -> None:
    memory = memory_of(Clock(), notes=1, text_bytes=200)
    async with opened_desk(memory) as desk:
        await desk.told("Ana moved to Lyon on 3 May 2026")
        before = await memory.admin.size_of("proj")
        report = await desk.evolve()

    assert report.steps
    assert await memory.admin.size_of("proj") == before


async def test_a_tenant_learns_nothing_of_what_others_hold() -> None:
    memory = memory_of(Clock(), notes=1)
    async with opened_tenants(memory, {"ana": ["ana"], "ben": ["ben"]}) as desks:
        await desks["ben"].told("Ben keeps goats")
        with pytest.raises(Refused) as refused:
            await desks["ana"]("remember", content="Ana keeps bees", namespace="ben")

        assert "may not write" in str(refused.value)
        assert await desks["ana"].told("Ana keeps bees")


async def test_of_calls_at_once_only_so_many_get_in() -> None:
    async with opened_desk(memory_of(Clock(), notes=3)) as desk:
        outcomes = list[str]()

        async def tell(number: int) -> None:
            try:
                await desk.told(f"number {number} is {number * number}")
                outcomes.append("stored")
            except Refused:
                outcomes.append("refused")

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(tell, number)

    assert sorted(outcomes) == ["refused"] * 5 + ["stored"] * 3


async def test_what_others_wrote_or_erased_is_counted_in_time() -> None:
    clock = Clock()
    memory = memory_of(clock, notes=RECOUNT_COMMITS)
    store = memory.store
    assert isinstance(store, CountingStore)
    async with opened_desk(memory) as desk:
        await desk.told("the first")
        for number in range(RECOUNT_COMMITS - 1):  # another process
            await store.write(new=[NewNote(note=_note(f"n{number}"))])
        with pytest.raises(Refused, match="is the most"):
            await desk.told("one too many")
        counted = store.counted
        with pytest.raises(Refused):
            await desk.told("and another one")
    assert counted == store.counted == 2


def _note(content: str) -> Note:
    return Note(
        note_id=content,
        namespace="proj",
        content=content,
        happened_at=START,
        valid_from=START,
        known_from=START,
    )


words = st.text("ab ", min_size=1, max_size=12).filter(str.strip)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("remember"), words),
        st.tuples(st.just("update"), words),
        st.tuples(st.just("restore"), st.just("")),
        st.tuples(st.just("forget"), st.just("")),
        st.tuples(st.just("back"), st.just("")),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=25)
@given(deeds)
async def test_no_sequence_of_calls_gets_beyond_it(deeds: list[tuple[str, str]]) -> None:
    memory = memory_of(Clock(), notes=3, text_bytes=40)
    async with opened_desk(memory) as desk:
        told = list[str]()
        for deed, text in deeds:
            try:
                await _do(desk, told, deed, text)
            except Refused:
                pass
            held = await memory.admin.size_of("proj")
            assert held.notes <= 3
            assert held.text_bytes <= 40


async def _do(desk: Desk, told: list[str], deed: str, text: str) -> None:
    if deed == "remember":
        told.append(str((await desk("remember", content=text))["note_id"]))
    elif told and deed == "update":
        await desk("update", note_id=told[-1], content=text)
    elif told and deed == "restore":
        await desk("update", note_id=told[-1], restore_rev=1)
    elif told:
        await desk("forget", note_ids=[told[-1]], undo=deed == "back")
