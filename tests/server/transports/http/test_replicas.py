"""Three `zettel serve` on one bucket behind nginx: writers, an erasure, and one server killed."""

import logging
import ssl
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

import anyio
import anyio.to_thread
import pytest
from mcp import Client
from tests.object_server import ON_ONE_SERVER, Objects
from tests.server.doors import STREAMS_LEFT_OPEN
from tests.server.processes import PATIENCE_S, Process, environment, run_zettel, started
from tests.server.transports.http.test_nginx import NAME, NGINX, Front, proxying

from zettel.storage.doctor.read import look_at_tables
from zettel.storage.lance.reads import read_rows
from zettel.storage.lance.store import LanceStore, open_as_it_is
from zettel.storage.notes import Run
from zettel.storage.store import NoteFilter
from zettel.tools.doctor.checks import CHECKS
from zettel.tools.erasure.orders import pending_erasures

pytestmark = [
    ON_ONE_SERVER,
    pytest.mark.slow,
    STREAMS_LEFT_OPEN,
    pytest.mark.skipif(
        not NGINX,
        reason="set ZETTEL_TEST_NGINX to an nginx (apt-get download nginx; dpkg -x)",
    ),
]

REPLICAS, WRITERS, NOTES_OF_WRITER = 3, 4, 8
KILLED_AFTER, ERASED_AFTER = 16, 22
"""Acknowledged notes."""
LOOK_S = 1.0
"""Seconds between two looks at what servers do in the background."""
READ_TIMEOUT_S = 75
"""Of the file that is handed out."""

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Play:
    """What the writers have seen."""

    front: Front
    replicas: list[Process]
    told: dict[str, str] = field(default_factory=dict[str, str])
    """Content -> id, of every acknowledged note."""
    reached: Mapping[int, anyio.Event] = field(
        default_factory=lambda: {n: anyio.Event() for n in (KILLED_AFTER, ERASED_AFTER)}
    )
    """Set when this number of notes is told."""
    failed: int = 0
    """Calls that were made again."""
    times_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    async def call(self, client: Client, name: str, **arguments: object) -> Mapping[str, object]:
        """Call a tool once."""
        began = time.perf_counter()
        result = await client.call_tool(name, arguments)
        assert not result.is_error, result
        self.times_s.setdefault(name, []).append(time.perf_counter() - began)
        assert result.structured_content is not None
        return result.structured_content

    async def insist(self, name: str, **arguments: object) -> Mapping[str, object]:
        """Call a tool until it is answered, as a client does whose server was restarted."""
        with anyio.fail_after(PATIENCE_S):
            while True:
                try:
                    async with self.front.client("http", "auto") as client:
                        return await self.call(client, name, **arguments)
                except* Exception as errors:
                    self.failed += 1
                    logger.info("%s again: %r", name, errors.exceptions[0])
        raise AssertionError

    def log_times(self, when: str) -> None:
        """Log the median of each call, and begin anew."""
        for name, times in self.times_s.items():
            logger.info("%s %s: p50 %.0f ms of %d", name, when, median(times) * 1000, len(times))
        self.times_s.clear()

    async def write(self, writer: int) -> None:
        """Tell notes, and ask for each."""
        for number in range(NOTES_OF_WRITER):
            content = f"Hive {writer}-{number} swarmed in week {number}"
            note = await self.insist("remember", content=content)
            self.told[content] = str(note["note_id"])
            if event := self.reached.get(len(self.told)):
                event.set()
            found = await self.insist("recall", query=f"When did hive {writer}-{number} swarm?")
            assert content in str(found), found

    async def kill(self) -> None:
        """Take one server away, once some notes are told."""
        await self.reached[KILLED_AFTER].wait()
        popen = self.replicas[0].popen
        popen.kill()
        # As its host does: of a process that is not waited for the others believe that it lives.
        await anyio.to_thread.run_sync(popen.wait)

    async def erase(self) -> str:
        """Erase the first note once more are told; its id."""
        await self.reached[ERASED_AFTER].wait()
        content = next(iter(self.told))
        note_id = self.told.pop(content)
        preview = await self.insist("forget", note_ids=[note_id], erase=True)
        await self.insist("forget", confirm=preview["confirm"])
        return note_id


@contextmanager
def playing(uri: str, folder: Path) -> Generator[Play]:
    """Servers that share nothing but the bucket, and nginx before them."""
    with ExitStack() as running:
        replicas, urls, token = list[Process](), list[str](), ""
        for number in range(REPLICAS):
            own = folder / str(number)
            own.mkdir()
            env = environment(own, ZETTEL_SETTLE_SECONDS="2", ZETTEL_ERASURES=str(own / "erasures"))
            env["ZETTEL_STORE"] = uri
            if not token:
                made = run_zettel(
                    *("--in-process", "token", "create", "--name", "ana", "--namespace", "ana"),
                    env=env,
                    cwd=own,
                )
                token = made.stdout.strip()
            arguments = ("serve", "--port", "0", "--allowed-host", NAME)
            process = running.enter_context(started(*arguments, env=env, cwd=own))
            lines = [process.read_line()]
            while "Ctrl-C" not in lines[-1]:
                lines.append(process.read_line())
            health = next(line for line in lines if "/health" in line).split()[-1]
            replicas.append(process)
            urls.append(health.removesuffix("/health").removeprefix("http://"))
        port = running.enter_context(proxying(folder, *urls, read_timeout_s=READ_TIMEOUT_S))
        trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        front = Front(f"https://localhost:{port}", token, trust, 401)
        yield Play(front=front, replicas=replicas)


async def settled(store: LanceStore) -> None:
    """Wait until evolution and erasure have nothing left to do, and a run of evolution has ended.

    A run is recorded after its last note.
    """
    waiting, erasures = list[str](), 0
    # Files of the killed server's writes count as unfinished for a minute, in each of two tables.
    with anyio.move_on_after(5 * PATIENCE_S):
        while True:
            rows = [row.note for row in await read_rows(store.tables, "current")]
            waiting = [n.note_id for n in rows if not n.embed_model or n.stage < 2]
            erasures = await pending_erasures(store)
            if not waiting and not erasures and await evolutions(store):
                return
            # The servers are other processes: no event tells of it, and they need the bucket.
            await anyio.sleep(LOOK_S)
    pytest.fail(f"these notes still wait: {waiting}, {erasures} erasures, or evolution never ran")


async def evolutions(store: LanceStore) -> list[Run]:
    """Runs of evolution, oldest first."""
    runs = [run for run in await store.runs(limit=999) if run.kind == "evolve"]
    return sorted(runs, key=lambda run: run.started_at)


async def test_replicas_of_one_bucket_lose_nothing_double_nothing_and_bring_nothing_back(
    objects: Objects, tmp_path: Path
) -> None:
    uri = objects.new_uri()
    with playing(uri, tmp_path) as play:
        gone = ""

        async def erase() -> None:
            nonlocal gone
            gone = await play.erase()

        await play.write(WRITERS)
        play.log_times("alone")
        async with anyio.create_task_group() as tasks:
            for writer in range(WRITERS):
                tasks.start_soon(play.write, writer)
            tasks.start_soon(play.kill)
            tasks.start_soon(erase)
        store = await open_as_it_is(uri)
        await settled(store)

        play.log_times(f"of {WRITERS} writers, {play.failed} calls made again")
        rows = [row.note for row in await read_rows(store.tables, "")]
        kept = Counter(note.content for note in rows if note.current and not note.derived)
        assert kept == Counter(play.told.keys())
        assert gone not in {note.note_id for note in rows}
        assert await store.relapsed() == ()
        assert list(await store.erased([gone])) == [gone]
        [receipt] = await store.receipts()
        assert receipt.physical_at is not None
        runs = await evolutions(store)
        assert runs
        assert all(first.ended_at <= second.started_at for first, second in pairwise(runs))
        seen = await look_at_tables(store.tables)
        assert [f.name for check in CHECKS for f in check.run(seen) if f.is_damage] == []
        assert await store.count(NoteFilter(namespaces=("ana",))) == len(play.told)
        await store.close()
