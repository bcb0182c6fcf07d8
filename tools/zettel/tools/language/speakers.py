"""Speakers of a text: whose words its labelled lines, letters and quotations are.

"Ana: I have moved", "Ana wrote: I have moved", "Ana said “I have moved”": the speaker is Ana. Of a
quotation without a name nobody knows whose words it has. The words of saying are in `talk_words`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.name_words import name_words, names_nobody, read_language, titles
from zettel.tools.language.names import ASSISTANTS, ORDINARY_WORDS, is_common_acronym
from zettel.tools.language.talk_words import talk_words
from zettel.tools.language.transcripts import TURN_LABEL_CHARACTERS, Label, find_labels

NOBODY_KNOWN = ""
"""The speaker of a quotation that nothing names."""
SPEAKER_MAX_WORDS = 4
"""Most words of a speaker's name."""
TEXT_MAX_QUOTATIONS = 64
"""Quotations of a text that are read."""

_LINE_ANSWERED = re.compile(r"^[ \t]*>(?!\s*$).*$", re.MULTILINE)
"""A line of a letter that is answered."""
_QUOTED = re.compile(
    r"\"[^\"\n]*+(?:\"|$)|“[^”]*+(?:”|$)|„[^“”]*+(?:[“”]|$)|»[^«»\n]*+«|«[^»]*+(?:»|$)"
    r"|「[^」]*+(?:」|$)|『[^』]*+(?:』|$)"
    r"|(?<!\w)['‘](?=\w)[^'’\n]*+(?:(?<=\w)['’](?=\w)[^'’\n]*+)*+['’](?!\w)",
    re.MULTILINE,
)
_SPELLED = r"[\p{L}\p{M}][\p{L}\p{M}'’.-]*+"
_NAME = (
    rf"(?!\p{{Ll}}){_SPELLED}"
    rf"(?:[ ](?:(?:de|del|di|da|van|von|der|la)[ ]){{0,2}}(?=\p{{Lu}}){_SPELLED}){{0,3}}"
)
_BEHIND_SAYING = r"(?:[ ](?!\p{Lu})[^\s:：,\"“”„«»「」『』]+){0,4}?"
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_NUMBER = re.compile(r" \d+$")


@dataclass(frozen=True, slots=True)
class Speech:
    """A stretch of a text in somebody's own words."""

    start: int
    end: int
    speaker: str
    """As spelled, `user` for the user, `NOBODY_KNOWN` where the text does not say."""


def find_turns(text: str) -> list[Speech]:
    """The lines of other speakers, in order: labelled ones, and those of a letter that is answered.

    A label alone on its line is of the lines up to the next label or empty line.
    """
    labels = [label for label in find_labels(text) if label.name]
    found = [Speech(*line.span(), NOBODY_KNOWN) for line in _LINE_ANSWERED.finditer(text)]
    if labels:
        found += _labelled_turns(text, labels)
    return sorted(found, key=lambda turn: turn.start)


def _labelled_turns(text: str, labels: Sequence[Label]) -> Iterator[Speech]:
    language = read_language(text)
    for at, label in enumerate(labels):
        if speaker := _speaker(label, language.no_names | language.function_words):
            after = labels[at + 1].start if at + 1 < len(labels) else len(text)
            yield Speech(label.start, _end_of_turn(text, label, after), speaker)


def find_quotations(text: str) -> list[Speech]:
    """What a text quotes, with and without quotation marks: "Ana wrote: …", "Mail from Ana: …"."""
    found = list[Speech]()
    for match in islice(_QUOTED.finditer(text), TEXT_MAX_QUOTATIONS):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        said = _said_before().search(before[-TURN_LABEL_CHARACTERS:])
        found.append(Speech(*match.span(), _called(said) if said else NOBODY_KNOWN))
    for match in islice(_said_openly().finditer(text), TEXT_MAX_QUOTATIONS):
        found.append(Speech(match.end(), _end_of_line(text, match.end()), _called(match)))
    return found


def find_speech(text: str) -> list[Speech]:
    """The turns and quotations of a text; a quotation behind the turn that it may stand in."""
    return [*find_turns(text), *find_quotations(text)]


def speaker_at(speech: Sequence[Speech], place: int) -> str | None:
    """The speaker at a place of a text; None for its author."""
    said = [one.speaker for one in speech if one.start <= place < one.end]
    return next((speaker for speaker in reversed(said) if speaker), said[0] if said else None)


def without(text: str, speech: Sequence[Speech]) -> str:
    """The text with a space for each of these stretches."""
    rest, end = list[str](), 0
    for one in sorted(speech, key=lambda one: one.start):
        if one.end > end:
            rest += (text[end : max(one.start, end)], " ")
            end = one.end
    return "".join([*rest, text[end:]])


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _end_of_turn(text: str, label: Label, after: int) -> int:
    end = _end_of_line(text, label.said_from)
    if text[label.said_from : end].strip():
        return end
    empty = re.compile(r"\n[ \t]*\n").search(text, end + 1, after)
    return empty.start() if empty else after


def _speaker(label: Label, nobody: frozenset[str]) -> str:
    """Whom a label names; empty for a field, and for words of the author's own."""
    words = talk_words()
    name = _PARENTHESIS.sub("", label.name).lstrip("@").strip()
    if role := words.roles.get(fold(name)):
        return role
    if words.is_field(fold(name)):
        return ""
    return name if label.is_sure or _is_name(name, nobody) else ""


def _is_name(label: str, nobody: frozenset[str]) -> bool:
    words = _NUMBER.sub("", label).split()
    while len(words) > 1 and words[0].rstrip(".").lower() in titles():
        words.pop(0)
    name, first = " ".join(words), words[0].rstrip(".").lower() if words else ""
    if not re.fullmatch(_NAME, name) or len(words) > SPEAKER_MAX_WORDS:
        return False
    return not (first in nobody or _is_no_name(first) or (name.isupper() and len(name) > 1))


def _is_no_name(word: str) -> bool:
    english = name_words()["en"]
    return (
        word in ORDINARY_WORDS
        or names_nobody(word, english)
        or is_common_acronym(word.upper())
        or talk_words().is_field(word)
    )


def _called(said: re.Match[str]) -> str:
    """The name before or behind a word of saying, without a title and what opens the sentence."""
    roles, words = talk_words().roles, (said["name"] or "").split()
    if words and (role := roles.get(fold(words[-1]))):
        return role
    while words and (
        words[0].rstrip(".").lower() in titles() or _is_no_name(words[0].rstrip(".").lower())
    ):
        words.pop(0)
    return " ".join(words) if words and words[0].lower() not in ASSISTANTS else NOBODY_KNOWN


@cache
def _saying() -> str:
    """A pattern of who says something and the word for it: "Ana wrote to me", "mail from Ana"."""
    words = talk_words()
    role = rf"(?:\p{{L}}{{1,3}}['’ ][ ]?)?(?i:{'|'.join(map(re.escape, words.roles))})"
    who = rf"(?P<name>{role}|{_NAME})|(?i:{'|'.join(words.others)})"
    sent = rf"(?i:{'|'.join(words.sent)})[ ](?P<name>{_NAME})"
    return (
        rf"(?<![\p{{L}}\p{{M}}'’.-])(?:(?:{who})[ ](?i:{'|'.join(words.said)})(?!\w)"
        rf"{_BEHIND_SAYING}|{sent})"
    )


@cache
def _said_before() -> re.Pattern[str]:
    return re.compile(rf"{_saying()}[ ]?[:：,]?[ ]?$")


@cache
def _said_openly() -> re.Pattern[str]:
    return re.compile(rf"{_saying()}[ ]?[:：](?=[ ])(?!\s*[\"“„«»「『‘'])")
