"""The ways to recall: read ids, ask, list, look around, and go on with the next page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zettel.storage.errors import NoteNotFoundError
from zettel.storage.identifiers import new_id
from zettel.storage.notes import Kind, Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.answers import Overview, RecallAnswer
from zettel.tools.asking import Asked
from zettel.tools.assemble import Page, assemble
from zettel.tools.bounds import nearest
from zettel.tools.memory import Memory
from zettel.tools.pages import Cursor
from zettel.tools.ranking.fusion import Ranked
from zettel.tools.remember import MODEL_LOADING
from zettel.tools.search import search

PROFILE = 20
"""Core notes shown by a recall without arguments."""
OPEN_WORK = 10
"""Open working notes of this session shown by it."""
COMMONEST = 12
"""Tags and namespaces named by it."""
SHOWN_NAME = 60
"""Characters of a name in a reason, so that the smallest budget holds it."""
LISTED = 1_000
"""Most notes a list goes through, over all its pages."""


async def questioned(memory: Memory, asked: Asked) -> RecallAnswer:
    """Rank the scope for the question."""
    found = await search(memory, asked.asking.query, asked.where)
    ids = [ranked.note_id for ranked in found.ranked]
    page = Page(ids=ids, shares={r.note_id: r for r in found.ranked}, key=new_id(asked.now))
    if not found.with_meaning:
        page = replace(page, degraded=f"{MODEL_LOADING}: found by words only")
    return await assemble(memory, asked, page, reason=await _why_nothing(memory, asked, ids))


async def listed(memory: Memory, asked: Asked) -> RecallAnswer:
    """All matches of the filters, newest first."""
    notes = await memory.store.find(asked.where, limit=LISTED)
    page = Page(ids=[note.note_id for note in notes], key=new_id(asked.now))
    return await assemble(memory, asked, page, reason=await _why_nothing(memory, asked, page.ids))


async def next_page(memory: Memory, asked: Asked, cursor: Cursor) -> RecallAnswer:
    """Go on where a page ended; what is no longer active by now is left out."""
    ids = memory.pages.ranking(cursor.key) or asked.note_ids or None
    ranked = dict[str, Ranked]()
    if ids is None:
        if asked.asking.query:
            found = await search(memory, asked.asking.query, asked.where)
            ranked = {r.note_id: r for r in found.ranked}
            ids = tuple(ranked)
        else:
            ids = tuple(n.note_id for n in await memory.store.find(asked.where, limit=LISTED))
    page = Page(
        ids=ids,
        shares=ranked,
        key=cursor.key,
        offset=cursor.offset,
        known_at=cursor.known_at,
        any_state=bool(asked.note_ids),
    )
    return await assemble(memory, asked, page, reason="There are no further notes.")


async def read(memory: Memory, asked: Asked) -> RecallAnswer:
    """The notes of these ids, in any state but forgotten."""
    notes = await memory.store.get(asked.note_ids)
    there = [note for note in notes if note.state is not State.FORGOTTEN]
    missing = [i for i in asked.note_ids if i not in {note.note_id for note in there}]
    if not there:
        raise NoteNotFoundError(missing[0])
    page = Page(ids=[note.note_id for note in there], key=new_id(asked.now), any_state=True)
    everything = replace(asked, asking=replace(asked.asking, limit=max(len(there), 1)))
    answer = await assemble(memory, everything, page, reason="")
    if missing:
        answer["reason"] = f"No note with id {', '.join(missing)}."
    return answer


async def overview(memory: Memory, asked: Asked) -> RecallAnswer:
    """Profile, this session's open work, the newest notes, the commonest tags, the namespaces."""
    where, limit = asked.where, asked.asking.limit
    profile = await memory.store.find(replace(where, kinds=(Kind.CORE,)), limit=PROFILE)
    work = list[Note]()
    if asked.caller.session:
        open_work = replace(where, kinds=(Kind.WORKING,), sessions=(asked.caller.session,))
        work = await memory.store.find(open_work, limit=OPEN_WORK)
    newest = await memory.store.find(where, limit=limit)
    ids = list(dict.fromkeys(note.note_id for note in (*profile, *work, *newest)))
    ids = ids[: max(limit, len(profile) + len(work))]
    facets = await memory.store.facets(NoteFilter(valid_at=asked.now))
    here = await memory.store.facets(where)
    around = Overview()
    if here.tags:
        around["tags"] = _commonest(here.tags)
    if facets.namespaces:
        around["namespaces"] = _commonest(facets.namespaces)
    everything = replace(asked, asking=replace(asked.asking, limit=max(len(ids), 1)))
    page = Page(ids=ids, key=new_id(asked.now), overview=around)
    reason = "Nothing is remembered here yet." if not ids else ""
    return await assemble(memory, everything, page, reason=reason)


def _commonest(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:COMMONEST])


async def _why_nothing(memory: Memory, asked: Asked, ids: Sequence[str]) -> str:
    """Why nothing matched, and the nearest name that would."""
    if ids:
        return ""
    where = asked.where
    everywhere = await memory.store.facets(NoteFilter(states=()))
    asked_for = where.namespaces[0]
    if asked_for not in everywhere.namespaces and asked.asking.namespace:
        meant = nearest(asked_for, everywhere.namespaces)
        hint = f"; the nearest is {meant!r}" if meant else ""
        return f"Namespace {asked_for!r} holds no notes{hint}."
    facets = await memory.store.facets(NoteFilter(namespaces=where.namespaces))
    if where.subject and where.subject.lower() not in {s.lower() for s in facets.subjects}:
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
