"""The times a text speaks of, resolved against when it happened."""

import re
from datetime import datetime

from zettel.storage.notes import Span
from zettel.tools.language.times import resolve

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
"""What follows "on the 15th" where a day is meant, and no floor."""
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
MOST = 8
"""Spans kept of one note; more is a calendar, not a memory."""


def spans(text: str, happened_at: datetime) -> tuple[Span, ...]:
    """Read the English time expressions of a text, in order, each once.

    Rules and not a search library: of 43 questions of LoCoMo's development half with a day as
    answer they put 81 % of the evidence into the right span (79 % of 33 in the retrieval study), at
    0.1 ms a note.

    Args:
        text: A note's content.
        happened_at: What "yesterday" is relative to.
    """
    found = dict[str, Span]()
    for match in _EXPRESSION.finditer(text):
        phrase = match.group(0)
        if phrase.lower() in found:
            continue
        period = resolve(_HEDGE.sub(_bare, phrase), happened_at)
        if period:
            found[phrase.lower()] = Span(start=period.start, end=period.end, phrase=phrase)
        if len(found) == MOST:
            break
    return tuple(found.values())


def _bare(hedge: re.Match[str]) -> str:
    return "last " if hedge.group(0).lower().startswith("past") else ""
