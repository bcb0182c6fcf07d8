"""Quotable sentences of a note, and the most central notes of many, by rule."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import regex
from numpy.typing import NDArray

from zettel.storage.notes import Kind, Note, Outline, fold
from zettel.storage.store import Vectors
from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.utterance import asks
from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.facts import find_statements
from zettel.tools.language.importance import ORDINARY, read_importance
from zettel.tools.language.names import ASSISTANTS, find_names
from zettel.tools.language.question_words import says_decided
from zettel.tools.language.relations import begins_with_pronoun, find_relations
from zettel.tools.language.terms import terms
from zettel.tools.language.time_words import is_day_month_or_count
from zettel.tools.language.transcripts import without_cue_times
from zettel.tools.language.user_words import said_by
from zettel.tools.note_marks import is_suspect

QUOTE_MIN_TERMS = 5
"""Different content words of a quotable sentence: 72 % of LoCoMo's turns and 90 % of its
evidence have one (conv-26)."""
QUOTABLE_MAX_CHARACTERS = 8_000
"""Characters of a note that are quoted from: what a document says first tells what it is about."""
STATED_MAX_CHARACTERS = 1_000
"""Characters of a sentence that are read for what it states: far more than are quoted of it."""
RICH_TERMS = 10
"""Content words above which a sentence counts no more."""
SPECIFIC_WORTH = 0.5
"""Worth of a name, number or time, and of a decision or a change; set by hand."""
STATED_WORTH = 1.0
"""Worth of a fact about somebody ("I work as a glazier"): as much as of the longest small talk, of
which gists of talk consisted without it; set by hand."""
WORTH_WEIGHT = 0.3
"""Weight of a sentence's worth against its centrality, which praise and thanks have too; set by
hand."""
DIVERSITY_WEIGHT = 0.3
"""One minus the lambda of maximal marginal relevance (Carbonell and Goldstein 1998: 0.7)."""

Row = NDArray[np.float32]
"""float32, shape `(dim,)`, unit length."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, verbatim but for white space."""
    parts = (text[slice(*span)] for span in sentence_spans(text))
    return [found for part in parts if (found := " ".join(part.split()))]


_OPEN_END = regex.compile(r"(?<![.!?…。！？])[\p{L}\p{N}\p{Sc}%)\]»”’\"']$")
_WIDE_END = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]$")


def ended(text: str) -> str:
    """A quotation with a full stop, where notes lack one, so that the next begins a sentence."""
    if not _OPEN_END.search(text):
        return text
    return f"{text}{'。' if _WIDE_END.search(text) else '.'}"


def quotable(note: Note) -> list[str]:
    """The informative sentences of a note that can be read alone; none if it is marked.

    One that says "she" of somebody named before can be read alone only where it is the first of a
    note whose subject stands before it.
    """
    if is_suspect(note):
        return []
    text = note.content[:QUOTABLE_MAX_CHARACTERS]
    # A quotation begins with the subject: see `drafts`.
    told = sentences(said_by(text, note.subject) if note.subject else without_cue_times(text))
    alone = (
        text
        for at, text in enumerate(told)
        if (note.subject and not at) or not begins_with_pronoun(text)
    )
    return [
        text
        for text in alone
        if (len(set(terms(text))) >= QUOTE_MIN_TERMS or _states(note, text)) and not asks(text)
    ]


def _states(note: Note, sentence: str) -> bool:
    """Whether a sentence states a fact of somebody, a relation to somebody, or what matters."""
    sentence = sentence[:STATED_MAX_CHARACTERS]
    return bool(
        find_statements(replace(note, content=sentence))
        or find_relations(sentence, note.subject)
        or read_importance(sentence, Kind.EPISODIC) > ORDINARY
    )


def tells(note: Note, sentence: str) -> bool:
    """Whether a sentence has content for a gist: no small talk, nothing from an assistant.

    That is a fact, a decision, a change that names the former value, a number or a time. Of 104
    gists that readers found worth having 103 quote such a sentence.
    """
    if _is_from_assistant(note):
        return False
    cue = find_change_cue(sentence)
    settles = says_decided(sentence) or (cue is not None and bool(cue.former))
    return settles or _is_dated_or_counted(note, sentence) or _states(note, sentence)


def _is_from_assistant(note: Note) -> bool:
    return fold(note.subject) in ASSISTANTS - {"user"}


def _is_dated_or_counted(note: Note, sentence: str) -> bool:
    timed = any(span.phrase in sentence for span in note.times)
    return timed or any(map(str.isdigit, sentence))


def worth(note: Note, sentence: str, known: frozenset[str]) -> float:
    """Informativeness of a sentence, in `[0, 3]`, by its words and what is told in them.

    A name, number or time counts, so does a decision or a change, and most a fact of somebody. An
    assistant's sentences have none. `known` are folded subjects of the notes around it: their names
    are forms of address.
    """
    if _is_from_assistant(note):
        return 0.0
    rich = min(len(set(terms(sentence))), RICH_TERMS) / RICH_TERMS
    named = any(fold(name) not in known for name in find_names(f"x {sentence}"))
    specific = named or _is_dated_or_counted(note, sentence)
    settles = says_decided(sentence) or find_change_cue(sentence) is not None
    return rich + SPECIFIC_WORTH * (specific + settles) + STATED_WORTH * _states(note, sentence)


def dated(note: Note | Outline, sentence: str) -> str:
    """A sentence with the day behind a word for it: "yesterday (7 May 2023)".

    A summary does not show when a sentence was told. Only the day itself and those next to it are
    named, and no day of the week: it may come every week ("closed on Sunday and Monday").
    """
    for span in note.times:
        beside = abs((span.start.date() - note.happened_at.date()).days) <= 1
        if any(is_day_month_or_count(word) for word in fold(span.phrase).split()):
            continue
        day = f"{span.start.day} {span.start:%B}"
        named = any(map(str.isdigit, span.phrase)) or day in sentence
        if beside and not named and span.end - span.start <= timedelta(days=1):
            said = re.compile(rf"(?<!\w){re.escape(span.phrase)}(?!\w)", re.IGNORECASE)
            full = f" ({day} {span.start.year})"
            sentence = said.sub(lambda word, full=full: f"{word[0]}{full}", sentence, count=1)
    return sentence


def centre(vectors: Sequence[Row]) -> Row:
    """Normalised mean of unit vectors; near zero if they cancel out."""
    mean = np.mean(np.stack(vectors), axis=0, dtype=np.float64)
    length = max(float(np.linalg.norm(mean)), 1e-9)
    return np.asarray(mean / length, np.float32)


def as_row(passages: Vectors) -> Row:
    """One vector for a note of several passages."""
    return centre(list(passages))


def most_central(rows: Sequence[Row], most: int, worths: Sequence[float] = ()) -> list[int]:
    """Indices of the `most` representative rows, best first, by maximal marginal relevance.

    `rows` are unit vectors; `worths` are theirs, or empty if equal.
    """
    if not rows:
        return []
    matrix = np.stack(rows).astype(np.float64)
    relevance, alike = matrix @ centre(rows).astype(np.float64), matrix @ matrix.T
    if worths:
        relevance += WORTH_WEIGHT * np.asarray(worths)
    chosen = list[int]()
    while len(chosen) < min(most, len(rows)):
        told = alike[:, chosen].max(axis=1) if chosen else np.zeros(len(rows))
        # Rounded, so that ties up to summation order are decided by index.
        gain = np.round((1 - DIVERSITY_WEIGHT) * relevance - DIVERSITY_WEIGHT * told, 6)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen
