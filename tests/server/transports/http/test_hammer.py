"""Two tenants who know all of each other hammer one server, and see nothing of it.

`make soak` does the same for five minutes.
"""

import secrets
import sys
from pathlib import Path

import pytest
from benchmarks.soak.ears import NOTIFIED
from benchmarks.soak.hammer import Plan, hammer
from benchmarks.soak.report import write_judgement
from mcp.shared.exceptions import MCPDeprecationWarning
from tests.server.doors import STREAMS_LEFT_OPEN
from tests.server.processes import ZETTEL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    # The older era is served to whoever speaks it.
    pytest.mark.filterwarnings(f"ignore::{MCPDeprecationWarning.__module__}.MCPDeprecationWarning"),
    STREAMS_LEFT_OPEN,
]

PLAN = Plan(seconds=30, seed=8, pause_s=0.2)
"""The pause leaves a core to whoever tests beside."""

GROWTH = 1.2
"""Of the server's memory once it is warm; its store grows all the time."""


async def test_tenants_who_know_all_of_each_other_see_nothing_of_it_and_lose_nothing(
    tmp_path: Path,
) -> None:
    judgement = await hammer(ZETTEL, tmp_path, secrets.token_hex(8), PLAN)
    print(write_judgement(judgement, PLAN, command="", machine=""))  # noqa: T201  its times

    assert not judgement.problems
    assert judgement.growth < GROWTH, judgement.resident
    heard, counts = judgement.heard, judgement.verdict.counts
    happened = (heard["questions"], heard["refused"], heard[NOTIFIED])
    assert all((*happened, counts["changes acknowledged"], counts["recalls"])), (heard, counts)
    tools = {"remember", "recall", "update", "forget"}
    others = {"resources/read", "resources/subscribe", "completion/complete", "prompts/get"}
    assert judgement.taken.keys() >= tools | others
