"""What was seen of the changes, as Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.changes.play import Alarms, Answers, Seen

SHOWN_MAX_CANDIDATES = 3


def write_report(
    seen: Mapping[str, Sequence[Seen]], alarms: Mapping[str, Alarms], answers: Sequence[Answers]
) -> str:
    """The changes of each set by sort and by language, false alarms, then pairs."""
    lines = ["# Changes", ""]
    for name, of in seen.items():
        lines += [f"## {name}", "", *_changes(of)]
    lines += [
        "| what changes nothing | notes | taken for a change | linked |",
        "|---|---:|---:|---:|",
    ]
    for name, of in alarms.items():
        shares = (len(of.candidates) / of.notes, len(of.links) / of.notes)
        lines.append(f"| {name} | {of.notes} | {shares[0]:.1%} | {shares[1]:.1%} |")
    lines += ["", *_pairs(answers)]
    return "\n".join(lines) + "\n"


def _changes(seen: Sequence[Seen]) -> list[str]:
    lines = list[str]()
    groups: list[tuple[str, Callable[[Seen], str]]] = [
        ("sort", lambda one: one.change.sort),
        ("language", lambda one: "two" if one.change.old_language else one.change.language),
        ("old value", lambda one: "named" if one.change.names_old else "not named"),
    ]
    for name, key in groups:
        lines += [
            f"| {name} | changes | named by `remember` | linked by evolution |",
            "|---|---:|---:|---:|",
        ]
        values = dict.fromkeys(key(one) for one in seen)
        lines += [_row(value, [one for one in seen if key(one) == value]) for value in values]
        lines += [_row("**all**", seen), ""]
    others = sum(one.others for one in seen), sum(one.falsely_linked for one in seen)
    lines += [f"Wrongly named or linked beside the old note: {others[0]}, {others[1]}.", ""]
    first = _share(one.newer_first for one in seen if one.change.names_old)
    return [*lines, f"Old value named, newer first and older marked by recall: {first}.", ""]


def _pairs(answers: Sequence[Answers]) -> list[str]:
    lines = [
        "| notes on | pairs | asked for the first told: right first"
        " | for the second | taken for a change |",
        "|---|---:|---:|---:|---:|",
    ]
    two = [one for one in answers if not one.pair.is_one_thing]
    sorts = dict.fromkeys(one.pair.of for one in two)
    lines += [_pair_row(of, [one for one in two if one.pair.of == of]) for of in sorts]
    lines.append(_pair_row("**two things**", two))
    one = [one for one in answers if one.pair.is_one_thing]
    first, taken = _share(o.first for o in one), _share(o.taken for o in one)
    return [*lines, f"| **one thing that has changed** | {len(one)} | | {first} | {taken} |"]


def _pair_row(name: str, of: Sequence[Answers]) -> str:
    first, first_else = _share(one.first for one in of), _share(one.first_else for one in of)
    return f"| {name} | {len(of)} | {first} | {first_else} | {_share(one.taken for one in of)} |"


def _row(name: str, of: Sequence[Seen]) -> str:
    cells = [
        _share(one.named is not None and one.named < SHOWN_MAX_CANDIDATES for one in of),
        _share(one.linked for one in of),
    ]
    return f"| {name} | {len(of)} | {' | '.join(cells)} |"


def _share(of: Iterable[bool]) -> str:
    all_of = list(of)
    return f"{sum(all_of) / len(all_of):.0%}" if all_of else ""


def write_misses(
    seen: Iterable[Seen], alarms: Mapping[str, Alarms], answers: Iterable[Answers]
) -> str:
    """Every change that was missed, every false alarm, and every pair with the wrong note first."""
    lines = [
        f"{one.change.id} [{one.change.sort}]{'' if one.linked else ' not linked'}:"
        f" {one.change.old!r} -> {one.change.new!r}"
        for one in seen
        if one.named is None or not one.linked
    ]
    for name, of in alarms.items():
        lines += [f"{name}, taken for a change: {text}" for text in of.candidates]
        lines += [f"{name}, linked: {text}" for text in of.links]
    for one in answers:
        pair, asked = one.pair, [one.pair.asked][one.first :]
        asked += [one.pair.asked_else][one.first_else :]
        lines += [f"{pair.of}, {text!r}: {pair.older!r}, {pair.younger!r}" for text in asked]
    return "\n".join(lines) + "\n"
