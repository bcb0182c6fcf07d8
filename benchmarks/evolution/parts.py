"""What each part of recall is worth to the ranking: everything asked again without it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.evolution.desk import opened_desk
from benchmarks.evolution.steps import DEPTH, GAIN, Progress
from benchmarks.evolution.trials import Sample, Trial, measured
from benchmarks.recall_parts import MOVES, SIGNALS, switched_off
from zettel.storage.embedding.embedder import Embedder

NOTHING = "nothing"
FIRST = "recall@1"


async def without_each(
    trial: Trial, embedder: Embedder, store: Path, *, progress: Progress
) -> Mapping[str, Sequence[Sample]]:
    """Tell and evolve, ask, and ask again without each part.

    Args:
        trial: What to tell and ask.
        embedder: Loaded.
        store: A directory that is not there yet.
        progress: Told after each part.

    Returns:
        What is left out, `NOTHING` first -> the questions and what came.
    """
    async with opened_desk(store, embedder) as (desk, timed):
        await trial.tell(desk, timed)
        desk.now = trial.end
        await desk.evolve()
        progress(f"{trial.name}: told")
        asked = {NOTHING: await trial.ask(desk, timed)}
        for part in (*MOVES, *SIGNALS):
            with switched_off(part):
                asked[part] = await trial.ask(desk, timed)
            mean = fmean(measured(asked[part], DEPTH))
            progress(f"{trial.name}: without {part} {DEPTH} {100 * mean:.2f}")
    return asked


def write_without(name: str, asked: Mapping[str, Sequence[Sample]]) -> str:
    """A line a part: the ranking without it, and against that with everything.

    Args:
        name: Of what was told.
        asked: From `without_each`.
    """
    figures = (FIRST, DEPTH, GAIN)
    whole = [fmean(measured(asked[NOTHING], figure)) for figure in figures]
    lines = [
        f"## {name}: {len(measured(asked[NOTHING], DEPTH))} questions",
        "",
        f"| without | {' | '.join(f'{figure} | against all' for figure in figures)} | moved |",
        f"|---|{'---:|' * (2 * len(figures) + 1)}",
    ]
    for part, samples in asked.items():
        means = [fmean(measured(samples, figure)) for figure in figures]
        pairs = zip(means, whole, strict=True)
        cells = [f"{100 * mean:.2f} | {100 * (mean - of):+.2f}" for mean, of in pairs]
        both = zip(samples, asked[NOTHING], strict=True)
        moved = sum(one.ranked != other.ranked for one, other in both)
        lines.append(f"| {part} | {' | '.join(cells)} | {moved} |")
    return "\n".join([*lines, "", ""])
