"""Writes what a siege came to as Markdown."""

from benchmarks.torture.report import SHOWN, table
from benchmarks.torture.store.siege import Plan
from benchmarks.torture.store.verdict import Verdict


def write_verdict(verdict: Verdict, plan: Plan, *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        verdict: What the siege came to.
        plan: How it was done.
        command: How to repeat it, seed included.
        machine: Versions and hardware, one line.
    """
    flaws = verdict.flaws
    found = {
        "lost": flaws.lost,
        "doubled": flaws.doubled,
        "resurrected": flaws.resurrected,
        "torn": flaws.torn,
        "failed reads": verdict.failed_reads,
        "errors nobody could expect": verdict.failed,
    }
    blocks = [
        f"# Torture of the store\n\n`{command}`\n\n{machine}",
        f"One store; {plan.processes} servers in processes of their own, each with a client that "
        "has several calls open, one process that evolves and one that keeps the store up, for "
        f"{plan.seconds:.0f} seconds. Whoever is killed is started again at once. In the end every "
        "revision is compared with what was sent and what was acknowledged.",
        table(("what happened", ""), ((name, str(n)) for name, n in verdict.counts.items())),
        table(("what went wrong", ""), ((name, str(len(all_))) for name, all_ in found.items())),
    ]
    if problems := verdict.problems:
        blocks.append("\n".join(f"- {problem}" for problem in problems[:SHOWN]))
    return "\n\n".join(blocks) + "\n"
