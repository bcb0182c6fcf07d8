"""Notes about which the LLM gave no answer: stored in `meta`, asked about when it does again.

Ids alone are stored. Answers that were refused are no part of this: they would be the same again.
"""

import json
from collections.abc import Collection, Mapping

from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore, Store

UNANSWERED_MAX_NOTES = 5_000
"""Notes kept, the first told: some 200 KB, rewritten once a run; of later ones the rule's words
stay."""
LOST_MAX_TRIES = 3
"""Questions that may be lost for one note after they may have cost tokens (a time-out, a response
that is none): each run would pay for the next one. Set by hand."""
_KEY = "llm:unanswered"


async def read_unanswered(store: NoteStore) -> list[str]:
    """Ids of the notes to ask about again, in the order in which they were told."""
    return sorted(_read(await store.get_meta(_KEY)))


async def keep_unanswered(
    store: NoteStore, found: Mapping[str, bool], done: Collection[str]
) -> None:
    """Adds notes without an answer, and removes those that are done.

    `found` is by note id whether its question may have cost tokens, and counts above `done`.
    """

    def kept(raw: str | None) -> str | None:
        before = _read(raw)
        tries = {i: before.get(i, 0) + spent for i, spent in found.items()}
        rest = {i: count for i, count in before.items() if i not in found and i not in done}
        rest |= {i: count for i, count in tries.items() if count < LOST_MAX_TRIES}
        return _written(rest)

    await update_meta(store, _KEY, kept, attempts=None)


async def drop_erased_unanswered(store: Store, note_ids: Collection[str]) -> None:
    """Removes erased notes from every caller's list."""

    def rest(raw: str | None) -> str | None:
        return _written({i: count for i, count in _read(raw).items() if i not in note_ids})

    for key in await store.meta_keys(_KEY):
        await update_meta(store, key, rest, attempts=None)


def _read(raw: str | None) -> dict[str, int]:
    return json.loads(raw) if raw else {}


def _written(tries: Mapping[str, int]) -> str | None:
    first = sorted(tries)[:UNANSWERED_MAX_NOTES]
    return json.dumps({note_id: tries[note_id] for note_id in first}) if first else None
