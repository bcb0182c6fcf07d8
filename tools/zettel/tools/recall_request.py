"""A recall's arguments: as given, as packed into a cursor, and checked."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal

from zettel.storage.errors import ExpiredTokenError, InvalidArgumentError, UnknownNameError
from zettel.storage.notes import DERIVED_KINDS, DERIVED_TAGS, State
from zettel.storage.store import NoteFilter
from zettel.tools import validation
from zettel.tools.caller import Caller, searched_namespaces
from zettel.tools.language.dates import read_time
from zettel.tools.language.times import Period, iso

Detail = Literal["index", "notes", "full"]
DETAILS: tuple[Detail, ...] = ("index", "notes", "full")

TRUE_THEN = (State.ACTIVE, State.SUPERSEDED)
"""States of notes that may have been valid at another moment."""

DEFAULT_LIMIT = 10
"""Notes of a page where no limit is given and none follows from scores."""
DEFAULT_MAX_TOKENS = 2_000

_SECOND = timedelta(seconds=1) - timedelta(microseconds=1)
"""From the start of a second to its last instant, at the store's resolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequest:
    """The arguments as given; an empty one is absent."""

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
    limit: int = 0
    """0 where none is given."""
    max_tokens: int = DEFAULT_MAX_TOKENS
    detail: str = "notes"
    namespace: str = ""

    def pack(self) -> dict[str, object]:
        """The fields that are not the default."""
        return {
            f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default
        }


def unpack(packed: object) -> RecallRequest:
    """Read back what `pack` made.

    Raises:
        ExpiredTokenError: It is not a packed request.
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
    """A checked request."""

    request: RecallRequest
    caller: Caller
    now: datetime
    """The wall clock."""
    moment: datetime
    """Notes valid at this moment are shown, and relative times refer to it: `as_of`, else
    `known_at`, else `now`."""
    known_at: datetime | None
    """Revisions known at this moment are shown; None for the current ones."""
    note_ids: tuple[str, ...]
    where: NoteFilter
    since: Period | None
    until: Period | None
    detail: Detail

    def settled(self) -> RecallRequest:
        """The request with its namespace named and its times as instants.

        So the next page means the same for whoever asks for it, and whenever.
        """
        return replace(
            self.request,
            namespace=self.request.namespace or self.caller.namespace,
            since=self.since.start.isoformat() if self.since else "",
            until=self.until.last.isoformat() if self.until else "",
            as_of=self.moment.isoformat() if self.request.as_of else "",
            known_at=self.known_at.isoformat() if self.known_at else "",
        )

    @property
    def limit(self) -> int:
        """Most notes of a page."""
        return self.request.limit or DEFAULT_LIMIT

    @property
    def looks_back(self) -> bool:
        """Whether the request is about another moment than now."""
        return bool(self.request.as_of or self.known_at)

    @property
    def filtered(self) -> bool:
        """Whether any filter besides the namespace is given."""
        w = self.where
        return bool(w.subject or w.tags or w.kinds or w.sessions or self.since or self.until)


def check(request: RecallRequest, caller: Caller, now: datetime) -> RecallQuery:
    """Check every argument.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    validation.check_text("query", request.query, most=validation.MAX_QUERY)
    validation.check_growth("query", request.query)
    if not validation.has_visible(request.query):
        request = replace(request, query="")
    if request.limit:
        validation.check_range("limit", request.limit, least=1, most=validation.MAX_LIMIT)
    validation.check_range(
        "max_tokens", request.max_tokens, least=validation.MIN_TOKENS, most=validation.MAX_TOKENS
    )
    known_at = read_moment("known_at", request.known_at, now)
    as_of = read_moment("as_of", request.as_of, known_at or now)
    moment = as_of or known_at or now
    since, until = _window(request, moment)
    kind = validation.check_kind(request.kind, writable=False)
    session = validation.check_name("session", request.session)
    return RecallQuery(
        request=request,
        caller=caller,
        now=now,
        moment=moment,
        known_at=known_at,
        note_ids=validation.check_ids("note_ids", request.note_ids),
        where=NoteFilter(
            namespaces=searched_namespaces(caller, request.namespace.strip() or None),
            subject=validation.check_subject(request.subject),
            tags=validation.check_list("tags", request.tags),
            kinds=(kind,) if kind else (),
            sessions=(session,) if session else (),
            since=since.start if since else None,
            until=until.last if until else None,
            states=TRUE_THEN if as_of or known_at else (State.ACTIVE,),
            unexpired_at=moment,
            valid_at=moment if as_of or known_at else None,
            known_at=known_at,
            derived=None if kind in DERIVED_KINDS or DERIVED_TAGS & set(request.tags) else False,
        ),
        since=since,
        until=until,
        detail=_detail(request.detail),
    )


def read_moment(name: str, text: str, now: datetime) -> datetime | None:
    """The last instant of a time argument; a time to the second means the whole second."""
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


def _window(request: RecallRequest, moment: datetime) -> tuple[Period | None, Period | None]:
    since = read_time("since", request.since, moment)
    until = read_time("until", request.until, moment)
    if since and until and since.start > until.last:
        raise InvalidArgumentError(
            "since",
            f"{iso(since.start)} is after until, {iso(until.last)}",
            "Swap them, or leave one out.",
        )
    return since, until
