"""A tenant's view of a store; `tests/tools/test_tenants.py` drives it through the verbs."""

from dataclasses import replace

from tests.storage.in_memory.store import DictStore
from tests.storage.samples import LATER, NOW, make_note, recalled

from zettel.storage.access import Access
from zettel.storage.store import Change, NewNote, NoteFilter, StoreAdmin
from zettel.storage.tenancy.store import ScopedStore


def test_a_scoped_store_has_no_operation_of_the_owner() -> None:
    owners = {name for name in vars(StoreAdmin) if not name.startswith("_")}

    assert "purge" in owners
    assert not [name for name in owners if hasattr(ScopedStore, name)]


async def test_what_a_note_was_where_a_caller_may_not_read_is_not_there_for_it() -> None:
    whole = DictStore()
    note = make_note("lives in Rome", namespace="bees")
    await whole.write(new=[NewNote(note=note)])
    oslo = replace(
        note, rev=2, content="in Oslo", namespace="hives", valid_from=LATER, known_from=LATER
    )
    await whole.write(changes=[Change(note=oslo, ended_at=LATER)])
    then = NoteFilter(valid_at=NOW)

    for reads, expected in (({"hives"}, ()), ({"hives", "bees"}, (note.row_id,)), ({"bees"}, ())):
        names = frozenset(reads)
        scoped = ScopedStore(whole, Access(reads=names, writes=names))
        in_hives = replace(then, namespaces=("hives",))
        assert await scoped.rows_true_at(in_hives) == expected


async def test_a_scoped_store_reinforces_only_what_it_may_write() -> None:
    whole = DictStore()
    notes = {name: make_note(namespace=name) for name in ("own", "shared", "other")}
    await whole.write(new=[NewNote(note=note) for note in notes.values()])
    reach = Access(reads=frozenset({"own", "shared"}), writes=frozenset({"own"}))
    ids = [note.note_id for note in notes.values()]

    await ScopedStore(whole, reach).reinforce([recalled(note_id) for note_id in ids])

    assert (await whole.usage_of(ids)).keys() == {notes["own"].note_id}
