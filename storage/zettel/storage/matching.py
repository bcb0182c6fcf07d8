"""The notes that match a text best, as far as their outlines tell."""

from collections.abc import Sequence
from dataclasses import replace

from zettel.storage.notes import Outline
from zettel.storage.store import NoteFilter, NoteReader


async def match_outlines(
    store: NoteReader, text: str, where: NoteFilter, *, limit: int, counted: Sequence[str] = ()
) -> list[Outline]:
    """Outlines of the `limit` notes that match a text best, in the store's order.

    `counted` are the namespaces behind the scores, as for `NoteReader.match_text`.
    """
    if not text:
        return []
    hits = await store.match_text(text, where, limit=limit, counted=counted)
    ids = tuple(hit.note_id for hit in hits)
    return await store.outlines(replace(where, note_ids=ids), limit=len(ids)) if ids else []
