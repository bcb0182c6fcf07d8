"""Checks over rows of notes: revision chains, keys, links, vectors."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from zettel.storage.doctor.facts import RowFacts, StoreFacts
from zettel.storage.notes import NEEDS_REVIEW
from zettel.tools.doctor.finding import Finding, found

REVISION_GAPS = "revision_gaps"
TORN_TIMES = "torn_times"


def check_chains(seen: StoreFacts) -> Sequence[Finding]:
    """Revisions that are missing, and gaps and overlaps between those that are there."""
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
            torn(seen),
            "A revision does not end in the moment the next one begins: a look back at a moment"
            " in between finds the note twice, or not at all.",
            fix="Lets each revision end where the next one begins.",
        ),
    ]


def torn(seen: StoreFacts) -> list[str]:
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


def _doubled_keys(seen: StoreFacts) -> list[str]:
    """A table's name for each key that it has more than once."""
    beside = [table for table in seen.tables if table.name != "notes"]
    return [table.name for table in beside for _ in range(table.doubled_keys)]


DANGLING_LINKS = "dangling_links"
SELF_LINKS = "self_links"
ONE_SIDED_LINKS = "one_sided_links"
HALF_SUPERSEDED = "half_superseded"


def check_links(seen: StoreFacts) -> Sequence[Finding]:
    """Links that lead nowhere, back, or are seen from one end only; and what a race left open."""
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


def crooked(seen: StoreFacts) -> list[str]:
    """Ids of notes with links to themselves, or that are found from one end only."""
    return [*_to_themselves(seen), *_one_sided(seen)]


def _to_themselves(seen: StoreFacts) -> list[str]:
    return [row.note_id for row in seen.rows if row.current and row.note_id in row.links]


def _one_sided(seen: StoreFacts) -> list[str]:
    return [row.note_id for row in seen.rows if {*row.links} != {*row.link_ids} - {NEEDS_REVIEW}]


FOREIGN_VECTORS = "foreign_vectors"
LOST_VECTORS = "lost_vectors"
WAITING = "waiting_for_vectors"


def check_vectors(seen: StoreFacts) -> Sequence[Finding]:
    """Rows whose vectors are another model's or missing, and notes that wait for theirs."""
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
                name=WAITING,
                count=waiting,
                means="Notes wait for their vectors; until then they are found by their words.",
                advice="The engine embeds them in the background; zettel evolve --once does it"
                " now.",
                is_damage=False,
            )
        )
    return told


def wrong(seen: StoreFacts) -> list[str]:
    """Ids of notes with vectors that are another model's, or not what their row says of them."""
    return [*_foreign(seen), *_lost(seen)]


def _foreign(seen: StoreFacts) -> list[str]:
    return [row.note_id for row in seen.rows if row.embed_model not in ("", seen.model_id)]


def _lost(seen: StoreFacts) -> list[str]:
    return [
        row.note_id
        for row in seen.rows
        if row.embed_model in ("", seen.model_id) and bool(row.embed_model) != row.has_vectors
    ]
