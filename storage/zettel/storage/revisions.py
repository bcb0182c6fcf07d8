"""Rules of writing that every store shares: checks and the rows a write makes."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Link, Note
from zettel.storage.store import Change, NewNote, Vectors

DERIVED_FIELDS = ("context", "tags", "keywords", "entities", "times", "questions", "summary")
"""Fields of a note that `derived_by` may name."""

EVOLUTION_MAKERS = ("rule", "llm")
"""Makers in `derived_by` other than the agent."""

UNIT_TOLERANCE = 1e-3
"""Tolerance of a vector's length: float32 rounding of 1,024 squares stays below 1e-4."""

TIME_RESOLUTION = timedelta(microseconds=1)
"""Resolution of the stored times."""


def check_write(new: Sequence[NewNote], changes: Sequence[Change], *, dim: int | None) -> None:
    """Reject a write that cannot be stored.

    Args:
        new: Notes to add.
        changes: Revisions to make.
        dim: Length of the store's vectors; None accepts any.

    Raises:
        InvalidArgumentError: A vector, revision number or `derived_by` key is unusable, or a note
            is written twice.
    """
    for item in (*new, *changes):
        unknown = set(item.note.derived_by) - set(DERIVED_FIELDS)
        if unknown:
            raise InvalidArgumentError(
                name="derived_by",
                problem=f"{sorted(unknown)} cannot be kept",
                remedy=f"Use {list(DERIVED_FIELDS)}.",
            )
        if item.vectors is not None:
            check_vectors(item.vectors, dim=dim)
    revs_fit = all(n.note.rev == 1 for n in new) and all(c.note.rev > 1 for c in changes)
    if not revs_fit:
        raise InvalidArgumentError(
            name="rev",
            problem="a new note has rev 1, a change a higher one",
            remedy="Plan on the current revision.",
        )
    most_written = Counter(item.note.note_id for item in (*new, *changes)).most_common(1)
    if most_written and most_written[0][1] > 1:
        raise InvalidArgumentError(
            name="note_id",
            problem=f"{most_written[0][0]!r} is written twice",
            remedy="Write each note once a commit.",
        )


def without_derived(note: Note) -> Note:
    """The note without what evolution derived of replaced words, to be described anew."""
    made = note.derived_by
    return replace(
        note,
        context="" if made.get("context") in EVOLUTION_MAKERS else note.context,
        tags=() if made.get("tags") in EVOLUTION_MAKERS else note.tags,
        keywords=(),
        entities=(),
        times=(),
        questions=(),
        summary="",
        links=tuple(link for link in note.links if link.made_by == "agent"),
        derived_by={name: maker for name, maker in made.items() if maker == "agent"},
        stage=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """A revision with its vectors: a row of the `notes` table."""

    note: Note
    vectors: Vectors | None


def check_vectors(vectors: Vectors, *, dim: int | None) -> None:
    """Reject vectors that search would never find: LanceDB accepts NaN and zero rows.

    Args:
        vectors: Shape `(passages, dim)`.
        dim: Required length; None accepts any.

    Raises:
        InvalidArgumentError: Not float32, no row, of another length, not finite or not unit.
    """
    shape_fits = vectors.ndim == 2 and len(vectors) > 0 and dim in (None, vectors.shape[1])
    if not shape_fits or vectors.dtype != np.float32:
        raise InvalidArgumentError(
            name="vectors",
            problem=f"{vectors.dtype} of shape {vectors.shape} is no float32 (n, {dim or 'dim'})",
            remedy="Embed with the store's own model.",
        )
    # Summed in float64: a huge float32 value would overflow into a warning instead of an error.
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if not bool(np.all(np.abs(lengths - 1.0) <= UNIT_TOLERANCE)):
        raise InvalidArgumentError(
            name="vectors",
            problem=f"lengths {lengths.tolist()} are not all 1",
            remedy="Normalise the embeddings.",
        )


def first_revision(item: NewNote, *, model_id: str) -> Note:
    """A new note as stored: marked with the model of its vectors, if any."""
    embedded_by = (item.note.embed_model or model_id) if item.vectors is not None else ""
    return replace(item.note, embed_model=embedded_by)


def next_revision(old: Note, change: Change, *, model_id: str) -> tuple[Note, Note]:
    """Close a revision and make the following one.

    Args:
        old: The current revision, `change.note.rev - 1`.
        change: The revision to follow it.
        model_id: Model of vectors that do not name theirs.

    Returns:
        The closed row and the new current one; the first ends in the microsecond in which the
        second begins, at least one after its own beginning.
    """
    known_from = max(change.note.known_from, old.known_from + TIME_RESOLUTION)
    if change.vectors is not None:
        embedded_by = change.note.embed_model or model_id
    else:
        embedded_by = old.embed_model if change.keep_vectors else ""
    closed = replace(
        old,
        current=False,
        known_to=known_from,
        ended_at=change.ended_at,
        corrected=change.corrected,
    )
    following = replace(
        change.note,
        current=True,
        known_from=known_from,
        known_to=None,
        ended_at=None,
        corrected=False,
        embed_model=embedded_by,
    )
    return closed, following


def next_vectors(old: Vectors | None, change: Change) -> Vectors | None:
    """The vectors of the revision a change makes."""
    if change.vectors is not None:
        return change.vectors
    return old if change.keep_vectors else None


def one_current(revisions: Sequence[Note]) -> list[Note]:
    """The rows to replace so that only the highest revision of a note is current.

    Takes all revisions of one note, each once, in any order.

    Returns:
        A lower current row ends where the next one begins; a closed highest row is reopened.
    """
    rows = sorted(revisions, key=lambda note: note.rev)
    mended = [
        replace(row, current=False, known_to=following.known_from)
        for row, following in pairwise(rows)
        if row.current
    ]
    if not rows[-1].current:
        last = replace(rows[-1], current=True, known_to=None, ended_at=None, corrected=False)
        mended.append(last)
    return mended


def without_links(note: Note, known: Container[str], now: datetime) -> Change | None:
    """The revision that removes a note's links to missing notes; None if it has none."""
    links = [link for link in note.links if link.to in known]
    return with_fewer_links(note, links, "linked to notes that are not there", now)


def with_fewer_links(
    note: Note, links: Sequence[Link], reason: str, now: datetime
) -> Change | None:
    """The revision that reduces a note's links to `links`; None if it has no others."""
    if len(links) == len(note.links):
        return None
    healed = replace(
        note,
        rev=note.rev + 1,
        links=tuple(links),
        known_from=now,
        changed_by="zettel",
        change="heal",
        reason=reason,
        run_id="",
    )
    return Change(note=healed)
