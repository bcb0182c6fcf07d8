"""The stretches of time a question asks for: "since March", "between March and May"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from zettel.tools.language.dates import COUNT, DAY, MONTH, spans
from zettel.tools.language.times import Period, resolve

Window = tuple[float, float]
"""Seconds since 1970: `[start, end)`."""

EVER, FOREVER = -62_135_596_800.0, 253_402_300_800.0
"""The first second of the year 1 and the first after 9999: where a window is open."""
_SIDES = r"(?:since|from|after|before|until|till|by|between|and|to|through)"
_SIDE_BEFORE = re.compile(rf"\b({_SIDES})\s+(?:the\s+)?$", re.IGNORECASE)
_SIDE_WITHIN = re.compile(rf"({_SIDES})\s", re.IGNORECASE)
_BARE = re.compile(rf"\b({_SIDES})\s+({MONTH}|{DAY}|(?:19|20)\d\d)(?![\w-]|\s+\d)", re.IGNORECASE)
"""What is a time beside such a word, and else may be none."""
_LAST = re.compile(rf"\b(?:last|past)\s+({COUNT})\s+(day|week|month|year)s\b", re.IGNORECASE)
_SINCE = "since "
_OPENING, _JOINING = {"from", "between"}, {"and", "to", "through"}
_CLOSING = _JOINING | {"until", "till"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A time in a question."""

    at: int
    side: str
    """The word before it that tells a direction; empty if none does."""
    phrase: str
    period: Period
    bare: bool = False
    """It is a time by the word before it alone."""


def windows(text: str, now: datetime) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """Read the times that a question names, each as far as its words reach.

    Args:
        text: The question.
        now: What "last week" is relative to.

    Returns:
        The times, and the words for them.
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
    """Whether what stands after "before" or "since" is a time and no event."""
    told = f"{_SINCE}{text}"
    return any(time.at <= len(_SINCE) for time in _named(told, now))


def without_times(text: str, now: datetime) -> str:
    """The rest of a question."""
    for phrase in [span.phrase for span in spans(text, now)]:
        text = text.replace(phrase, " ")
    return _LAST.sub(" ", _BARE.sub(" ", text))


def _named(text: str, now: datetime) -> list[_Named]:
    spelled = list(_spelled(text, now))
    return [*spelled, *_bare(text, now, beside=spelled)]


def _spelled(text: str, now: datetime) -> Iterator[_Named]:
    """Times that are so by themselves."""
    for span in spans(text, now):
        at = text.find(span.phrase)
        within = _SIDE_WITHIN.match(span.phrase)
        side = within or _SIDE_BEFORE.search(text[:at])
        period = Period(start=span.start, end=span.end)
        word = side.group(1).lower() if side else ""
        yield _Named(at=at, side=word, phrase=span.phrase, period=period)


def _bare(text: str, now: datetime, beside: Sequence[_Named]) -> Iterator[_Named]:
    """Months, days of the week and years after a word that makes times of them."""
    for match in _BARE.finditer(text):
        side, phrase = match.groups()
        period = resolve(phrase, now)
        # In small letters "may" is a verb.
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
            return start, FOREVER
        case "after":
            return end, FOREVER
        case "before":
            return EVER, start
        case "until" | "till" | "by":
            return EVER, end
        case _:
            return start, end


def _counted(text: str, now: datetime) -> Iterator[Window]:
    """The last so many days, today with them."""
    for match in _LAST.finditer(text):
        if since := resolve(f"{match[1]} {match[2]}s ago", now):
            yield since.start.timestamp(), FOREVER
