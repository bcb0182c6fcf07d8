"""What a write may still bring: nothing that was erased, and no link to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zettel.storage.erasable import Erasure
from zettel.storage.erasure.ledger import Ledger
from zettel.storage.notes import Note
from zettel.storage.store import Change, NewNote


@dataclass(frozen=True, slots=True)
class AdmittedWrite:
    """What is left of a write."""

    new: tuple[NewNote, ...]
    changes: tuple[Change, ...]
    refused: tuple[str, ...]
    """Note ids: planned on what was erased meanwhile; who planned them reads again."""


def admit(ledger: Ledger, new: Sequence[NewNote], changes: Sequence[Change]) -> AdmittedWrite:
    """Take out of a write what was erased while it was planned.

    Raises:
        StoreUnavailableError: The ledger cannot be read.
    """
    notes = [item.note for item in (*new, *changes)]
    ids = {i for note in notes for i in (note.note_id, *(link.to for link in note.links))}
    gone = ledger.erased(ids)
    if not gone:
        return AdmittedWrite(tuple(new), tuple(changes), ())
    refused = {note.note_id for note in notes if note.note_id in gone}
    # Composed of it, or a revision with what it had linked and taught.
    refused |= {item.note.note_id for item in new if item.note.derived and _links(item.note, gone)}
    refused |= {change.note.note_id for change in changes if _links(change.note, gone)}
    return AdmittedWrite(
        tuple(_unlinked(item, gone) for item in new if item.note.note_id not in refused),
        tuple(change for change in changes if change.note.note_id not in refused),
        tuple(sorted(refused)),
    )


def _links(note: Note, gone: Mapping[str, Erasure]) -> bool:
    return any(link.to in gone for link in note.links)


def _unlinked(item: NewNote, gone: Mapping[str, Erasure]) -> NewNote:
    links = tuple(link for link in item.note.links if link.to not in gone)
    return replace(item, note=replace(item.note, links=links))
