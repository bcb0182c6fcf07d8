"""What a month shows, as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import get_args

from benchmarks.month.play import Asked, Played
from benchmarks.month.records import Sort

BOUNDS: Mapping[str, tuple[str, float]] = {
    "right first": (">=", 0.92),
    "right in three": (">=", 0.97),
    "stale above current": ("<=", 0.0),
    "wrongly unsure": ("<=", 0.04),
    "wrongly found": ("<=", 0.25),
    "median tokens": ("<=", 500),
    "note text": (">=", 0.75),
}


def figures(asked: Sequence[Asked]) -> dict[str, float]:
    """The figures of some questions by name; shares but for the tokens."""
    known = [one for one in asked if one.question.gold]
    never = [one for one in asked if not one.question.gold]
    whole = [one for one in known if one.question.all]
    return {
        "right first": _share(one.first_gold == 0 for one in known),
        "right in three": _share(
            one.first_gold is not None and one.first_gold < 3 for one in known
        ),
        "complete": _share(one.complete for one in whole),
        "stale above current": _share(one.stale_first for one in known if one.question.stale),
        "wrongly unsure": _share(one.verdict != "found" for one in known),
        "wrongly nothing": _share(one.verdict == "nothing_relevant" for one in known),
        "wrongly found": _share(one.verdict == "found" for one in never),
        "median tokens": median(one.tokens for one in asked) if asked else 0,
        "note text": median(one.text_share for one in asked) if asked else 0,
    }


def _share(of: Iterable[bool]) -> float:
    all_of = list(of)
    return sum(all_of) / len(all_of) if all_of else 0.0


def write_report(months: Mapping[str, Played]) -> str:
    """A column for each month, the bounds, the sorts of questions and the changes."""
    by_month = {name: figures(played.asked) for name, played in months.items()}
    lines = [
        "# Months",
        "",
        _row("", *by_month, "bound"),
        _row("---", *["---:"] * (len(months) + 1)),
    ]
    for name in figures([]):
        values = [_number(found[name]) for found in by_month.values()]
        sign, bound = BOUNDS.get(name, ("", 0.0))
        lines.append(_row(name, *values, f"{sign} {_number(bound)}" if sign else ""))
    lines += [_row("changes named", *(_changes(played) for played in months.values()), "")]
    lines += [_row("refused as told", *(str(played.refused) for played in months.values()), "0")]
    lines += ["", _row("right first, by sort", *by_month), _row("---", *["---:"] * len(months))]
    for sort in get_args(Sort):
        if sort != "never":
            lines.append(_row(sort, *(_of_sort(p.asked, sort) for p in months.values())))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    return f"{value:.0%}" if value <= 1 else f"{value:.0f}"


def _changes(played: Played) -> str:
    return f"{sum(played.changes.values())} of {len(played.changes)}"


def _of_sort(asked: Sequence[Asked], sort: str) -> str:
    of = [one for one in asked if one.question.sort == sort]
    return f"{sum(one.first_gold == 0 for one in of)} of {len(of)}"


def write_misses(played: Played) -> str:
    """Each question that went wrong, in a line."""
    lines = list[str]()
    for one in played.asked:
        wrong = [
            *(["not first"] if one.question.gold and one.first_gold != 0 else []),
            *(["stale above"] if one.stale_first else []),
            *(["unsure"] if one.question.gold and one.verdict != "found" else []),
            *(["found"] if not one.question.gold and one.verdict == "found" else []),
            *(["incomplete"] if one.question.all and not one.complete else []),
        ]
        if wrong:
            shown = ", ".join(one.refs[:4])
            gold = ", ".join(one.question.gold)
            lines.append(
                f"{one.question.id} [{one.question.sort}] {one.question.question!r}:"
                f" {', '.join(wrong)}; {one.verdict}; gold {gold or 'none'}; shown {shown}"
            )
    missed = [ref for ref, named in played.changes.items() if not named]
    lines += [f"changes not named: {', '.join(missed)}"] if missed else []
    return "\n".join(lines) + "\n"
