"""What gets another value without a word of the old: shown at writing, marked by evolution.

And what is shown or marked that should not be; all of it through the server, with the steps that
are on by default.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from benchmarks.generator.records import Category, Operation, Query, World
from benchmarks.generator.run import run_server
from benchmarks.generator.score import MIDDLE, SHALLOW, all_at
from benchmarks.generator.systems import Outcomes
from benchmarks.retrieval.server import Transport

_REVIEW = "review"
_OPEN: dict[str, JsonValue] = {"tags": ["needs-review"], "limit": 100, "max_tokens": 32_000}
"""Every open question of a namespace."""

Share = tuple[int, int]
"""So many, of so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicts:
    """Counts over several worlds."""

    candidates: Share
    """Pairs of which `remember` showed the older note among the first 5 candidates."""
    false_flags: Share
    """Look-alikes of which it did."""
    marked: Share
    """Pairs that evolution marked."""
    both: Share
    """Pairs that came together among the first 10."""
    false_marks: Share
    """Look-alikes that evolution marked."""
    other_marks: int
    """Marks on what is neither a pair nor rejected by its own words."""

    def plus(self, other: "Conflicts") -> "Conflicts":
        """Both together."""
        return Conflicts(
            candidates=_sum(self.candidates, other.candidates),
            false_flags=_sum(self.false_flags, other.false_flags),
            marked=_sum(self.marked, other.marked),
            both=_sum(self.both, other.both),
            false_marks=_sum(self.false_marks, other.false_marks),
            other_marks=self.other_marks + other.other_marks,
        )


async def conflicts(world: World, *, command: Path, transport: Transport) -> Conflicts:
    """Tell a world to the server, ask for its conflicts only, and list what is open.

    Raises:
        ServerError: The server fails.
    """
    run = await run_server(narrowed(world), command=command, transport=transport)
    return counted(world, run.outcomes)


def narrowed(world: World) -> World:
    """The world with these questions: those of category 5, and in each namespace what is open."""
    kept = [o for o in world.operations if not isinstance(o.expect, Query) or _of_pair(o.expect)]
    end = kept[-1].t
    kept += [_review(name, end) for name in sorted({d.conversation for d in world.documents})]
    return replace(world, operations=tuple(kept))


def counted(world: World, outcomes: Outcomes) -> Conflicts:
    """The counts of a world that was narrowed and told."""
    told = outcomes.tellings
    pairs = {frozenset((t.document, t.replaces)) for t, _ in told if t.replaces}
    alike = {frozenset((t.document, t.resembles)) for t, _ in told if t.resembles}
    rejected = {
        frozenset((right, wrong))
        for query in world.queries
        for right in query.evidence
        for wrong in query.wrong
    }
    marks = {m for q, a in outcomes.answers if q.variant == _REVIEW for m in a.linked}
    both = [all_at(MIDDLE)(q, a) == 1 for q, a in outcomes.answers if _of_pair(q)]
    return Conflicts(
        candidates=_share(t.replaces in near[:SHALLOW] for t, near in told if t.replaces),
        false_flags=_share(t.resembles in near[:SHALLOW] for t, near in told if t.resembles),
        marked=_share(pair in marks for pair in pairs),
        both=_share(both),
        false_marks=_share(pair in marks for pair in alike),
        other_marks=len(marks - pairs - alike - rejected),
    )


def write_conflicts(columns: Sequence[tuple[str, Conflicts]]) -> str:
    """A column a style."""
    rows = {
        "candidate hit@5": [_percent(found.candidates) for _, found in columns],
        "look-alikes among the candidates": [_percent(found.false_flags) for _, found in columns],
        "marked by evolution": [_percent(found.marked) for _, found in columns],
        "both among the first ten": [_percent(found.both) for _, found in columns],
        "marks on look-alikes": [_percent(found.false_marks) for _, found in columns],
        "marks on anything else": [str(found.other_marks) for _, found in columns],
    }
    head = f"| figure | {' | '.join(style for style, _ in columns)} |"
    lines = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join([head, f"|---|{'---:|' * len(columns)}", *lines, "", ""])


def _review(namespace: str, end: datetime) -> Operation:
    query = Query(
        id=f"{namespace}-review",
        conversation=namespace,
        question="",
        category=Category.CONFLICT,
        variant=_REVIEW,
        answer="",
        asked_at=end.isoformat(),
    )
    return Operation(op="recall", t=end, args={**_OPEN, "namespace": namespace}, expect=query)


def _of_pair(query: Query) -> bool:
    return query.category is Category.CONFLICT and query.variant != _REVIEW


def _share(found: Iterable[bool]) -> Share:
    each = list(found)
    return sum(each), len(each)


def _sum(one: Share, other: Share) -> Share:
    return one[0] + other[0], one[1] + other[1]


def _percent(share: Share) -> str:
    count, of = share
    return f"{100 * count / of:.0f} % ({count} of {of})" if of else "-"
