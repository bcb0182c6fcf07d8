"""Many processes on one store, killed and cancelled at random, lose and double nothing.

`make torture` does the same for ten minutes.
"""

import secrets
import sys
from pathlib import Path

import pytest
from benchmarks.torture.store.siege import Plan, besiege
from tests.server.processes import ZETTEL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

PLAN = Plan(seconds=20, processes=3, seed=2, kill_s=1.5, least_kills=8, everything=True)


async def test_what_many_processes_did_to_one_store_is_there_once_whole_and_in_order(
    tmp_path: Path,
) -> None:
    verdict = await besiege(ZETTEL, tmp_path, secrets.token_hex(8), PLAN)

    assert not verdict.problems
    killed = sum(n for name, n in verdict.counts.items() if name.startswith("kill"))
    assert killed >= PLAN.least_kills
    # Evolution may be killed before its first run is over.
    assert verdict.counts["evolution runs"] or verdict.counts.get("kill -9 of evolve"), (
        verdict.counts
    )
    for happened in ("changes acknowledged", "recalls", "cancelled"):
        assert verdict.counts[happened], verdict.counts
