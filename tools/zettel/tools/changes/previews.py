"""Previews that wait for a confirmation, stored in `meta`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from pydantic import TypeAdapter

from zettel.storage.erasure.traces import ids_in
from zettel.storage.errors import ExpiredTokenError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore, Store

PREVIEW_LIFETIME = timedelta(minutes=15)
"""Documented in the design, section 5."""
MAX_PREVIEWS = 64
"""Previews stored at once; the oldest is dropped first."""
_KEY = "previews"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The effect of a confirmation."""

    revs: Mapping[str, int]
    """Note id -> previewed revision; empty once an erasure is confirmed."""
    undo: bool
    erase: bool = False
    elsewhere: tuple[str, ...] = ()
    """For an erasure, ids of other notes with the same text."""
    expires: str
    """ISO 8601."""
    receipt_id: str = ""
    """Id of a confirmed erasure's receipt."""
    skipped: tuple[str, ...] = ()
    """For a confirmed erasure, notes that changed after the preview."""
    done: Mapping[str, object] | None = None
    """Answer of the confirmation, returned again when it is repeated."""


_PREVIEWS = TypeAdapter(dict[str, Preview])


async def put_preview(store: NoteStore, preview: Preview, *, now: datetime) -> str:
    """Stores a preview and returns its token."""
    token = token_hex(8)
    await finish_preview(store, token, preview, now=now)
    return token


async def finish_preview(store: NoteStore, token: str, preview: Preview, *, now: datetime) -> None:
    """Replaces a preview by its confirmed state."""

    def added(raw: str | None) -> str:
        kept = _read(raw, now) | {token: preview}
        return _written(dict(list(kept.items())[-MAX_PREVIEWS:]))

    await update_meta(store, _KEY, added)


async def get_preview(store: NoteStore, token: str, *, now: datetime) -> Preview:
    """The preview of a token.

    Raises:
        ExpiredTokenError: Unknown or older than `PREVIEW_LIFETIME`.
    """
    kept = _read(await store.get_meta(_KEY), now)
    if token not in kept:
        raise ExpiredTokenError("confirm token", "Call forget with the filters again.")
    return kept[token]


async def withdraw_previews(store: Store, note_ids: Sequence[str], *, now: datetime) -> None:
    """Drops every caller's previews and answers that name one of these erased notes.

    Expired previews are dropped as well.
    """
    gone = frozenset(note_ids)

    def rest(raw: str | None) -> str | None:
        kept = {t: p for t, p in _read(raw, now).items() if not _names(p, gone)}
        return _written(kept) if kept else None

    for key in await store.meta_keys(_KEY):
        await update_meta(store, key, rest, attempts=None)


def _names(preview: Preview, gone: frozenset[str]) -> bool:
    done = json.dumps(preview.done)
    named = {*preview.revs, *preview.elsewhere, *preview.skipped}
    return not gone.isdisjoint(named) or not gone.isdisjoint(ids_in(done))


def _written(kept: dict[str, Preview]) -> str:
    return _PREVIEWS.dump_json(kept).decode()


def _read(raw: str | None, now: datetime) -> dict[str, Preview]:
    previews = _PREVIEWS.validate_json(raw) if raw else {}
    return {t: p for t, p in previews.items() if datetime.fromisoformat(p.expires) > now}
