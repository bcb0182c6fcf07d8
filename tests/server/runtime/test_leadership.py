"""Names of those who evolve a store, and whether they still live."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from tests.storage.in_memory.store import DictStore

from zettel.server.runtime.leadership import is_gone, new_holder
from zettel.tools.evolve.lease import Lease

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def dead() -> str:
    """The name of a process that has ended."""
    script = (
        "import sys; from zettel.server.runtime.leadership import new_holder;"
        " sys.stdout.write(new_holder())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_only_a_process_that_ran_here_and_has_ended_is_gone(dead: str) -> None:
    assert is_gone(dead)
    assert not is_gone(new_holder())
    assert not is_gone(f"elsewhere{dead}")
    for strange in ("", "own_lease", "a-b-c", f"{dead.rsplit('-', 2)[0]}-{10**30}-abcd"):
        assert not is_gone(strange)


async def test_the_lease_of_a_dead_leader_is_free_at_once(dead: str) -> None:
    store = DictStore()
    dead_lease, own_lease = Lease(store, dead), Lease(store, new_holder(), is_gone=is_gone)
    assert await dead_lease.acquire(NOW)

    assert await own_lease.acquire(NOW)
    assert not await dead_lease.renew(NOW + timedelta(seconds=1))
    assert not await Lease(store, new_holder(), is_gone=is_gone).acquire(NOW)
