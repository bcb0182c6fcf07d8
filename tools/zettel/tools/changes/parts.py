"""The notes that one text was cut into when it was told: together they are the text.

Each part but the first links to the first, whose id stands for the whole.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from zettel.storage.notes import PART_OF, Link, Note
from zettel.storage.store import NoteStore

PART_REASON = "a part of a text told as one"
"""`Link.reason` that tells such a link from an agent's own `part_of`, which has none."""


def part_link(note: Note, first: str, *, now: datetime) -> Link:
    """The link of a part to the first one."""
    return Link(
        to=first, relation=PART_OF, reason=PART_REASON, made_at=now, valid_from=note.valid_from
    )


def is_part_link(link: Link) -> bool:
    """Whether a link says of which text its note is a part."""
    return link.relation == PART_OF and link.reason == PART_REASON and link.stood(None)


def first_part(note: Note) -> str:
    """Id of the first part of the text that the note goes on with; empty if there is none."""
    return next((link.to for link in note.links if is_part_link(link)), "")


async def parts_of(
    store: NoteStore, note_ids: Sequence[str], *, known_at: datetime | None = None
) -> dict[str, list[Note]]:
    """The parts that go on with each of these notes, in the text's order and in any state.

    Args:
        store: Where to look.
        note_ids: Of notes that may be first parts; those that are none are left out.
        known_at: The moment; None is now.
    """
    if not note_ids:
        return {}
    linking = await store.linking_to(note_ids, known_at=known_at, relations=(PART_OF,))
    return parts_among(linking, note_ids)


def parts_among(linking: Iterable[Note], note_ids: Collection[str]) -> dict[str, list[Note]]:
    """`parts_of` some notes, among all that link to these."""
    found = dict[str, list[Note]]()
    # Ids of one text were made in its order.
    for note in sorted(linking, key=lambda note: note.note_id):
        if (first := first_part(note)) in note_ids:
            found.setdefault(first, []).append(note)
    return found
