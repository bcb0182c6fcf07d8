"""What a process remembers beside the store, and that it lets all of an erased note go."""

from tests.storage.in_memory.store import DictStore
from tests.storage.samples import NOW

from zettel.storage.access import Access
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.answers import RecalledNote
from zettel.tools.state.memory import Memory

GONE, KEPT = "gone", "kept"


def recalled() -> Memory:
    """A memory that has just served two notes to its owner and to a tenant."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    for one in (memory, memory.within(Access(reads=frozenset({"proj"})))):
        for note_id in (GONE, KEPT):
            view = RecalledNote(note_id=note_id, content=f"the note that is {note_id}")
            one.served.record(["proj"], view, NOW)
            one.usage.add([note_id], NOW)
    return memory


def echoed(memory: Memory, note_id: str) -> list[str]:
    found = memory.served.echoed("proj", f"the note that is {note_id}", NOW)
    return [served.note_id for served in found]


def test_no_callers_log_of_served_texts_keeps_an_erased_note() -> None:
    memory = recalled()
    tenant = memory.within(Access(reads=frozenset({"proj"})))
    assert [echoed(memory, GONE), echoed(tenant, GONE)] == [[GONE], [GONE]]

    memory.drop_cached([GONE])

    assert [echoed(memory, GONE), echoed(tenant, GONE)] == [[], []]
    assert [echoed(memory, KEPT), echoed(tenant, KEPT)] == [[KEPT], [KEPT]]


async def test_pending_recalls_of_an_erased_note_are_never_written() -> None:
    memory = recalled()

    memory.drop_cached([GONE])
    await memory.usage.flush(memory.store)

    assert (await memory.store.usage_of([GONE, KEPT])).keys() == {KEPT}
