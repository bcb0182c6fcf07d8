"""Previews that wait for a confirmation: kept in the store, so that they outlive a restart."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from zettel.storage.erasure.traces import ids_in
from zettel.storage.errors import ExpiredTokenError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore, Store

PREVIEW_LIFETIME = timedelta(minutes=15)
"""How long a preview can be confirmed (design, section 5)."""
MAX_PREVIEWS = 64
"""Previews kept at once; the oldest goes first."""
_KEY = "previews"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a confirmation will do, and to which revisions."""

    revs: Mapping[str, int]
    """Note id -> revision previewed."""
    undo: bool
    erase: bool = False
    elsewhere: tuple[str, ...] = ()
    """Of an erasure, ids of other notes with the same text."""
    expires: str
    """ISO 8601."""
    receipt_id: str = ""
    """Of an erasure, its receipt once it was confirmed: then `revs` names no note any more."""
    skipped: tuple[str, ...] = ()
    """Of a confirmed erasure, notes that were changed after the preview."""
    done: Mapping[str, object] | None = None
    """The answer once confirmed: the same one is given again."""


async def put_preview(store: NoteStore, preview: Preview, *, now: datetime) -> str:
    """Keep a preview; returns its token."""
    token = token_hex(8)
    await finish_preview(store, token, preview, now=now)
    return token


async def finish_preview(store: NoteStore, token: str, preview: Preview, *, now: datetime) -> None:
    """Keep the answer beside the preview it confirmed."""

    def added(raw: str | None) -> str:
        kept = _read(raw, now) | {token: preview}
        return _written(dict(list(kept.items())[-MAX_PREVIEWS:]))

    await update_meta(store, _KEY, added)


async def get_preview(store: NoteStore, token: str, *, now: datetime) -> Preview:
    """The preview of a token.

    Raises:
        ExpiredTokenError: It is unknown or older than `PREVIEW_LIFETIME`.
    """
    kept = _read(await store.get_meta(_KEY), now)
    if token not in kept:
        raise ExpiredTokenError("confirm token", "Call forget with the filters again.")
    return kept[token]


async def withdraw_previews(store: Store, note_ids: Sequence[str], *, now: datetime) -> None:
    """Drop every preview, whosever, that names one of these notes: they are erased.

    So are the lines of its answer. What has expired goes, too.
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


def _written(kept: Mapping[str, Preview]) -> str:
    return json.dumps({token: asdict(preview) for token, preview in kept.items()})


def _read(raw: str | None, now: datetime) -> dict[str, Preview]:
    kept: dict[str, dict[str, object]] = json.loads(raw) if raw else {}
    previews = {
        token: Preview(**fields)  # pyright: ignore[reportArgumentType]: as `_written` wrote them
        for token, fields in kept.items()
    }
    return {t: p for t, p in previews.items() if datetime.fromisoformat(p.expires) > now}
