"""What every store takes out of sight with an erased note, and what it leaves."""

from dataclasses import replace

from tests.storage.samples import LATER, MODEL, NOW, X, Y, add, make_note, revised, unit

from zettel.storage.erasable import Order, Receipt
from zettel.storage.ids import new_id
from zettel.storage.merges import MERGE_CHANGE, merge_reason
from zettel.storage.notes import EVOLUTION, Link, Note, Origin
from zettel.storage.store import NewNote, NoteFilter, Store

EVEN_LATER = LATER + (LATER - NOW)
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


async def test_what_a_note_took_over_goes_from_every_revision_with_the_vectors_of_it(
    store: Store,
) -> None:
    gone, other = told("Her number is 0664"), told("Paula lives in Graz")
    await add(store, gone)
    await store.write(new=[NewNote(note=other, vectors=unit(X))])
    merging = revised(other, f"{other.content}\nTold again: {gone.content}")
    merging = replace(
        merging,
        note=replace(
            merging.note,
            tags=("number",),
            keywords=("0664",),
            derived_by={"keywords": "rule"},
            change=MERGE_CHANGE,
            reason=merge_reason(gone.note_id),
            embed_model=MODEL,
        ),
        vectors=unit(Y),
        keep_vectors=False,
    )
    await store.write(changes=[merging])
    since = revised(merging.note, f"{merging.note.content}\nShe moves in May.", now=EVEN_LATER)
    since = replace(since, note=replace(since.note, change="update", reason=""))
    await store.write(changes=[since])

    receipt = await erased(store, gone)

    revisions = await store.revisions(other.note_id)
    told_now = [other.content, other.content, f"{other.content}\nShe moves in May."]
    assert [r.content for r in revisions] == told_now
    assert "0664" not in repr(revisions)
    assert gone.note_id not in repr(revisions)
    assert [r.embed_model for r in revisions] == [MODEL, "", ""]
    assert (revisions[-1].tags, revisions[-1].stage, receipt.scrubbed) == ((), 0, 2)
    home = NoteFilter(namespaces=(other.namespace,))
    assert await store.match_vectors(unit(Y)[0], home, limit=9) == []
