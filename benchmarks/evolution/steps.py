"""What each step of evolution is worth to the ranking: one more each time, asked after each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.evolution.desk import Asking, opened_desk
from benchmarks.evolution.trials import Sample, Trial, measured
from zettel.storage.embedding.embedder import Embedder
from zettel.tools.evolve.run import EVOLUTION_STEPS

OFF = "off"
DEPTH = "recall@10"
GAIN = "nDCG@10"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The store with the steps up to one of them."""

    step: str
    changed: int
    """Notes that this step changed or made; where none, the answers are those of the stage before,
    and nothing was asked again."""
    samples: Sequence[Sample]


async def ablate(
    trial: Trial,
    embedder: Embedder,
    store: Path,
    *,
    progress: Progress,
    asking: Asking | None = None,
) -> list[Stage]:
    """Tell, ask, and ask again after each step.

    Args:
        trial: What to tell and ask.
        embedder: Loaded.
        store: A directory that is not there yet.
        progress: Told after each stage.
        asking: The LLM that evolution asks; None for none.
    """
    async with opened_desk(store, embedder, consolidates=True, asking=asking) as (desk, timed):
        await trial.tell(desk, timed)
        progress(f"{trial.name}: told")
        stages = [Stage(step=OFF, changed=0, samples=await trial.ask(desk, timed))]
        for last in range(1, len(EVOLUTION_STEPS) + 1):
            desk.now = trial.end
            name = EVOLUTION_STEPS[last - 1].name
            changed = (await desk.evolve(EVOLUTION_STEPS[:last]))[name]
            samples = await trial.ask(desk, timed) if changed else stages[-1].samples
            stages.append(Stage(step=name, changed=changed, samples=samples))
            mean = fmean(measured(samples, DEPTH))
            progress(f"{trial.name}: with {name} ({changed} changed) {DEPTH} {100 * mean:.2f}")
    return stages


def write_stages(name: str, stages: Sequence[Stage]) -> str:
    """A line a step: what it changed, the ranking over all questions, and by category.

    Args:
        name: Of what was told.
        stages: In their order.
    """
    categories = sorted({s.category for s in stages[0].samples if s.evidence}, key=_in_order)
    counts = [_count(stages[0].samples, category) for category in categories]
    heads = [f"{c} ({count})" for c, count in zip(categories, counts, strict=True)]
    lines = [
        f"## {name}: {sum(counts)} questions",
        "",
        f"| steps | notes changed | {DEPTH} | against off | {GAIN} | {' | '.join(heads)} |",
        f"|---|{'---:|' * (4 + len(heads))}",
    ]
    off = fmean(measured(stages[0].samples, DEPTH))
    for stage in stages:
        mean = fmean(measured(stage.samples, DEPTH))
        gain = fmean(measured(stage.samples, GAIN))
        by = [_of(stage.samples, category) for category in categories]
        cells = [f"{100 * mean:.2f}", f"{100 * (mean - off):+.2f}", f"{100 * gain:.2f}"]
        cells += [f"{100 * fmean(measured(samples, DEPTH)):.1f}" for samples in by]
        label = stage.step if stage.step == OFF else f"+ {stage.step}"
        lines.append(f"| {label} | {stage.changed} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", ""])


def _of(samples: Sequence[Sample], category: str) -> list[Sample]:
    return [sample for sample in samples if sample.category == category]


def _count(samples: Sequence[Sample], category: str) -> int:
    return sum(bool(sample.evidence) for sample in _of(samples, category))


def _in_order(category: str) -> tuple[int, str]:
    """The generator's categories begin with their numbers."""
    number = category.split()[0]
    return (int(number) if number.isdigit() else 0), category
