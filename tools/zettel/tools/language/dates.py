"""Times in a text: those it speaks of, and the windows that a question asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from zettel.storage.notes import Span
from zettel.tools.language.times import Period, resolve

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_SHORT_DAY = r"(?:mon|tues?|wed|thu|fri|sat|sun)"
COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_CLAUSE_ENDS = (
    r"\s*(?:[.,;!?)]|$)|\s+(?:and|but|after|before|at|with|for|in|to|when|while|so|we|I)\b"
)
"""Text after "on the 15th" where a day is meant and not a floor."""
_EXPRESSION = re.compile(
    rf"""\b(?:
        \d{{4}}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?(?:Z|[+-]\d{{2}}:?\d{{2}})?)?
      | (?<!-)(?:19|20)\d{{2}}-(?:0[1-9]|1[0-2])(?![-\d])
      | \d{{1,2}}[./]\d{{1,2}}[./](?:19|20)\d{{2}}
      | [QH][1-4][ -]?(?:19|20)\d{{2}} | (?:19|20)\d{{2}}[ -]?[QH][1-4]
      | \d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTH}(?:(?:,\s*|\s+)\d{{4}})?
      | {MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:(?:,\s*|\s+)\d{{4}})?(?!\d)
      | {MONTH},?\s+\d{{4}}
      | (?:last|this|next|past|in|since|until|by|early|late)\s+{MONTH}(?:,?\s+\d{{4}})?(?!\s*\d)
      | (?:last|this|next|past|on)\s+{DAY}
      | (?:last|next|past)\s+{_SHORT_DAY}
      | on\s+the\s+\d{{1,2}}(?:st|nd|rd|th)(?={_CLAUSE_ENDS})
      | (?:last|this|next|past)\s+(?:week(?:end)?|month|year|night)
      | the\s+day\s+(?:before\s+yesterday|after\s+tomorrow)
      | yesterday | today | tonight | tomorrow
      | {COUNT}\s+(?:day|week|month|year)s?\s+ago
      | (?:in|since|from|until|of|by)\s+(?:19|20)\d{{2}}(?!-\d)
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_HEDGE = re.compile(r"^(?:since|until|by|early|late|from|of|past)\s+", re.IGNORECASE)
NOTE_MAX_TIMES = 8
"""Most times of one note."""
TEXT_MAX_EXPRESSIONS = 32
"""Most different time expressions of a text that are tried, of any sort: each takes up to a
millisecond."""


def find_times(text: str, happened_at: datetime) -> tuple[Span, ...]:
    """Read the English time expressions of a text, in order, each once.

    Args:
        text: A note's content.
        happened_at: The moment that "yesterday" is relative to.
    """
    found, tried = dict[str, Span](), set[str]()
    for match in _EXPRESSION.finditer(text):
        phrase = match.group(0)
        if phrase.lower() in found or phrase in tried:
            continue
        tried.add(phrase)
        period = resolve(_HEDGE.sub(_drop_hedge, phrase), happened_at)
        if period:
            found[phrase.lower()] = Span(start=period.start, end=period.end, phrase=phrase)
        if len(found) == NOTE_MAX_TIMES or len(tried) == TEXT_MAX_EXPRESSIONS:
            break
    return tuple(found.values())


def _drop_hedge(hedge: re.Match[str]) -> str:
    return "last " if hedge.group(0).lower().startswith("past") else ""


Window = tuple[float, float]
"""Seconds since 1970: `[start, end)`."""

EARLIEST_S, LATEST_S = -62_135_596_800.0, 253_402_300_800.0
"""Bounds of open windows: the first second of the year 1 and the first after 9999."""
_SIDES = r"(?:since|from|after|before|until|till|by|between|and|to|through)"
_SIDE_BEFORE = re.compile(rf"\b({_SIDES})\s+(?:the\s+)?$", re.IGNORECASE)
_SIDE_WITHIN = re.compile(rf"({_SIDES})\s", re.IGNORECASE)
_BARE = re.compile(rf"\b({_SIDES})\s+({MONTH}|{DAY}|(?:19|20)\d\d)(?![\w-]|\s+\d)", re.IGNORECASE)
"""Months, days and years that are a time only after such a word."""
_LAST = re.compile(rf"\b(?:last|past)\s+({COUNT})\s+(day|week|month|year)s\b", re.IGNORECASE)
_SINCE = "since "
_OPENING, _JOINING = {"from", "between"}, {"and", "to", "through"}
_CLOSING = _JOINING | {"until", "till"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A time in a question."""

    at: int
    side: str
    """The preposition before it; empty if there is none."""
    phrase: str
    period: Period
    bare: bool = False
    """Only the preposition makes it a time."""


def find_windows(text: str, now: datetime) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """Read the times that a question names.

    Args:
        text: The question.
        now: The moment that "last week" is relative to.

    Returns:
        The windows, and the phrases that name them.
    """
    named = sorted(_named(text, now), key=lambda time: time.at)
    phrases, found = tuple(time.phrase for time in named), list[Window]()
    while named:
        first = named.pop(0)
        if first.side in _OPENING and named and named[0].side in _CLOSING:
            found.append(_between(first, named.pop(0)))
        elif not (first.bare and first.side in _JOINING):  # "John and May"
            found.append(_reach(first))
    return (*found, *_counted(text, now)), phrases


def starts_with_time(text: str, now: datetime) -> bool:
    """Whether the text after "before" or "since" is a time and not an event."""
    told = f"{_SINCE}{text}"
    return any(time.at <= len(_SINCE) for time in _named(told, now))


def without_times(text: str, now: datetime) -> str:
    """The question without the times it names."""
    for phrase in [span.phrase for span in find_times(text, now)]:
        text = text.replace(phrase, " ")
    return _LAST.sub(" ", _BARE.sub(" ", text))


def _named(text: str, now: datetime) -> list[_Named]:
    spelled = list(_spelled(text, now))
    return [*spelled, *_bare(text, now, beside=spelled)]


def _spelled(text: str, now: datetime) -> Iterator[_Named]:
    """Times that need no preposition."""
    for span in find_times(text, now):
        at = text.find(span.phrase)
        within = _SIDE_WITHIN.match(span.phrase)
        side = within or _SIDE_BEFORE.search(text[:at])
        period = Period(start=span.start, end=span.end)
        word = side.group(1).lower() if side else ""
        yield _Named(at=at, side=word, phrase=span.phrase, period=period)


def _bare(text: str, now: datetime, beside: Sequence[_Named]) -> Iterator[_Named]:
    """Months, days of the week and years after a preposition."""
    for match in islice(_BARE.finditer(text), TEXT_MAX_EXPRESSIONS):
        side, phrase = match.groups()
        period = resolve(phrase, now)
        # Lower-case "may" is a verb.
        if period and phrase != "may" and not any(match.group() in told.phrase for told in beside):
            side = side.lower()
            yield _Named(at=match.start(), side=side, phrase=phrase, period=period, bare=True)


def _between(first: _Named, last: _Named) -> Window:
    start, end = first.period.start, last.period.end
    if start >= end:  # "from March to May 2025" is of one year
        year = resolve(f"{first.phrase} {end.year}", end)
        start = year.start if year else start
    return start.timestamp(), end.timestamp()


def _reach(time: _Named) -> Window:
    start, end = time.period.start.timestamp(), time.period.end.timestamp()
    match time.side:
        case "since" | "from":
            return start, LATEST_S
        case "after":
            return end, LATEST_S
        case "before":
            return EARLIEST_S, start
        case "until" | "till" | "by":
            return EARLIEST_S, end
        case _:
            return start, end


def _counted(text: str, now: datetime) -> Iterator[Window]:
    """The last N days, weeks, months or years, today included."""
    for match in islice(_LAST.finditer(text), TEXT_MAX_EXPRESSIONS):
        if since := resolve(f"{match[1]} {match[2]}s ago", now):
            yield since.start.timestamp(), LATEST_S
