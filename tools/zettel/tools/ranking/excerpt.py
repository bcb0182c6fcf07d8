"""Excerpts of notes that are too long for an answer."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from math import fsum, log1p

import regex as re

from zettel.storage.notes import Note, Outline, fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.asked_slots import find_asked_slots
from zettel.tools.language.asked_steps import find_step, read_asked_step
from zettel.tools.language.headings import Heading, find_headings
from zettel.tools.language.name_words import read_language
from zettel.tools.language.terms import STEM_CHARACTERS, stems, terms_of

EXCERPT_GAP = " … "
_BETWEEN_STEPS = " \t\r\n,;、，；"
PASSAGE_CHARACTERS = 400
"""Most characters of a passage: some four sentences, of which an answer's share of a page of ten
long notes takes two."""
BESIDE_SHARE = 0.5
"""What a word of the question is worth to a sentence that does not hold it, where the sentence
beside it or a heading above it does."""
STATED_SHARE = 0.5
"""Of the best score: from it on a sentence is read for whether it states such a thing as the
question asks for, and so much it gains if it does. From 0.25 to 1 it shows the same answers of 93
questions about ten documents."""
PASSAGE_MIN_SHARE = 0.25
"""Of the best score, from which a passage is quoted: of 264 questions about documents the same were
answered within 600 characters as with all that there was room for, in a third fewer."""

_WORD = re.compile(r"[\p{L}\p{M}\p{N}]+")
_DIGIT = re.compile(r"\p{N}")
_LEADS_IN = (":", "：")
_NUMBER = re.compile(r"\(?(?:\d{1,3}|\p{L})[.)]|[-*•+]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """The passages of a note in the order in which they answer a question."""

    content: str
    spans: Sequence[tuple[int, int]]
    """Start and end of each sentence, in the content's order."""
    order: Sequence[Sequence[int]]
    """The passages near enough to the question, the best first: of each the positions in `spans`,
    the best sentence first, then the line that says what it is about, then its neighbours."""

    def cut(self, characters: int) -> str:
        """Join the best passages, in their own order.

        One sentence is cut if none fits.

        Returns:
            Verbatim stretches of the content, joined by `EXCERPT_GAP`.
        """
        chosen = self._choose(characters)
        if not chosen:
            start, end = self.spans[self.order[0][0]]
            return self.content[start:end].strip()[: max(characters - 1, 1)] + "…"
        stretches = list[list[int]]()
        for index in sorted(chosen):
            if stretches and index - 1 in chosen:
                stretches[-1][1] = self.spans[index][1]
            else:
                stretches.append(list(self.spans[index]))
        return EXCERPT_GAP.join(self.content[start:end].strip() for start, end in stretches)

    def _choose(self, characters: int) -> set[int]:
        """The sentences that fit, up to the first passage of which nothing does."""
        chosen, left = set[int](), characters
        for passage in self.order:
            for index in passage:
                start, end = self.spans[index]
                if end - start + len(EXCERPT_GAP) > left:
                    break
                chosen.add(index)
                left -= end - start + len(EXCERPT_GAP)
            if passage[0] not in chosen:
                break
        return chosen


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence or a line."""

    start: int
    end: int
    paragraph: int
    above: tuple[int, ...]
    """Places of the headings it stands under, the outermost first, and of its table's first row."""
    heading: bool


def rank_passages(content: str, query: str) -> Passages:
    """Order the passages of a note by how near they are to a question.

    A sentence counts by the words that it shares with the question, rare ones more, less by those
    beside it and above it, and by whether it states such a thing as the question asks for. A
    passage is such a sentence with what stands beside it in its paragraph.

    An empty question takes passages from the beginning.
    """
    read = _read_sentences(content)
    asked = _asked_words(query)
    scores = _score(content, query, asked, read) if asked else [0.0] * len(read)
    seeds = sorted(range(len(read)), key=lambda i: (read[i].heading, -scores[i], i))
    least = PASSAGE_MIN_SHARE * max(scores, default=0.0)
    taken, order = set[int](), list[list[int]]()
    for seed in seeds:
        if seed not in taken and scores[seed] >= least:
            passage = [i for i in _passage(seed, read, scores) if i not in taken]
            taken.update(passage)
            order.append(passage)
    return Passages(content=content, spans=[(one.start, one.end) for one in read], order=order)


def _asked_words(query: str) -> set[str]:
    """Stems of the words of a question that are no small words of its language, if it has any."""
    small = read_language(query).function_words
    words = (word for word in _WORD.findall(fold(query)) if word not in small)
    asked = " ".join(words)
    # A name with a number is meant whole: "node17" begins as every "node" of a table does.
    numbered = {word for word in _WORD.findall(fold(query)) if _DIGIT.search(word)}
    return (stems(asked) or stems(query)) | numbered


def _read_sentences(content: str) -> list[_Sentence]:
    headings = {one.start: one for one in find_headings(content)}
    read, path, row, paragraph = list[_Sentence](), list[tuple[int, int]](), -1, 0
    for start, end in _spans(content, headings.values()):
        words = content[start:end].lstrip()
        at, place = end - len(words), len(read)
        heading = headings.get(at)
        blank = content.count("\n", start, at) > 1 and not content.endswith(_LEADS_IN, 0, start)
        if heading or blank or (read and read[-1].heading):
            paragraph, row = paragraph + 1, -1
        if heading:
            path = [(place, level) for place, level in path if level < heading.level]
        above = tuple(place for place, _ in path)
        if words.startswith("|"):
            above, row = (*above, row) if row >= 0 else above, row if row >= 0 else place
        read.append(_Sentence(start, end, paragraph, above, heading is not None))
        if heading:
            path.append((place, heading.level))
    return read


def _spans(content: str, headings: Iterable[Heading]) -> Iterator[tuple[int, int]]:
    """The sentences and lines of a text with the white space before them, a longer one cut.

    A heading is one, and the number of a list's item is a part of what it counts.
    """
    within = set(chain.from_iterable(range(one.start, one.end) for one in headings))
    start = 0
    for begin, end in sentence_spans(content) or [(0, 0)]:
        words = content[begin:end].strip()
        if end in within or (end < len(content) and (not words or _NUMBER.fullmatch(words))):
            continue
        while end - start > PASSAGE_CHARACTERS:
            most = start + PASSAGE_CHARACTERS
            at = content.rfind(" ", start + PASSAGE_CHARACTERS // 2, most) + 1 or most
            yield start, at
            start = at
        if words or not start:
            yield start, end
        start = end


def _score(content: str, query: str, asked: Set[str], read: Sequence[_Sentence]) -> list[float]:
    """How near each sentence is to a question."""
    said = terms_of([content[one.start : one.end] for one in read])
    held = [asked & {term[:STEM_CHARACTERS] for term in words} for words in said]
    if numbered := {word for word in asked if _DIGIT.search(word)}:
        whole = (_WORD.findall(fold(content[one.start : one.end])) for one in read)
        held = [stems | numbered.intersection(w) for stems, w in zip(held, whole, strict=True)]
    holders = Counter(chain.from_iterable(held))
    worth = {word: log1p(len(read) / holders[word]) for word in holders}
    scores = list[float]()
    for at, words in enumerate(held):
        beside = (i for i in (at - 1, at + 1) if _is_beside(read, i, at))
        near = set[str]().union(*(held[i] for i in (*read[at].above, *beside))) - words
        # Exact sums: a set has its words in another order in every process.
        told, told_near = (fsum(worth[w] for w in some) for some in (words, near))
        scores.append(told + BESIDE_SHARE * told_near)
    best = max(scores, default=0.0)
    slots = find_asked_slots(query)
    for at, one in enumerate(read):
        if slots and scores[at] >= STATED_SHARE * best and not one.heading:
            stated = sum(slot.is_stated(content[one.start : one.end]) for slot in slots)
            scores[at] += STATED_SHARE * best * stated / len(slots)
    return scores


def _is_beside(read: Sequence[_Sentence], place: int, other: int) -> bool:
    """Whether there is such a place, in the same paragraph as another one."""
    return 0 <= place < len(read) and read[place].paragraph == read[other].paragraph


def _passage(seed: int, read: Sequence[_Sentence], scores: Sequence[float]) -> Iterator[int]:
    """A sentence, what it stands under, and what stands beside it in its paragraph, best first."""
    yield seed
    yield from read[seed].above[-1:]
    first = last = seed
    left = PASSAGE_CHARACTERS - (read[seed].end - read[seed].start)
    while True:
        beside = [
            at
            for at in (last + 1, first - 1)
            if _is_beside(read, at, seed) and read[at].end - read[at].start <= left
        ]
        if not beside:
            return
        at = max(beside, key=lambda at: (scores[at], -abs(at - seed)))
        yield at
        first, last = min(first, at), max(last, at)
        left -= read[at].end - read[at].start


def step_title(note: Note | Outline) -> str:
    """What says of what the lists of a note are, beside its text."""
    return " ".join((note.subject, *note.tags))


def excerpt_step(note: Note, query: str) -> str:
    """The step of a note's list that a question asks for, with its neighbours, and the line above.

    Returns:
        Verbatim stretches of the content; all of it if no list holds the step.
    """
    asked = read_asked_step(query)
    step = find_step(asked, note.content, title=step_title(note)) if asked else None
    if step is None:
        return note.content
    told, before = "", 0
    for start, end in step.spans:
        between = note.content[before:start] if told else ""
        told += EXCERPT_GAP if between.strip(_BETWEEN_STEPS) else between
        told += note.content[start:end]
        before = end
    return told.strip()
