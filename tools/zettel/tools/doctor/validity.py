"""Whether a stored note is one that the tools or evolution could have made.

The tools check what agents say before it is stored; this checks what is stored, for rows that came
another way: from a backup, or by another program. Bounds of derived fields are wider than any step
of evolution needs, since earlier versions had others.
"""

import math
from collections.abc import Iterable

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.ids import is_id
from zettel.storage.notes import Link, Note
from zettel.tools.validation import (
    MAX_CONTENT,
    MAX_FIELD,
    MAX_NAME,
    check_content,
    check_namespace,
    check_text,
)

MAX_DERIVED = 1_024
"""Entries of a list that evolution makes or adds to."""
MAX_LINKS = 4_096
"""Links of a note: those of agents, standing and ended, and those of evolution."""
MAKERS = frozenset({"agent", "rule", "llm"})


def problem_of(note: Note) -> str:
    """What no tool could have made of a note; empty if there is nothing.

    It quotes no text of the note.
    """
    try:
        check_content(note.content)
        check_namespace(note.namespace)
        _check_texts(note)
        _check_lists(note)
        for link in note.links:
            _check_link(link)
    except InvalidArgumentError as error:
        return f"its {error.name} cannot be used"
    return next((problem for problem, fits in _facts(note) if not fits), "")


def _facts(note: Note) -> Iterable[tuple[str, bool]]:
    yield "its id is none that a tool takes", is_id(note.note_id)
    yield "its revision is not positive", note.rev >= 1
    yield "its trust is not within 0 and 1", _is_share(note.trust)
    yield "its importance is not within 0 and 1", _is_share(note.importance)
    yield "its stage is negative", note.stage >= 0
    yield "a field has an unknown maker", MAKERS.issuperset(note.derived_by.values())
    times = (note.happened_at, note.valid_from, note.known_from)
    yield "one of its times is missing", None not in times
    yield "it has too many links", len(note.links) <= MAX_LINKS


def _is_share(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1


def _check_texts(note: Note) -> None:
    names = (note.subject, note.session, note.change, note.run_id, note.embed_model)
    for value in (*names, note.origin.transport, note.origin.principal):
        check_text("name", value, most=MAX_FIELD)
    # Clients call themselves as they like: until December 2026 with a NUL character, too.
    for value in (note.changed_by, note.origin.client):
        check_text("name", value.replace("\x00", ""), most=MAX_FIELD)
    check_text("source", note.source, most=MAX_FIELD)
    for value in (note.context, note.summary, note.reason):
        check_text("text", value, most=MAX_CONTENT)


def _check_lists(note: Note) -> None:
    phrases = tuple(span.phrase for span in note.times)
    derived = (note.keywords, note.entities, note.questions, phrases)
    for values, most in ((note.tags, MAX_FIELD), *((values, MAX_CONTENT) for values in derived)):
        if len(values) > MAX_DERIVED:
            raise InvalidArgumentError("list", f"{len(values)} entries are too many", "")
        for value in values:
            # What is derived stands in the content, of which one word may be most.
            check_text("list", value, most=most)


def _check_link(link: Link) -> None:
    fits = (
        is_id(link.to)
        and 0 < len(link.relation) <= MAX_NAME
        and _is_share(link.weight)
        and link.made_by in MAKERS
        and link.made_at is not None  # pyright: ignore[reportUnnecessaryComparison] a file may
    )
    if not fits:
        raise InvalidArgumentError("link", "it is none that a tool makes", "")
    check_text("link", link.relation, most=MAX_NAME)
    check_text("link", link.reason, most=MAX_CONTENT)
