"""Views of notes for agents: keys with empty or default values are left out."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from zettel.storage.notes import Kind, Note, Outline, State, fold
from zettel.tools.answers import Copy, RecalledNote
from zettel.tools.language.dates import moving_days
from zettel.tools.language.times import iso, iso_day, wall_time
from zettel.tools.language.transcripts import without_cue_times
from zettel.tools.trust import FULL_TRUST, TrustView

UNQUOTED_KEYS = ("rev", "tags", "session", "source")
"""Keys of `note_view` that `detail="full"` and a reading by id show, and nothing else."""
QUOTED_MAX_CHARACTERS = 600
"""Longest content that an answer to a question quotes whole: of a longer one it quotes the best
passages, some four to eight sentences. A greater `max_tokens` than the default shows more."""
LATER_QUOTED_MAX_CHARACTERS, FIRST_PLACES = 300, 3
"""The same of the notes behind the first `FIRST_PLACES`. Of 93 notes that answer a question about
668 reports of an engineer's sessions, 87 instead of 89 show the words that answer it, in 1,108
instead of 1,272 tokens at the median; at 200 characters 83, in 1,035 (`benchmarks/RESULTS.md`)."""
DAY_CHARACTERS, MINUTE_CHARACTERS = len("2026-01-01"), len("2026-01-01T00:00")
"""Of a time in ISO 8601."""
LINE_MAX_CHARACTERS = 120
"""Most characters of a note's one line."""


def to_json(value: object) -> str:
    """Compact JSON, the form every answer is sent in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def count_tokens(value: object) -> int:
    """Size of an answer: UTF-8 bytes of its compact JSON over 4, rounded up (design, section 6)."""
    return -(-len(to_json(value).encode()) // 4)


def shorten(text: str, most: int) -> str:
    """The text, or as much of its beginning as leaves room for an ellipsis in `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(note: Note | Outline) -> str:
    """Day, subject and the beginning of the content, on one line."""
    return shorten(f"{iso_day(note.happened_at)} {told_by_whom(note)}", LINE_MAX_CHARACTERS)


def told_by_whom(note: Note | Outline) -> str:
    """Subject and content on one line, the subject once: the turns of a talk begin with it."""
    words = " ".join(without_cue_times(note.content).split())
    named = not note.subject or fold(words).startswith(f"{fold(note.subject)}:")
    return words if named else f"{note.subject}: {words}"


def copy_line(copy: Note, shown: Note) -> Copy:
    """A copy of a note that is shown."""
    line = Copy(note_id=copy.note_id, happened_at=iso(copy.happened_at))
    if copy.namespace != shown.namespace:
        line["namespace"] = copy.namespace
    return line


def note_view(note: Note, reader: TrustView, *, namespace: str, context: bool) -> RecalledNote:
    """A note in `notes` detail.

    Args:
        note: The note.
        reader: Sees who told it, and its trust, where these are not its own and full.
        namespace: The caller's own namespace, which is left out.
        context: Whether to include the note's context.
    """
    view = RecalledNote(
        note_id=note.note_id, content=note.content, happened_at=iso(note.happened_at)
    )
    if note.rev > 1 or not note.current:
        view["rev"] = note.rev
    if note.tags:
        view["tags"] = list(note.tags)
    if note.kind is not Kind.EPISODIC:
        view["kind"] = note.kind.value
    if until := _true_until(note):
        view["valid_until"] = iso(until)
    if note.namespace != namespace:
        view["namespace"] = note.namespace
    _add_trust(view, note, reader)
    if note.state is not State.ACTIVE:
        view["state"] = note.state.value
    stated = note.context if context and note.derived_by.get("context") != "rule" else ""
    words = {"context": stated, "subject": note.subject, "source": note.source}
    for name, value in {**words, "session": note.session}.items():
        if value:
            view[name] = value
    return view


def quoted_characters(place: int) -> int:
    """Longest content that an answer quotes whole at a place of its page, from 0."""
    return QUOTED_MAX_CHARACTERS if place < FIRST_PLACES else LATER_QUOTED_MAX_CHARACTERS


def quoted_view(
    note: Note,
    reader: TrustView,
    *,
    namespace: str,
    context: bool,
    time: str,
    now: datetime,
    most: int,
) -> RecalledNote:
    """A note as an answer to a question or a list quotes it: when, about whom, the words.

    Tags, session, source and revision are left out, the kind `semantic`, and a subject that the
    words name.

    Args:
        note: The note.
        reader: As for `note_view`.
        namespace: As for `note_view`.
        context: As for `note_view`.
        time: Of `times_to_show`.
        now: When it is read: on the day when it happened "tomorrow" needs no date, if that day is
            the same here and in UTC, in which its time is told.
        most: Characters up to which its words are shown whole.
    """
    view = note_view(note, reader, namespace=namespace, context=context)
    for name in UNQUOTED_KEYS:
        view.pop(name, None)  # pyright: ignore[reportArgumentType]: keys of the type
    if note.kind is Kind.SEMANTIC:
        view.pop("kind", None)
    subject, view["happened_at"] = view.pop("subject", ""), time
    quoted = RecalledNote(note_id=note.note_id, happened_at=time)
    if subject and not _names_subject(note, most):
        quoted["subject"] = subject
    quoted.update(view)
    at = note.happened_at
    dates = {moment.date() for moment in (at, wall_time(at), wall_time(now))}
    if len(dates) > 1 and (days := moving_days(note)):
        quoted["days"] = ", ".join(days)
    return quoted


def _names_subject(note: Note, most: int) -> bool:
    """Whether the words, which are shown whole, name the subject."""
    if len(note.content) > most:
        return False
    name = re.escape(fold(note.subject))
    return re.search(rf"(?<!\w){name}(?!\w)", fold(note.content)) is not None


def times_to_show(notes: Iterable[Note]) -> dict[str, str]:
    """Note id -> when it happened, as short as tells the order of the notes.

    ISO 8601 in UTC: the day at midnight, else to the minute; to the second where two notes of
    different seconds share a minute.
    """
    times = {note.note_id: iso(note.happened_at) for note in notes}
    seconds = defaultdict[str, set[str]](set)
    for time in times.values():
        seconds[time[:MINUTE_CHARACTERS]].add(time)
    return {note_id: _short(time, seconds) for note_id, time in times.items()}


def _short(time: str, seconds: Mapping[str, Collection[str]]) -> str:
    minute = time[:MINUTE_CHARACTERS]
    if len(seconds[minute]) > 1:
        return time
    return time[:DAY_CHARACTERS] if time.endswith("T00:00:00Z") else f"{minute}Z"


def _true_until(note: Note) -> datetime | None:
    """The end of its validity: its own, or the one set by the next revision."""
    ends = [end for end in (note.valid_until, note.ended_at) if end]
    return min(ends, default=None)


def _add_trust(view: RecalledNote, note: Note, reader: TrustView) -> None:
    if author := reader.other_author(note):
        view["by"] = author
    if (trust := reader.trust(note)) < FULL_TRUST:
        view["trust"] = round(trust, 3)


def index_view(note: Note, reader: TrustView, *, namespace: str) -> RecalledNote:
    """A note in `index` detail: its id and one line."""
    view = RecalledNote(note_id=note.note_id, line=one_line(note))
    if note.namespace != namespace:
        view["namespace"] = note.namespace
    _add_trust(view, note, reader)
    return view
