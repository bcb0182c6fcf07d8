"""Checks drafts as `remember` checks what agents say: secrets cut, bounds kept, long texts cut."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import PART_OF, Note, Origin, fold_hash
from zettel.tools import validation
from zettel.tools.imports.drafts import Draft, DraftLink, Skipped
from zettel.tools.language.documents import cut_document
from zettel.tools.language.times import LAST_MOMENT, TICK
from zettel.tools.note_marks import note_marks
from zettel.tools.render import shorten
from zettel.tools.secrets.cutting import SecretMode, cut_secrets
from zettel.tools.secrets.scanner import may_hold_secrets
from zettel.tools.trust import IMPORT_SCHEME, MARKED_TRUST, source_trust

TIES_MAX = timedelta(milliseconds=1)
"""Between the first and the last note of a batch that happened at the same time."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A draft that can be stored as it is."""

    draft: Draft
    folded: str
    """`fold_hash` of its content."""


def prepare(draft: Draft, secrets: SecretMode, cut: Counter[str]) -> Iterator[Ready | Skipped]:
    """The draft, checked, and as several if it is too long for one note; for a worker thread.

    `cut` counts what was cut, by kind.

    Raises:
        RulesUnavailableError: The rules that find secrets cannot be read.
    """
    where = place_of(draft)
    try:
        validation.check_content(draft.content, most=validation.MAX_DOCUMENT)
        draft = _within_bounds(draft)
        found = Counter[str]()
        draft = draft if secrets == "keep" else _without_secrets(draft, found)
        if found and secrets == "refuse":
            yield Skipped(where=where, reason="it holds what must stay secret", key=draft.key)
            return
        cut.update(found)
        for part in _parts(draft):
            validation.check_content(part.content)
            yield Ready(part, fold_hash(part.content))
    except InvalidArgumentError as error:
        yield Skipped(where=where, reason=error.problem, key=draft.key)


def place_of(draft: Draft) -> str:
    """Key of a draft on one line, by which a report names it."""
    return shorten(" ".join(draft.key.split()), validation.MAX_NAME)


def _within_bounds(draft: Draft) -> Draft:
    """The draft with its short fields shortened to what a note may have."""
    name, text = validation.MAX_NAME, validation.MAX_FIELD

    def named(field: str, value: str) -> str:
        return validation.check_name(field, shorten(" ".join(value.split()), name))

    tags = (named("tags", tag) for tag in draft.tags if len(tag) <= name)
    return replace(
        draft,
        context=validation.check_text("context", shorten(draft.context.strip(), text), most=text),
        source=validation.check_text("source", shorten(draft.source.strip(), text), most=text),
        subject=validation.check_subject(named("subject", draft.subject)),
        session=named("session", draft.session),
        tags=tuple(dict.fromkeys(tag for tag in tags if tag))[: validation.MAX_LIST],
    )


def _without_secrets(draft: Draft, cut: Counter[str]) -> Draft:
    texts = (draft.content, draft.context, draft.source, draft.subject, draft.session, *draft.tags)
    if not any(map(may_hold_secrets, texts)):
        return draft
    content, context, source, subject, session, *tags = (cut_secrets(text, cut) for text in texts)
    return replace(
        draft,
        content=content,
        context=context,
        source=source,
        subject=subject,
        session=session,
        tags=tuple(tags),
    )


def _parts(draft: Draft) -> Iterator[Draft]:
    """The draft, or its parts in order, each `part_of` the first."""
    if len(draft.content) <= validation.MAX_CONTENT:
        yield draft
        return
    for number, content in enumerate(cut_document(draft.content, validation.MAX_CONTENT)):
        if not number:
            yield replace(draft, content=content)
        else:
            key, links = f"{draft.key}\npart {number}", (DraftLink(PART_OF, draft.key),)
            whole = draft.whole or draft.key
            yield replace(draft, key=key, content=content, links=links, whole=whole)


def source_of(draft: Draft, format_name: str, *, trusted: bool) -> str:
    """The source of its note: the import, unless the person vouches for it."""
    if trusted:
        return draft.source
    whole = f"{IMPORT_SCHEME}:{format_name} {draft.source}".strip()
    return shorten(whole, validation.MAX_FIELD)


def moments(drafts: Sequence[Draft], now: datetime) -> list[datetime]:
    """When each draft of a batch happened; ties are apart by microseconds, in the source's order.

    What has no time happened now: notes are ordered by when they happened.
    """
    found, tied = list[datetime](), 0
    for place, draft in enumerate(drafts):
        before = drafts[place - 1].happened_at if place else None
        if draft.happened_at is None:
            found.append(now - (len(drafts) - place) * TICK)
            continue
        tied = tied + 1 if draft.happened_at == before else 0
        found.append(min(draft.happened_at, LAST_MOMENT - TIES_MAX) + tied * TICK)
    return found


def stated_time(draft: Draft) -> datetime | None:
    """When its note happened by what the source says, ties aside; None if that says nothing."""
    if draft.happened_at is None:
        return None
    return before_end(draft, min(draft.happened_at, LAST_MOMENT - TIES_MAX))


def before_end(draft: Draft, happened: datetime) -> datetime:
    """The time, or the last one before the draft's end: a fact that is over was true until then."""
    return min(happened, draft.valid_until - TICK) if draft.valid_until else happened


def as_note(
    draft: Draft,
    note_id: str,
    *,
    happened: datetime,
    namespace: str,
    source: str,
    origin: Origin,
    by: str,
    run_id: str,
    now: datetime,
) -> tuple[Note, bool]:
    """The note of a checked draft, known from now on, and whether its text is marked."""
    happened = before_end(draft, happened)
    note = Note(
        note_id=note_id,
        namespace=namespace,
        content=draft.content,
        context=draft.context,
        subject=draft.subject,
        tags=draft.tags,
        kind=draft.kind,
        session=draft.session,
        source=source,
        happened_at=happened,
        valid_from=min(happened, now),
        valid_until=draft.valid_until,
        known_from=now,
        origin=origin,
        changed_by=by,
        run_id=run_id,
        derived_by={name: "agent" for name in ("context", "tags") if getattr(draft, name)},
    )
    marked = bool(note_marks(note))
    trust = source_trust(source)
    return replace(note, trust=min(trust, MARKED_TRUST) if marked else trust), marked
