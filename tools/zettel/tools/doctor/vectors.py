"""Vectors: of the store's model, where a row says that it has any, and those still to be made."""

from collections.abc import Sequence

from zettel.storage.doctor.facts import Checkup
from zettel.tools.doctor.finding import Finding, found

FOREIGN_VECTORS = "foreign_vectors"
LOST_VECTORS = "lost_vectors"
WAITING = "waiting_for_vectors"


def check_vectors(seen: Checkup) -> Sequence[Finding]:
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


def wrong(seen: Checkup) -> list[str]:
    """Ids of notes with vectors that are another model's, or not what their row says of them."""
    return [*_foreign(seen), *_lost(seen)]


def _foreign(seen: Checkup) -> list[str]:
    return [row.note_id for row in seen.rows if row.embed_model not in ("", seen.model_id)]


def _lost(seen: Checkup) -> list[str]:
    return [
        row.note_id
        for row in seen.rows
        if row.embed_model in ("", seen.model_id) and bool(row.embed_model) != row.has_vectors
    ]
