"""Writes what a fight came to as Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.torture.fights import Outcome

SHOWN = 20
"""Of each kind of flaw, so many are named."""


def write_report(outcome: Outcome, *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        outcome: What the fight came to.
        command: How to repeat it, seed included.
        machine: Versions and hardware, one line.
    """
    blocks = [
        f"# Torture\n\n`{command}`\n\n{machine}",
        "One store; four clients that live through everything (the SDK's and bare pipes, each in "
        "both eras of the protocol), and newcomers. Every note is told once, in words nobody else "
        "uses; in the end the store is compared with what was acknowledged.",
        table(
            ("the engine ends", "rounds", "blows", "calls", "open at a blow", "to be sent again"),
            _rows(outcome),
        ),
        table(("of all calls", ""), _totals(outcome)),
    ]
    flaws = (*outcome.lost, *outcome.doubled, *outcome.hung)
    if flaws:
        blocks.append("\n".join(f"- {flaw}" for flaw in flaws[:SHOWN]))
    return "\n\n".join(blocks) + "\n"


def _rows(outcome: Outcome) -> Iterator[Sequence[str]]:
    for name, tally in outcome.tallies.items():
        flying = tally.in_flight
        middle = f"{sum(flying) / len(flying):.1f} (most {max(flying)})" if flying else "–"
        yield (
            name,
            str(tally.rounds),
            str(tally.blows),
            str(tally.calls),
            middle,
            str(tally.sent_again),
        )
    yield (
        "**all**",
        str(sum(tally.rounds for tally in outcome.tallies.values())),
        str(outcome.blows),
        str(sum(tally.calls for tally in outcome.tallies.values())),
        "",
        str(sum(tally.sent_again for tally in outcome.tallies.values())),
    )


def _totals(outcome: Outcome) -> Iterator[Sequence[str]]:
    yield ("acknowledged", str(outcome.acknowledged))
    yield ("stored", str(outcome.stored))
    yield ("lost", str(len(outcome.lost)))
    yield ("doubled", str(len(outcome.doubled)))
    yield ("hung", str(len(outcome.hung)))
    yield ("answered twice or unasked", str(outcome.unexpected))
    yield ("blows at an evolution that was over", str(outcome.late))
    yield ("rounds that left two engines", str(outcome.rivals))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its numbers to the right."""
    aligned = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
