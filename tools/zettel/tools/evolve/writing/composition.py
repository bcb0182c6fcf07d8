"""What an LLM is asked to compose of several notes, and what of its answer may be used.

It says line by line from which notes it has it; each line is held against these notes alone.
"""

from collections.abc import Mapping, Sequence

import regex as re
from pydantic import BaseModel

from zettel.storage.notes import CONCEPT, GIST, PROFILE, SUMMARY, Note, fold
from zettel.tools.evolve.writing.grounding import fault, sources_of
from zettel.tools.evolve.writing.prompts import DATA, FORM, HONEST, SHOWN, block, question
from zettel.tools.evolve.writing.writer import Piece
from zettel.tools.llm.chat import ChatQuestion

SHOWN_IN_ALL = 24_000
"""Characters shown of all notes together: some 6,000 tokens."""
LINES: Mapping[str, int] = {GIST: 1, CONCEPT: 2, SUMMARY: 8, PROFILE: 40}
"""Lines of a text, by its sort; a profile has at most one a fact."""
_COMPLETE = frozenset((PROFILE,))
"""Sorts of which every note is said, and every negation: what is left out of them is not known."""

_WANTED: Mapping[str, str] = {
    GIST: "what this conversation came to: who did, decided or learnt what; one line, one sentence",
    CONCEPT: "what these notes come to when they are read together; one line, two at most",
    SUMMARY: "what has happened over these conversations, in their order; one line each at most",
    PROFILE: "what is known of each one, as a short portrait; a line a person or thing, beginning"
    " with its name; use every note, change no fact and leave no 'not' out",
}
_DENIES = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|cannot|no longer|any ?more)\b"
    r"|n['’]t\b"
)


class SourceLine(BaseModel):
    """One line, and where it is from."""

    model_config = FORM

    text: str
    of: list[str]


class Composition(BaseModel):
    """The answer to `composition`."""

    model_config = FORM

    lines: list[SourceLine]


def composition(piece: Piece) -> ChatQuestion:
    """Ask for a text of several notes."""
    rules = f"""\
You keep notes for somebody. Say in few words {_WANTED[piece.sort]}. For each line give
- text: all lines together have at most {piece.most} characters;
- of: the ids of the notes that say it, at least one.
{DATA}
{HONEST.format(or_new="s you name beside it")}"""
    shown = min(SHOWN, SHOWN_IN_ALL // len(piece.notes))
    data = "\n".join(block(note, "source", shown=shown) for note in piece.notes)
    return question(rules, data, "composition", Composition, 1)


def read_lines(piece: Piece, lines: Sequence[SourceLine]) -> tuple[str, str]:
    """The text, or what is wrong with it: a wrong line makes all of it useless.

    Returns:
        The text, empty if there is a fault; the fault's name, empty if there is none.
    """
    shown = {note.note_id: note for note in piece.notes}
    tidy = [(" ".join(line.text.split()), line.of) for line in lines]
    kept = [(text, of) for text, of in tidy if text][: LINES[piece.sort]]
    if not kept:
        return "", "missing"
    for text, of in kept:
        if not of or not shown.keys() >= set(of):
            return "", "unknown_id"
        own = [shown[note_id] for note_id in dict.fromkeys(of)]
        if wrong := _wrong(piece, text, own):
            return "", wrong
    told = "\n".join(text for text, _ in kept)
    if len(told.encode()) > piece.most:
        return "", "too_long"
    if piece.sort in _COMPLETE and {i for _, of in kept for i in of} != shown.keys():
        return "", "incomplete"
    return told, ""


def _wrong(piece: Piece, text: str, own: Sequence[Note]) -> str:
    if wrong := fault(text, sources_of(own, shown=piece.notes), most=piece.most):
        return wrong
    denies, denied = _denies(text), any(_denies(note.content) for note in own)
    # A "not" that nobody said, or one that got lost where everything has to be said.
    if denies and not denied:
        return "invented"
    return "incomplete" if denied and not denies and piece.sort in _COMPLETE else ""


def _denies(text: str) -> bool:
    return _DENIES.search(fold(text)) is not None
