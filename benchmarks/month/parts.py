"""What each part of recall is worth to a month: every question asked again without it."""

from collections.abc import Mapping, Sequence

from benchmarks.month.play import Asked
from benchmarks.month.report import figures

COUNTED = ("right first", "right in three", "stale above current")


def write_parts(asked: Sequence[Asked], without: Mapping[str, Sequence[Asked]]) -> str:
    """A row for each part: the figures with everything, and what changes without it.

    Args:
        asked: Every question of all months, with everything.
        without: Part -> the same questions, asked without it.
    """
    lines = [
        f"| without | {' | '.join(COUNTED)} | questions won | lost |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for part, again in (("nothing", asked), *without.items()):
        found = figures(again)
        first = [
            (one.first_gold == 0, other.first_gold == 0)
            for one, other in zip(asked, again, strict=True)
        ]
        won, lost = first.count((True, False)), first.count((False, True))
        cells = (*(f"{100 * found[name]:.1f}" for name in COUNTED), str(won), str(lost))
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(
        ["", "*won*: right first with the part alone; *lost*: without it alone.", "", *lines, ""]
    )
