"""Concepts: notes that cite and quote a cluster of repeated or related notes.

Concept memory beside episodes as in ArcMemo (arXiv 2509.04439), by rule and quotation.
"""

# scikit-learn ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import regex as re

from zettel.storage.notes import CONCEPT, Kind, Note, fold, order_key
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.consolidate.drafts import DerivedDraft
from zettel.tools.evolve.consolidate.sentences import as_row, ended, most_central, quotable, worth
from zettel.tools.evolve.steps.base import Task
from zettel.tools.language.names import find_names
from zettel.tools.language.terms import terms
from zettel.tools.render import shorten

CONCEPT_MIN_COSINE = 0.75
"""Exact cosine of best passages from which two notes may belong together."""
CLUSTER_MIN_COSINE = 0.70
"""Mean cosine at which two clusters are one; best of 0.5, 0.6 and 0.7 by shared
evidence."""
REPEAT_MIN_COSINE = 0.90
"""Exact cosine from which two notes may be repeats (`SaidWords`); folds 32 of 42
repunctuated notes of LoCoMo."""
REPEAT_MIN_SHARED = 0.8
"""Share of different words that two repeats have in common."""
REPEAT_MAX_CHARACTERS = 4_000
"""Characters of a note that may be repeated in other words: two of 32,000 take 100 ms to read."""
CONCEPT_MIN_NOTES = 3
"""Notes of a cluster without repeats that make a concept."""
CONCEPT_NEAREST_NOTES = 24
"""Nearest notes read per passage."""
CONCEPT_MAX_PASSAGES = 4
"""First passages of a note that are searched with."""
POOL_MAX_NOTES = 120
"""Connected notes above which no clusters are made: greetings and thanks."""
CONCEPT_MAX_QUOTES = 2
CONCEPT_QUOTE_CHARACTERS = 140
"""Quotations of a concept, and their longest."""
CONCEPT_MAX_BYTES = 400
"""A concept in a writer's words: about the size of two quotations with their heads."""

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NEGATION = re.compile(r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|\w+n't)\b")
_COUNTS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidWords:
    """What a note says by its words, read once for all pairs that it is in.

    Numbers, names and negations must be equal, which no embedding tells apart: "the rent is 1200"
    and "the rent is 1300"; so must all that comes after the first `REPEAT_MAX_CHARACTERS`.
    """

    subject: str
    exact: tuple[frozenset[str], ...]
    """Numbers, names and negations."""
    terms: frozenset[str]
    rest: str

    @classmethod
    def of(cls, note: Note) -> "SaidWords":
        """What a note says."""
        read = note.content[:REPEAT_MAX_CHARACTERS]
        return cls(
            subject=fold(note.subject),
            exact=_exact(read),
            terms=frozenset(terms(read)),
            rest=note.content[REPEAT_MAX_CHARACTERS:],
        )

    def repeats(self, other: "SaidWords") -> bool:
        """Whether both say the same about one subject."""
        if (self.subject, self.exact, self.rest) != (other.subject, other.exact, other.rest):
            return False
        shared, all_terms = self.terms & other.terms, self.terms | other.terms
        return len(shared) >= REPEAT_MIN_SHARED * len(all_terms) and bool(self.terms)


def _exact(text: str) -> tuple[frozenset[str], ...]:
    folded = fold(text).replace("’", "'")
    found = (pattern.findall(folded) for pattern in (_NUMBER, _COUNTS, _NEGATION))
    return (*map(frozenset, found), frozenset(map(fold, find_names(f"x {text}"))))


async def concepts(
    task: Task, namespace: str, seeds: Sequence[Note]
) -> tuple[list[DerivedDraft], list[Note]]:
    """Drafts of the concepts around some notes, and existing concepts that cite any note read.

    `seeds` are active notes that are new, or were cited by a concept that has lost a source.
    """
    drafts, seen = list[DerivedDraft](), set[str]()
    for seed in sorted(seeds, key=order_key):
        if seed.note_id in seen:
            continue
        pool = await _in_reach(task, namespace, seed.note_id)
        seen |= pool.keys()
        if 1 < len(pool) <= POOL_MAX_NOTES:
            found = await task.batch.get(sorted(pool))
            found = task.memory.trust.most_trusted([n for n in found if n.kind is not Kind.WORKING])
            notes = sorted(found, key=order_key)
            drafts += await read_in_thread(_drafts, notes, pool)
    pointing = await task.batch.linking_to(sorted(seen)) if seen else []
    return drafts, [note for note in pointing if note.origin.principal == CONCEPT]


async def _in_reach(task: Task, namespace: str, note_id: str) -> dict[str, Vectors]:
    """Note id -> vectors of the notes reached by pairs alike; stops beyond `POOL_MAX_NOTES`."""
    store, where = task.batch, NoteFilter(namespaces=(namespace,))
    reached, ahead = dict[str, Vectors](), {note_id}
    while ahead and len(reached) <= POOL_MAX_NOTES:
        vectors = await store.passages_of(sorted(ahead))
        reached |= vectors
        beside = set[str]()
        for passages in vectors.values():
            for vector in passages[:CONCEPT_MAX_PASSAGES]:
                near = await store.nearest(
                    vector, where, limit=CONCEPT_NEAREST_NOTES, least=CONCEPT_MIN_COSINE
                )
                beside |= {found.outline.note_id for found in near}
        ahead = beside - reached.keys()
    return reached


def _drafts(notes: Sequence[Note], vectors: Mapping[str, Vectors]) -> list[DerivedDraft]:
    if len(notes) < 2:
        return []
    rows = np.stack([as_row(vectors[note.note_id]) for note in notes])
    drafts = list[DerivedDraft]()
    for cluster in _clusters(rows):
        found = _concept([notes[at] for at in cluster], vectors)
        drafts += [found] if found else []
    return drafts


def _clusters(rows: Vectors) -> Iterable[list[int]]:
    """Indices of rows that belong together: agglomerative clustering with average linkage.

    Needs no number of clusters and no random start. On LoCoMo (conv-26) pairs it joins are evidence
    of one question 19 times as often as any pair; those of a Gaussian mixture (MemGAS, arXiv
    2505.19549) 6 to 13 times.
    """
    # Late, for start-up time.
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415

    clustering = AgglomerativeClustering(
        n_clusters=None,  # pyright: ignore[reportArgumentType]: None asks for the threshold
        metric="cosine",
        linkage="average",
        distance_threshold=1 - CLUSTER_MIN_COSINE,
    )
    groups = dict[int, list[int]]()
    for at, label in enumerate(clustering.fit_predict(rows.astype(np.float64)).tolist()):
        groups.setdefault(int(label), []).append(at)
    return groups.values()


def _concept(notes: Sequence[Note], vectors: Mapping[str, Vectors]) -> DerivedDraft | None:
    telling = [note for note in notes if quotable(note)]
    if len(telling) < 2:
        return None
    rows = [as_row(vectors[note.note_id]) for note in telling]
    same = all(
        said.repeats(other_said)
        and float((vectors[one.note_id] @ vectors[other.note_id].T).max()) >= REPEAT_MIN_COSINE
        for (one, said), (other, other_said) in combinations(
            [(note, SaidWords.of(note)) for note in telling], 2
        )
    )
    if not same and len(telling) < CONCEPT_MIN_NOTES:
        return None
    subjects = {fold(note.subject): note.subject for note in telling}
    known = frozenset(subjects)
    best_of = [max((worth(note, text, known), text) for text in quotable(note)) for note in telling]
    best = most_central(rows, 1 if same else CONCEPT_MAX_QUOTES, [much for much, _ in best_of])
    quotes = [_quote(telling[at], best_of[at][1]) for at in sorted(best)]
    head = f"Told {len(telling)} times" if same else f"{len(telling)} notes"
    head = f"{head}, {_span(telling)}:"
    return DerivedDraft(
        sort=CONCEPT,
        key=telling[0].note_id,
        namespace=telling[0].namespace,
        subject=telling[0].subject if len(subjects) == 1 else "",
        content=f"{head} {' '.join(quotes)}",
        head=head,
        room=0 if same else CONCEPT_MAX_BYTES,  # repeats need no rewording
        sources=tuple(telling),
        reason=f"{len(telling)} notes that {'say the same' if same else 'belong together'}",
    )


def _quote(note: Note, text: str) -> str:
    who = f"{note.subject}: " if note.subject else ""
    return f"{who}{ended(shorten(text, CONCEPT_QUOTE_CHARACTERS))}"


def _span(notes: Sequence[Note]) -> str:
    """First to last day."""
    days = [f"{n.happened_at.day} {n.happened_at:%B} {n.happened_at.year}" for n in notes]
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
