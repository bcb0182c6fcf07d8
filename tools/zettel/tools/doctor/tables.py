"""Tables on their disk: indices that cover every row, few fragments, few old versions."""

from collections.abc import Sequence

from zettel.storage.doctor.facts import Checkup
from zettel.tools.doctor.finding import Finding, found

MISSING_INDICES = "missing_indices"
UNINDEXED_ROWS = "unindexed_rows"
FRAGMENTS = "fragments"
OLD_VERSIONS = "old_versions"

MOST_UNINDEXED = 1_000
MOST_FRAGMENTS = 200
"""Single-row commits above which search and opening become slow: measured at 190, 20 ms an id
instead of 2; upkeep runs every 50 to 100 commits."""
MOST_VERSIONS = 2_000
"""Manifests that a listing walks in some 40 ms; each holds files that are of no use any more."""


def check_tables(seen: Checkup) -> Sequence[Finding]:
    """What upkeep has left undone."""
    missing = [f"{index.table}.{index.column}" for index in seen.indices if not index.there]
    behind = [index for index in seen.indices if index.unindexed > MOST_UNINDEXED]
    slow = [table for table in seen.tables if table.small_fragments > MOST_FRAGMENTS]
    tended = "Compacts the tables, indexes new rows and drops old versions."
    told = [
        *found(
            MISSING_INDICES,
            missing,
            "An index is missing: search reads every row instead, or full text finds nothing.",
            fix="Builds the table's indices anew.",
        ),
        *found(
            UNINDEXED_ROWS,
            [f"{index.table}.{index.column}: {index.unindexed}" for index in behind],
            "Rows are in no index yet: they are found, slowly.",
            fix=tended,
        ),
        *found(
            FRAGMENTS,
            [f"{table.name}: {table.small_fragments}" for table in slow],
            "A table lies in very many pieces: every read and write of it is slow.",
            fix=tended,
        ),
    ]
    if seen.old_versions > MOST_VERSIONS:
        told.append(
            Finding(
                name=OLD_VERSIONS,
                count=seen.old_versions,
                means="Versions of tables that no reader can need any more take up disk.",
                fix=tended,
            )
        )
    return told
