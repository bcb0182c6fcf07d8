"""What the verdict is worth on each set, in Markdown."""

from collections.abc import Mapping

import numpy as np

from benchmarks.generator.score import auroc
from benchmarks.verdict.learn import Flags, Sample, Values
from zettel.tools.ranking.estimate import WEIGHTS


def write_report(
    samples: Mapping[str, Sample], left_out: Mapping[str, Values], weights: Values
) -> str:
    """A row for each set as it is judged, one as it is with weights from the others, the weights.

    Args:
        samples: The sets.
        left_out: Scores of those that weights are fitted on; found from 0 on.
        weights: Fitted on all of them, the offset last.
    """
    lines = [
        "| set | questions | of them never told | AUROC | never told, not `found` |"
        " known, not `found` | known, `nothing_relevant` | left out: AUROC | never told | known |",
        f"| --- |{' ---: |' * 9}",
    ]
    for name, sample in samples.items():
        cells = [
            str(len(sample.answerable)),
            str(int((~sample.answerable).sum())),
            *_worth(sample.confidence - 0.5, sample.answerable),
            _percent(sample.nothing[sample.answerable]),
            *(_worth(left_out[name], sample.answerable) if name in left_out else ["–"] * 3),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    told = ", ".join(f'"{n}": {w:.1f}' for n, w in zip(WEIGHTS, weights[:-1], strict=True))
    return "\n".join([*lines, "", f"Fitted on all: {told}; offset {weights[-1]:.2f}", ""])


def _worth(scores: Values, answerable: Flags) -> list[str]:
    """AUROC, and the shares below 0 of what cannot and of what can be answered."""
    known, never = scores[answerable], scores[~answerable]
    return [f"{auroc(list(known), list(never)):.3f}", _percent(never < 0), _percent(known < 0)]


def _percent(flags: Flags) -> str:
    return f"{100 * float(np.mean(flags)):.0f} %"
