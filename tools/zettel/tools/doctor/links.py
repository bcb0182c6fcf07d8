"""Links: to notes that are there, never to the note itself, and found from both ends."""

from collections.abc import Sequence

from zettel.storage.doctor.facts import Checkup
from zettel.storage.notes import NEEDS_REVIEW
from zettel.tools.doctor.finding import Finding, found

DANGLING_LINKS = "dangling_links"
SELF_LINKS = "self_links"
ONE_SIDED_LINKS = "one_sided_links"
HALF_SUPERSEDED = "half_superseded"


def check_links(seen: Checkup) -> Sequence[Finding]:
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


def crooked(seen: Checkup) -> list[str]:
    """Ids of notes with links to themselves, or that are found from one end only."""
    return [*_to_themselves(seen), *_one_sided(seen)]


def _to_themselves(seen: Checkup) -> list[str]:
    return [row.note_id for row in seen.rows if row.current and row.note_id in row.links]


def _one_sided(seen: Checkup) -> list[str]:
    return [row.note_id for row in seen.rows if {*row.links} != {*row.link_ids} - {NEEDS_REVIEW}]
