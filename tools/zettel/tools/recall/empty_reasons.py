"""Why a recall found nothing, and the nearest name that would have been found."""

from collections.abc import Mapping

from zettel.storage.notes import fold
from zettel.storage.store import NoteFilter
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory
from zettel.tools.validation import nearest

SHOWN_NAME = 60
"""Characters of a name in a reason, so that the smallest budget holds it."""


async def missing_namespace(memory: Memory, asked: RecallQuery) -> str:
    """That the namespace asked for holds nothing, though others were searched along with it."""
    name = asked.where.namespaces[0]
    if not asked.asking.namespace.strip() or name in memory.namespaces:
        return ""
    if await memory.store.count(NoteFilter(namespaces=(name,), states=())):
        memory.namespaces.add(name)
        return ""
    known = (await memory.store.facets(NoteFilter(states=()))).namespaces
    meant = nearest(name, known)
    hint = f"; the nearest is {meant!r}" if meant else ""
    return f"Namespace {name!r} holds no notes{hint}."


async def why_nothing(memory: Memory, asked: RecallQuery) -> str:
    """Which of the names asked for is not there, or that nothing matches."""
    if missing := await missing_namespace(memory, asked):
        return missing
    where = asked.where
    facets = await memory.store.facets(NoteFilter(namespaces=where.namespaces))
    if where.subject and fold(where.subject) not in {fold(s) for s in facets.subjects}:
        return _unknown("subject", where.subject, facets.subjects)
    for tag in where.tags:
        if tag not in facets.tags:
            return _unknown("tag", tag, facets.tags)
    if asked.filtered:
        return "No note matches all the filters."
    return "No note matches." if facets.namespaces else "Nothing is remembered here yet."


def _unknown(what: str, name: str, known: Mapping[str, int]) -> str:
    meant = nearest(name, known)
    hint = f"; the nearest is {meant[:SHOWN_NAME]!r}" if meant else ""
    return f"No note has the {what} {name[:SHOWN_NAME]!r}{hint}."
