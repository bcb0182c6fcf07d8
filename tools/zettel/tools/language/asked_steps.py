"""Questions about a step of an ordered list, and the step that they ask for in a text."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.gloss import other_words
from zettel.tools.language.list_words import list_words
from zettel.tools.language.ordered_lists import OrderedList, find_lists
from zettel.tools.language.terms import terms

QUESTION_READ_CHARACTERS = 300
"""A longer text is no question about a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStep:
    """A question for a step of an ordered list."""

    after: str = ""
    """The step behind which it is; empty asks for the first one that is not done."""
    of: str = ""
    """What else the question says: of which list."""

    @property
    def words(self) -> tuple[str, ...]:
        """The step or list that is named, and the same in English if it is in another language."""
        named = self.after or self.of
        english = other_words(named)
        return (named, english) if english else (named,)


def read_asked_step(question: str) -> AskedStep | None:
    """Read a question for a step of a list; None if it asks for none."""
    if len(question) > QUESTION_READ_CHARACTERS:
        return None
    text = question.strip().strip("?？!¿。. ")
    if found := list_words().after.fullmatch(text):
        return AskedStep(after=found["step"].strip(" ,"))
    if found := list_words().open.search(text):
        return AskedStep(of=_without(text, found))
    found = list_words().upcoming.search(text)
    rest = _without(text, found) if found else ""
    return AskedStep(of=rest) if terms(rest) else None


def _without(text: str, found: re.Match[str]) -> str:
    """The words of a question that say of which list."""
    rest = f"{text[: found.start()]} {text[found.end() :]}"
    return " ".join(list_words().about.sub(" ", rest).split())


LIST_MIN_SHARE = 0.6
"""Least share of a question's telling words that a step, or a list, holds with what stands over the
list: two of three words, but not one of two."""
SHORT_WORD_CHARACTERS, SHORT_WORD_WEIGHT = 3, 0.25
"""Words up to this length tell little: "the", "der", "tag"."""
_WORD = re.compile(r"[\p{L}\p{M}\p{N}]+")
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}ー]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStep:
    """The step that a question asks for."""

    share: float
    """How much of the question is about it, in `[LIST_MIN_SHARE, 1]`."""
    density: float
    """How much of the step before it, or of the list, the question names, in `[0, 1]`."""
    spans: tuple[tuple[int, int], ...]
    """What to show: the words before the list, the step with its neighbours."""
    is_end: bool
    """Whether there is none: the list ends, or everything is done."""

    @property
    def closeness(self) -> float:
        """How near the list is to the question, beside others; in `[0, 1]`."""
        return _closeness((self.share, self.density))


def find_step(asked: AskedStep, text: str, *, title: str) -> FoundStep | None:
    """Find the step of a text that a question asks for; None if it holds none.

    `title` is what else says of what its lists are, such as its tags.
    """
    found = [one for of in find_lists(text) if (one := _in_list(asked, text, of, title))]
    return max(found, key=lambda one: one.closeness, default=None)


def _in_list(asked: AskedStep, text: str, of: OrderedList, title: str) -> FoundStep | None:
    head, words = f"{title} {text[slice(*of.head)]}", asked.words
    if not asked.after:
        told = f"{head} {' '.join(step.text for step in of.steps)}"
        has_status = of.steps[0].is_done is not None
        match = max((_match(one, told) for one in words), key=_closeness)
        match = match if has_status else (0.0, 0.0)
        at = of.first_open()
    else:
        matches = [
            max((_match(one, step.text, head) for one in words), key=_closeness)
            for step in of.steps
        ]
        match = max(matches, key=_closeness)
        behind = matches.index(match) + 1
        at = behind if behind < len(of.steps) else None
    if match[0] < LIST_MIN_SHARE:
        return None
    return FoundStep(
        share=match[0], density=match[1], spans=_shown(text, of, at), is_end=at is None
    )


def _shown(text: str, of: OrderedList, at: int | None) -> tuple[tuple[int, int], ...]:
    """The step at a position with its neighbours; None shows the last steps."""
    last = len(of.steps) - 1
    places = {last - 1, last} if at is None else {at - 1, at, at + 1}
    if at is not None and of.steps[at].is_done:  # what is still to do behind it
        places |= {of.first_open(at) or at}
    steps = [of.steps[place] for place in sorted(places) if 0 <= place <= last]
    above = text[slice(*of.head)].rstrip()
    begin = above.rfind("\n") + 1
    head = [(of.head[0] + begin, of.head[0] + len(above))]
    if not 0 < len(above) - begin <= HEAD_MAX_CHARACTERS:
        head = []
    return (*head, *((step.start, step.end) for step in steps))


HEAD_MAX_CHARACTERS = 200
"""Longest line before a list that is shown with a step of it."""


DENSITY_WEIGHT = 0.25
"""Of two steps with the asked words the one with fewer others is meant."""


def _closeness(match: tuple[float, float]) -> float:
    share, density = match
    return (1 - DENSITY_WEIGHT) * share + DENSITY_WEIGHT * density


def _match(asked: str, told: str, head: str = "") -> tuple[float, float]:
    """The share of the asked words that a step tells, and the share of its words that are asked.

    Words that only stand over the list count by half: every step has the same list over it.
    """
    words, own, above = _split(asked), _split(told), _split(head)
    if not words:
        return 1.0, 0.0
    in_step = {word for word in words if _is_told(word, own)}
    in_head = {word for word in words - in_step if _is_told(word, above)}
    if not in_step:
        return 0.0, 0.0
    share = (_weigh(in_step) + _weigh(in_head) / 2) / _weigh(words)
    return share, _weigh(word for word in own if _is_told(word, words)) / _weigh(own)


def _weigh(words: Iterable[str]) -> float:
    return sum(
        SHORT_WORD_WEIGHT if len(word) <= SHORT_WORD_CHARACTERS and word.isascii() else 1.0
        for word in words
    )


def _split(text: str) -> set[str]:
    spaced = _UNSPACED.sub(" ", text)
    characters = _UNSPACED.findall(text)
    pairs = {one + other for one, other in pairwise(characters)}
    return set(_WORD.findall(fold(spaced))) | pairs


def _is_told(word: str, told: Iterable[str]) -> bool:
    """Whether one of the words is this one, perhaps in another form: "tagging", "tag"."""
    return any(word == other or _is_form(word, other) for other in told)


_ENDINGS = re.compile(r"(?P<last>.)?(?:e|es|s|ed|er|ing|en)?")
"""Of a word of three letters but for an "e": "tags", "tagged", "moving"."""


def _is_form(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    base = short.removesuffix("e")
    if len(base) != 3:
        return len(base) > 3 and base[:4] == long[:4]
    ending = _ENDINGS.fullmatch(long, 3) if long.startswith(base) else None
    return ending is not None and ending["last"] in (None, base[2])
