"""How much a namespace holds, as every store counts it."""

from dataclasses import replace

from tests.storage.samples import FULL, add, make_note, revised

from zettel.storage.notes import EVOLUTION, Origin, State
from zettel.storage.store import Change, NamespaceSize, Store, text_bytes


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
