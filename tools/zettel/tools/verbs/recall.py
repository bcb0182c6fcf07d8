"""The verb `recall`: notes for a question, a filter, ids, or an overview."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.tools.answers import RecallAnswer
from zettel.tools.caller import Caller
from zettel.tools.recall.modes import recall_page
from zettel.tools.recall_request import RecallRequest, check
from zettel.tools.state.memory import Memory
from zettel.tools.validation import MAX_LIMIT, check_range


async def recall(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    query: str | None = None,
    note_ids: Sequence[str] | None = None,
    subject: str | None = None,
    tags: Sequence[str] | None = None,
    kind: str | None = None,
    session: str | None = None,
    since: str | None = None,
    until: str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    limit: int | None = None,
    max_tokens: int | None = None,
    detail: str | None = None,
    cursor: str | None = None,
    namespace: str | None = None,
) -> RecallAnswer:
    """Answers from memory within `max_tokens`.

    `note_ids` reads those notes; a query searches, and without a `limit` shows as many notes as
    match well; filters alone list all matches, newest first; no
    argument gives the profile, open work and the newest notes; `cursor` continues
    with the first page's `limit`, `max_tokens` and `detail` where they are absent here. `as_of`
    selects what was true then, `known_at` what was stored then; both together, what was stored at
    one about the other.

    Raises:
        InvalidArgumentError: A value cannot be used, or belongs to another answer than the cursor.
        NoteNotFoundError: None of `note_ids` is there.
        ExpiredTokenError: The cursor is unknown.
    """
    if limit is not None:
        check_range("limit", limit, least=1, most=MAX_LIMIT)
    sizes = {"limit": limit, "max_tokens": max_tokens, "detail": detail}
    given = {name: value for name, value in sizes.items() if value is not None}
    request = RecallRequest(
        query=(query or "").strip(),
        note_ids=tuple(note_ids or ()),
        subject=subject or "",
        tags=tuple(tags or ()),
        kind=kind or "",
        session=session or "",
        since=since or "",
        until=until or "",
        as_of=as_of or "",
        known_at=known_at or "",
        namespace=namespace or "",
        **given,  # pyright: ignore[reportArgumentType]: own fields
    )
    if cursor and cursor.strip():
        page = memory.pages.read(cursor)
        _check_same(request, page.request, caller)
        again = replace(page.request, **given)  # pyright: ignore[reportArgumentType]: own fields
        return await recall_page(memory, check(again, caller, now), page)
    return await recall_page(memory, check(request, caller, now))


def _check_same(given: RecallRequest, first: RecallRequest, caller: Caller) -> None:
    """Check that what is given beside a cursor is what its first page was asked for.

    Times are not compared: the first page's are instants by now.

    Raises:
        InvalidArgumentError: Something else is given.
    """
    asked = replace(first, namespace=first.namespace or caller.namespace)
    for name in ("query", "note_ids", "subject", "tags", "kind", "session", "namespace"):
        if getattr(given, name) not in (getattr(RecallRequest(), name), getattr(asked, name)):
            raise InvalidArgumentError(
                "cursor",
                f"it continues an answer to another {name} than the one given with it",
                "Pass the cursor alone to go on, or the new arguments without it.",
            )
