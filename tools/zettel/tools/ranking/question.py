"""Reading a question without an LLM: its subject, times, order and anchor event."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zettel.storage.notes import fold
from zettel.storage.text.gloss import other_words
from zettel.tools.language.dates import (
    COUNT,
    DAY,
    MONTH,
    find_windows,
    starts_with_time,
    without_relative_times,
    without_times,
)
from zettel.tools.language.question_words import (
    Sort,
    asked_sort,
    asks_for_anything,
    asks_for_events,
    asks_for_everything,
    asks_for_next,
    asks_former,
    asks_what_was,
    asks_who_i_am,
    listed_kind,
    speaks_of_me,
    without_sort,
)
from zettel.tools.language.terms import plain_name, terms
from zettel.tools.language.times import wall_time
from zettel.tools.ranking.mentions import QUESTION_MAX_WORDS, find_asked_names, is_passage

_WORD = re.compile(r"\w+(?:-\w+)*")
SELF_WORDS = frozenset({"i", "me", "my", "mine", "myself"})
_ARTICLES = frozenset({"the", "a", "an", "my", "our", "team", "project"})
"""First words that do not abbreviate a subject of several words."""
USER = "user"
_POSSESSIVE = re.compile(r"['’]s\b")
_GENITIVE = re.compile(r"['’](?:s\b|\s)")

_WHEN = re.compile(
    r"\b(?:when|how long|(?:what|which) (?:date|day|month|time|week|year))\b", re.IGNORECASE
)
_WHO = re.compile(r"\b(?:who|where|which)\b", re.IGNORECASE)
_HOW_TO = re.compile(
    r"\bhow (?:(?:should|shall|must)\b|(?:do|can) (?:i|we|you)\b)|\bprefer(?:s|red|ences?)?\b"
    r"|\b(?:conventions?|guidelines?|instructions?|policy|policies|rules?)\b",
    re.IGNORECASE,
)
_PERIOD = (
    rf"(?:(?:{COUNT}|few|couple of|several)\s+)?(?:minute|hour|day|night|week(?:end)?|month|quarter"
    rf"|year|decade|century|spring|summer|autumn|fall|winter|season|semester|term|christmas|easter"
    rf"|thanksgiving|{MONTH}|{DAY})s?\b"
)
"""After "last": a time in the past."""
_NO_ORDER = (
    r"(?:names?|and|aid|class|lady|hand|person|language|grade|floors?|resort|mile|straw|glance|sight"
    r"|place)\b"
)
"""After "first" or "last": words that make it a name and not an order."""
_MAY = re.compile(r"\bmay\b", re.IGNORECASE)
_LATEST = re.compile(
    r"\b(?:latest|newest|most recent(?:ly)?|recently|currently|nowadays|at present)\b"
    rf"|\b(?-i:last)(?![\w-])(?!\s+(?:{_PERIOD}|{_NO_ORDER}))",
    re.IGNORECASE,
)
_LASTS = re.compile(
    r"^(?:how long|will|would|does|do|did|can|could|should)\b.*\blast\b"
    r"(?!\s+(?!for|until|through)\w)",
    re.IGNORECASE,
)
"""Questions with the verb "last": "Did the battery last?"."""
_FIRST = re.compile(
    rf"\b(?:earliest|originally|initially)\b|\b(?-i:first)(?![\w,-])(?!\s+(?:{_NO_ORDER}))",
    re.IGNORECASE,
)
_FIRST_OF_TWO = re.compile(r"\bfirst\b.*\bor\b", re.IGNORECASE)
"""Which of two came first: "What came first for Ana, the loom or the mayor?"."""


EVENTS_MAX_S = 31 * 24 * 3600.0
"""Longest time, in seconds, of which all that is told is listed: a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, read."""

    text: str
    subject: str = ""
    """The subject it names, folded; empty unless it names exactly one."""
    topic: str
    """The question without the names of subjects and without "yesterday": the text to embed."""
    words: str = ""
    """The words to look for: without "yesterday", and also in English; empty stands for `text`."""
    is_passage: bool = False
    """A passage to be found: takes one step and asks for no order."""
    asks_when: bool = False
    asks_who: bool = False
    """Asks who, where or which: for a name."""
    asks_former: bool = False
    """Asks for what was so before it changed."""
    asks_how_to: bool = False
    """Asks for a standing instruction or a preference."""
    order: Literal["", "first", "latest", "next"] = ""
    now: float = 0.0
    """When it is asked by the clock on the wall, in seconds since 1970."""
    times: tuple[tuple[float, float], ...] = ()
    """The times it names by that clock: (start, end) in seconds since 1970."""
    time_words: tuple[frozenset[str], ...] = ()
    """The terms of each named time."""
    only_when: bool = False
    """Asks for anything that happens in the named times."""
    events_then: bool = False
    """Asks for events of some sort in the named times, which are near and not over."""
    names_user: bool = False
    """Calls the user by name."""
    asks_self: bool = False
    """Is about the one who asks."""
    asks_identity: bool = False
    """Asks who the user is."""
    all_of_whom: bool = False
    """Asks for all of the one it names."""
    sort: Sort = ""
    """The kind of notes that it asks for."""
    listed: frozenset[str] = frozenset()
    """Words of what it asks a list of, which a tag may name, where `sort` is none."""
    only_sort: bool = False
    """Asks for nothing but that kind, or that list."""
    is_ahead: bool = False
    """A named time has not begun."""
    is_past: bool = False
    """The named times are all over."""
    asks_what_was: bool = False
    """Asks about the past, not about habits ("on Sundays") or plans."""
    beside: tuple[Literal["before", "after"], float] | None = None
    """The side of a moment that it asks for, and the moment in seconds since 1970."""
    names: frozenset[str] = frozenset()
    """The names in it, of subjects and others, folded as spelled there."""
    spelled: tuple[str, ...] = ()
    """What `find_asked_names` finds in it, which several signals and the verdict need."""

    def capitalised(self) -> str:
        """The question with its possessive names capitalised: "ana's" -> "Ana's".

        At most `QUESTION_MAX_WORDS` names, the longest: more are only in a text without spaces.
        """
        longest = sorted(self.names, key=len, reverse=True)[:QUESTION_MAX_WORDS]
        called = "|".join(map(re.escape, longest))
        possessives = rf"(?<!\w)(?:{called})(?=['’]s\b|(?<=s)['’]\s)|(?<=\bof )(?:{called})(?!\w)"
        return (
            re.sub(possessives, lambda name: name.group().title(), self.text)
            if called
            else self.text
        )


def read_question(
    text: str,
    subjects: Iterable[str],
    now: datetime,
    *,
    names: Collection[str] = (),
    users: Collection[str] = (),
    own: str | None = None,
    self_is_subject: bool = True,
    spelled: tuple[str, ...] | None = None,
) -> Question:
    """Read a question.

    Args:
        text: The question.
        subjects: Subjects of the scope's notes. One of several words is also known by its first
            word if that is capitalised, unique and no genitive; `user` also by "I" and "my".
        now: The moment that "last week" is relative to, by the clock on the wall.
        names: Folded words that name somebody without being a subject.
        users: Names of the user, folded.
        own: The words in it of the one who asks, without what is quoted; None for all of them.
        self_is_subject: Whether "I" names the subject `user`, if there is one.
        spelled: As of `find_asked_names`; None reads them from the question alone.
    """
    now = wall_time(now)
    me = speaks_of_me(text if own is None else own)
    subject, named, topic = _about(text, subjects, names, users, me=me and self_is_subject)
    (times, phrases), clock = find_windows(text, now), now.timestamp()
    passage, is_past = is_passage(text), bool(times) and all(end <= clock for _, end in times)
    untimed = without_times(topic, now) if times else topic
    if times and not passage:
        topic, words = (_rest(part, now) for part in (topic, text))
    else:
        words = text
    names_user = not named.isdisjoint(users)
    if names_user:
        words = topic  # notes about the user need not call them by name
    spelled = find_asked_names(text) if spelled is None else spelled
    unnamed = _without_names(topic, spelled)
    sort = "" if passage else asked_sort(text)
    only_sort = bool(sort) and asks_for_anything(without_sort(untimed, sort))
    if sort == "rules" and not only_sort:
        sort = ""  # the rules of something are looked for by its words
    listed, rest = (frozenset[str](), "") if sort or passage else listed_kind(untimed)
    if english := other_words(words):
        words = f"{words} {english}"
    told = asks_what_was(text, times_are_over=is_past)
    return Question(
        text=text,
        words=words,
        asks_identity=asks_who_i_am(text),
        names_user=names_user,
        asks_self=me or subject == USER,
        all_of_whom=(me or unnamed != text) and asks_for_everything(text, unnamed),
        sort=sort,
        listed=listed,
        only_sort=only_sort or (bool(listed) and asks_for_anything(rest, text)),
        subject=subject,
        names=named,
        spelled=spelled,
        topic=topic,
        now=clock,
        asks_when=_WHEN.search(text) is not None,
        asks_who=_WHO.search(text) is not None,
        asks_former=not passage
        and (
            asks_former(text)
            or (told and _order(untimed) == "first" and not _FIRST_OF_TWO.search(text))
        ),
        asks_how_to=_HOW_TO.search(text) is not None,
        is_passage=passage,
        order="" if passage else _order(untimed),
        times=times,
        time_words=tuple(map(_time_terms, phrases)),
        only_when=bool(times) and asks_for_anything(untimed),
        events_then=not passage and not sort and _asks_for_events(text, untimed, times, clock),
        is_ahead=any(start > clock for start, _ in times),
        is_past=is_past,
        asks_what_was=told and not any(start <= clock < end for start, end in times),
    )


def _asks_for_events(
    text: str, untimed: str, times: Sequence[tuple[float, float]], clock: float
) -> bool:
    """Whether a question asks for events, in times that are not over nor over `EVENTS_MAX_S`."""
    near = all(clock < end <= start + EVENTS_MAX_S for start, end in times)
    if not times or not near:
        return False
    return asks_for_events(text) or asks_for_events(" ".join(untimed.split()))


def _time_terms(phrase: str) -> frozenset[str]:
    """The terms of a time; none of one in May, which is no term: all of a year's hold "2026"."""
    return frozenset() if _MAY.search(phrase) else frozenset(terms(phrase))


def _without_names(topic: str, names: Iterable[str]) -> str:
    """The topic without the words that are spelled like names."""
    for name in names:
        topic = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", topic)
    return topic


def _rest(text: str, now: datetime) -> str:
    """The text without relative times; all of it if nothing else tells anything."""
    rest = without_relative_times(text, now)
    return rest if terms(rest) else text


def _order(text: str) -> Literal["", "first", "latest", "next"]:
    if _LATEST.search(text) and not _LASTS.search(text):
        return "latest"
    if _FIRST.search(text):
        return "first"
    return "next" if asks_for_next(text) else ""


def _about(
    text: str,
    subjects: Iterable[str],
    names: Collection[str],
    users: Collection[str],
    *,
    me: bool,
) -> tuple[str, frozenset[str], str]:
    """The subject that a question names, or ""; every name; the question without them."""
    spelled = _spellings(subjects)
    by_self = me and USER in spelled.values()
    spelled |= {tuple(map(plain_name, _WORD.findall(name))): USER for name in users}
    tree = _make_tree(spelled)
    found = list(_WORD.finditer(text))
    words = [fold(match.group()) for match in found]
    plain = list(map(plain_name, words))
    named, called, places, at = set[str](), set[str](), list[tuple[int, int]](), 0
    while at < len(words):
        size, subject = _longest(tree, plain, at)
        if size or words[at] in names:
            end = at + max(size, 1)
            named.add(subject)
            called.add(" ".join(words[at:end]))
            places.append((found[at].start(), found[end - 1].end()))
            at = end
        else:
            at += 1
    if by_self:
        named.add(USER)
    topic = _without(text, places)
    return (named.pop() if len(named) == 1 else ""), frozenset(called), topic


@dataclass(slots=True)
class _Branch:
    """What the words read so far may spell."""

    subject: str = ""
    """The subject they spell; empty if they only begin one."""
    following: "dict[str, _Branch]" = field(default_factory=lambda: dict[str, _Branch]())


def _make_tree(spelled: Mapping[tuple[str, ...], str]) -> _Branch:
    """The spellings by their first word, second word and so on.

    So that a question is compared with a long subject only as far as it repeats it.
    """
    tree = _Branch()
    for words, subject in spelled.items():
        branch = tree
        for word in words:
            branch = branch.following.setdefault(word, _Branch())
        branch.subject = subject
    return tree


def _longest(tree: _Branch, words: Sequence[str], at: int) -> tuple[int, str]:
    """The number of words from `at` that spell a subject, as many as possible, and the subject."""
    size, subject, branch = 0, "", tree
    for end in range(at, len(words)):
        if (following := branch.following.get(words[end])) is None:
            break
        branch = following
        if branch.subject:
            size, subject = end + 1 - at, branch.subject
    return size, subject


def _spellings(subjects: Iterable[str]) -> dict[tuple[str, ...], str]:
    """Words by which a subject is called, as `plain_name` -> the subject, folded."""
    known = {fold(subject): subject for subject in subjects if subject.strip()}
    called = {tuple(map(plain_name, _WORD.findall(s))): folded for folded, s in known.items()}
    firsts = dict[str, set[str]]()
    for folded, subject in known.items():
        words = list(_WORD.finditer(subject))
        # "Ana's allergy" is hers, and Ana is more than that.
        if len(words) < 2 or _GENITIVE.match(subject, words[0].end()):
            continue
        first = words[0].group()
        if first[0].isupper() and fold(first) not in _ARTICLES:
            firsts.setdefault(plain_name(first), set()).add(folded)
    for first, owners in firsts.items():
        if len(owners) == 1:
            called.setdefault((first,), *owners)
    return {words: folded for words, folded in called.items() if words}


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    rest, end = list[str](), 0
    for start, stop in spans:
        rest.append(text[end:start])
        end = stop + len("'s") if _POSSESSIVE.match(text, stop) else stop
    topic = " ".join("".join([*rest, " ", text[end:]]).split()) if end else text
    return topic if re.search(r"\w", topic) else text


Side = Literal["before", "after"]

_ANCHOR_SIDES: dict[str, Side] = {
    "before": "before",
    "until": "before",
    "after": "after",
    "since": "after",
}
_ANCHOR = re.compile(
    rf"\b({'|'.join(_ANCHOR_SIDES)})\s+(?!(?:for|in|on|at|to|as|and|or|with)\b)([^?.!;,]+)",
    re.IGNORECASE,
)
"""Not "before" alone: "Which broker did we use before for printing?"."""
_ASKS_PAST = re.compile(r"\b(?:did|was|were|happened|(?:had|has|have)(?! to\b))\b", re.IGNORECASE)
"""The question is about the past: "What must be done before a release?" names no moment."""
_NAME = re.compile(r"(?:the )?[A-ZÀ-ÖØ-Þ][\w'’.-]*(?: [A-ZÀ-ÖØ-Þ0-9][\w'’.-]*){0,3}|\d+")
"""No event: "before Rafał", "before the J-Link", "before 3100"."""
_BEFORE_ANCHOR = re.compile(r"\b(?:day|week|month|year)\s+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnchor:
    """A moment that a question names by an event."""

    side: Side
    what: str
    """ "she moved"."""
    rest: str
    """The question without it."""
    is_name: bool
    """Whether it is a name or a number, which is rather what came in place of what is asked for."""


def find_anchor(text: str, now: datetime) -> EventAnchor | None:
    """Find the clause that names a moment by an event, in a question about the past."""
    found = _ANCHOR.search(text)
    if found is None or _BEFORE_ANCHOR.search(text[: found.start()]):
        return None
    rest, what = f"{text[: found.start()].rstrip()}{text[found.end() :]}", found[2].strip()
    if starts_with_time(what, now) or not _ASKS_PAST.search(rest):
        return None
    side, is_name = _ANCHOR_SIDES[found[1].lower()], _NAME.fullmatch(what) is not None
    return EventAnchor(side=side, what=what, rest=rest, is_name=is_name)
