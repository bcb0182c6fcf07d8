"""What every store takes out of sight with an erased note, and what it leaves."""

from dataclasses import replace
from datetime import datetime

from tests.storage.samples import LATER, MODEL, NOW, X, Y, add, make_note, revised, unit

from zettel.storage.erasable import Order, Receipt
from zettel.storage.ids import new_id
from zettel.storage.merges import MERGE_CHANGE, merge_reason, parted_reason, told_again
from zettel.storage.notes import EVOLUTION, Link, Note, Origin
from zettel.storage.store import Change, NewNote, NoteFilter, Store

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


def merging(into: Note, of: Note, *sentences: str, now: datetime = LATER) -> Change:
    """The change by which a note takes over sentences, a tag and a keyword of another."""
    change = revised(into, into.content + told_again("1 June 2026", sentences), now=now)
    took = replace(
        change.note,
        tags=("number",),
        keywords=("0664",),
        derived_by={"keywords": "rule"},
        change=MERGE_CHANGE,
        reason=merge_reason(of.note_id),
        embed_model=MODEL,
    )
    return replace(change, note=took, vectors=unit(Y), keep_vectors=False)


def since(note: Note, content: str, *, change: str = "update") -> Change:
    """A later change of a note's words."""
    made = revised(note, content, now=note.known_from + (LATER - NOW))
    return replace(made, note=replace(made.note, change=change, reason=""))


async def contents(store: Store, note: Note) -> list[str]:
    return [revision.content for revision in await store.revisions(note.note_id)]


NUMBER, HONEY = "Her number is 0664.", "Her honey is sold on Thursdays."


async def test_what_a_note_took_over_goes_from_every_revision_with_the_vectors_of_it(
    store: Store,
) -> None:
    gone, other = told(NUMBER), told("Paula lives in Graz.")
    await add(store, gone)
    await store.write(new=[NewNote(note=other, vectors=unit(X))])
    took = merging(other, gone, NUMBER)
    await store.write(changes=[took])
    await store.write(changes=[since(took.note, f"{took.note.content}\nShe moves in May.")])

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


async def test_words_of_an_erased_note_go_that_were_spaced_anew_or_brought_back(
    store: Store,
) -> None:
    gone, other = told(f"{NUMBER} {HONEY}"), told("Paula lives in Graz.")
    await add(store, gone, other)
    took = merging(other, gone, NUMBER, HONEY)
    reworded = took.note.content.replace("\n", " ").replace("Thursdays", "Fridays")
    parted = since(took.note, other.content, change=MERGE_CHANGE)
    parted = replace(parted, note=replace(parted.note, reason=parted_reason(gone.note_id)))
    back = since(parted.note, reworded, change="restore")
    for change in (took, parted, back):
        await store.write(changes=[change])

    await erased(store, gone)

    # What the agent has reworded since is its own.
    kept = f"{other.content} Told again on 1 June 2026: {HONEY.replace('Thursdays', 'Fridays')}"
    assert await contents(store, other) == [other.content, other.content, other.content, kept]


async def test_words_go_that_a_note_brought_along_which_had_taken_them_over(store: Store) -> None:
    gone, between, last = told(NUMBER), told("Paula has bees."), told("Paula lives in Graz.")
    await add(store, gone, between, last)
    first = merging(between, gone, NUMBER)
    brought = first.note.content.removeprefix(between.content).strip()
    second = merging(last, between, "Paula has bees.", brought)
    gist, quoting = composed("a gist: 0664", last), told("The number has changed.")
    quoted = Link(
        to=last.note_id,
        relation="may_supersede",
        reason="not 0664",
        made_by="rule",
        made_at=NOW,
    )
    await store.write(changes=[first])
    await store.write(changes=[second])
    await add(store, gist, replace(quoting, links=(quoted,)))

    await erased(store, gone)

    left = [r for note in (between, last, quoting) for r in await store.revisions(note.note_id)]
    assert "0664" not in repr(left)
    assert (await contents(store, last))[-1] == (
        "Paula lives in Graz.\nTold again on 1 June 2026: Paula has bees."
    )
    assert await store.get([gist.note_id]) == []
