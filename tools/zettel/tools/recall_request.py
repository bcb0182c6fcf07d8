"""A recall's arguments: as given, as a cursor carries them, and as a checked question."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal

from zettel.storage.errors import ExpiredTokenError, InvalidArgumentError, UnknownNameError
from zettel.storage.notes import DERIVED_KINDS, DERIVED_TAGS, State
from zettel.storage.store import NoteFilter
from zettel.tools import validation
from zettel.tools.caller import Caller, searched_namespaces
from zettel.tools.language.times import Period, iso, read_time

Detail = Literal["index", "notes", "full"]
DETAILS: tuple[Detail, ...] = ("index", "notes", "full")

TRUE_THEN = (State.ACTIVE, State.SUPERSEDED)
"""States of notes that may be shown of another moment: a superseded one ends its validity."""

_SECOND = timedelta(seconds=1) - timedelta(microseconds=1)
"""From the beginning of a second to its last instant, at the store's resolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequest:
    """The arguments as given; empty is absent."""

    query: str = ""
    note_ids: tuple[str, ...] = ()
    subject: str = ""
    tags: tuple[str, ...] = ()
    kind: str = ""
    session: str = ""
    since: str = ""
    until: str = ""
    as_of: str = ""
    known_at: str = ""
    limit: int = 10
    max_tokens: int = 2000
    detail: str = "notes"
    namespace: str = ""

    def pack(self) -> dict[str, object]:
        """The fields that are not default."""
        return {
            f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default
        }


def unpack(packed: object) -> RecallRequest:
    """Read back what `pack` made.

    Raises:
        ExpiredTokenError: It is something else.
    """
    defaults = asdict(RecallRequest())
    if isinstance(packed, dict):
        given: dict[str, object] = {}
        for name, value in packed.items():  # pyright: ignore[reportUnknownVariableType]
            known = defaults.get(name)  # pyright: ignore[reportUnknownArgumentType]
            if known is None or not isinstance(value, list if known == () else type(known)):
                break
            given[name] = _texts(value) if known == () else value  # pyright: ignore[reportUnknownArgumentType]
        else:
            return RecallRequest(**given)  # pyright: ignore[reportArgumentType]
    raise ExpiredTokenError("cursor", "Call recall with the query again.")


def _texts(values: list[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallQuery:
    """A question, checked."""

    asking: RecallRequest
    caller: Caller
    now: datetime
    """The wall clock."""
    moment: datetime
    """What is true at this moment is shown, and what relative times are relative to: `as_of`,
    else `known_at`, else `now`."""
    known_at: datetime | None
    """What the store knew then is shown; None for all it knows."""
    note_ids: tuple[str, ...]
    where: NoteFilter
    since: Period | None
    until: Period | None
    detail: Detail

    def settled(self) -> RecallRequest:
        """The question with its times as instants: "today" on the next page is today's."""
        return replace(
            self.asking,
            since=self.since.start.isoformat() if self.since else "",
            until=self.until.last.isoformat() if self.until else "",
            as_of=self.moment.isoformat() if self.asking.as_of else "",
            known_at=self.known_at.isoformat() if self.known_at else "",
        )

    @property
    def looks_back(self) -> bool:
        """Whether another moment than now is asked about."""
        return bool(self.asking.as_of or self.known_at)

    @property
    def filtered(self) -> bool:
        """Whether any filter but the namespace is given."""
        w = self.where
        return bool(w.subject or w.tags or w.kinds or w.sessions or self.since or self.until)


def check(asking: RecallRequest, caller: Caller, now: datetime) -> RecallQuery:
    """Check every argument.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    validation.check_text("query", asking.query, most=validation.MAX_QUERY)
    validation.check_range("limit", asking.limit, least=1, most=validation.MAX_LIMIT)
    validation.check_range(
        "max_tokens", asking.max_tokens, least=validation.MIN_TOKENS, most=validation.MAX_TOKENS
    )
    known_at = _moment("known_at", asking.known_at, now)
    as_of = _moment("as_of", asking.as_of, known_at or now)
    moment = as_of or known_at or now
    since, until = _window(asking, moment)
    kind = validation.check_kind(asking.kind, writable=False)
    session = validation.check_name("session", asking.session)
    return RecallQuery(
        asking=asking,
        caller=caller,
        now=now,
        moment=moment,
        known_at=known_at,
        note_ids=validation.check_ids("note_ids", asking.note_ids),
        where=NoteFilter(
            namespaces=searched_namespaces(caller, asking.namespace.strip() or None),
            subject=validation.check_subject(asking.subject),
            tags=validation.check_list("tags", asking.tags),
            kinds=(kind,) if kind else (),
            sessions=(session,) if session else (),
            since=since.start if since else None,
            until=until.last if until else None,
            states=TRUE_THEN if as_of or known_at else (State.ACTIVE,),
            unexpired_at=moment,
            valid_at=moment if as_of or known_at else None,
            known_at=known_at,
            derived=None if kind in DERIVED_KINDS or DERIVED_TAGS & set(asking.tags) else False,
        ),
        since=since,
        until=until,
        detail=_detail(asking.detail),
    )


def _moment(name: str, text: str, now: datetime) -> datetime | None:
    """The last instant of what is named; a time written to the second means all of that second."""
    period = read_time(name, text, now)
    if period is None:
        return None
    to_the_second = period.start == period.end and not period.start.microsecond
    return period.start + _SECOND if to_the_second else period.last


def _detail(text: str) -> Detail:
    details: dict[str, Detail] = {name: name for name in DETAILS}
    if detail := details.get(text.strip().lower()):
        return detail
    raise UnknownNameError("detail", text[:80], DETAILS, f"Pass one of {', '.join(DETAILS)}.")


def _window(asking: RecallRequest, moment: datetime) -> tuple[Period | None, Period | None]:
    since = read_time("since", asking.since, moment)
    until = read_time("until", asking.until, moment)
    if since and until and since.start > until.last:
        raise InvalidArgumentError(
            "since",
            f"{iso(since.start)} is after until, {iso(until.last)}",
            "Swap them, or leave one out.",
        )
    return since, until
