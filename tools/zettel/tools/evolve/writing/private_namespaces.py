"""A writer that is shown no note of certain namespaces: their text never leaves the machine."""

from collections.abc import Mapping, Sequence

from zettel.storage.notes import Note
from zettel.tools.evolve.writing.writer import Description, Piece, Verdict, Writer


class PrivateNamespaceWriter:
    """Passes on what another writer may see; of the rest it says nothing, as the rule does.

    Args:
        writer: Who words the rest.
        secret: Namespaces none of whose notes it is shown.
    """

    def __init__(self, writer: Writer, secret: Sequence[str]) -> None:
        self._writer = writer
        self._secret = frozenset(secret)

    @property
    def asks(self) -> bool:
        """Whether the other one asks."""
        return self._writer.asks

    @property
    def counts(self) -> Mapping[str, int]:
        """What the other one did."""
        return self._writer.counts

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Description]:
        """Of the notes it may show."""
        return await self._writer.describe(self._open(notes))

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> Mapping[str, Description]:
        """If it may show the note, of the neighbours it may show."""
        return await self._writer.revise(note, self._open(neighbours) if self._open([note]) else [])

    async def compose(self, piece: Piece) -> str:
        """If it may show every note."""
        shown = len(self._open(piece.notes)) == len(piece.notes)
        return await self._writer.compose(piece) if shown else ""

    async def judge(self, note: Note, older: Sequence[Note]) -> Mapping[str, Verdict]:
        """If it may show the note, against the older ones it may show."""
        return await self._writer.judge(note, self._open(older) if self._open([note]) else [])

    def _open(self, notes: Sequence[Note]) -> list[Note]:
        return [note for note in notes if note.namespace not in self._secret]
