"""An earlier revision brought back as a new one: what returns, and what the note keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.notes import Note, State
from zettel.storage.store import Change, Vectors
from zettel.tools.state.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreCause:
    """Who brings revisions back, when and why: what the new revisions say of themselves."""

    now: datetime
    by: str
    change: str
    reason: str
    run_id: str = ""
    """Empty when an agent does it."""


def brought_back(standing: Note, earlier: Note, *, whole: bool) -> Note:
    """The note as an earlier revision said it, still under the number of the one that stands.

    Args:
        standing: The current revision; identity, origin and bookkeeping stay its own.
        earlier: What returns: the words, what was derived from them, links and times of validity.
        whole: Whether state and end of validity return as well, as an undo wants; otherwise the
            state stays, and the end with it where either revision is superseded, because a
            supersession holds as long as its link does.

    Returns:
        Not a new revision yet. Evolution looks at it again only where words return that differ
        and `whole` is not asked: what an undo took back is not to be made again.
    """
    closed = State.SUPERSEDED in (standing.state, earlier.state)
    reads_alike = _read_by_evolution(standing) == _read_by_evolution(earlier)
    return replace(
        earlier,
        rev=standing.rev,
        current=standing.current,
        known_from=standing.known_from,
        known_to=standing.known_to,
        ended_at=standing.ended_at,
        corrected=standing.corrected,
        changed_by=standing.changed_by,
        change=standing.change,
        reason=standing.reason,
        run_id=standing.run_id,
        origin=standing.origin,
        # In another order they say the same.
        links=standing.links if set(standing.links) == set(earlier.links) else earlier.links,
        state=earlier.state if whole else standing.state,
        valid_until=standing.valid_until if closed and not whole else earlier.valid_until,
        embed_model=standing.embed_model,
        stage=standing.stage if whole or reads_alike else 0,
    )


async def changes_back(
    memory: Memory, pairs: Sequence[tuple[Note, Note]], stamp: RestoreCause, *, whole: bool
) -> list[Change]:
    """The changes that bring earlier revisions back; each corrects the revision it closes.

    Content comes back with the vectors it had, or waits for embedding where it has none of the
    model in use.

    Args:
        memory: Where the earlier vectors are read from.
        pairs: The current revision of a note and the one to bring back; of notes that would stay
            as they are, no change is made.
        stamp: Who, when and why.
        whole: As `brought_back` takes it.
    """
    differing = [earlier for standing, earlier in pairs if standing.content != earlier.content]
    model = memory.embedder.model_id
    rows = [earlier.row_id for earlier in differing if earlier.embed_model == model]
    vectors = await memory.store.passages_at(rows) if rows else {}
    return [
        _change(standing, earlier, note, vectors.get(earlier.row_id), stamp)
        for standing, earlier in pairs
        if (note := brought_back(standing, earlier, whole=whole)) != standing
    ]


def _change(
    standing: Note, earlier: Note, note: Note, vectors: Vectors | None, stamp: RestoreCause
) -> Change:
    same_words = standing.content == earlier.content
    return Change(
        note=replace(
            note,
            rev=standing.rev + 1,
            known_from=stamp.now,
            changed_by=stamp.by,
            change=stamp.change,
            reason=stamp.reason,
            run_id=stamp.run_id,
            embed_model=standing.embed_model if same_words else earlier.embed_model,
        ),
        vectors=vectors,
        keep_vectors=same_words,
        corrected=True,
    )


def _read_by_evolution(note: Note) -> tuple[str, str, datetime]:
    """What derived fields and links follow from."""
    return (note.content, note.subject, note.happened_at)
