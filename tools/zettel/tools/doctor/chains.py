"""Chains: a note's revisions count up from 1, and each ends in the moment the next begins."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from zettel.storage.doctor.facts import Checkup, RowFacts
from zettel.tools.doctor.finding import Finding, found

REVISION_GAPS = "revision_gaps"
TORN_TIMES = "torn_times"


def check_chains(seen: Checkup) -> Sequence[Finding]:
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


def torn(seen: Checkup) -> list[str]:
    """Ids of notes with a gap or an overlap between two revisions."""
    return [
        note_id
        for note_id, rows in chains_of(seen).items()
        if any(
            not before.current and before.known_to != after.known_from
            for before, after in pairwise(rows)
        )
    ]


def chains_of(seen: Checkup) -> dict[str, list[RowFacts]]:
    """Note id -> its revisions in order, each once."""
    chains = defaultdict[str, list[RowFacts]](list)
    for row in {row.row_id: row for row in seen.rows}.values():
        chains[row.note_id].append(row)
    return {note_id: sorted(rows, key=lambda row: row.rev) for note_id, rows in chains.items()}
