"""How much a namespace holds, as every store counts it, and a sample of it."""

from dataclasses import replace

from tests.storage.samples import FULL, add, make_note, revised

from zettel.storage.notes import EVOLUTION, Origin, State
from zettel.storage.store import (
    SAMPLE_RUN,
    Change,
    NamespaceSize,
    NoteFilter,
    Store,
    text_bytes,
)


async def test_held_counts_what_agents_wrote_in_any_state_and_nothing_else(
    store: Store,
) -> None:
    note, kept = make_note("Ana's bees 東京"), make_note("a note", namespace="other")
    composed = replace(make_note("of both"), origin=Origin(transport=EVOLUTION), change="concept")
    await add(store, note, kept, composed, replace(FULL, namespace="full"))
    longer = revised(note, "Ana's bees dance")
    await store.write(changes=[replace(longer, note=replace(longer.note, change="update"))])
    gone = replace(longer.note, rev=3, state=State.FORGOTTEN, change="forget")
    await store.write(changes=[Change(note=gone)])

    assert await store.size_of("home") == NamespaceSize(notes=1, text_bytes=17 + 16)
    assert await store.size_of("other") == NamespaceSize(notes=1, text_bytes=6)
    assert await store.size_of("full") == NamespaceSize(notes=1, text_bytes=text_bytes(FULL))
    assert await store.size_of("nowhere's") == NamespaceSize()


async def test_a_sample_is_all_of_few_notes_and_runs_spread_over_many(store: Store) -> None:
    notes = [make_note(f"bee {number}") for number in range(3 * SAMPLE_RUN)]
    await add(store, *notes, make_note("elsewhere", namespace="other"))
    home, told = NoteFilter(namespaces=("home",)), sorted(note.note_id for note in notes)

    everything = await store.sample(home, size=len(notes))
    some = [one.note_id for one in await store.sample(home, size=2 * SAMPLE_RUN)]

    assert sorted(one.note_id for one in everything) == told
    assert sorted(some) == [*told[:SAMPLE_RUN], *told[-SAMPLE_RUN:]]
    assert {one.note_id for one in await store.sample(home, size=5)} == set(told[:5])


async def test_a_sample_is_the_same_one_whatever_else_is_asked(store: Store) -> None:
    await add(store, *(make_note(f"bee {number}") for number in range(200)))

    first = await store.sample(NoteFilter(), size=70)
    await store.facets(NoteFilter())

    assert await store.sample(NoteFilter(), size=70) == first
    assert len({one.note_id for one in first}) == len(first) == SAMPLE_RUN
