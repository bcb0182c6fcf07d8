"""What holds of any history, whoever made it and whatever was asked for."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from zettel.storage.notes import SUPERSEDES, Note, State

Histories = Mapping[str, Sequence[Note]]

RETURNS = frozenset(("restore", "undo"))
"""`change` of revisions that may bring a forgotten note back."""

CORRECTING = frozenset(("correct", "undo"))
"""`change` of revisions that say their predecessor was never true."""


def gaps(histories: Histories) -> Iterator[str]:
    """Revisions that do not go 1, 2, 3, each ending where the next begins, the last one current."""
    for note_id, history in histories.items():
        revs = [note.rev for note in history]
        if revs != list(range(1, len(revs) + 1)):
            yield f"{note_id} has revisions {revs}"
        current = [note.rev for note in history if note.current]
        if current != revs[-1:]:
            yield f"{note_id} has the current revisions {current} of {revs}"
        for old, new in pairwise(history):
            if old.known_to != new.known_from or old.known_from >= new.known_from:
                yield (
                    f"{new.row_id} is known from {new.known_from}, the one before it from"
                    f" {old.known_from} to {old.known_to}"
                )
        if history and history[-1].known_to is not None:
            yield f"{history[-1].row_id} is the last, and known to {history[-1].known_to}"


def dangling(histories: Histories) -> Iterator[str]:
    """Links to notes that are not there."""
    for history in histories.values():
        for note in history:
            for link in note.links:
                if link.to not in histories:
                    yield f"{note.row_id} is linked to {link.to}, which is not there"


def resurrections(histories: Histories) -> Iterator[str]:
    """Revisions that bring a forgotten note back, and are nobody's undoing."""
    for history in histories.values():
        for old, new in pairwise(history):
            back = old.state is State.FORGOTTEN and new.state is not State.FORGOTTEN
            if back and new.change not in RETURNS:
                yield f"{new.row_id} ({new.change}) was forgotten before"


def stamps(histories: Histories) -> Iterator[str]:
    """Closed revisions that do not say whether the world changed or they were never true."""
    for history in histories.values():
        for old, new in pairwise(history):
            other = new.content != old.content
            if new.change in CORRECTING and not old.corrected:
                yield f"{new.row_id} corrects {old.row_id}, which does not say so"
            if new.change == "update" and other and old.ended_at != new.valid_from:
                yield f"{old.row_id} ends at {old.ended_at}, its next is true from {new.valid_from}"


def idle(histories: Histories) -> Iterator[str]:
    """Revisions an update made that change nothing: a change made twice."""
    for history in histories.values():
        for old, new in pairwise(history):
            if new.change in ("update", "correct") and _told(old) == _told(new):
                yield f"{new.row_id} changes nothing"


def _told(note: Note) -> object:
    return (
        *(note.content, note.context, note.subject, note.tags, note.kind, note.links),
        *(note.happened_at, note.valid_from, note.valid_until, note.state),
    )


def half_superseded(histories: Histories) -> Iterator[str]:
    """Notes that somebody supersedes and that stand, or that nobody does and that do not.

    A forgotten note supersedes while its own place is taken, in its namespace: of three tellings of
    a fact the first does not come back when the second is forgotten.
    """
    last = {note_id: history[-1] for note_id, history in histories.items() if history}
    ahead = [note for note in last.values() if note.state is not State.FORGOTTEN]
    superseded, behind = set[str](), set[str]()
    while ahead:
        note = ahead.pop()
        superseded |= (below := _supersedes(note))
        for taken in (last[i] for i in (below & last.keys()) - behind):
            if taken.state is State.FORGOTTEN and taken.namespace == note.namespace:
                behind.add(taken.note_id)
                ahead.append(taken)
    for note_id, note in last.items():
        if note.state is State.ACTIVE and note_id in superseded:
            yield f"{note.row_id} stands, though another note supersedes it"
        if note.state is State.SUPERSEDED and note_id not in superseded:
            yield f"{note.row_id} is superseded, though by no note that stands"


def _supersedes(note: Note) -> frozenset[str]:
    return frozenset(k.to for k in note.links if k.relation == SUPERSEDES and k.stood(None))
