"""The rows that were read last, for who needs them again before anybody has committed."""

from collections.abc import Iterable

from zettel.storage.revisions import NoteRow

KEPT = 16
"""Rows kept at most: what one `update` reads is one note and at times a few that it concerns."""


class CurrentRows:
    """The current rows that were read last, as long as the table stands as it did then."""

    def __init__(self) -> None:
        self._version = -1
        self._rows: dict[str, NoteRow] = {}

    def at(self, version: int) -> dict[str, NoteRow]:
        """Note id -> row, of those that were read at this version of the table."""
        return dict(self._rows) if version == self._version else {}

    def keep(self, version: int, rows: Iterable[NoteRow]) -> None:
        """Keep rows read while the table had this version, or right after.

        What was read after somebody else's commit is kept for a version that has passed, and so
        is never asked for again.
        """
        if version < self._version:
            return
        kept = self.at(version)
        self._version = version
        self._rows = kept | {row.note.note_id: row for row in rows}
        if len(self._rows) > KEPT:
            self._rows.clear()
