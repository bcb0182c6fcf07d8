"""Facts that several episodes told alike, offered as one standing note.

"Ana lives in Lyon", said in three sessions, is no longer an episode. The offer has the words of the
plainest of them and stays out of answers until somebody keeps it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex as re

from zettel.storage.matching import match_outlines
from zettel.storage.notes import PROPOSED_FACT, Kind, Note, fold, order_key
from zettel.storage.store import NoteFilter
from zettel.tools.changes.conflicts import CONFLICT_MAX_CANDIDATES
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.consolidate.drafts import (
    GENERALIZE_CHANGE,
    DerivedDraft,
    cited,
    is_refused,
    may_generalize,
    name_sources,
    offers_of,
)
from zettel.tools.evolve.consolidate.profile import FACT_MAX_CHARACTERS
from zettel.tools.evolve.consolidate.told_facts import read_facts
from zettel.tools.evolve.steps.base import Task
from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.facts import Statement
from zettel.tools.language.relations import THE_USER
from zettel.tools.language.times import iso_day

FACT_MIN_OCCASIONS = 3
"""Sessions, or days, on which a fact was told: once more than what may be a slip and its echo."""
STANDING_KINDS = frozenset({Kind.SEMANTIC, Kind.CORE})


@dataclass(frozen=True, slots=True)
class _Told:
    """A note, and its statement of the fact."""

    note: Note
    value: str
    """Empty where it is denied."""
    sure: bool
    """Whether the words say that it is this fact, and so count for it."""


class _Facts:
    """The facts of notes, read once of each: it may be near to many facts."""

    def __init__(self) -> None:
        self._by_row = dict[str, list[Statement]]()

    def of(self, note: Note) -> list[Statement]:
        """The facts of a note."""
        if note.row_id not in self._by_row:
            self._by_row[note.row_id] = read_facts(note)
        return self._by_row[note.row_id]


async def repeated_facts(
    task: Task, namespace: str, seeds: Sequence[Note]
) -> tuple[list[DerivedDraft], list[Note]]:
    """Offers of the facts that some notes state, and all that was offered for them before.

    Only what is trusted fully and stated for sure counts, of one author, and only as long as the
    newest note on the fact has that value. Nothing is offered where a standing note tells it.
    """
    stated, facts = dict[tuple[str, str], tuple[Statement, Note]](), _Facts()
    for note in sorted(seeds, key=order_key):
        if may_generalize(task, note):
            for one in await read_in_thread(facts.of, note):
                if one.who and one.fact:
                    stated[one.who, one.fact] = one, note
    drafts, known = list[DerivedDraft](), list[Note]()
    for fact, (statement, note) in stated.items():
        told = await _telling(task, namespace, facts, statement, note)
        before = await offers_of(task, [one.note for one in told])
        before = [offer for offer in before if offer.origin.principal == PROPOSED_FACT]
        known += before
        if draft := _offer(fact, told, before):
            drafts.append(draft)
    return drafts, known


async def _telling(
    task: Task, namespace: str, facts: _Facts, statement: Statement, seed: Note
) -> list[_Told]:
    """The notes that state a fact of somebody, with any value, oldest first."""
    where = NoteFilter(namespaces=(namespace,), unexpired_at=task.now)
    words = f"{statement.words} {statement.value}"
    near = await match_outlines(task.batch, words, where, limit=CONFLICT_MAX_CANDIDATES)
    ids = {outline.note_id for outline in near} | {seed.note_id}
    notes = [note for note in await task.batch.get(sorted(ids)) if may_generalize(task, note)]
    notes = [note for note in notes if task.memory.trust.are_peers(note, seed)]

    def read() -> list[_Told]:
        return [one for note in notes for one in _told(note, facts.of(note), statement)]

    return sorted(await read_in_thread(read), key=lambda one: order_key(one.note))


def _told(note: Note, facts: Iterable[Statement], statement: Statement) -> list[_Told]:
    """What a note with these facts states about one; unsure where it tells only a change of it.

    "Herr Oduya is gone to Nürnberg" may end where he lives, in words that no form of a fact has.
    """
    fact = (statement.who, statement.fact)
    stated = [one for one in facts if (one.who, one.fact) == fact]
    if not stated and find_change_cue(note.content):
        words, meant = fold(note.content), {statement.value, statement.who} - {THE_USER}
        return [_Told(note, "", sure=False)] if any(one in words for one in meant) else []
    return [_Told(note, "" if s.denied else s.value, sure=s.sure and s.plain) for s in stated]


def _spelled(who: str, content: str) -> str:
    """A folded name as spelled in a text; empty if it is not there or has no capital."""
    if who == THE_USER:
        return THE_USER
    found = re.search(rf"(?<!\w){re.escape(who)}(?!\w)", content, re.IGNORECASE)
    return found[0] if found and found[0][:1].isupper() else ""


def _offer(
    fact: tuple[str, str], told: Sequence[_Told], before: Iterable[Note]
) -> DerivedDraft | None:
    """The offer of a fact's newest value; None where it stands, was refused, or told too seldom."""
    value = told[-1].value if told else ""
    same = (one.note for one in told if one.value == value and one.sure)
    alike = list({note.note_id: note for note in same}.values())
    ids = {note.note_id for note in alike}
    occasions = {note.session or note.happened_at.date() for note in alike}
    plain = [note for note in alike if len(note.content) <= FACT_MAX_CHARACTERS]
    if not value or not plain or len(occasions) < FACT_MIN_OCCASIONS:
        return None
    if any(note.kind in STANDING_KINDS for note in alike):
        return None
    if any(is_refused(offer) and not ids.isdisjoint(cited(offer)) for offer in before):
        return None
    plainest = min(plain, key=lambda note: len(note.content))
    days = [iso_day(note.happened_at) for note in alike]
    who, name = fact
    return DerivedDraft(
        sort=PROPOSED_FACT,
        key=alike[0].note_id,
        namespace=plainest.namespace,
        kind=Kind.SEMANTIC,
        subject=plainest.subject or _spelled(who, plainest.content),
        content=plainest.content,
        context=f"Told {len(occasions)} times, from {days[0]} to {days[-1]}"
        f" ({name_sources(alike)}).",
        sources=tuple(alike),
        reason=f"{len(alike)} notes tell {who}'s {name} alike",
        step=GENERALIZE_CHANGE,
        stage=0,
    )
