"""Raw talk and logs told as one text: recognised by their form, and cut where a turn begins.

Talk has labels of speakers that come again and again at the beginning of lines, before what people
say to each other: "Ana: …", "Ana : …", "[10:31] ana: …", "**User:** …", "<ana> …", "<v Ana>…".
Labels of fields ("name:", "Status:", "Fixed:") come again and again, too, before what nobody says;
so do elements of HTML. Messages in JSON have a role and a content. Most lines of a log begin with a
full time stamp.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import time, timedelta
from itertools import pairwise

import regex as re
from pydantic import BaseModel

from zettel.storage.notes import fold
from zettel.tools.language.talk_words import ASSISTANT, USER, talk_words

TALK_MIN_TURNS = 4
"""Fewer turns are read as quickly in one note; of a person with an agent, two."""
SPEAKER_MIN_TURNS = 2
"""Of a label that is a speaker's; others are taken for one if they look alike."""
PERSONAL_MIN_SHARE = 0.2
"""Share of the turns that say "I", "you", "we" or ask, from which a text is talk: the sessions of
LoCoMo's development half have 0.75 and more."""
POST_MIN_SHARE = 0.5
"""The same share of the turns of a label that may be a field's ("Owner:"): set by hand."""
FIELDS_MAX_SHARE = 0.25
"""Share of fields among a talk's labels: "Date:", "Attendees:" of minutes."""
OPENING_MAX_SHARE = 0.5
"""Share of a talk that may come before its first turn: a title, who is there, an agenda."""
SAID_CHARACTERS = 400
"""Of a turn, read for whether somebody speaks."""
LOG_MIN_LINES = 6
LOG_MIN_SHARE = 0.5
"""Share of a log's lines that begin with a time stamp; the others go on with the line before."""
LOG_PART_CHARACTERS = 600
"""Entries of a log are joined up to this length, which an answer quotes whole."""
PARTS_MAX = 500
"""Most parts of a text; the turns of a longer talk are joined."""
TURN_LABEL_CHARACTERS = 160
"""Read of a line's beginning."""

_CLOCK = (
    r"(?P<clock>\d{1,2}:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?(?:[ \u202f]?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_DAY = r"(?P<day>\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](?:\d{4}|\d\d))"
_MOMENT = (
    rf"(?:{_DAY}(?:T|,?[ ]{{1,2}})|[A-Z][a-z]{{2}}[ ]{{1,2}}\d\d?[ ])?{_CLOCK}"
    r"(?P<zone>Z|[ ]?[+-]\d\d:?\d\d)?"
)
_STAMP = re.compile(rf"[\[(]?{_MOMENT}[\])]?(?=[\s:<|,;–—-]|$)[ \t]*(?:[-–—|:][ \t]+)?")
_BULLET = re.compile(r"[\ufeff\u200e\u200f]*(?:[-*•][ \t]+)?")
_NAME = (
    r"(?P<name>@?\p{L}[\p{L}\p{M}\p{N}'’._-]*+"
    r"(?:[ ](?:\((?![^)\n]*\d:\d)[^()\n]{1,30}\)|[\p{L}\p{N}][\p{L}\p{M}\p{N}'’._-]*+)){0,3}+)"
)
_BOLD = r"(?:\*\*|__)"
_LABEL = re.compile(
    rf"{_BOLD}?{_NAME}{_BOLD}?(?:[ ]?[\[(](?:{_MOMENT})[\])])?{_BOLD}?"
    rf"(?:[ \u00a0\u202f]?:{_BOLD}?(?=\s|$)|：)[ \t]*"
)
_CHAT_LABEL = re.compile(r"<[@+ ]?(?P<name>[^<>\s]{1,40})>[ \t]+")
_NICK = r"(?P<name>[\p{L}_][\p{L}\p{N}_\[\]|^-]{1,30})"
_BARE_CHAT_LABEL = re.compile(rf"<[@+%~&]?{_NICK}>[ \t]+(?=\S)")
"""Without a time, as elements of HTML and placeholders stand, too."""
_USED_ELSE = re.compile(rf"(?:[^\s<>][ \t]*<|</){_NICK}>")
"""An element or a placeholder within a line, or one that is closed."""
_VOICE_LABEL = re.compile(r"<v(?:\.[\w.-]{1,40})?[ \t]+(?P<name>[^<>\n]{1,60})>[ \t]*")
"""A voice of WebVTT (W3C, section 5.1)."""
_ELEMENTS = frozenset(
    "address article aside body br button caption code col dd del details dialog div dl dt em"
    " figcaption footer form h1 h2 h3 h4 h5 h6 head header hr html img input ins kbd label legend"
    " li link main mark meta nav ol option pre rp rt samp section select small source span strong"
    " style sub summary sup table tbody td template textarea tfoot th thead title tr track ul var"
    " wbr".split()
)
"""Of HTML, some of which are never closed."""
_HEADING = re.compile(rf"#{{1,6}}[ \t]+{_NAME}:?[ \t]*$")
_NAME_WITH_TIME = re.compile(
    rf"{_BOLD}?{_NAME}{_BOLD}?(?:[ ]{{2,}}|\t+|[ ]?[—–,|·-][ ]|[ ](?=[\[(]))(?:[Tt]oday at )?"
    rf"[\[(]?{_MOMENT}[\])]?[ \t]*$"
)
_MESSAGES = re.compile(r"\s*+(?:\{[^{}\[\]]*?\"messages\"\s*+:\s*+\[|\[|(?=\{))")
_MESSAGE = re.compile(r"[\s,]*+(?=\{)")
_FENCE = re.compile(r"[ \t]{0,3}(?:```|~~~)")
_RAISED = ("error", "exception", "warning", "(most recent call last)")
"""Ends of labels in what programs print when they fail."""
_LINE = re.compile(r"[^\n]*+\n|[^\n]++$")
_ASKED = re.compile(r"[?？](?=[\s\"'”’»)\]*_]|$)")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]*_]*(?:</v>)?$")
_CUE_CLOCK = r"(?:\d{2,}:)?[0-5]\d:[0-5]\d[.,]\d{3}"
_CUE = re.compile(
    r"(?:^\d+[ \t]*\r?\n|(?<=\A|\n[ \t]*\r?\n)(?![^\n]*-->)[^\s][^\n]*\n)?"
    rf"^{_CUE_CLOCK}[ \t]+-->[ \t]+{_CUE_CLOCK}(?=\s)[^\n]*(?:\n|$)",
    re.MULTILINE,
)
"""What comes before a cue's text in SubRip and WebVTT (W3C, section 4.1): its number or name, and
its times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStamp:
    """What a line's time stamp says: a day as it is written, and the time of day."""

    day: str = ""
    clock: time
    offset: timedelta = timedelta()
    """From UTC, where a zone is named."""
    has_half: bool = False
    """Whether the clock is one of twelve hours: "6:00 PM"."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The three numbers of the day in the order in which they stand; empty without a day."""
        return tuple(_numbers(self.day))

    @property
    def since_midnight(self) -> timedelta:
        """The time of day in UTC."""
        clock = self.clock
        return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second) - self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A stretch of a text; the parts of a text, joined, are the text."""

    content: str
    speaker: str = ""
    """As labelled, `user` or `assistant`; empty before the first turn, and of logs."""
    stamp: TurnStamp | None = None


class _Message(BaseModel):
    """What a message in JSON has at least."""

    role: str
    content: object


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """A line that may begin a turn or an entry of a log."""

    start: int
    said_from: int
    """Where the label ends."""
    label: str
    """Empty for a line with a time stamp only."""
    stamp: TurnStamp | None
    full: bool
    """Whether the stamp names a day or seconds, as a log's do."""

    @property
    def key(self) -> str:
        """What is the same for every turn of a speaker."""
        return fold(self.label)


@dataclass(frozen=True, slots=True)
class Label:
    """What stands before what is said in a line."""

    start: int
    """Of its line."""
    said_from: int
    name: str
    """As spelled; empty where only a time stands there."""
    is_sure: bool
    """Whether a time or a chat's brackets stand with it, as with no field."""


def without_cue_times(text: str) -> str:
    """The text without the numbers and times of subtitles."""
    return _CUE.sub("", text) if "-->" in text else text


def find_labels(text: str) -> Iterator[Label]:
    """The labels at the beginnings of lines, of speakers and of fields, in order."""
    for one in _beginnings(text):
        chat = one.label[:1] == "@" or text[one.start : one.said_from].rstrip().endswith(">")
        yield Label(one.start, one.said_from, one.label, chat or one.stamp is not None)


def cut_talk(text: str) -> list[TextPart]:
    """The turns of a talk, after what comes before the first one; empty if the text is none."""
    if messages := _messages(text):
        return _parts(text, messages, least=-(-len(text) // PARTS_MAX))
    labelled = [one for one in _beginnings(text) if one.label]
    speaking = _speaking_posts(text, labelled)
    fields = [one for one in labelled if _is_field(one.key) and one.key not in speaking]
    turns = _speakers_turns(
        [one for one in labelled if not _is_field(one.key) or one.key in speaking]
    )
    if not turns or len(fields) > FIELDS_MAX_SHARE * len(labelled):
        return []
    opening = len(text[: turns[0].start].strip())
    if opening > OPENING_MAX_SHARE * len(text) or not _is_talk(text, turns):
        return []
    return _parts(text, turns, least=-(-len(text) // PARTS_MAX))


def cut_log(text: str) -> list[TextPart]:
    """The entries of a log, joined up to `LOG_PART_CHARACTERS`; empty if the text is none."""
    entries = [one for one in _beginnings(text) if one.full]
    lines = sum(1 for line in _LINE.finditer(text) if not line.group().isspace())
    if len(entries) < LOG_MIN_LINES or len(entries) < LOG_MIN_SHARE * lines:
        return []
    least = max(LOG_PART_CHARACTERS, -(-len(text) // PARTS_MAX))
    entries = [replace(entry, label="") for entry in entries]
    return _parts(text, entries, least=least)


def _numbers(written: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", written)]


def _messages(text: str) -> list[_Beginning]:
    """The messages of a person and an agent in JSON: a list, one a line, or `messages`."""
    found, decoder = list[_Beginning](), json.JSONDecoder()
    at = opened.end() if (opened := _MESSAGES.match(text)) else len(text)
    while begun := _MESSAGE.match(text, at):
        try:
            message, at = decoder.raw_decode(text, begun.end())
            role = _Message.model_validate(message).role
        except (ValueError, RecursionError):
            return []
        start = begun.end() if found else 0
        found.append(_Beginning(start=start, said_from=start, label=role, stamp=None, full=False))
    return found if _has_agent(one.key for one in found) else []


def _beginnings(text: str) -> Iterator[_Beginning]:
    tags, fenced = _ELEMENTS | {found["name"].lower() for found in _USED_ELSE.finditer(text)}, False
    cues = {cue.end(): cue.start() for cue in _CUE.finditer(text)} if "-->" in text else {}
    for line in _LINE.finditer(text):
        if _FENCE.match(text, *line.span()):
            fenced = not fenced
        elif not fenced:
            end = min(line.end(), line.start() + TURN_LABEL_CHARACTERS)
            if found := _beginning(text[line.start() : end].rstrip("\r\n"), line.start(), tags):
                # A turn begins where its cue does.
                at = cues.get(found.start, found.start) if found.label else found.start
                yield replace(found, start=at)


def _beginning(line: str, start: int, tags: Set[str]) -> _Beginning | None:
    at = _BULLET.match(line)
    stamped = _STAMP.match(line, at.end() if at else 0)
    begin = stamped.end() if stamped else at.end() if at else 0
    found = _LABEL.match(line, begin) or _VOICE_LABEL.match(line, begin)
    if not found and stamped:
        found = _CHAT_LABEL.match(line, begin)
    elif not found:
        found = _NAME_WITH_TIME.match(line, begin) or _role_heading(line) or _chat_label(line, tags)
    if not (found or stamped):
        return None
    clocked = stamped or (found if found and found.groupdict().get("clock") else None)
    return _Beginning(
        start=start,
        said_from=start + (found.end() if found else begin),
        label=found["name"] if found else "",
        stamp=_stamp(clocked) if clocked else None,
        full=bool(stamped and (stamped["day"] or stamped["clock"].count(":") > 1)),
    )


def _chat_label(line: str, tags: Set[str]) -> "re.Match[str] | None":
    found = _BARE_CHAT_LABEL.match(line)
    return found if found and found["name"].lower() not in tags else None


def _role_heading(line: str) -> "re.Match[str] | None":
    found = _HEADING.match(line)
    return found if found and fold(found["name"]) in talk_words().roles else None


def _stamp(found: "re.Match[str]") -> TurnStamp | None:
    hour, minute, *second = _numbers(found["clock"])
    if found["half"]:
        hour = hour % 12 + 12 * (found["half"] in "Pp")
    offset, zone = timedelta(), (found["zone"] or "").strip()
    if len(zone) > 1:
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        offset = -away if zone[0] == "-" else away
    try:
        clock = time(hour, minute, sum(second))
    except ValueError:
        return None
    return TurnStamp(
        day=found["day"] or "", clock=clock, offset=offset, has_half=bool(found["half"])
    )


def _is_field(key: str) -> bool:
    return key.endswith(_RAISED) or talk_words().is_field(key)


def _speaking_posts(text: str, labelled: Sequence[_Beginning]) -> frozenset[str]:
    """The labels of people by their post ("Owner:") that stand before what people say in turns.

    In a form a name stands there, or a sentence that nobody answers.
    """
    ends = [*(one.start for one in labelled), len(text)][1:]
    said = dict[str, list[str]]()
    for one, end in zip(labelled, ends, strict=True):
        if talk_words().is_post(one.key) or not _is_field(one.key):
            said.setdefault(one.key, []).append(text[one.said_from : end].rstrip())
    posts = {
        key: turns
        for key, turns in said.items()
        if talk_words().is_post(key) and len(turns) >= SPEAKER_MIN_TURNS
    }
    if not posts or not any(_ASKED.search(words) for turns in said.values() for words in turns):
        return frozenset()
    return frozenset(
        key
        for key, turns in posts.items()
        if sum(map(_is_sentence, turns)) >= POST_MIN_SHARE * len(turns)
    )


def _is_sentence(words: str) -> bool:
    """Whether somebody says it to somebody: in the first or second person, to its full stop."""
    return _SENTENCE_END.search(words) is not None and _is_personal(words[:SAID_CHARACTERS])


def _speakers_turns(labelled: Sequence[_Beginning]) -> list[_Beginning]:
    """The labelled lines of speakers, and those of labels that look like theirs."""
    counts = Counter(one.key for one in labelled)
    least = SPEAKER_MIN_TURNS - _has_agent(counts)
    again = [one for one in labelled if counts[one.key] >= least]
    capital = all(one.label[:1].isupper() for one in again)
    return [
        one
        for one in labelled
        if again
        and (counts[one.key] >= least or one.stamp or (capital and one.label[:1].isupper()))
    ]


def _has_agent(keys: Iterable[str]) -> bool:
    """Whether a person and an agent talk, by their labels."""
    return {USER, ASSISTANT} <= {talk_words().roles.get(key) for key in keys}


def _is_talk(text: str, turns: Sequence[_Beginning]) -> bool:
    """Whether people say to each other what stands behind the labels."""
    keys = [one.key for one in turns]
    speakers = list(dict.fromkeys(keys))
    if _has_agent(speakers):
        return True
    if len(turns) < TALK_MIN_TURNS or len(speakers) > len(turns) / SPEAKER_MIN_TURNS:
        return False
    stamped = sum(1 for one in turns if one.stamp) > len(turns) / 2
    if len(speakers) < 2 - stamped or (not stamped and _is_cycle(keys, len(speakers))):
        return False
    ends = [one.start for one in turns[1:]] + [len(text)]
    said = [
        text[one.said_from : min(end, one.said_from + SAID_CHARACTERS)]
        for one, end in zip(turns, ends, strict=True)
    ]
    personal = sum(1 for words in said if _is_personal(words))
    least = PERSONAL_MIN_SHARE / 2 if stamped else PERSONAL_MIN_SHARE
    return personal >= least * len(turns)


def _is_cycle(keys: Sequence[str], period: int) -> bool:
    """Whether three labels or more come in the same order again and again, as fields do."""
    return period > 2 and all(one == other for one, other in zip(keys, keys[period:], strict=False))


def _is_personal(words: str) -> bool:
    return "?" in words or "？" in words or bool(talk_words().personal.search(fold(words)))


def _parts(text: str, beginnings: Sequence[_Beginning], *, least: int) -> list[TextPart]:
    """The stretches that begin there, each with as many beginnings as make `least` characters."""
    kept = list[_Beginning]()
    for one in beginnings:
        if not kept or one.start - kept[-1].start >= least:
            kept.append(one)
    parts = [TextPart(content=text[: kept[0].start])] if text[: kept[0].start].strip() else []
    starts = [kept[0].start if parts else 0, *(one.start for one in kept[1:]), len(text)]
    for one, (start, end) in zip(kept, pairwise(starts), strict=True):
        speaker = talk_words().roles.get(one.key, one.label)
        parts.append(TextPart(content=text[start:end], speaker=speaker, stamp=one.stamp))
    return parts
