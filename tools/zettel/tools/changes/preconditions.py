"""Checks on the revision that a caller has seen."""

from collections.abc import Collection

from zettel.storage.errors import OtherRevisionError
from zettel.storage.notes import Note
from zettel.storage.store import NoteStore
from zettel.tools.render import note_view, shorten, to_json
from zettel.tools.trust import TrustView
from zettel.tools.validation import check_range

MAX_REV = 2**31 - 1
"""Largest value of the column's type."""
REFUSAL_MAX_CHARACTERS = 4_000
"""Characters of the current note in a refusal."""


def check_rev(name: str, value: int) -> int:
    """Returns a revision number.

    Raises:
        InvalidArgumentError: Out of range.
    """
    return check_range(name, value, least=1, most=MAX_REV)


async def only_evolved(
    store: NoteStore, note: Note, rev: int, *, but: Collection[str] = ()
) -> bool:
    """Whether nobody has told anything of the note since `rev`, and it says the same.

    Changes named in `but` do not count.
    """
    if rev >= note.rev:
        return rev == note.rev
    revisions = await store.revisions(note.note_id)
    seen = [revision.content for revision in revisions if revision.rev == rev]
    since = [revision for revision in revisions if revision.rev > rev]
    return seen == [note.content] and not any(
        revision.told and revision.change not in but for revision in since
    )


async def check_expected(store: NoteStore, note: Note, rev: int, reader: TrustView) -> None:
    """Refuses to change a note that an agent has changed since `rev`.

    Raises:
        OtherRevisionError: Carries the current note.
    """
    if await only_evolved(store, note, rev):
        return
    shown = shorten(
        to_json(note_view(note, reader, namespace=note.namespace, context=True)),
        REFUSAL_MAX_CHARACTERS,
    )
    raise OtherRevisionError(note.note_id, rev, note.rev, shown)
