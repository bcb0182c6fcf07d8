"""The revision a caller has seen: evolution may have gone on since, nobody else."""

from zettel.storage.errors import OtherRevisionError
from zettel.storage.notes import Note
from zettel.storage.store import NoteStore
from zettel.tools.render import note_view, shorten, to_json
from zettel.tools.validation import check_range

MAX_REV = 2**31 - 1
"""The column's type."""
SHOWN = 4_000
"""Characters of the current note that a refusal shows."""


def check_rev(name: str, value: int) -> int:
    """A revision's number.

    Raises:
        InvalidArgumentError: No revision has it.
    """
    return check_range(name, value, least=1, most=MAX_REV)


async def only_evolved(store: NoteStore, note: Note, rev: int) -> bool:
    """Whether nobody but evolution has changed the note since; it never touches what was shown."""
    if rev >= note.rev:
        return rev == note.rev
    since = [revision for revision in await store.revisions(note.note_id) if revision.rev > rev]
    return all(revision.run_id for revision in since)


async def check_expected(store: NoteStore, note: Note, rev: int) -> None:
    """Refuse to change a note that somebody has changed since the caller read it.

    Raises:
        OtherRevisionError: It shows the note as it stands.
    """
    if await only_evolved(store, note, rev):
        return
    shown = shorten(to_json(note_view(note, namespace=note.namespace, context=True)), SHOWN)
    raise OtherRevisionError(note.note_id, rev, note.rev, shown)
