"""Differences between revisions, and what a run changed, as terminal text or JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from zettel.server.commands.output import Output, Say, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.notes import Link, Note, Span
from zettel.tools.caller import Caller
from zettel.tools.changes.differences import SHOWN_FIELDS
from zettel.tools.changes.run_changes import TouchedNote
from zettel.tools.erasure.erase import not_found
from zettel.tools.language.times import iso, iso_day
from zettel.tools.render import one_line
from zettel.tools.views.short_ids import resolve_ids, shorten_ids

FIELDS = (*SHOWN_FIELDS, "importance", "trust")
"""The compared fields, in the order of the output."""
WHOLE_MAX_CHARS = 60
"""Length up to which both texts are printed whole."""
CONTEXT_WORDS = 4
"""Words printed around a change in a longer text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDifference:
    """Items added to and removed from a list."""

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Both lists, where they hold anything."""
        parts = {"added": self.added, "removed": self.removed}
        return {name: list(items) for name, items in parts.items() if items}

    def as_line(self) -> str:
        """`tags: + lyon, - paris`."""
        parts = [*(f"+ {item}" for item in self.added), *(f"- {item}" for item in self.removed)]
        return printable(f"{self.name}: {', '.join(parts)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDifference:
    """The old and new text of a value; empty for none."""

    name: str
    old: str
    new: str

    def as_json(self) -> dict[str, object]:
        """Both texts, whole."""
        return {"old": self.old, "new": self.new}

    def as_line(self) -> str:
        """`subject: Ana -> Ben`; of long texts only the changes and their context."""
        if not self.old or not self.new:
            text = f"+ {self.new}" if self.new else f"- {self.old}"
        elif max(len(self.old), len(self.new)) <= WHOLE_MAX_CHARS:
            text = f"{self.old} -> {self.new}"
        else:
            text = word_difference(self.old, self.new)
        return printable(f"{self.name}: {' '.join(text.split())}")


Difference = ListDifference | TextDifference


def differences(old: Note | None, new: Note) -> list[Difference]:
    """The changes of a revision.

    `old` is None for the first revision, which is all new.
    """
    before = old or Note(
        note_id=new.note_id,
        namespace=new.namespace,
        content="",
        happened_at=new.happened_at,
        valid_from=new.valid_from,
        known_from=new.known_from,
    )
    found = (_difference(name, getattr(before, name), getattr(new, name)) for name in FIELDS)
    return [difference for difference in found if difference is not None]


def word_difference(old: str, new: str) -> str:
    """One text with `[-removed-]` and `{+added+}` words, and `…` for unchanged ones."""
    before, after = old.split(), new.split()
    if before == after:
        return "(white space only)"
    parts = list[str]()
    for how, i, j, k, m in SequenceMatcher(None, before, after).get_opcodes():
        if how == "equal":
            parts.append(_kept(before[i:j], opens=i == 0, closes=j == len(before)))
            continue
        gone, come = " ".join(before[i:j]), " ".join(after[k:m])
        parts += [f"[-{gone}-]"] if gone else []
        parts += [f"{{+{come}+}}"] if come else []
    return " ".join(part for part in parts if part)


def _kept(words: Sequence[str], *, opens: bool, closes: bool) -> str:
    """An unchanged stretch: whole if short, else only its ends next to changes."""
    head, tail = (0 if opens else CONTEXT_WORDS), (0 if closes else CONTEXT_WORDS)
    if len(words) <= head + tail + 1:
        return " ".join(words)
    return " ".join((*words[:head], "…", *words[len(words) - tail :]))


def _difference(name: str, old: object, new: object) -> Difference | None:
    if old == new:
        return None
    before, after = _items(old), _items(new)
    if before is not None and after is not None:
        added = tuple(item for item in after if item not in before)
        removed = tuple(item for item in before if item not in after)
        if not added and not removed:  # another order, or a link's weight
            return None
        return ListDifference(name=name, added=added, removed=removed)
    return TextDifference(name=name, old=_text(old), new=_text(new))


def _items(value: object) -> list[str] | None:
    if not isinstance(value, tuple):
        return None
    entries: tuple[object, ...] = value  # pyright: ignore[reportUnknownVariableType]: any items
    # A removed link stays in the row, with its end.
    standing = (entry for entry in entries if not isinstance(entry, Link) or entry.stood(None))
    return [_text(entry) for entry in standing]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return iso(value)
        case Link():
            return f"{value.relation} {value.to}"
        case Span():
            return f"{value.phrase} ({iso_day(value.start)})"
        case _:
            return str(value)


def notes_as_json(touched: Iterable[TouchedNote]) -> list[dict[str, object]]:
    """One object per note: its steps, and its changes by field."""
    return [
        {
            "note_id": entry.after.note_id,
            "line": one_line(entry.after),
            "steps": list(entry.steps),
            "created": entry.created,
            "changed": {
                difference.name: difference.as_json()
                for difference in differences(entry.before, entry.after)
            },
        }
        for entry in touched
    ]


def notes_as_lines(touched: Iterable[TouchedNote]) -> list[str]:
    """One heading per note, and below it one line per changed field."""
    lines = list[str]()
    for entry in touched:
        steps = ", ".join(dict.fromkeys(entry.steps))
        lines += [printable(f"{entry.after.note_id}  {one_line(entry.after)}  ({steps})")]
        lines += [
            f"  {difference.as_line()}" for difference in differences(entry.before, entry.after)
        ]
    return lines


async def print_history(settings: Settings, note_id: str, say: Say) -> None:
    """Print a note's revisions, oldest first.

    Raises:
        NoteNotFoundError: No note has this id.
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        found = await resolve_ids(memory, Caller(), now=utc_now(), typed=[note_id])
        (meant,) = found["note_ids"]
        revisions = await memory.store.revisions(meant)
        if not revisions:
            raise await not_found(memory, meant)
        short = await shorten_ids(memory, Caller(), now=utc_now(), note_ids=[meant])
    last = revisions[-1]
    head = f"{short['short'][meant]}  {last.namespace}  {last.state}  {one_line(last)}"
    say(Output(None, printable(head)))
    for before, note in zip((None, *revisions), revisions, strict=False):
        say(Output(_revision_data(before, note), _revision_text(before, note)))


def _revision_data(before: Note | None, note: Note) -> Mapping[str, object]:
    times = {
        "known_from": note.known_from,
        "known_to": note.known_to,
        "happened_at": note.happened_at,
        "true_from": note.valid_from,
        "true_until": note.valid_until,
        "world_changed_at": note.ended_at,
    }
    data: dict[str, object] = {
        "rev": note.rev,
        **{name: moment for name, moment in times.items() if moment},
        "corrected": note.corrected,
        "by": note.changed_by,
        "change": note.change,
        "reason": note.reason,
        "run_id": note.run_id,
        "state": note.state,
        "changed": {change.name: change.as_json() for change in differences(before, note)},
    }
    return {name: value for name, value in data.items() if value != ""}


def _revision_text(before: Note | None, note: Note) -> str:
    by = f" by {note.changed_by}" if note.changed_by else ""
    run = f", {note.run_id}" if note.run_id else ""
    why = f": {note.reason}" if note.reason else ""
    head = f"rev {note.rev}  {iso(note.known_from)}  {note.change}{by}{run}{why}"
    changed = [f"  {change.as_line()}" for change in differences(before, note)]
    return "\n".join((printable(head), f"  {_validity(note)}", *changed))


def _validity(note: Note) -> str:
    """From when to when the note's statement was true."""
    ends = [moment for moment in (note.valid_until, note.ended_at) if moment]
    until = f" until {iso(min(ends))}" if ends else ""
    text = f"true from {iso(note.valid_from)}{until}"
    if note.ended_at and note.ended_at <= note.valid_from:
        text = f"told to be true from {iso(note.valid_from)}, but the world changed"
        text += f" {iso(note.ended_at)}, was told next"
    elif note.ended_at:
        text += ", when the world changed"
    if note.corrected and note.known_to:
        text += f"; corrected {iso(note.known_to)}"
    return text
