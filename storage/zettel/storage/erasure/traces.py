"""Traces of erased notes in other notes and in logs: links, ids, words, LLM wording, log lines."""

import mmap
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from zettel.storage.location import ENGINE_FOLDER
from zettel.storage.merges import (
    MERGE_CHANGE,
    TakenOver,
    merge_reason,
    parted_reason,
    taken_over,
    without_taken,
)
from zettel.storage.notes import REVISED_BY, Link, Note
from zettel.storage.revisions import without_derived

ERASED = "(erased)"
"""Replaces the id of an erased note in a machine-written reason."""
NOTE_ID = re.compile(r"(?<![0-9A-Z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Z])")
"""A note's id in a text."""
_WORDED = ("context", "keywords", "questions", "tags", "summary")
"""Fields that an LLM words using other notes."""


def ids_in(text: str) -> Iterable[str]:
    """Every substring that has the form of a note id."""
    return NOTE_ID.findall(text)


def without_traces(revisions: Sequence[Note], gone: Container[str]) -> list[Note]:
    """One note's revisions without traces of the erased notes.

    Links to these are removed, ended ones too, their ids from reasons, and what the note took over
    from one that was merged into it; what was derived from such words goes with them. From the
    first revision on that one of them has taught, everything that an LLM worded is removed, since
    its source is unknown. The current revision then waits to be described again. The agent's own
    words stay. Takes all revisions of one note that is not itself erased, oldest first.

    Returns:
        As many revisions; those without a trace unchanged. One whose content has changed has no
        `embed_model`: its vectors are of the words that are gone.
    """
    clean, taught, before, added = list[Note](), False, None, set[str]()
    taken = dict[str, TakenOver]()
    for note in revisions:
        taught = taught or any(_teaches(link) and link.to in gone for link in note.links)
        if before is not None:
            added = _added(before, note, added)
            taken = _taken(before, note, taken, gone)
        clean.append(_clean(_without_taken(note, taken.values()), gone, added if taught else None))
        before = note
    return clean


def _taken(
    before: Note, note: Note, taken: dict[str, TakenOver], gone: Container[str]
) -> dict[str, TakenOver]:
    """By the id of the erased note, what a revision has of notes that were merged into it."""
    for note_id in ids_in(note.reason) if note.change == MERGE_CHANGE else ():
        if note.reason == merge_reason(note_id) and note_id in gone:
            taken = {**taken, note_id: taken_over(before, note)}
        elif note.reason == parted_reason(note_id):
            taken = {other: of for other, of in taken.items() if other != note_id}
    return taken


def _without_taken(note: Note, taken: Iterable[TakenOver]) -> Note:
    clean = note
    for of in taken:
        clean = without_taken(clean, of)
    if clean.content == note.content:
        return clean
    reworded = without_derived(replace(clean, embed_model=""))
    return reworded if note.current else replace(reworded, stage=note.stage)


def _added(before: Note, note: Note, added: set[str]) -> set[str]:
    """Tags that an LLM has added since the agent last set them."""
    if "revise" in note.steps:
        return added | (set(note.tags) - set(before.tags))
    return set() if note.tags != before.tags and note.told else added


def _clean(note: Note, gone: Container[str], added: set[str] | None) -> Note:
    links = tuple(_unnamed(link, gone) for link in note.links if link.to not in gone)
    clean = replace(note, links=links, reason=_without_ids(note.reason, gone))
    if added is not None:
        clean = _untaught(clean, added)
    if clean == note:
        return note
    return replace(clean, stage=0) if note.current and added is not None else clean


def _untaught(note: Note, added: set[str]) -> Note:
    made = {name for name in _WORDED if note.derived_by.get(name) == "llm"}
    tags = () if "tags" in made else tuple(tag for tag in note.tags if tag not in added)
    return replace(
        note,
        context="" if "context" in made else note.context,
        keywords=() if "keywords" in made else note.keywords,
        questions=() if "questions" in made else note.questions,
        summary="" if "summary" in made else note.summary,
        tags=tags,
        derived_by={name: maker for name, maker in note.derived_by.items() if name not in made},
        links=tuple(link for link in note.links if not _teaches(link)),
    )


def _teaches(link: Link) -> bool:
    return link.relation == REVISED_BY and link.made_by == "llm"


def _unnamed(link: Link, gone: Container[str]) -> Link:
    reason = _without_ids(link.reason, gone)
    return link if reason == link.reason else replace(link, reason=reason)


def _without_ids(text: str, gone: Container[str]) -> str:
    return NOTE_ID.sub(lambda found: ERASED if found[0] in gone else found[0], text)


LOG_FILES = "*.log*"
REDACTED_MIN_BYTES = 12
"""Shorter lines are not searched: they occur in every log by chance."""


def redact(directory: Path, texts: Iterable[str]) -> int:
    """Overwrite every line of these texts in the store's logs with asterisks.

    In place and of the same length, because a logger may be appending. Returns the number of
    places overwritten.
    """
    logs = [path for path in (directory / ENGINE_FOLDER).glob(LOG_FILES) if _size(path)]
    if not logs:
        return 0
    lines = {line.strip() for text in texts for line in text.splitlines()}
    sought = {form for line in lines for form in _forms(line) if len(form) >= REDACTED_MIN_BYTES}
    return sum(_redact(path, sorted(sought, key=len, reverse=True)) for path in logs)


def _forms(line: str) -> tuple[bytes, bytes]:
    """The line, and the line as Python quotes it."""
    return line.encode(), repr(line)[1:-1].encode()


def _redact(path: Path, sought: Iterable[bytes]) -> int:
    done = 0
    try:
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as log:
            for form in sought:
                at = log.find(form)
                while at >= 0:
                    log[at : at + len(form)] = b"*" * len(form)
                    done += 1
                    at = log.find(form, at + len(form))
            log.flush()
    except (FileNotFoundError, ValueError):  # the next log was begun meanwhile, or it is empty
        return done
    return done


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
