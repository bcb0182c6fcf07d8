"""Ordered lists in texts: their steps in order, with the status of each."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex as re

from zettel.storage.text.passages import clauses, sentence_spans
from zettel.tools.language.list_words import list_words

INLINE_MIN_STEPS = 3
"""Fewest steps in running text without "first": "1) and 2)" may be two cases, "A → B" a change."""
STEP_MAX_CHARACTERS = 600
"""Longest step in running text: what is longer is a story."""
HEAD_CHARACTERS = 300
"""Of a list in running text the characters before it that may say what it is of."""
SEQUENCE_MAX_SENTENCES = 3
"""Most sentences from one word of a sequence to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStep:
    """One step of an ordered list."""

    start: int
    end: int
    """Where it stands in the text, with its number or box."""
    text: str
    """Without them."""
    is_done: bool | None = None
    """None where no step of the list has a status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedList:
    """An ordered list in a text."""

    steps: tuple[ListStep, ...]
    """In order, at least two."""
    head: tuple[int, int]
    """Where the words before it stand that say what it is of."""

    def first_open(self, start: int = 0) -> int | None:
        """The position of the first step from `start` on that is not done.

        None if there is none, or if the list keeps no status.
        """
        left = range(start, len(self.steps))
        return next((at for at in left if self.steps[at].is_done is False), None)


def find_lists(text: str) -> list[OrderedList]:
    """The ordered lists of a text.

    Numbered or ticked lines, else numbers, arrows or words ("first", "then") in running text.
    """
    for find in (_find_lines, _find_numbers, _find_arrows, _find_sequences):
        if found := find(text):
            return found
    return []


_LINE = re.compile(
    r"^(?P<indent>[ \t>]*)(?:[-*+•][ \t]+)?"
    r"(?:(?:(?:\p{L}{2,12}[ \t]*)?(?P<number>\d{1,3})[ \t]*[.):：、．]"
    r"|第(?P<zh>[一二三四五六七八九十\d]{1,3})步[:：，,、]?"
    r"|(?P<han>[一二三四五六七八九十]{1,3})、|(?P<circled>[①-⑳]))[ \t]*)?"
    r"(?:(?P<box>\[[ xX✓✔]\]|[☐☑☒✅✔✓⬜])[ \t]*)?(?P<text>\S.*)$",
    re.MULTILINE,
)
OPEN_BOXES = frozenset({"[ ]", "☐", "⬜"})
"""Of a step that is not done."""
_HAN = "〇一二三四五六七八九十"
_STRUCK = re.compile(r"~~$")
STATUS_CHARACTERS = 40
"""The end of a step, where it may say that it is done."""


def _find_lines(text: str) -> list[OrderedList]:
    """Lists of one step a line; deeper lines, and those that go on, belong to the step above."""
    words, found, lines, before = list_words(), list[OrderedList](), list[re.Match[str]](), 0

    def close(upto: int) -> None:
        nonlocal before
        if len(lines) > 1:
            head = before, lines[0].start()
            found.append(_list_of_lines(text, lines, head, upto))
            before = upto
        lines.clear()

    for line in _LINE.finditer(text):
        number, boxed = _number(line), line["box"] is not None
        if number is None and not boxed:
            if lines and not (line["indent"] > lines[0]["indent"]):
                close(line.start())
            continue
        if number is not None and line["number"] and not words.step_line.match(line.group()):
            continue
        if lines and len(line["indent"]) > len(lines[0]["indent"]):
            continue
        goes_on = lines and (
            number == (_number(lines[-1]) or 0) + 1
            if number is not None
            else lines[-1]["box"] is not None and _number(lines[-1]) is None
        )
        if not goes_on:
            close(line.start())
        lines.append(line)
    close(len(text))
    return found


def _number(line: re.Match[str]) -> int | None:
    if line["number"]:
        return int(line["number"])
    if line["circled"]:
        return ord(line["circled"]) - ord("①") + 1
    han = line["zh"] or line["han"]
    if not han:
        return None
    if han.isdecimal():
        return int(han)
    tens, ten, ones = han.rpartition("十")
    value = (_HAN.find(tens) if tens else 1) * 10 if ten else 0
    return value + (_HAN.find(ones) if ones else 0)


def _list_of_lines(
    text: str, lines: Sequence[re.Match[str]], head: tuple[int, int], end: int
) -> OrderedList:
    ends = [*(line.start() for line in lines[1:]), end]
    steps = list[ListStep]()
    for line, stop in zip(lines, ends, strict=True):
        told = text[line.start("text") : stop].strip()
        box = line["box"]
        done = box not in OPEN_BOXES if box else _says_done(line["text"])
        upto = line.start() + len(text[line.start() : stop].rstrip())
        steps.append(ListStep(start=line.start(), end=upto, text=told, is_done=done))
    has_status = any(line["box"] for line in lines) or any(step.is_done for step in steps)
    return _made(steps, head, has_status=has_status)


def _made(steps: Iterable[ListStep], head: tuple[int, int], *, has_status: bool) -> OrderedList:
    kept = (step if has_status else replace(step, is_done=None) for step in steps)
    return OrderedList(steps=tuple(kept), head=head)


def _says_done(told: str) -> bool:
    told = told.strip()[-STATUS_CHARACTERS:]
    return _STRUCK.search(told) is not None or list_words().done.search(told) is not None


_INLINE = re.compile(r"(?<!\S)\(?(?P<number>\d{1,2})[.)]\s+(?=\S)|(?P<circled>[①-⑳])\s*")


def _find_numbers(text: str) -> list[OrderedList]:
    """Lists numbered in running text: "1) dump, 2) migrate, 3) restart"."""
    found, run = list[OrderedList](), list[re.Match[str]]()
    for match in [*_INLINE.finditer(text), None]:
        number = 0 if match is None else int(match["number"] or ord(match["circled"]) - 0x245F)
        if match is not None and number == len(run) + 1:
            run.append(match)
            continue
        if len(run) >= INLINE_MIN_STEPS:
            spans = _spans(text, [one.start() for one in run])
            found.append(_list_of_spans(text, spans, [one.end() for one in run]))
        run = [match] if match is not None and number == 1 else []
    return found


_ARROW = re.compile(r"[ \t]{0,8}(?:→|⇒|[-=]{1,2}>)[ \t]{0,8}")


def _find_arrows(text: str) -> list[OrderedList]:
    """Lists of steps with arrows between them: "lint → test → build"."""
    found = list[OrderedList]()
    for start, end in sentence_spans(text):
        arrows = list(_ARROW.finditer(text, start, end))
        if len(arrows) < INLINE_MIN_STEPS - 1:
            continue
        colon = text.rfind(": ", start, arrows[0].start())
        begins = [colon + 2 if colon >= 0 else start, *(arrow.end() for arrow in arrows)]
        ends = [*(arrow.start() for arrow in arrows), start + len(text[start:end].rstrip())]
        spans = list(zip(begins, ends, strict=True))
        if all(begin < stop for begin, stop in spans):
            found.append(_list_of_spans(text, spans, begins))
    return found


def _find_sequences(text: str) -> list[OrderedList]:
    """Lists told in words: "First dump the database, then migrate, and finally restart it"."""
    sentences = sentence_spans(text)
    ends = [end for _, end in sentences]

    def sentence_of(at: int) -> int:
        return min(bisect_right(ends, at), len(ends) - 1)

    def begin_before(at: int) -> int:
        """Where the step begins that stands before a "then"."""
        begin = sentences[sentence_of(at)][0]
        # "Dump the database first. Then migrate."
        return begin if text[begin:at].strip() else sentences[max(sentence_of(at) - 1, 0)][0]

    runs = list[list[int]]()
    for mark in list_words().marks.finditer(text):
        at = mark.start("word")
        if mark["first"] is not None:
            runs.append([at])
        elif runs and sentence_of(at) - sentence_of(runs[-1][-1]) <= SEQUENCE_MAX_SENTENCES:
            runs[-1].append(at)
        else:
            runs.append([begin_before(at), at])
    found = (_sequence(text, starts, ends[sentence_of(starts[-1])]) for starts in runs)
    return [one for one in found if one]


def _sequence(text: str, starts: Sequence[int], end: int) -> OrderedList | None:
    """The list of steps that begin there; None if they make none."""
    opened = len(starts) > 1 and list_words().first.search(text, starts[0], starts[1])
    if len(starts) < (2 if opened else INLINE_MIN_STEPS):
        return None
    spans = _spans(text, starts, end=end)
    if any(stop - start > STEP_MAX_CHARACTERS for start, stop in spans):
        return None
    return _list_of_spans(text, spans, starts)


def _spans(text: str, starts: Sequence[int], *, end: int | None = None) -> list[tuple[int, int]]:
    """The steps that begin there, the last one up to the end of its sentence."""
    if end is None:
        last = text[starts[-1] :]
        end = starts[-1] + max((stop for _, stop in sentence_spans(last)[:2]), default=len(last))
    spans = list[tuple[int, int]]()
    for start, stop in pairwise((*starts, end)):
        # One character more than a step may have, so that a longer one is seen.
        told = text[start : min(stop, start + STEP_MAX_CHARACTERS + 1)].rstrip()
        trails = list_words().trails.search(told, max(len(told) - STATUS_CHARACTERS, 0))
        spans.append((start, start + (trails.start() if trails else len(told))))
    return spans


def _list_of_spans(
    text: str, spans: Sequence[tuple[int, int]], begins: Sequence[int]
) -> OrderedList:
    told = [text[begin:end] for begin, (_, end) in zip(begins, spans, strict=True)]
    done = [_says_done(step) for step in told]
    steps = [
        ListStep(start=start, end=end, text=step, is_done=is_done)
        for (start, end), step, is_done in zip(spans, told, done, strict=True)
    ]
    begin = spans[0][0]
    return _made(steps, (max(begin - HEAD_CHARACTERS, 0), begin), has_status=any(done))


def items(text: str) -> list[str]:
    """What a text tells, one thing each: its clauses, parted at "and" as well.

    As "Postgres 15", "Redis 7" and "Python 3.11" of "Postgres 15 and Redis 7, Python 3.11".
    """
    return [item for part in clauses(text) for item in list_words().joins.split(part)]
