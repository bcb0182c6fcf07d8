"""Who is named in a question, and which notes speak of them."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import regex as re
from numpy.typing import NDArray

from zettel.storage.notes import Outline, fold
from zettel.tools.evolve.names import ORDINARY
from zettel.tools.ranking.terms import TermIndex, terms

_WORD = re.compile(r"[\p{L}\p{N}_][\p{L}\p{M}\p{N}_'’-]*")
_OPENS = re.compile(r"(?:^|[.!?…:;\n])[\s\"“(\[]*$")
_TITLE = re.compile(r"(?:\p{Lu}['’])?\p{Lu}[\p{Ll}\p{M}]+(?:[-'’]\p{Lu}?[\p{Ll}\p{M}]+)*")
_AFTER_CALLED = re.compile(r"\s*(?:[,.!?]|$)")
_CALLED = r"(?:^|[,.!?]\s*|\b(?:hey|hi|hello|thanks|thank you|wow|yeah|yes|oh)\s+)$"
_BEFORE_CALLED = re.compile(_CALLED, re.IGNORECASE)


MOST_WORDS = 25
"""Words up to which a text asks about somebody; a longer one is itself what is looked for, and
whoever it holds is not what it is about (order questions over books: 99.5 -> 100 %)."""


def asked_names(question: str) -> tuple[str, ...]:
    """The words of a question that its writer spells like names, in order: "Ana", "Silva"."""
    if len(question.split()) > MOST_WORDS:
        return ()
    if not any(
        match.group()[0].islower() for match in _WORD.finditer(question)
    ):  # all of it in capitals: none of it says more
        return ()
    named = (m for m in _WORD.finditer(question) if not _OPENS.search(question[: m.start()]))
    spelled = (re.sub(r"['’]s$", "", match.group()) for match in named)
    return tuple(dict.fromkeys(w for w in spelled if _TITLE.fullmatch(w) and _tells(w)))


def _tells(word: str) -> bool:
    return fold(word) not in ORDINARY and bool(terms(word))


def is_addressed(text: str, start: int, end: int) -> bool:
    """Whether what stands there is whom the text is said to, not whom it is about: "Hi Ana!"."""
    before = _BEFORE_CALLED.search(text[:start]) is not None
    return before and _AFTER_CALLED.match(text[end:]) is not None


class Mentions:
    """The names in the notes of a scope, looked for when they are asked for.

    Args:
        outlines: The notes.
        said: Their words.
    """

    def __init__(self, outlines: Sequence[Outline], said: TermIndex) -> None:
        self._outlines = outlines
        self._said = said
        self._found = dict[str, tuple[int, list[int]]]()

    def held(self, name: str) -> int:
        """How many notes hold a folded name, in whatever role."""
        return self._look(name)[0]

    def speak_of(self, name: str) -> list[int]:
        """The rows of the notes that speak of it, not only to it; not those whose subject it is."""
        return self._look(name)[1]

    def _look(self, name: str) -> tuple[int, list[int]]:
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def _read(self, name: str) -> tuple[int, list[int]]:
        told = [self._said.postings(term)[0] for term in terms(name)]
        if not told:
            return 0, []
        spelled = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        held, rows = 0, list[int]()
        there: NDArray[np.intp] = reduce(np.intersect1d, told)
        for row in map(int, there):
            outline = self._outlines[row]
            places = [match.span() for match in spelled.finditer(outline.content)]
            held += bool(places)
            own = name in fold(outline.subject).split() or name == fold(outline.subject)
            if not own and not all(is_addressed(outline.content, *place) for place in places):
                rows.append(row)
        return held, rows
