"""How an argument that somebody has begun to write may go on: names and ids that memory holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.recall.modes import namespaces_seen
from zettel.tools.recall_request import RecallRequest, check
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_NAME

Name = Literal["subject", "tags", "namespace", "id"]

MOST = 100
"""Values a completion may hold (MCP 2025-11-25 and 2026-07-28, completion)."""
NEWEST = 1_000
"""Notes whose ids are offered: nobody types the beginning of an older one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the argument may be."""

    values: tuple[str, ...] = ()
    """Best first, at most `MOST`."""
    total: int = 0


async def complete(
    memory: Memory, caller: Caller, *, now: datetime, name: Name, begun: str, namespace: str = ""
) -> Completion:
    """Complete an argument with what a recall of this caller could show.

    Args:
        memory: Where.
        caller: Who asks.
        now: The moment.
        name: What is being named.
        begun: What is written of it so far; of tags the last one, after a comma.
        namespace: Where, if that is settled already.

    Raises:
        InvalidArgumentError: The namespace's name cannot be one.
    """
    where = check(RecallRequest(namespace=namespace), caller, now).where
    before, comma, last = begun[:MAX_NAME].rpartition(",") if name == "tags" else ("", "", begun)
    known = await _known(memory, where, name)
    found = _ranked(known, last.strip(), taken=[tag.strip() for tag in before.split(",")])
    lead = f"{before}{comma} " if comma else ""
    return Completion(values=tuple(lead + value for value in found[:MOST]), total=len(found))


async def _known(memory: Memory, where: NoteFilter, name: Name) -> Mapping[str, int]:
    """Value -> how much speaks for it."""
    match name:
        case "namespace":
            return await namespaces_seen(memory, where)
        case "subject":
            return (await memory.store.facets(where)).subjects
        case "tags":
            return (await memory.store.facets(where)).tags
        case "id":
            notes = await memory.store.find(replace(where, derived=None), limit=NEWEST)
            return {note.note_id: -rank for rank, note in enumerate(notes)}


def _ranked(known: Mapping[str, int], begun: str, *, taken: Iterable[str]) -> list[str]:
    """Those that begin so, then those that hold it somewhere; each the commonest first."""
    wanted, left = begun.casefold(), known.keys() - set(taken) - {""}
    fitting = [value for value in left if wanted in value.casefold()]
    return sorted(fitting, key=lambda v: (not v.casefold().startswith(wanted), -known[v], v))
