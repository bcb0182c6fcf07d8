"""Two notes that may not both be true: the younger may supersede the older, or contradict it.

A rule's guess, for an agent to settle. Only what both state plainly of the same person or thing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import regex as re

from zettel.storage.notes import MAY_CONTRADICT, MAY_SUPERSEDE, Note, Outline, fold, order_key
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.language.facts import Statement, find_statements

SURE, UNSURE, NEGATED = 0.9, 0.6, 0.8
"""Confidence in a pair: both say which fact they mean, one does not, the same words negated. Set by
hand."""
PLAIN = 0.8
"""Confidence from which on the younger note may be answered with before the older."""

_DENIAL = re.compile(r"\b(?:not|never|no longer|cannot|any ?more)\b|n['’]t\b", re.IGNORECASE)
_OVER = re.compile(r"\b(?:no longer|any ?more)\b", re.IGNORECASE)
_WORD = re.compile(r"[\p{L}\p{M}\p{N}_]+")
_BESIDE = frozenset(
    "a an the is are was were be been am do does did has have had will can could now still"
    " currently ca wo ai s t ve re m ll d".split()
)
"""Words that come and go with a negation, and say nothing of what is negated."""
LEAST_WORDS, ENDED_WORDS = 3, 2
"""Words that both sides of a negation share, least, whom it is about being one: "I don't know"
denies nothing in particular, "I'm no longer vegetarian" does."""
_ANYBODY = frozenset("he she it they we this that these those there".split())
ENDING = re.compile(r"(?<=\w{2})(?:es|s|ed|ing)$")
LOOKED_AT = 48
"""Notes read that may state the same fact."""
SHORT = 300
"""Characters of a statement that is compared word by word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why two notes may not both be true, seen from the younger."""

    relation: str
    """`may_supersede` or `may_contradict`."""
    weight: float
    """Confidence, in `[0, 1]`."""
    reason: str
    """In words of the younger note and of its statement alone: the other may be forgotten."""


def rival(
    younger: Note | Outline,
    older: Note | Outline,
    told: Sequence[Statement],
    before: Sequence[Statement],
) -> Conflict | None:
    """Whether and how the younger note says otherwise than the older.

    Args:
        younger: The later one by `order_key`.
        older: The other one.
        told: What the younger states.
        before: What the older states.
    """
    same_day = younger.happened_at.date() == older.happened_at.date()
    found = [r for new in told for old in before if (r := _otherwise(new, old, same_day=same_day))]
    if found:
        return max(found, key=lambda r: r.weight)
    return _negated(younger, older, same_day=same_day)


def tells_otherwise(
    note: Note | Outline, told: Sequence[Statement], other: Note | Outline
) -> Conflict | None:
    """The same of two notes in any order.

    Args:
        note: One.
        told: What it states.
        other: The other.
    """
    others = find_statements(other) if told else ()
    if order_key(note) > order_key(other):
        return rival(note, other, told, others)
    return rival(other, note, others, told)


def of_others(told: Sequence[Statement], other: Note | Outline) -> bool:
    """Whether a note tells the same facts of others only: as alike as it is, it replaces nothing.

    Args:
        told: What the one note states.
        other: The other note.
    """
    facts = {one.fact for one in told}
    theirs = [one for one in find_statements(other) if one.fact in facts] if told else []
    return bool(theirs) and {one.who for one in theirs}.isdisjoint(one.who for one in told)


async def tellers(store: NoteStore, told: Iterable[Statement], where: NoteFilter) -> list[Outline]:
    """Notes that may state the same facts of the same ones, by the words such statements use.

    A statement shares few words with its successor ("I live in Lyon", "moved into a flat in
    Paris"), and stands no nearer than a cosine of 0.2-0.8 to it (generator, seeds 2-4).

    Args:
        store: Where.
        told: Statements; nothing is looked for without any.
        where: Which notes.
    """
    words = " ".join(dict.fromkeys(word for one in told for word in one.words.split()))
    hits = await store.match_text(words, where, limit=LOOKED_AT) if words else []
    ids = tuple(hit.note_id for hit in hits)
    return await store.outlines(replace(where, note_ids=ids), limit=len(ids)) if ids else []


def _otherwise(new: Statement, old: Statement, *, same_day: bool) -> Conflict | None:
    if new.who != old.who or not (new.sure or old.sure):
        return None
    same_value = _same(new.value, old.value)
    any_fact = same_value and "" in (new.fact, old.fact) and new.denied is not old.denied
    if new.fact != old.fact and not any_fact:
        return None
    if same_value == (new.denied is old.denied) or (not same_value and new.denied):
        return None
    weight = SURE if new.sure and old.sure and new.plain and old.plain else UNSURE
    fact = f"{new.who}'s {new.fact}" if new.who else f"the {new.fact}"
    if new.denied:
        relation = MAY_SUPERSEDE if new.over else MAY_CONTRADICT
        reason = f"denies {fact}" if new.fact else f"ends what was told of {new.who}"
    else:
        relation = MAY_CONTRADICT if same_day and not new.begun else MAY_SUPERSEDE
        reason = f"tells {fact} otherwise"
    return Conflict(relation=relation, weight=weight, reason=reason)


def _same(one: str, other: str) -> bool:
    """Whether two values are the same, or one is the other told more closely: "Lyon, France"."""
    return one == other or f" {one} " in f" {other} " or f" {other} " in f" {one} "


def _negated(younger: Note | Outline, older: Note | Outline, *, same_day: bool) -> Conflict | None:
    new, old = younger.content, older.content
    if fold(younger.subject) != fold(older.subject) or max(len(new), len(old)) > SHORT:
        return None
    denies = _DENIAL.search(new) is not None
    if denies is (_DENIAL.search(old) is not None) or "?" in new + old:
        return None
    words, ends = _said(younger), _OVER.search(new) is not None
    least = ENDED_WORDS if ends and words and words[0] not in _ANYBODY else LEAST_WORDS
    if len(words) < least or words != _said(older):
        return None
    over = not same_day or ends
    return Conflict(
        relation=MAY_SUPERSEDE if over else MAY_CONTRADICT,
        weight=NEGATED,
        reason="denies it" if denies else "says it is so after all",
    )


def _said(note: Note | Outline) -> tuple[str, ...]:
    """What a note says, without negations; it begins with its subject if that is who says it."""
    found = _WORD.findall(_DENIAL.sub(" ", fold(note.content).replace("’", "'")))
    words = [ENDING.sub("", word) for word in found if word not in _BESIDE]
    whose = [ENDING.sub("", word) for word in _WORD.findall(fold(note.subject))]
    said_by = 1 if words[:1] == ["i"] else len(whose) if words[: len(whose)] == whose else 0
    return tuple([*whose, *words[said_by:]] if whose and said_by else words)
