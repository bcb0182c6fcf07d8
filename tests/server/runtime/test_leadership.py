"""Names of those who evolve a store, and whether they still live."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import count

import anyio.lowlevel
import pytest
from tests.storage.in_memory.store import DictStore

from zettel.server.runtime import leadership
from zettel.server.runtime.leadership import is_gone, lead, new_holder, new_run_id
from zettel.tools.evolve.lease import LEASE_LIFETIME, Lease

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


def test_ids_of_runs_sort_by_time_in_any_year() -> None:
    moments = [datetime(year, 10, 9, 8, 7, 6, tzinfo=UTC) for year in (64, 999, 1999, 2026)]
    ids = [new_run_id(moment) for moment in moments]

    assert ids == sorted(ids)
    assert ids[0].startswith("run-00641009080706-")


async def test_the_lease_of_a_dead_leader_is_free_at_once(dead: str) -> None:
    store = DictStore()
    dead_lease, own_lease = Lease(store, dead), Lease(store, new_holder(), is_gone=is_gone)
    assert await dead_lease.acquire(NOW)

    assert await own_lease.acquire(NOW)
    assert not await dead_lease.renew(NOW + timedelta(seconds=1))
    assert not await Lease(store, new_holder(), is_gone=is_gone).acquire(NOW)


@pytest.fixture
def renewing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are renewed whenever the work lets others work."""
    monkeypatch.setattr(leadership, "RENEW_S", 0)


async def turns(number: int = 50) -> None:
    """Work for a while, and let others work."""
    for _ in range(number):
        await anyio.lowlevel.checkpoint()


@pytest.mark.usefixtures("renewing")
async def test_a_lease_is_renewed_for_as_long_as_the_work_lasts() -> None:
    store, now = DictStore(), [NOW]
    lease, other = Lease(store, "mine"), Lease(store, "other")
    assert await lease.acquire(NOW)
    tries = list[bool]()

    async def work() -> str:
        for _ in range(5):
            now[0] += LEASE_LIFETIME / 2
            await turns()
            tries.append(await other.acquire(now[0]))
        return "worked"

    assert await lead(lease, lambda: now[0], work) == "worked"
    assert tries == [False] * 5
    assert await other.acquire(now[0])


@pytest.mark.usefixtures("renewing")
async def test_work_ends_when_its_lease_goes_to_another_process() -> None:
    store, done, seconds = DictStore(), list[str](), count(1)
    lease, thief = Lease(store, "mine"), Lease(store, "other", is_gone=lambda holder: True)
    assert await lease.acquire(NOW)

    async def work() -> str:
        done.append("before")
        assert await thief.acquire(NOW)
        await turns()
        done.append("after")
        return "worked"

    assert await lead(lease, lambda: NOW + timedelta(seconds=next(seconds)), work) is None
    assert done == ["before"]
    assert await thief.renew(NOW + timedelta(seconds=next(seconds)))


def test_a_lease_outlasts_several_renewals_that_fail() -> None:
    assert timedelta(seconds=3 * leadership.RENEW_S) <= LEASE_LIFETIME
