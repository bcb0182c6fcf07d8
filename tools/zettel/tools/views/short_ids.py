"""Note ids as people type and read them: the end of an id, or its beginning.

An id begins with its time (github.com/ulid/spec), so notes of one afternoon begin alike: what is
shown is the end, as many characters as tell it from all others. Understood are the end, the
beginning, and the beginning of what is shown.
"""

# pydantic reads no schema from here, but answers.py is TypedDicts of this kind.

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from typing_extensions import TypedDict

from zettel.storage.errors import InvalidArgumentError, NoteNotFoundError
from zettel.storage.ids import is_id
from zettel.storage.notes import Outline
from zettel.storage.read_view import in_one_view
from zettel.storage.store import NoteFilter, NoteReader
from zettel.tools.caller import Caller
from zettel.tools.concurrency import read_in_thread
from zettel.tools.render import one_line
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_NAME

SHORT_ID_CHARACTERS = 7
"""Characters shown of an id, as git shows: 35 random bits. Two of 20,000 notes end alike in six of
1,000 stores, and are then shown with more."""
TYPED_MIN_CHARACTERS = 4
"""Least characters of an id that are understood (as git's `core.abbrev`)."""
FITTING_SHOWN = 10
"""Notes that an error names."""
EVERY_NOTE = 10_000_000


class NoteIds(TypedDict):
    """The ids that were meant."""

    note_ids: list[str]


class ShortIds(TypedDict):
    """Ids as they are shown."""

    short: dict[str, str]
    """Note id -> the shortest end that no other note has, at least `SHORT_ID_CHARACTERS`."""


@in_one_view
async def resolve_ids(
    memory: Memory, _caller: Caller, *, now: datetime, typed: Sequence[str]
) -> NoteIds:
    """The note ids that were typed, as `read_typed_ids`.

    Raises:
        NoteNotFoundError: It fits no note of the caller's.
        InvalidArgumentError: It fits several, or is too short.
    """
    del now  # as every function of a reading takes it
    return NoteIds(note_ids=await read_typed_ids(memory.store, typed))


async def read_typed_ids(store: NoteReader, typed: Sequence[str]) -> list[str]:
    """The note ids that were typed, whole or in part, in the order given.

    Notes of every state count. A whole id is taken as it is, whether or not there is such a note.

    Raises:
        NoteNotFoundError: It fits no note of the store.
        InvalidArgumentError: It fits several, or is too short.
    """
    texts = [text.strip().upper() for text in typed]
    if all(is_id(text) for text in texts):
        return texts
    for text in texts:
        if len(text) < TYPED_MIN_CHARACTERS:
            problem = f"{text!r} is too short for the id of a note"
            remedy = f"Type {TYPED_MIN_CHARACTERS} characters or more."
            raise InvalidArgumentError("ID", problem, remedy)
    return await read_in_thread(_meant_by_all, texts, await _every(store))


@in_one_view
async def shorten_ids(
    memory: Memory, _caller: Caller, *, now: datetime, note_ids: Sequence[str]
) -> ShortIds:
    """The ends of ids to show; of an id that is not in the store, the id itself."""
    del now
    known = await _every(memory.store)
    return ShortIds(short=await read_in_thread(_shortened, note_ids, known))


async def _every(store: NoteReader) -> Sequence[Outline]:
    return await store.outlines(NoteFilter(states=(), derived=None), limit=EVERY_NOTE)


def _meant_by_all(texts: Sequence[str], known: Sequence[Outline]) -> list[str]:
    return [text if is_id(text) else _meant_by(text, known) for text in texts]


def _meant_by(text: str, known: Sequence[Outline]) -> str:
    fitting = [o for o in known if _fits(text, o.note_id)]
    if not fitting:
        raise NoteNotFoundError(text[:MAX_NAME])
    if len(fitting) > 1:
        newest = sorted(fitting, key=lambda o: o.note_id, reverse=True)[:FITTING_SHOWN]
        lines = "".join(f"\n  {o.note_id}  {one_line(o)}" for o in newest)
        more = len(fitting) - len(newest)
        rest = f"\n  and {more} more" if more else ""
        problem = f"{text!r} fits {len(fitting)} notes:{lines}{rest}\n"
        raise InvalidArgumentError("ID", problem.strip(), "Type more of the one that is meant.")
    return fitting[0].note_id


def _fits(text: str, note_id: str) -> bool:
    """Whether it is the beginning or the end of the id, or the beginning of what is shown of it."""
    shown = note_id[-SHORT_ID_CHARACTERS:]
    return note_id.startswith(text) or note_id.endswith(text) or shown.startswith(text)


def _shortened(note_ids: Sequence[str], known: Sequence[Outline]) -> dict[str, str]:
    wanted = {note_id[-SHORT_ID_CHARACTERS:] for note_id in note_ids}
    alike = defaultdict[str, set[str]](set)
    for outline in known:
        note_id = outline.note_id
        for part in (note_id[-SHORT_ID_CHARACTERS:], note_id[:SHORT_ID_CHARACTERS]):
            if part in wanted:
                alike[part].add(note_id)
    return {
        note_id: _shortest(note_id, alike[note_id[-SHORT_ID_CHARACTERS:]]) for note_id in note_ids
    }


def _shortest(note_id: str, alike: set[str]) -> str:
    if note_id not in alike:
        return note_id
    for length in range(SHORT_ID_CHARACTERS, len(note_id)):
        end = note_id[-length:]
        if not any(other.endswith(end) or other.startswith(end) for other in alike - {note_id}):
            return end
    return note_id
