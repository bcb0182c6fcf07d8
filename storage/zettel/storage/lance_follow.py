"""What is in memory goes along with commits that only put the table in order."""

from pathlib import Path

from anyio import to_thread

from zettel.storage.lance_tables import Tables
from zettel.storage.lance_transactions import rearranges

MOST_VERSIONS = 16
"""Versions followed at once: an upkeep makes three, and two more with a new vector index."""


async def notes_version(tables: Tables) -> int:
    """The version of the `notes` table, which what is in memory has followed if it could.

    Without this each upkeep would make recall read all notes anew: of 20,000 for half a second.

    Raises:
        StoreUnavailableError: The table cannot be read.
    """
    version, resident = await tables.notes.version(), tables.resident
    known, directory = resident.version, tables.place.directory
    behind = range(known + 1, version + 1)
    if directory is None or known < 0 or not 0 < len(behind) <= MOST_VERSIONS:
        return version
    name = tables.notes.spec.name
    same = await to_thread.run_sync(_all_rearrange, directory, name, behind)
    if same and resident.version == known:
        resident.advance_unchanged(version)
    return version


def _all_rearrange(directory: Path, table: str, versions: range) -> bool:
    return all(rearranges(directory, table, version) for version in versions)
