"""The protocol's own conformance suite, another code base, against our application; both eras."""

import os
import re
from pathlib import Path

import anyio
import pytest
from mcp.shared.exceptions import MCPDeprecationWarning
from tests.server.doors import STREAMS_LEFT_OPEN, House, opened
from tests.server.suite.fixtures import suite_server

NODE = os.environ.get("ZETTEL_TEST_NODE", "")
SUITE = os.environ.get("ZETTEL_TEST_CONFORMANCE", "")
PATIENCE_S = 240

pytestmark = [
    pytest.mark.slow,
    STREAMS_LEFT_OPEN,
    # The suite asks for logging as well.
    pytest.mark.filterwarnings(f"ignore::{MCPDeprecationWarning.__module__}.MCPDeprecationWarning"),
    pytest.mark.skipif(
        not (NODE and SUITE),
        reason="set ZETTEL_TEST_NODE to a node of 22 or newer (npm install node@24) and"
        " ZETTEL_TEST_CONFORMANCE to a folder in which"
        " `npm install @modelcontextprotocol/conformance@0.2.0-alpha.12` was run",
    ),
]


LEFT_OUT = re.compile(r"tasks-.+")
"""Scenarios of the one extension that neither Zettel nor its SDK has: `io.modelcontextprotocol/
tasks` (SEP-2663). The suite runs them to show them, and requires none."""

OURS = {
    "2025-11-25": {
        "server-initialize", "ping", "tools-list", "resources-list", "prompts-list",
        "dns-rebinding-protection", "server-session-lifecycle",
    },
    "2026-07-28": {
        "tools-list", "resources-list", "prompts-list", "dns-rebinding-protection", "caching",
        "sep-2164-resource-not-found", "http-header-validation",
        "input-required-result-unsupported-methods",
    },
}  # fmt: skip
"""Scenarios that ask for no fixture, so that a memory can pass them as it is."""


async def verdicts(url: str, revision: str, out: Path) -> tuple[set[str], set[str], str]:
    """Run the suite: scenarios passed, scenarios failed, and its last words."""
    program = Path(SUITE) / "node_modules" / ".bin" / "conformance"
    path = os.pathsep.join((str(Path(NODE).parent), os.environ.get("PATH", "")))
    with anyio.fail_after(PATIENCE_S):
        done = await anyio.run_process(
            [
                *(NODE, str(program.resolve()), "server", "--url", f"{url}/mcp"),
                *("--requirements", revision, "-o", str(out)),
            ],
            check=False,
            env={**os.environ, "PATH": path, "HOME": str(out), "NO_COLOR": "1"},
        )
    printed = (done.stdout + done.stderr).decode()
    passed, failed = (set(re.findall(rf"^{mark} (\S+):", printed, re.M)) for mark in "✓✗")
    return passed, failed, printed[printed.find("=== SUMMARY") :]


@pytest.mark.parametrize("revision", OURS)
async def test_our_application_passes_every_scenario_of_a_revision(
    revision: str, tmp_path: Path
) -> None:
    async with opened(House(), suite_server) as doors:
        passed, failed, told = await verdicts(doors.url, revision, tmp_path)

    assert len(passed) >= 30, told
    assert {name for name in failed if not LEFT_OUT.fullmatch(name)} == set(), told


@pytest.mark.parametrize("revision", OURS)
async def test_the_memory_itself_passes_the_scenarios_that_need_no_fixture(
    revision: str, tmp_path: Path
) -> None:
    async with opened(House()) as doors:
        passed, _, told = await verdicts(doors.url, revision, tmp_path)

    assert OURS[revision] - passed == set(), told
