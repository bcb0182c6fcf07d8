"""What lines about linked notes cost an answer: its evidence with and without them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import cast

from benchmarks.evolution.desk import Asking, opened_desk
from benchmarks.evolution.trials import Sample, Told
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter, Store

BUDGETS = (250, 500, 1_000, 2_000, 4_000)
"""Tokens of an answer; 2,000 is what recall gives unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The same questions of the same store within the same tokens."""

    budget: int
    without: Sequence[Sample]
    linked: Sequence[Sample]

    def less(self) -> int:
        """Questions whose answer shows less evidence with links than without."""
        return sum(
            _shown(beside) < _shown(alone)
            for alone, beside in zip(self.without, self.linked, strict=True)
        )


class Unlinked:
    """A store whose notes have no links; all else is as it is, the order of what is found too.

    Args:
        store: Read only.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        """As the store has them, but for links."""
        return _without_links(await self._store.get(note_ids))

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        """As the store has them, but for links."""
        return _without_links(await self._store.find(where, limit=limit, offset=offset))

    async def linking_to(
        self,
        _note_ids: Sequence[str],
        *,
        known_at: datetime | None = None,
        relations: Collection[str] = (),
    ) -> list[Note]:
        """None."""
        del relations
        return []


async def beside(
    trial: Told, embedder: Embedder, store: Path, *, asking: Asking | None = None
) -> list[Beside]:
    """Tell, evolve, and ask with and without links.

    Not before and after the notes are linked: each revision that this writes moves the text scores
    of full text a little, and with them the order.

    Args:
        trial: Of questions with evidence.
        embedder: Loaded.
        store: A directory that is not there yet.
        asking: The LLM that evolution asks; None for none.
    """
    async with opened_desk(store, embedder, asking=asking) as (desk, timed):
        await trial.tell(desk, timed)
        desk.now = trial.end
        await desk.evolve()
        whole = desk.memory
        bare = replace(whole, store=cast(Store, Unlinked(whole.admin)))
        rows = list[Beside]()
        for budget in BUDGETS:
            desk.memory = bare
            without = await trial.ask(desk, timed, budget=budget)
            desk.memory = whole
            linked = await trial.ask(desk, timed, budget=budget)
            rows.append(Beside(budget=budget, without=without, linked=linked))
    return rows


def write_links(name: str, rows: Sequence[Beside]) -> str:
    """A line a budget.

    Args:
        name: Of what was told.
        rows: Of the same questions.
    """
    lines = [
        f"## {name}: {len(rows[0].without)} questions",
        "",
        "| tokens | evidence shown without links | with links | questions with less"
        " | lines of links an answer |",
        "|---:|---:|---:|---:|---:|",
        *map(_line, rows),
    ]
    return "\n".join([*lines, "", ""])


def _line(row: Beside) -> str:
    without, linked = (
        f"{100 * fmean(map(_shown, samples)):.2f}" for samples in (row.without, row.linked)
    )
    lines = fmean(sample.links for sample in row.linked)
    return f"| {row.budget} | {without} | {linked} | {row.less()} | {lines:.1f} |"


def _shown(sample: Sample) -> float:
    return len(set(sample.evidence) & set(sample.ranked)) / len(set(sample.evidence))


def _without_links(notes: Sequence[Note]) -> list[Note]:
    return [replace(note, links=()) for note in notes]
