"""Note ids as people type and read them, asked of the memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.engine.ipc.handshake import Json

if TYPE_CHECKING:
    from zettel.tools.views.short_ids import NoteIds, ShortIds

ASKED_AT_ONCE = 64
"""Ids of one call: the most that a list of the tools' may have."""


def meant_ids(call: MemoryCall, typed: Sequence[str]) -> list[str]:
    """The ids of notes that were typed whole, or by their end or beginning.

    Raises:
        NoteNotFoundError: There is no such note.
        InvalidArgumentError: There are several, or it is too short.
    """
    return [
        note_id
        for part in _parts(typed)
        for note_id in cast("NoteIds", call("ids", typed=part))["note_ids"]
    ]


def short_ids(call: MemoryCall, note_ids: Sequence[str]) -> Mapping[str, str]:
    """Note id -> the short one to print."""
    wanted = list(dict.fromkeys(note_ids))
    return {
        note_id: short
        for part in _parts(wanted)
        for note_id, short in cast("ShortIds", call("short_ids", note_ids=part))["short"].items()
    }


def _parts(ids: Sequence[str]) -> list[list[Json]]:
    return [[*ids[at : at + ASKED_AT_ONCE]] for at in range(0, len(ids), ASKED_AT_ONCE)]
