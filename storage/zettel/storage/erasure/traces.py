"""Traces of erased notes in other notes and in logs: links, ids, words, LLM wording, log lines."""

import mmap
import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from zettel.storage.location import ENGINE_FOLDER
from zettel.storage.merges import (
    TakenOver,
    all_taken_over,
    without_sentences,
    without_taken,
)
from zettel.storage.notes import Link, Note
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedWords:
    """What is left of erased notes in those that they were merged into."""

    note_ids: frozenset[str] = frozenset()
    """Of the notes that took over from them, also in turn."""
    taken: Mapping[str, Sequence[TakenOver]] = field(default_factory=dict[str, Sequence[TakenOver]])
    """What each took over from the erased ones themselves."""


def merged_words(
    note_ids: frozenset[str], notes: Iterable[Sequence[Note]], gone: Collection[str]
) -> MergedWords:
    """What notes have of erased ones.

    Args:
        note_ids: `merged_into` of the erased ones.
        notes: The revisions of each of these notes, oldest first.
        gone: Ids of the erased notes.
    """
    taken = {of_note[0].note_id: all_taken_over(of_note, gone) for of_note in notes if of_note}
    return MergedWords(note_ids=note_ids, taken={i: of for i, of in taken.items() if of})


def without_traces(
    revisions: Sequence[Note], gone: Container[str], merged: MergedWords
) -> list[Note]:
    """One note's revisions without traces of the erased notes.

    Links to these are removed, ended ones too, and their ids from reasons. What the note took over
    from those that were merged into it goes with what was derived from it, and so do the reasons
    that evolution gives for links to such notes, which may quote it. From the first revision on
    that one of all these has taught, everything that an LLM worded is removed, since its source is
    unknown. The current revision then waits to be described again. The agent's own words stay.
    Takes all revisions of one note that is not itself erased, oldest first.

    Returns:
        As many revisions; those without a trace unchanged. One whose content has changed has no
        `embed_model`: its vectors are of the words that are gone.
    """
    clean, taught, before, added = list[Note](), False, None, set[str]()
    for note in revisions:
        teachers = (link.to for link in note.links if link.is_taught)
        taught = taught or any(to in gone or to in merged.note_ids for to in teachers)
        if before is not None:
            added = _added(before, note, added)
        told = _without_quotes(_without_taken(note, merged), merged.note_ids)
        clean.append(_clean(told, note, gone, added if taught else None))
        before = note
    return clean


def _without_taken(note: Note, merged: MergedWords) -> Note:
    if note.note_id not in merged.note_ids:
        return note
    clean = note
    for of in merged.taken.get(note.note_id, ()):
        clean = without_taken(clean, of)
    # One that was merged into another brought along what it had taken over itself.
    taken = chain.from_iterable(merged.taken.values())
    sentences = list(chain.from_iterable(of.sentences for of in taken))
    clean = replace(clean, content=without_sentences(clean.content, sentences))
    if clean.content == note.content:
        return clean
    reworded = without_derived(replace(clean, embed_model=""))
    return reworded if note.current else replace(reworded, stage=note.stage)


def _without_quotes(note: Note, merged: Container[str]) -> Note:
    links = tuple(
        replace(link, reason="") if link.to in merged and link.made_by != "agent" else link
        for link in note.links
    )
    return note if links == note.links else replace(note, links=links)


def _added(before: Note, note: Note, added: set[str]) -> set[str]:
    """Tags that an LLM has added since the agent last set them."""
    if "revise" in note.steps:
        return added | (set(note.tags) - set(before.tags))
    return set() if note.tags != before.tags and note.told else added


def _clean(told: Note, note: Note, gone: Container[str], added: set[str] | None) -> Note:
    """`told` without links to erased notes, their ids and what they taught.

    It is `note` itself if it is all as it was there.
    """
    links = tuple(_unnamed(link, gone) for link in told.links if link.to not in gone)
    clean = replace(told, links=links, reason=_without_ids(told.reason, gone))
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
        links=tuple(link for link in note.links if not link.is_taught),
    )


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
