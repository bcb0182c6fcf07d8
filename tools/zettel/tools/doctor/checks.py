"""Checks of a store: each maps facts to findings, in words for its owner."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from zettel.storage.doctor.facts import FileFacts, RowFacts, StoreFacts
from zettel.storage.notes import NEEDS_REVIEW
from zettel.tools.evolve.lease import LEASE_KEY

FINDING_MAX_EXAMPLES = 5
"""Examples in a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem found; contains no note's text."""

    name: str
    """Stable id, for programs."""
    count: int
    means: str
    """Consequence for the notes or their users."""
    fix: str = ""
    """Effect of `--fix`; empty if it can do nothing."""
    advice: str = ""
    """Advice where `--fix` cannot do it, or not alone."""
    examples: tuple[str, ...] = ()
    """Ids or names."""
    is_damage: bool = True
    """False for information."""


Check = Callable[[StoreFacts], Sequence[Finding]]


def few(names: Sequence[str]) -> tuple[str, ...]:
    """The first names."""
    return tuple(names[:FINDING_MAX_EXAMPLES])


def found(
    name: str, ids: Sequence[str], means: str, *, fix: str = "", advice: str = ""
) -> list[Finding]:
    """A finding about these notes or names; none if there are none."""
    if not ids:
        return []
    shown = few(list(dict.fromkeys(ids)))
    return [Finding(name=name, count=len(ids), means=means, fix=fix, advice=advice, examples=shown)]


MISSING_INDICES = "missing_indices"
UNINDEXED_ROWS = "unindexed_rows"
FRAGMENTS = "fragments"
OLD_VERSIONS = "old_versions"

MAX_UNINDEXED_ROWS = 1_000
MAX_SMALL_FRAGMENTS = 200
"""Single-row commits above which search and opening are slow: measured at 190, 20 ms per
id instead of 2; upkeep runs every 50 to 100 commits."""
MAX_OLD_VERSIONS = 2_000
"""Manifests listed in some 40 ms; each keeps unused files."""


def check_tables(seen: StoreFacts) -> Sequence[Finding]:
    """Overdue upkeep."""
    missing = [f"{index.table}.{index.column}" for index in seen.indices if not index.there]
    behind = [index for index in seen.indices if index.unindexed > MAX_UNINDEXED_ROWS]
    slow = [table for table in seen.tables if table.small_fragments > MAX_SMALL_FRAGMENTS]
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
    if seen.old_versions > MAX_OLD_VERSIONS:
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
    """Damaged and useless files; `--fix` repairs all of these by opening the store."""
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
    """Lost commits of a probe."""
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


PENDING_ERASURES = "pending_erasures"
ERASED_AGAIN = "erased_again"


def check_pending(seen: StoreFacts) -> Sequence[Finding]:
    """Pending erasures, and erased notes restored by a copied file."""
    told = found(
        ERASED_AGAIN,
        seen.relapsed,
        "Erased notes are there again, as a file of an earlier day brings them.",
        fix="Erases them again.",
    )
    if seen.erasures_due:
        told.append(
            Finding(
                name=PENDING_ERASURES,
                count=seen.erasures_due,
                means="Erasures were ordered and are not finished: bytes of what was erased may"
                " still lie in the store's files. An engine finishes them by itself.",
                fix="Finishes them.",
            )
        )
    return told


STALE_LEASE = "stale_lease"


def check_lease(
    seen: StoreFacts, *, now: datetime, is_gone: Callable[[str], bool]
) -> Sequence[Finding]:
    """A lease that has expired or whose holder has died."""
    claim = seen.meta.get(LEASE_KEY)
    if claim is None:
        return []
    try:
        said: dict[str, str] = json.loads(claim)
        stale = datetime.fromisoformat(said["until"]) <= now or is_gone(said["holder"])
    except (ValueError, KeyError, TypeError):
        stale = True
    if not stale:
        return []
    return [
        Finding(
            name=STALE_LEASE,
            count=1,
            means="A process that evolved the notes has died without giving its lease back; it"
            " runs out by itself within a minute.",
            fix="Takes the lease away.",
        )
    ]


REVISION_GAPS = "revision_gaps"
TORN_TIMES = "torn_times"


def check_chains(seen: StoreFacts) -> Sequence[Finding]:
    """Missing revisions, and gaps and overlaps between revisions."""
    chains = chains_of(seen)
    gaps = [
        note_id
        for note_id, rows in chains.items()
        if [row.rev for row in rows] != list(range(1, len(rows) + 1))
    ]
    return [
        *found(
            REVISION_GAPS,
            gaps,
            "Revisions of a note are missing: what it said in between is lost, its present words"
            " are not.",
            advice="A backup of before may still hold them: zettel restore FILE --into-namespace"
            " NAME puts them beside this store's notes.",
        ),
        *found(
            TORN_TIMES,
            torn_notes(seen),
            "A revision does not end in the moment the next one begins: a look back at a moment"
            " in between finds the note twice, or not at all.",
            fix="Lets each revision end where the next one begins.",
        ),
    ]


def torn_notes(seen: StoreFacts) -> list[str]:
    """Ids of notes with a gap or an overlap between two revisions."""
    return [
        note_id
        for note_id, rows in chains_of(seen).items()
        if any(
            not before.current and before.known_to != after.known_from
            for before, after in pairwise(rows)
        )
    ]


def chains_of(seen: StoreFacts) -> dict[str, list[RowFacts]]:
    """Note id -> its revisions in order, each once."""
    chains = defaultdict[str, list[RowFacts]](list)
    for row in {row.row_id: row for row in seen.rows}.values():
        chains[row.note_id].append(row)
    return {note_id: sorted(rows, key=lambda row: row.rev) for note_id, rows in chains.items()}


DOUBLED_ROWS = "doubled_rows"
TWO_CURRENT = "two_current"
NO_CURRENT = "no_current"
DOUBLED_KEYS = "doubled_keys"
MISNAMED_ROWS = "misnamed_rows"


def check_keys(seen: StoreFacts) -> Sequence[Finding]:
    """Duplicate rows, and notes without exactly one current revision."""
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


def _doubled_keys(seen: StoreFacts) -> list[str]:
    """A table's name for each of its duplicate keys."""
    beside = [table for table in seen.tables if table.name != "notes"]
    return [table.name for table in beside for _ in range(table.doubled_keys)]


DANGLING_LINKS = "dangling_links"
SELF_LINKS = "self_links"
ONE_SIDED_LINKS = "one_sided_links"
HALF_SUPERSEDED = "half_superseded"


def check_links(seen: StoreFacts) -> Sequence[Finding]:
    """Dangling, self and one-sided links, and supersessions left open by a race."""
    there = {row.note_id for row in seen.rows}
    current = [row for row in seen.rows if row.current]
    dangling = [row.note_id for row in current if any(to not in there for to in row.links)]
    return [
        *found(
            DANGLING_LINKS,
            dangling,
            "A note links to a note that is not there.",
            fix="Takes the link out, by a revision.",
        ),
        *found(
            SELF_LINKS,
            _to_themselves(seen),
            "A note links to itself, which says nothing and is walked in circles.",
            fix="Takes the link out, by a revision.",
        ),
        *found(
            ONE_SIDED_LINKS,
            _one_sided(seen),
            "A link is known to the note it starts from, and not found from the one it leads to"
            " (or the other way round).",
            fix="Writes anew under which ids the note's links are found.",
        ),
        *found(
            HALF_SUPERSEDED,
            seen.half_superseded,
            "A note is superseded, though by no note that stands: a process was killed between"
            " two commits. Recall leaves it out.",
            fix="Opens it again, by a revision.",
        ),
    ]


def mislinked_notes(seen: StoreFacts) -> list[str]:
    """Ids of notes with links to themselves, or found from one end only."""
    return [*_to_themselves(seen), *_one_sided(seen)]


def _to_themselves(seen: StoreFacts) -> list[str]:
    return [row.note_id for row in seen.rows if row.current and row.note_id in row.links]


def _one_sided(seen: StoreFacts) -> list[str]:
    return [row.note_id for row in seen.rows if {*row.links} != {*row.link_ids} - {NEEDS_REVIEW}]


FOREIGN_VECTORS = "foreign_vectors"
LOST_VECTORS = "lost_vectors"
WAITING_FOR_VECTORS = "waiting_for_vectors"


def check_vectors(seen: StoreFacts) -> Sequence[Finding]:
    """Vectors that are missing or of another model, and notes that wait for theirs."""
    waiting = sum(row.current and not row.embed_model for row in seen.rows)
    again = "Lets go of them; evolution embeds the notes anew (zettel evolve --once: now)."
    told = [
        *found(
            FOREIGN_VECTORS,
            _foreign(seen),
            "Vectors of another model stand among this store's: to compare them is to compare"
            " chance.",
            fix=again,
        ),
        *found(
            LOST_VECTORS,
            _lost(seen),
            "A row says that it is embedded and has no vectors, or the other way round: search by"
            " meaning does not find it, and nothing would mend that.",
            fix=again,
        ),
    ]
    if waiting:
        told.append(
            Finding(
                name=WAITING_FOR_VECTORS,
                count=waiting,
                means="Notes wait for their vectors; until then they are found by their words.",
                advice="The engine embeds them in the background; zettel evolve --once does it"
                " now.",
                is_damage=False,
            )
        )
    return told


def notes_with_wrong_vectors(seen: StoreFacts) -> list[str]:
    """Ids of notes whose vectors are of another model or disagree with their row."""
    return [*_foreign(seen), *_lost(seen)]


def _foreign(seen: StoreFacts) -> list[str]:
    return [row.note_id for row in seen.rows if row.embed_model not in ("", seen.model_id)]


def _lost(seen: StoreFacts) -> list[str]:
    return [
        row.note_id
        for row in seen.rows
        if row.embed_model in ("", seen.model_id) and bool(row.embed_model) != row.has_vectors
    ]
