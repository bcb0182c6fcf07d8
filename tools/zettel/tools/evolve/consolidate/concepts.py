"""Concepts: notes that say nearly the same, and notes on one thing, in one note that cites them.

ArcMemo (arXiv 2509.04439) keeps beside what happened what it comes to. Here by rule, and so by
quotation: a concept says nothing that its notes do not say, and they stay as they are.
"""

# scikit-learn ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import anyio
import numpy as np
import regex as re

from zettel.storage.notes import CONCEPT, Kind, Note, fold, order_key
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.evolve.consolidate.draft import DerivedDraft
from zettel.tools.evolve.consolidate.sentences import as_row, most_central, quotable, worth
from zettel.tools.evolve.steps.base import Task
from zettel.tools.language.names import find_names
from zettel.tools.language.terms import terms
from zettel.tools.render import shorten

ALIKE = 0.75
"""Exact cosine of best passages from which two notes may belong together."""
TOGETHER = 0.70
"""Mean cosine of the notes of two clusters from which they are one; of those tried (0.5, 0.6, 0.7)
the one whose clusters hold most often what answers one question."""
SAME = 0.90
"""Exact cosine from which two notes may say the same; the words decide (`says_same`). Of
42 notes of LoCoMo told twice in other punctuation 32 are folded; what cannot be quoted never is."""
SHARED = 0.8
"""Share of their different words that two notes have in common which say the same."""
LEAST = 3
"""Notes of a cluster that do not say the same from which it is a concept."""
NEAREST = 24
"""Notes looked at beside each passage."""
PASSAGES = 4
"""First passages of a note that are looked beside."""
POOL = 120
"""Notes in reach of each other above which nothing is told apart any more: greetings and thanks."""
QUOTED = 2
QUOTE = 140
"""Notes that a cluster quotes, and characters of a quotation."""
LENGTH = 400
"""Bytes of a concept in a writer's words: about what two quotations with their heads take."""

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NEGATION = re.compile(r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|\w+n't)\b")
_COUNTS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third)\b"
)


def says_same(one: Note, other: Note) -> bool:
    """Whether two notes about one subject differ in nothing that matters, by their words.

    Numbers, names and negations must be the very same, and nearly all words: "the rent is 1200"
    and "the rent is 1300" are alike to any model, and so is "works" to "does not work".
    """
    if fold(one.subject) != fold(other.subject):
        return False
    if _exact(one.content) != _exact(other.content):
        return False
    mine, theirs = set(terms(one.content)), set(terms(other.content))
    return len(mine & theirs) >= SHARED * len(mine | theirs) and bool(mine)


def _exact(text: str) -> tuple[frozenset[str], ...]:
    folded = fold(text).replace("’", "'")
    found = (pattern.findall(folded) for pattern in (_NUMBER, _COUNTS, _NEGATION))
    return (*map(frozenset, found), frozenset(map(fold, find_names(f"x {text}"))))


async def concepts(
    task: Task, namespace: str, seeds: Sequence[Note]
) -> tuple[list[DerivedDraft], list[Note]]:
    """What the concepts around some notes should be.

    Args:
        task: The run.
        namespace: Whose.
        seeds: Active notes that are new or were cited by a concept that has lost a note.

    Returns:
        The drafts, and the concepts that stand by now for any of the notes looked at.
    """
    drafts, seen = list[DerivedDraft](), set[str]()
    for seed in sorted(seeds, key=order_key):
        if seed.note_id in seen:
            continue
        pool = await _in_reach(task, namespace, seed.note_id)
        seen |= pool.keys()
        if 1 < len(pool) <= POOL:
            found = await task.memory.store.get(sorted(pool))
            notes = sorted((n for n in found if n.kind is not Kind.WORKING), key=order_key)
            drafts += await anyio.to_thread.run_sync(_drafts, notes, pool)
    pointing = await task.memory.store.linking_to(sorted(seen)) if seen else []
    return drafts, [note for note in pointing if note.origin.principal == CONCEPT]


async def _in_reach(task: Task, namespace: str, note_id: str) -> dict[str, Vectors]:
    """The notes that a chain of pairs alike leads to, with their vectors; stops beyond `POOL`."""
    store, where = task.memory.store, NoteFilter(namespaces=(namespace,))
    reached, ahead = dict[str, Vectors](), {note_id}
    while ahead and len(reached) <= POOL:
        vectors = await store.passages_of(sorted(ahead))
        reached |= vectors
        beside = set[str]()
        for passages in vectors.values():
            for vector in passages[:PASSAGES]:
                near = await store.nearest(vector, where, limit=NEAREST, least=ALIKE)
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
    """Indices of the rows that belong together.

    Agglomerative clustering with average linkage: it needs no number of clusters, has no random
    start, and leaves alone what is alike to nothing. On LoCoMo (conv-26) two notes that it joins
    are evidence of one question 19 times as often as any two, of a Gaussian mixture's (MemGAS,
    arXiv 2505.19549) 6 to 13 times, whichever number of components.
    """
    # Imported here, as the keywords' part of it is.
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415

    clustering = AgglomerativeClustering(
        n_clusters=None,  # pyright: ignore[reportArgumentType]: None asks for the threshold
        metric="cosine",
        linkage="average",
        distance_threshold=1 - TOGETHER,
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
        says_same(one, other)
        and float((vectors[one.note_id] @ vectors[other.note_id].T).max()) >= SAME
        for one, other in combinations(telling, 2)
    )
    if not same and len(telling) < LEAST:
        return None
    subjects = {fold(note.subject): note.subject for note in telling}
    known = frozenset(subjects)
    best_of = [max((worth(note, text, known), text) for text in quotable(note)) for note in telling]
    best = most_central(rows, 1 if same else QUOTED, [much for much, _ in best_of])
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
        room=0 if same else LENGTH,  # what is said twice in the same words needs no others
        sources=tuple(telling),
        reason=f"{len(telling)} notes that {'say the same' if same else 'belong together'}",
    )


def _quote(note: Note, text: str) -> str:
    who = f"{note.subject}: " if note.subject else ""
    return f"{who}{shorten(text, QUOTE)}"


def _span(notes: Sequence[Note]) -> str:
    """From when to when, by day."""
    days = [f"{n.happened_at.day} {n.happened_at:%B} {n.happened_at.year}" for n in notes]
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
