"""Checks over tables and files: indices, fragments, leftovers, conditional writes."""

from collections.abc import Sequence

from zettel.storage.doctor.facts import FileFacts, StoreFacts
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


def check_tables(seen: StoreFacts) -> Sequence[Finding]:
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


DAMAGED_MANIFESTS = "damaged_manifests"
EMPTY_DATA = "empty_data_files"
EMPTY_INDICES = "empty_index_files"
LEFTOVERS = "leftovers"


def check_files(seen: FileFacts) -> Sequence[Finding]:
    """Damaged and useless files; all of these `--fix` mends by opening and healing the store."""
    told = (
        Finding(
            name=DAMAGED_MANIFESTS,
            count=seen.damaged_manifests,
            means="Versions of tables lost their content, as a loss of power does it. Until that"
            " is mended the store does not open; what was written last may be gone.",
            fix="Goes back to the newest version that is whole.",
            advice="ZETTEL_DURABILITY=power-loss keeps this from happening again.",
        ),
        Finding(
            name=EMPTY_DATA,
            count=seen.empty_data,
            means="Tables have data files without content, as a loss of power does it.",
            fix="Goes back to the newest version that can be read, where the present one cannot.",
            advice="What was written after it is lost here; a backup may hold it.",
        ),
        Finding(
            name=EMPTY_INDICES,
            count=seen.empty_index_files,
            means="Files of indices have no content: a search that needs them fails.",
            fix="Builds the indices anew.",
        ),
        Finding(
            name=LEFTOVERS,
            count=seen.leftovers,
            means="Files of writes that were killed lie about; nothing reads them.",
            fix="Removes them.",
        ),
    )
    return [finding for finding in told if finding.count]


LOST_COMMITS = "lost_commits"


def check_commits(lost: int) -> Sequence[Finding]:
    """What it means if commits of a probe were lost."""
    if not lost:
        return []
    return [
        Finding(
            name=LOST_COMMITS,
            count=lost,
            means="The object store ignores the condition of a put: of two processes that write"
            " at once, one loses what was acknowledged.",
            advice="Let one process alone write there, or use a store with conditional puts (AWS"
            " S3, Google Cloud Storage, Azure, MinIO).",
        )
    ]
