"""The literal calls by which an agent settles two notes that may not both be true.

They carry the day on which an announced change takes effect: until then the older note holds.
"""

import json
import re
from datetime import datetime, timedelta
from itertools import pairwise

from zettel.storage.ids import told_at
from zettel.storage.notes import SAME_AS, Note, Outline
from zettel.storage.text.passages import sentence_spans
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.language.dates import changes_on, find_times, names_time_after, takes_effect
from zettel.tools.language.names import find_names
from zettel.tools.language.ordered_lists import items
from zettel.tools.language.terms import telling_words, terms
from zettel.tools.language.times import iso, wall_time
from zettel.tools.trust import TrustRules

STILL_MAX_CHARACTERS = 400
"""Longest remainder of an older note that is written into the call."""
STILL_MIN_WORDS = 3
"""Fewest telling words of it: "Not fixed yet." tells nothing by itself."""
MORE_MIN_WORDS = 2
"""Fewest telling words that a part without name or number must have to tell more."""
ONE_THING_MAX_CHARACTERS = 1_000
"""A longer note tells more than one thing."""
TOLD_AT_ONCE = timedelta(minutes=5)
"""Up to so long after it happened a note needs no time in the calls that settle it."""
_DIGIT = re.compile(r"\d")


def settle_call(note: Note, other: Outline, trust: TrustRules, *, same: bool) -> str:
    """The literal calls that settle a pair, the likeliest outcome first; the younger note changes.

    If both tell the `same`, that is likelier than a change.

    Younger by `telling_key`: two racing agents choose the same note, and a note updated to today's
    fact is not superseded by last year's. One that is trusted less
    (a web page's) replaces nothing: somebody must say the change in their own words.
    """
    older, younger = sorted((note, other), key=telling_key)
    if not trust.may_replace(younger, older):
        return f"{_in_own_words(older.note_id)}; both hold: leave both"
    then = _from_then(younger, older)
    calls = [
        f'changed: update(note_id="{younger.note_id}"{then}, links='
        f'[{{"to": "{older.note_id}",'
        ' "relation": "supersedes"}])'
    ]
    if part := _part_call(younger, older, then):
        calls.append(part)
    calls.insert(
        0 if same else len(calls),
        f'the same: update(note_id="{younger.note_id}", links=[{{"to": "{older.note_id}",'
        f' "relation": "{SAME_AS}"}}])',
    )
    return "; ".join([*calls, "both hold: leave both"])


def settle_open(younger: Note, older: Note | Outline, relation: str, trust: TrustRules) -> str:
    """The literal calls that settle an open conflict; its link starts from `younger`."""
    call = f'links=[{{"to": "{older.note_id}", '
    then = _from_then(younger, older)
    # The older note's words stand beside it, with what marks them.
    part = _part_call(younger, older, then, quotes=False)
    update = f'update(note_id="{younger.note_id}"'
    calls = [f'replaced: {update}{then}, {call}"relation": "supersedes"}}])', part]
    if not trust.may_replace(younger, older):
        calls = [_in_own_words(older.note_id)]
    both = f'both hold: {update}, {call}"relation": "{relation}", "remove": true}}])'
    return "; ".join([*filter(None, calls), both])


def _in_own_words(older: str) -> str:
    """The call for a change that only a note of less trust tells of."""
    return (
        f'changed, if you know it from elsewhere: update(note_id="{older}", content=…) in your own'
        " words, as the newer note is trusted less"
    )


def _part_call(
    younger: Note | Outline, older: Note | Outline, then: str, *, quotes: bool = True
) -> str:
    """The call for a change of a part of the older note; empty if it tells nothing else.

    With what still holds, if it `quotes` and that can be read alone, else the agent is to word it:
    "The loan is there too" says nothing without the sentence before. It holds from when the
    younger takes effect (`_from_then`).
    """
    if quotes and (rest := _still_told(younger.content, older)):
        content, words = json.dumps(rest, ensure_ascii=False), ""
    elif _tells_more(younger.content, older.content):
        content, words = "…", " with what of it still holds"
    else:
        return ""
    at = younger.happened_at
    told_later = told_at(younger.note_id) - at > TOLD_AT_ONCE
    since = then or (f', happened_at="{iso(at)}"' if told_later else "")
    return f'changed in part: update(note_id="{older.note_id}", content={content}{since}){words}'


def _from_then(younger: Note | Outline, older: Note | Outline) -> str:
    """The argument that lets what the older note says hold until a change takes effect."""
    begins = takes_effect_later(younger, older, wall_time(younger.happened_at))
    return f', happened_at="{iso(begins)}"' if begins else ""


def takes_effect_later(
    coming: Note | Outline, present: Note | Outline, now: datetime
) -> datetime | None:
    """When what a note tells instead of another takes effect, if the other one is so until then.

    "From 1 May" begins later unless the other note does, too. A day on which something becomes
    otherwise ("Nina starts at Siemens on 1 January") does not if the other names a time to come as
    well, for then it may be the day that has changed. `now` is by the clock on the wall.

    Returns:
        None if it is so already, or either is not so yet.
    """
    if not any(span.end > now for span in coming.times):
        return None
    begins = takes_effect(coming.content, coming.happened_at, present.content)
    if begins and begins > now:
        other = takes_effect(present.content, present.happened_at)
        return None if other and other > now else begins
    changes = changes_on(coming.content, coming.happened_at, present.content)
    if changes and changes > now:
        also = names_time_after(present.content, present.happened_at, now)
        return None if also else changes
    return None


def is_another_plan(content: str, at: datetime, present: Note | Outline, now: datetime) -> bool:
    """Whether a text about a time to come tells a plan otherwise that another note tells.

    It names its time, and the other note one to come as well: of an appointment the day has
    changed, and the other note's is over. "From 1 May" is so only then, and a price that is given a
    day holds from that day.

    Args:
        content: The text.
        at: The time that it is about.
        present: The note that it replaces.
        now: When it is told.
    """
    here, then = wall_time(now), wall_time(at)
    if then <= here or ((begins := takes_effect(content, now)) and begins > here):
        return False
    if not any(span.start <= then < span.end for span in find_times(content, now)):
        return False
    planned = present.happened_at
    return wall_time(planned) > here or names_time_after(present.content, planned, here)


def _still_told(younger: str, older: Note | Outline) -> str:
    """The older note without the sentences that share most with the younger.

    Empty if there are no others, or they say too little or too much, or nobody can tell of what.
    """
    new, content = {*terms(younger)}, older.content
    spans = sentence_spans(content)
    told = [_tidied(content[slice(*span)]) for span in spans]
    shared = [len(new.intersection(terms(sentence))) for sentence in told]
    most = max(shared, default=0)
    kept = [at for at, count in enumerate(shared) if count < most]
    rest, text = [told[at] for at in kept], ""
    for before, at in pairwise([-1, *kept]):
        begins = spans[at][1] - len(content[slice(*spans[at])].lstrip())
        line_ends = "\n" in content[spans[before][0] : begins]
        text += ("\n" if line_ends else " ") + told[at] if text else told[at]
    says_enough = len(telling_words(text)) >= STILL_MIN_WORDS
    if not says_enough or len(text) > STILL_MAX_CHARACTERS:
        return ""
    return text if rest[0] == told[0] or find_names(rest[0]) else ""


def _tidied(text: str) -> str:
    """The text with single spaces, line by line."""
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _tells_more(younger: str, older: str) -> bool:
    """Whether the older note tells more in parts that share less with the younger than another."""
    if len(older) > ONE_THING_MAX_CHARACTERS:
        return True
    new, known = {*terms(younger)}, telling_words(younger)
    parts = items(older)
    shared = [len(new.intersection(terms(part))) for part in parts]
    most = max(shared, default=0)
    others = [part for part, count in zip(parts, shared, strict=True) if count < most]
    return any(
        _DIGIT.search(part)
        or len(telling_words(part) - known) >= MORE_MIN_WORDS
        or any(new.isdisjoint(terms(name)) for name in find_names(part))
        for part in others
    )
