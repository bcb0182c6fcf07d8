"""What every store takes out of sight with an erased note, and what it leaves."""

from dataclasses import replace

from tests.storage.samples import LATER, NOW, add, make_note

from zettel.storage.erasable import Order, Receipt
from zettel.storage.ids import new_id
from zettel.storage.notes import EVOLUTION, Link, Note, Origin
from zettel.storage.store import Store

WAITS = 4
"""The stage from which evolution composes."""


def told(content: str) -> Note:
    """A note that evolution has been through with."""
    return replace(make_note(content), stage=9)


def composed(content: str, *of: Note) -> Note:
    """A note that evolution composed of others."""
    links = tuple(Link(to=note.note_id, relation="derived_from", made_at=NOW) for note in of)
    return replace(told(content), links=links, origin=Origin(transport=EVOLUTION))


async def erased(store: Store, note: Note) -> Receipt:
    """Erase one note."""
    order = Order(
        receipt_id=f"erase-{new_id(NOW)}",
        scope="notes",
        who="test",
        ordered_at=NOW,
        note_ids=(note.note_id,),
        waits=WAITS,
    )
    [receipt] = await store.erase_rows([order], clock=lambda: LATER)
    return receipt


async def test_notes_composed_of_composed_notes_go_with_their_sources(
    store: Store,
) -> None:
    gone, far = told("Ana digs the garden"), told("the fence is red")
    gist = composed("a gist of the garden", gone)
    concept = composed("a concept of gists", gist)
    profile = composed("a profile of concepts", concept)
    other = composed("a gist of the fence", far)
    # The later ones first: one look at the rows in their order does not find all.
    await add(store, profile, concept, gist, other, far, gone)

    receipt = await erased(store, gone)

    ids = [note.note_id for note in (gone, gist, concept, profile, other, far)]
    assert {note.note_id for note in await store.get(ids)} == {other.note_id, far.note_id}
    assert (receipt.notes, receipt.composed, receipt.rows) == (1, 3, 4)
    assert (await store.erased(ids)).keys() == set(ids[:4])


async def test_other_sources_of_an_erased_composed_note_wait_to_be_composed_anew(
    store: Store,
) -> None:
    gone, beside, far = told("Ana digs"), told("Ana plants"), told("the fence is red")
    fresh = replace(told("Ana waters"), stage=1)
    await add(store, gone, beside, far, fresh)
    await add(store, composed("a gist of Ana's", gone, beside, fresh))

    await erased(store, gone)

    stages = [n.stage for n in await store.get([n.note_id for n in (beside, far, fresh)])]
    assert stages == [WAITS, 9, 1]
