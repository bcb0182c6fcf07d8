"""What a write may still bring once notes it was planned on were erased."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.storage.samples import make_note

from zettel.storage.erasable import Receipt, digest_of
from zettel.storage.erasure.ledger import Ledger, admit
from zettel.storage.notes import EVOLUTION, Link, Note, Origin
from zettel.storage.store import Change, NewNote

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def erased(note_id: str) -> Ledger:
    """A ledger that knows one erased note."""
    ledger = Ledger(())
    salt = ledger.salt
    ledger.put(
        Receipt(
            receipt_id="erase-1",
            scope="notes",
            who="test",
            ordered_at=NOW,
            salt=salt,
            digests=(digest_of(note_id, salt),),
            notes=1,
        )
    )
    return ledger


def linking(note: Note, *to: str) -> Note:
    """The note with links to others."""
    return replace(note, links=tuple(Link(to=i, relation="supports", made_at=NOW) for i in to))


def composed(note: Note) -> Note:
    """The note as evolution composes one."""
    return replace(note, origin=Origin(transport=EVOLUTION))


def test_a_note_composed_of_an_erased_one_is_refused() -> None:
    gone, kept = make_note("gone"), make_note("kept")
    gist = composed(linking(make_note("gist"), gone.note_id, kept.note_id))
    other = composed(linking(make_note("other"), kept.note_id))

    admitted = admit(erased(gone.note_id), [NewNote(note=gist), NewNote(note=other)], [])

    assert admitted.new == (NewNote(note=other),)
    assert admitted.refused == (gist.note_id,)


def test_a_told_note_is_written_without_its_link_to_an_erased_one() -> None:
    gone, kept = make_note("gone"), make_note("kept")
    told = linking(make_note("told"), gone.note_id, kept.note_id)

    admitted = admit(erased(gone.note_id), [NewNote(note=told)], [])

    [written] = admitted.new
    assert [link.to for link in written.note.links] == [kept.note_id]
    assert admitted.refused == ()


def test_neither_an_erased_note_nor_a_revision_that_links_to_it_is_written() -> None:
    gone, other = make_note("gone"), make_note("other")
    own = Change(note=replace(gone, rev=2))
    linked = Change(note=linking(replace(other, rev=2), gone.note_id))
    free = Change(note=replace(make_note("free"), rev=2))

    admitted = admit(erased(gone.note_id), [NewNote(note=gone)], [own, linked, free])

    assert (admitted.new, admitted.changes) == ((), (free,))
    assert set(admitted.refused) == {gone.note_id, other.note_id}
