"""What a client can look at beside the four tools: resources, completions, what has changed.

They go to the engine as calls do, so whoever looks is let in, or not, in the same one place.
"""

from typing import Literal

from zettel.server.schemas import Arguments


class Reading(Arguments):
    """Looks, and changes nothing: not even how well a note is held."""


class NoteReading(Reading):
    """A note with all that is known of it."""

    note_id: str


class HistoryReading(Reading):
    """A note's revisions."""

    note_id: str


class ProfileReading(Reading):
    """The profile of a namespace; of the caller's own if empty."""

    namespace: str = ""


class StatsReading(Reading):
    """How much is remembered."""


class CompletionReading(Reading):
    """How an argument may go on."""

    name: Literal["subject", "tags", "namespace", "id"]
    begun: str
    namespace: str = ""


class RevsReading(Reading):
    """Which revisions of notes stand now."""

    note_ids: tuple[str, ...]


class VersionReading(Reading):
    """A number that grows with every commit to notes, whoever makes it."""
