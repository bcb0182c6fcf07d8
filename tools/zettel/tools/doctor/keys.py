"""Keys: no row twice, and each note current once."""

from collections import Counter
from collections.abc import Sequence

from zettel.storage.doctor.facts import Checkup
from zettel.tools.doctor.finding import Finding, found

DOUBLED_ROWS = "doubled_rows"
TWO_CURRENT = "two_current"
NO_CURRENT = "no_current"
DOUBLED_KEYS = "doubled_keys"
MISNAMED_ROWS = "misnamed_rows"


def check_keys(seen: Checkup) -> Sequence[Finding]:
    """Rows that are there twice, and notes that are current never or more than once."""
    times = Counter(row.row_id for row in seen.rows)
    doubled = [row_id for row_id, n in times.items() if n > 1]
    single = {row.row_id: row for row in seen.rows}.values()
    current = Counter(row.note_id for row in single if row.current)
    ids = list(dict.fromkeys(row.note_id for row in single))
    misnamed = [row.row_id for row in single if row.row_id != f"{row.note_id}@{row.rev}"]
    return [
        *found(
            DOUBLED_ROWS,
            doubled,
            "A revision is stored more than once, so it is found and counted twice.",
            fix="Keeps the copy that was written first.",
        ),
        *found(
            TWO_CURRENT,
            [i for i in ids if current[i] > 1],
            "Several revisions of a note count as its present one; changes to it fail.",
            fix="Lets the highest revision be the only current one.",
        ),
        *found(
            NO_CURRENT,
            [i for i in ids if not current[i]],
            "No revision of a note counts as its present one, so recall does not find it.",
            fix="Opens its highest revision again.",
        ),
        *found(
            DOUBLED_KEYS,
            _doubled_keys(seen),
            "A table beside the notes (usage, runs or meta) has one key twice; which row counts is"
            " chance.",
            fix="Keeps the row that was written first.",
        ),
        *found(
            MISNAMED_ROWS,
            misnamed,
            "A row's key is not made of its note and revision: something else than Zettel wrote"
            " it.",
            advice="Restore a backup of before, or ask where these rows came from.",
        ),
    ]


def _doubled_keys(seen: Checkup) -> list[str]:
    """A table's name for each key that it has more than once."""
    beside = [table for table in seen.tables if table.name != "notes"]
    return [table.name for table in beside for _ in range(table.doubled_keys)]
